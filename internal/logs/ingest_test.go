package logs

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/spool"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

// said passes on what is logged.
type said chan string

func (s said) Write(b []byte) (int, error) {
	select {
	case s <- string(bytes.TrimSpace(b)):
	default:
	}
	return len(b), nil
}

// TestIngestTriesAgain: a disk that fails for a while does not end a container's log stream.
func TestIngestTriesAgain(t *testing.T) {
	w := open(t)
	path := filepath.Join(t.TempDir(), "c.log")
	if err := os.Mkdir(path, 0o700); err != nil { // cannot be read
		t.Fatal(err)
	}
	row := &task.Task{ARN: "t", Containers: []task.Container{{
		ID: "c", Name: "web", Status: task.Running, StartedAt: time.Now(),
		Log: task.LogSpec{Driver: "awslogs", Account: "000000000000", Region: "us-east-1", Group: "g", Stream: "web/web/t", CreateGroup: true},
	}}}
	if err := w.store.Update(t.Context(), func(tx *state.Tx) error { w.tasks.Tasks.Put(tx, row); return nil }); err != nil {
		t.Fatal(err)
	}
	g, _ := w.stream(t, "web/web/t")
	tail := w.Tail([]*Group{g})
	defer tail.Close()
	lines := make(said, 1)
	in := &Ingest{Engine: w.Engine, Store: w.store, Tasks: w.tasks.Tasks, Spool: func(string) string { return path }, Log: slog.New(slog.NewTextHandler(lines, nil))}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- in.Run(ctx) }()
	defer func() { stop(); <-done }()
	select {
	case line := <-lines:
		if !strings.Contains(line, "log delivery") {
			t.Fatal(line)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("nothing is wrong")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	out, err := spool.Create(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Append(spool.Record{Time: time.Now(), Stream: spool.Stdout, Line: []byte("hello")}); err != nil {
		t.Fatal(err)
	}
	select {
	case batch := <-tail.C:
		if len(batch.Events) != 1 || batch.Events[0].Message != "hello" {
			t.Errorf("%+v", batch.Events)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the line does not arrive")
	}
}

// TestFollowed: a container is followed once, and what is known of a task goes with its row.
func TestFollowed(t *testing.T) {
	f := followed{}
	one := &task.Task{ARN: "one", Containers: []task.Container{
		{ID: "a", StartedAt: time.Unix(1, 0), Log: task.LogSpec{Driver: awslogs}},
		{ID: "b", Log: task.LogSpec{Driver: awslogs}},
		{ID: "c", StartedAt: time.Unix(1, 0)},
	}}
	if got := f.news("one", one); len(got) != 1 || got[0].ID != "a" {
		t.Errorf("%+v", got)
	}
	one.Containers[1].StartedAt = time.Unix(2, 0)
	if got := f.news("one", one); len(got) != 1 || got[0].ID != "b" {
		t.Errorf("%+v", got)
	}
	if got := f.news("one", one); len(got) != 0 {
		t.Errorf("followed twice: %+v", got)
	}
	if f.news("one", nil); len(f) != 0 {
		t.Errorf("kept: %+v", f)
	}
}
