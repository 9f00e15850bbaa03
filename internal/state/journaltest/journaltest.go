// Package journaltest is the law of state.Journal as a test suite. Every
// journal runs it; a journal that passes can stand under a platform.
package journaltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/neargate/neargate/internal/state"
)

// Open opens the journal of one fixed place, again and again.
type Open func() (state.Journal, error)

// Run checks a journal. place is called for a fresh, empty place each time.
func Run(t *testing.T, place func(t testing.TB) Open) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, open Open)
	}{
		{"empty", testEmpty},
		{"rows survive reopening", testReopen},
		{"last record of a key wins", testLastWins},
		{"any key, any value", testAnyBytes},
		{"sequence is guarded", testSequence},
		{"load stops at an error", testLoadError},
		{"one owner", testOwner},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, place(t)) })
	}
	t.Run("behaves as a map", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) { checkModel(rt, place(t)) })
	})
}

// check is what *testing.T and *rapid.T have in common.
type check interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatal(args ...any)
}

type rows map[string]string // "table/key" to value

func load(t check, j state.Journal) (rows, uint64) {
	t.Helper()
	got := rows{}
	seq, err := j.Load(t.Context(), func(r state.Record) error {
		id := r.Table + "/" + r.Key
		if _, twice := got[id]; twice {
			t.Errorf("row %q loaded twice", id)
		}
		got[id] = string(r.Value)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, seq
}

func mustOpen(t check, open Open) state.Journal {
	t.Helper()
	j, err := open()
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func commit(t check, j state.Journal, seq uint64, records ...state.Record) {
	t.Helper()
	if err := j.Commit(t.Context(), state.Batch{Seq: seq, Records: records}); err != nil {
		t.Fatal(err)
	}
}

func reopen(t check, j state.Journal, open Open) state.Journal {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return mustOpen(t, open)
}

func put(table, key, value string) state.Record {
	return state.Record{Table: table, Key: key, Value: []byte(value)}
}

func testEmpty(t *testing.T, open Open) {
	j := mustOpen(t, open)
	defer j.Close()
	got, seq := load(t, j)
	if len(got) != 0 || seq != 0 {
		t.Errorf("a fresh journal has %d rows at sequence %d", len(got), seq)
	}
}

func testReopen(t *testing.T, open Open) {
	j := mustOpen(t, open)
	load(t, j)
	commit(t, j, 1, put("a", "1", "x"), put("b", "1", "y"))
	commit(t, j, 2, put("a", "1", "z"), state.Record{Table: "b", Key: "1"}, state.Record{Table: "b", Key: "absent"})
	j = reopen(t, j, open)
	defer j.Close()
	got, seq := load(t, j)
	if diff := cmp.Diff(rows{"a/1": "z"}, got); diff != "" || seq != 2 {
		t.Errorf("sequence %d, rows (-want +got):\n%s", seq, diff)
	}
	commit(t, j, 3, put("a", "2", "after reopening"))
}

func testLastWins(t *testing.T, open Open) {
	j := mustOpen(t, open)
	load(t, j)
	gone := func(key string) state.Record { return state.Record{Table: "a", Key: key} }
	commit(t, j, 1, put("a", "1", "x"), gone("1"), put("a", "1", "y"), put("a", "2", "x"), gone("2"))
	j = reopen(t, j, open)
	defer j.Close()
	got, _ := load(t, j)
	if diff := cmp.Diff(rows{"a/1": "y"}, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func testAnyBytes(t *testing.T, open Open) {
	want := rows{}
	var records []state.Record
	for i, key := range []string{"a/b:c", "naïve ☂", strings.Repeat("long", 300), "a", "A", " ", "'\"%_\\"} {
		value := fmt.Sprintf("%d\x00\xff", i)
		want["t/"+key] = value
		records = append(records, put("t", key, value))
	}
	large := string(bytes.Repeat([]byte{0, 'x'}, 1<<20))
	want["t/large"] = large
	records = append(records, put("t", "large", large))

	j := mustOpen(t, open)
	load(t, j)
	commit(t, j, 1, records...)
	j = reopen(t, j, open)
	defer j.Close()
	got, _ := load(t, j)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func testSequence(t *testing.T, open Open) {
	j := mustOpen(t, open)
	defer j.Close()
	load(t, j)
	commit(t, j, 1, put("a", "1", "x"))
	for _, seq := range []uint64{0, 1, 3} {
		err := j.Commit(t.Context(), state.Batch{Seq: seq, Records: []state.Record{put("a", "1", "wrong")}})
		if !errors.Is(err, state.ErrLost) {
			t.Errorf("batch %d after 1: got %v, want ErrLost", seq, err)
		}
	}
	j = reopen(t, j, open)
	defer j.Close()
	if got, seq := load(t, j); got["a/1"] != "x" || seq != 1 {
		t.Errorf("refused batches left row %q at sequence %d", got["a/1"], seq)
	}
}

func testLoadError(t *testing.T, open Open) {
	j := mustOpen(t, open)
	defer j.Close()
	load(t, j)
	commit(t, j, 1, put("a", "1", "x"), put("a", "2", "x"))
	broken, calls := errors.New("broken row"), 0
	_, err := j.Load(t.Context(), func(state.Record) error {
		calls++
		return broken
	})
	if !errors.Is(err, broken) || calls != 1 {
		t.Errorf("got %v after %d calls, want the row's error after 1", err, calls)
	}
}

// testOwner lets a journal either refuse a second owner or fence the first.
func testOwner(t *testing.T, open Open) {
	first := mustOpen(t, open)
	defer first.Close()
	load(t, first)
	commit(t, first, 1, put("a", "1", "first"))
	second, err := open()
	if err != nil {
		return
	}
	defer second.Close()
	load(t, second)
	commit(t, second, 2, put("a", "1", "second"))
	err = first.Commit(t.Context(), state.Batch{Seq: 2, Records: []state.Record{put("a", "1", "first again")}})
	if !errors.Is(err, state.ErrLost) {
		t.Errorf("two owners could both commit: the first got %v, want ErrLost", err)
	}
}

func checkModel(rt *rapid.T, open Open) {
	j := mustOpen(rt, open)
	defer func() { j.Close() }()
	_, seq := load(rt, j)
	model := rows{}
	for range rapid.IntRange(1, 8).Draw(rt, "batches") {
		seq++
		var records []state.Record
		for range rapid.IntRange(1, 8).Draw(rt, "records") {
			r := state.Record{
				Table: rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "table"),
				Key:   rapid.StringMatching("[a-d]{1,2}").Draw(rt, "key"),
			}
			if rapid.Bool().Draw(rt, "put") {
				r.Value = []byte(rapid.StringMatching("[a-z]{1,5}").Draw(rt, "value"))
				model[r.Table+"/"+r.Key] = string(r.Value)
			} else {
				delete(model, r.Table+"/"+r.Key)
			}
			records = append(records, r)
		}
		commit(rt, j, seq, records...)
		if rapid.IntRange(0, 7).Draw(rt, "reopen") == 0 {
			j = reopen(rt, j, open)
			got, at := load(rt, j)
			if diff := cmp.Diff(model, got); diff != "" || at != seq {
				rt.Fatalf("sequence %d, want %d; rows (-want +got):\n%s", at, seq, diff)
			}
		}
	}
}
