package logs

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/logs/pattern"
	"github.com/neargate/neargate/internal/spool"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

type world struct {
	*Engine
	store *state.Store
	tasks *task.Tables
}

func open(t *testing.T) world {
	t.Helper()
	schema := state.NewSchema()
	tables, tasks := NewTables(schema), task.NewTables(schema)
	store, err := state.Open(t.Context(), schema, state.Memory())
	if err != nil {
		t.Fatal(err)
	}
	e, err := Open(Config{Store: store, Tables: tables, Path: filepath.Join(t.TempDir(), "logs.db"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close(); store.Close() })
	return world{e, store, tasks}
}

func (w world) stream(t *testing.T, name string) (*Group, *Stream) {
	t.Helper()
	g, s, err := w.Ensure(t.Context(), "000000000000", "us-east-1", "g", name, true)
	if err != nil {
		t.Fatal(err)
	}
	return g, s
}

func (w world) fill(t *testing.T, g *Group, s *Stream, n int) {
	t.Helper()
	var batch []Event
	for i := range n {
		batch = append(batch, Event{Timestamp: int64(1000 + i), Message: fmt.Sprintf("%s %d", s.Name, i)})
	}
	if err := w.Append(t.Context(), g, s, batch); err != nil {
		t.Fatal(err)
	}
}

func TestReadBothWays(t *testing.T) {
	w := open(t)
	g, s := w.stream(t, "s")
	w.fill(t, g, s, 10)
	var forward []string
	r := Read{Head: true, Limit: 4}
	for {
		p, err := w.Read(t.Context(), s, r)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Events) == 0 {
			if p.Last != *r.After {
				t.Errorf("an empty page moves on from %v to %v", *r.After, p.Last)
			}
			break
		}
		for _, e := range p.Events {
			forward = append(forward, e.Message)
		}
		r = Read{After: &p.Last, Limit: 4}
	}
	if len(forward) != 10 || forward[0] != "s 0" || forward[9] != "s 9" {
		t.Errorf("forward %v", forward)
	}
	tail, err := w.Read(t.Context(), s, Read{Limit: 3})
	if err != nil || len(tail.Events) != 3 || tail.Events[0].Message != "s 7" {
		t.Fatalf("the last page is %v, %v", tail.Events, err)
	}
	before, err := w.Read(t.Context(), s, Read{Before: &tail.First, Limit: 3})
	if err != nil || len(before.Events) != 3 || before.Events[2].Message != "s 6" {
		t.Errorf("the page before is %v, %v", before.Events, err)
	}
	window, err := w.Read(t.Context(), s, Read{From: 1002, To: 1004, Head: true})
	if err != nil || len(window.Events) != 2 || window.Events[0].Message != "s 2" {
		t.Errorf("the window is %v, %v", window.Events, err)
	}
}

func TestFilterPagesOverStreams(t *testing.T) {
	w := open(t)
	g, a := w.stream(t, "a")
	_, b := w.stream(t, "b")
	w.fill(t, g, a, 50)
	w.fill(t, g, b, 50)
	p, err := pattern.Parse("?1 ?2")
	if err != nil {
		t.Fatal(err)
	}
	want := 0
	for i := range 50 {
		if p.Match(fmt.Sprintf("a %d", i)) {
			want += 2
		}
	}
	f := Filter{Limit: 7, Pattern: p}
	seen := map[int64]bool{}
	last := int64(0)
	for {
		found, next, err := w.Filter(t.Context(), g, f)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range found {
			if seen[e.Seq] || e.Timestamp < last {
				t.Fatalf("event %+v again or out of order", e)
			}
			seen[e.Seq], last = true, e.Timestamp
		}
		if next == nil {
			break
		}
		f.After = next
	}
	if len(seen) != want {
		t.Errorf("found %d, want %d", len(seen), want)
	}
	only, _, err := w.Filter(t.Context(), g, Filter{Pattern: p, Streams: ChooseStreams([]*Stream{a, b}, nil, []string{"b"})})
	if err != nil || len(only) != want/2 {
		t.Errorf("one stream has %d, %v", len(only), err)
	}
}

