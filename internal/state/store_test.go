package state_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/internal/state"
)

type fruit struct {
	Name   string
	Colour string
	Tags   []string
	Count  int
}

type basket struct {
	schema *state.Schema
	fruits *state.Table[fruit]
	seen   *state.Table[fruit] // volatile
}

func newBasket() *basket {
	s := state.NewSchema()
	key := func(f *fruit) string { return f.Name }
	return &basket{
		schema: s,
		fruits: state.AddTable(s, "test.fruit", key,
			state.Index("colour", func(f *fruit) []string { return []string{f.Colour} }),
			state.Index("tag", func(f *fruit) []string { return f.Tags })),
		seen: state.AddTable(s, "test.seen", key, state.Volatile[fruit]()),
	}
}

func (b *basket) open(t testing.TB, j state.Journal) *state.Store {
	t.Helper()
	st, err := state.Open(t.Context(), b.schema, j)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func update(t testing.TB, s *state.Store, fn func(tx *state.Tx)) {
	t.Helper()
	if err := s.Update(t.Context(), func(tx *state.Tx) error { fn(tx); return nil }); err != nil {
		t.Fatal(err)
	}
}

func names(seq func(func(*fruit) bool)) []string {
	var list []string
	for f := range seq {
		list = append(list, f.Name)
	}
	return list
}

func TestIterationOrder(t *testing.T) {
	b := newBasket()
	s := b.open(t, state.Memory())
	update(t, s, func(tx *state.Tx) {
		for _, name := range []string{"b", "ab", "a", "abc", "c"} {
			b.fruits.Put(tx, &fruit{Name: name, Colour: "red", Tags: []string{"x", name[:1]}})
		}
		b.fruits.Put(tx, &fruit{Name: "c", Colour: "red\x00ish"})
	})
	tx := s.View()
	for _, c := range []struct {
		name string
		got  []string
		want []string
	}{
		{"all", names(b.fruits.All(tx, "")), []string{"a", "ab", "abc", "b", "c"}},
		{"prefix", names(b.fruits.All(tx, "ab")), []string{"ab", "abc"}},
		{"backward", names(b.fruits.Backward(tx, "a")), []string{"abc", "ab", "a"}},
		{"from", names(b.fruits.From(tx, "abb")), []string{"abc", "b", "c"}},
		{"index", names(b.fruits.By(tx, "colour", "red")), []string{"a", "ab", "abc", "b"}},
		{"index value with NUL", names(b.fruits.By(tx, "colour", "red\x00ish")), []string{"c"}},
		{"index value that is a prefix", names(b.fruits.By(tx, "colour", "re")), nil},
		{"index of several values", names(b.fruits.By(tx, "tag", "a")), []string{"a", "ab", "abc"}},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	if n := b.fruits.Len(tx); n != 5 {
		t.Errorf("%d rows, want 5", n)
	}
}

// An iteration shows the table as it was when it began, whatever the loop does.
func TestIterateWhileWriting(t *testing.T) {
	b := newBasket()
	s := b.open(t, state.Memory())
	var want []string
	update(t, s, func(tx *state.Tx) {
		for i := range 500 {
			name := fmt.Sprintf("f%03d", i)
			want = append(want, name)
			b.fruits.Put(tx, &fruit{Name: name, Colour: "red"})
		}
	})
	update(t, s, func(tx *state.Tx) {
		var got []string
		for f := range b.fruits.By(tx, "colour", "red") {
			got = append(got, f.Name)
			b.fruits.Put(tx, &fruit{Name: f.Name, Colour: "green"})
			b.fruits.Put(tx, &fruit{Name: f.Name + "x", Colour: "red"})
			b.fruits.Delete(tx, "f499")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("iterated (-want +got):\n%s", diff)
		}
		if n := len(names(b.fruits.By(tx, "colour", "green"))); n != 499 {
			t.Errorf("%d green rows, want 499", n)
		}
	})
}

func TestFailedUpdateLeavesNothing(t *testing.T) {
	b := newBasket()
	s := b.open(t, state.Memory())
	update(t, s, func(tx *state.Tx) { b.fruits.Put(tx, &fruit{Name: "a", Colour: "red"}) })
	before := s.View()
	refused := errors.New("refused")
	err := s.Update(t.Context(), func(tx *state.Tx) error {
		b.fruits.Put(tx, &fruit{Name: "b"})
		b.fruits.Delete(tx, "a")
		return refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("got %v, want the function's error", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = s.Update(t.Context(), func(tx *state.Tx) error {
			b.fruits.Delete(tx, "a")
			panic("bug")
		})
	}()
	if s.View() != before {
		t.Error("a failed update changed the state")
	}
	update(t, s, func(tx *state.Tx) { b.fruits.Put(tx, &fruit{Name: "c"}) })
}

func TestUpdateAfterContextEnded(t *testing.T) {
	b := newBasket()
	s := b.open(t, state.Memory())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Update(ctx, func(*state.Tx) error { t.Error("function ran"); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestRestart(t *testing.T) {
	j := state.Memory()
	b := newBasket()
	s := b.open(t, j)
	update(t, s, func(tx *state.Tx) {
		b.fruits.Put(tx, &fruit{Name: "a", Colour: "red", Tags: []string{"x"}, Count: 3})
		b.fruits.Put(tx, &fruit{Name: "b", Colour: "red"})
		b.seen.Put(tx, &fruit{Name: "a"})
	})
	update(t, s, func(tx *state.Tx) { b.fruits.Delete(tx, "b") })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(*state.Tx) error { return nil }); err == nil {
		t.Error("update of a closed store succeeded")
	}

	b = newBasket()
	s = b.open(t, j)
	got, ok := b.fruits.Get(s.View(), "a")
	want := &fruit{Name: "a", Colour: "red", Tags: []string{"x"}, Count: 3}
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Errorf("row a (-want +got):\n%s", diff)
	}
	if got := names(b.fruits.By(s.View(), "tag", "x")); !slices.Equal(got, []string{"a"}) {
		t.Errorf("index after restart: %v", got)
	}
	if b.fruits.Len(s.View()) != 1 || b.seen.Len(s.View()) != 0 {
		t.Error("deleted or volatile rows came back")
	}
	update(t, s, func(tx *state.Tx) { b.fruits.Put(tx, &fruit{Name: "c"}) })
}

func TestClear(t *testing.T) {
	j := state.Memory()
	b := newBasket()
	s := b.open(t, j)
	update(t, s, func(tx *state.Tx) {
		for i := range 20 {
			b.fruits.Put(tx, &fruit{Name: fmt.Sprint(i), Colour: "red"})
		}
		b.seen.Put(tx, &fruit{Name: "x"})
	})
	if err := s.Clear(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tx := s.View(); b.fruits.Len(tx) != 0 || b.seen.Len(tx) != 0 || len(names(b.fruits.By(tx, "colour", "red"))) != 0 {
		t.Error("rows left after Clear")
	}
	s.Close()
	b = newBasket()
	if n := b.fruits.Len(b.open(t, j).View()); n != 0 {
		t.Errorf("%d rows back after restart", n)
	}
}

func TestOpenRefusesWhatItCannotRead(t *testing.T) {
	for _, c := range []struct {
		name   string
		record state.Record
		want   []string
	}{
		{"garbage", state.Record{Table: "test.fruit", Key: "a", Value: []byte("{")}, []string{"test.fruit", `"a"`, "decode"}},
		{"wrong type", state.Record{Table: "test.fruit", Key: "a", Value: []byte(`{"Name":"a","Count":"three"}`)}, []string{"test.fruit", `"a"`, "Count"}},
		{"wrong key", state.Record{Table: "test.fruit", Key: "a", Value: []byte(`{"Name":"b"}`)}, []string{"test.fruit", `"a"`, `"b"`}},
		{"unknown table", state.Record{Table: "test.stone", Key: "a", Value: []byte(`{}`)}, []string{"test.stone", `"a"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := state.Memory()
			if err := j.Commit(t.Context(), state.Batch{Seq: 1, Records: []state.Record{c.record}}); err != nil {
				t.Fatal(err)
			}
			_, err := state.Open(t.Context(), newBasket().schema, j)
			if err == nil {
				t.Fatal("opened")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %s", err, part)
				}
			}
		})
	}
}

func TestMisusePanics(t *testing.T) {
	b := newBasket()
	s := b.open(t, state.Memory())
	var kept *state.Tx
	update(t, s, func(tx *state.Tx) { kept = tx })
	for name, misuse := range map[string]func(){
		"put in a view":        func() { b.fruits.Put(s.View(), &fruit{Name: "a"}) },
		"put after the update": func() { b.fruits.Put(kept, &fruit{Name: "a"}) },
		"delete in a view":     func() { b.fruits.Delete(s.View(), "a") },
		"unknown index":        func() { b.fruits.By(s.View(), "size", "1") },
		"table after open":     func() { state.AddTable(b.schema, "late", func(f *fruit) string { return f.Name }) },
		"table added twice":    func() { b := newBasket(); state.AddTable(b.schema, "test.fruit", func(f *fruit) string { return "" }) },
		"row without key":      func() { update(t, s, func(tx *state.Tx) { b.fruits.Put(tx, &fruit{}) }) },
		"nil row":              func() { update(t, s, func(tx *state.Tx) { b.fruits.Put(tx, nil) }) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			misuse()
		})
	}
}

// Many writers and readers; with -race this is the proof that snapshots share
// nothing with the writer.
func TestConcurrentUse(t *testing.T) {
	b := newBasket()
	s := b.open(t, state.Memory())
	const writers, rounds = 8, 100
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			name := fmt.Sprintf("w%d", w)
			for i := range rounds {
				update(t, s, func(tx *state.Tx) {
					b.fruits.Put(tx, &fruit{Name: name, Colour: fmt.Sprint(i % 3), Count: i + 1})
					total, _ := b.fruits.Get(tx, "total")
					if total == nil {
						total = &fruit{Name: "total"}
					}
					c := *total
					c.Count++
					b.fruits.Put(tx, &c)
				})
				if f, _ := b.fruits.Get(s.View(), name); f == nil || f.Count != i+1 {
					t.Errorf("%s does not see its own write %d", name, i+1)
				}
				sum := 0
				for f := range b.fruits.All(s.View(), "w") {
					sum += f.Count
				}
				_ = sum
			}
		})
	}
	wg.Wait()
	if f, _ := b.fruits.Get(s.View(), "total"); f.Count != writers*rounds {
		t.Errorf("lost updates: %d of %d", f.Count, writers*rounds)
	}
}