func TestDeletedGroupStartsEmpty(t *testing.T) {
	w := open(t)
	g, s := w.stream(t, "s")
	w.fill(t, g, s, 3)
	if err := w.DeleteGroup(t.Context(), g.Account, g.Region, g.Name); err != nil {
		t.Fatal(err)
	}
	_, s = w.stream(t, "s")
	p, err := w.Read(t.Context(), s, Read{Head: true})
	if err != nil || len(p.Events) != 0 {
		t.Errorf("the new group has %v, %v", p.Events, err)
	}
}

// TestIngestOnce stops and restarts the loop in the middle of a container's
// output: every line arrives, and once.
func TestIngestOnce(t *testing.T) {
	w := open(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "c.log")
	out, err := spool.Create(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	row := &task.Task{ARN: "t", Containers: []task.Container{{
		ID: "c", Name: "web", Status: task.Running, StartedAt: time.Now(),
		Log: task.LogSpec{Driver: "awslogs", Account: "000000000000", Region: "us-east-1", Group: "g", Stream: "web/web/t", CreateGroup: true},
	}}}
	if err := w.store.Update(t.Context(), func(tx *state.Tx) error { w.tasks.Tasks.Put(tx, row); return nil }); err != nil {
		t.Fatal(err)
	}
	in := &Ingest{Engine: w.Engine, Store: w.store, Tasks: w.tasks.Tasks, Spool: func(id string) string { return filepath.Join(dir, id+".log") }, Log: slog.New(slog.DiscardHandler)}
	g, s := w.stream(t, "web/web/t")
	const rounds, lines = 4, 50
	for round := range rounds {
		tail := w.Tail([]*Group{g})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- in.Run(ctx) }()
		for i := range lines {
			if err := out.Append(spool.Record{Time: time.Now(), Stream: spool.Stdout, Line: fmt.Appendf(nil, "%d", round*lines+i)}); err != nil {
				t.Fatal(err)
			}
		}
		for got := 0; got < lines; {
			select {
			case batch := <-tail.C:
				got += len(batch.Events)
			case <-time.After(10 * time.Second):
				t.Fatalf("round %d: %d lines arrived", round, got)
			}
		}
		tail.Close()
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	p, err := w.Read(t.Context(), s, Read{Head: true})
	if err != nil || len(p.Events) != rounds*lines {
		t.Fatalf("%d events, %v", len(p.Events), err)
	}
	for i, e := range p.Events {
		if e.Message != fmt.Sprint(i) {
			t.Fatalf("event %d is %q", i, e.Message)
		}
	}
}

func TestJoiner(t *testing.T) {
	j, err := newJoiner(`^\d`)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for i, line := range []string{"1 first", " more", "", "2 second", "3 third"} {
		j.add(spool.Record{Time: now, Line: []byte(line)}, int64(i+1)*10)
	}
	got, offset := j.take()
	if len(got) != 2 || got[0].Message != "1 first\n more\n" || got[1].Message != "2 second" || offset != 40 {
		t.Errorf("%+v up to %d", got, offset)
	}
	j.flush()
	if got, offset = j.take(); len(got) != 1 || got[0].Message != "3 third" || offset != 50 {
		t.Errorf("%+v up to %d", got, offset)
	}
}

// TestEventsOfNobody: a process that is killed between a stream's row and its events leaves nothing for good.
func TestEventsOfNobody(t *testing.T) {
	w := open(t)
	g, kept := w.stream(t, "kept")
	_, first := w.stream(t, "first")
	_, second := w.stream(t, "second")
	for _, s := range []*Stream{kept, first, second} {
		w.fill(t, g, s, 10)
	}
	if err := w.store.Update(t.Context(), func(tx *state.Tx) error {
		w.tables.Streams.Delete(tx, StreamKey(g.ID, "first"))
		w.tables.Streams.Delete(tx, StreamKey(g.ID, "second"))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy.db") // as the next process finds it
	if err := w.events.each(t.Context(), "VACUUM INTO ?", []any{path}, nil); err != nil {
		t.Fatal(err)
	}
	e, err := Open(Config{Store: w.store, Tables: w.tables, Path: path, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for s, want := range map[*Stream]bool{kept: true, first: false, second: false} {
		if span, err := e.Span(t.Context(), s); err != nil || (span.Bytes > 0) != want {
			t.Errorf("%s: %+v, %v", s.Name, span, err)
		}
	}
}
