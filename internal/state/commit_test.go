package state_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/internal/state"
)

// gated is a journal whose commits wait to be let through or refused.
type gated struct {
	state.Journal
	mu      sync.Mutex
	batches []state.Batch
	gate    chan error // nil to let one commit through
}

func (g *gated) Commit(ctx context.Context, b state.Batch) error {
	if err := <-g.gate; err != nil {
		return err
	}
	g.mu.Lock()
	g.batches = append(g.batches, b)
	g.mu.Unlock()
	return g.Journal.Commit(ctx, b)
}

func newGated() *gated {
	return &gated{Journal: state.Memory(), gate: make(chan error)}
}

// begin runs an update in the background and leaves its result in the channel.
func begin(s *state.Store, fn func(tx *state.Tx) error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- s.Update(context.Background(), fn) }()
	return done
}

func (b *basket) putter(name string) func(*state.Tx) error {
	return func(tx *state.Tx) error {
		b.fruits.Put(tx, &fruit{Name: name})
		return nil
	}
}

func pending(done <-chan error) bool { return len(done) == 0 }

func TestWaitingWritersShareABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, b := newGated(), newBasket()
		s := b.open(t, g)
		first := begin(s, b.putter("first"))
		synctest.Wait()
		var rest []<-chan error
		for i := range 20 {
			rest = append(rest, begin(s, b.putter(fmt.Sprintf("r%02d", i))))
		}
		synctest.Wait()
		g.gate <- nil
		if err := <-first; err != nil {
			t.Fatal(err)
		}
		g.gate <- nil
		for _, done := range rest {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		if len(g.batches) != 2 || len(g.batches[1].Records) != 20 {
			t.Errorf("%d batches for one early and 20 waiting writers, want 2", len(g.batches))
		}
		if n := b.fruits.Len(s.View()); n != 21 {
			t.Errorf("%d rows, want 21", n)
		}
	})
}

// Nobody outside an Update sees, and no Update answers from, what could still
// be lost.
func TestNothingIsSeenBeforeItIsDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, b := newGated(), newBasket()
		s := b.open(t, g)
		w := s.Watch(b.fruits)
		put := begin(s, b.putter("a"))
		synctest.Wait()

		exists := errors.New("exists")
		read := begin(s, func(tx *state.Tx) error {
			if _, ok := b.fruits.Get(tx, "a"); !ok {
				t.Error("an update does not see the one before it")
			}
			return nil
		})
		refused := begin(s, func(*state.Tx) error { return exists })
		volatile := begin(s, func(tx *state.Tx) error { b.seen.Put(tx, &fruit{Name: "v"}); return nil })
		synctest.Wait()
		if b.fruits.Len(s.View()) != 0 || b.seen.Len(s.View()) != 0 {
			t.Error("view shows a change that is not durable")
		}
		if c, _ := w.Take(); len(c) != 0 {
			t.Errorf("watch told %v before it was durable", c)
		}
		for name, done := range map[string]<-chan error{"put": put, "read": read, "refused": refused, "volatile": volatile} {
			if !pending(done) {
				t.Errorf("%s returned before the journal did", name)
			}
		}
		g.gate <- nil
		if err := <-put; err != nil {
			t.Error(err)
		}
		if err := <-read; err != nil {
			t.Error(err)
		}
		if err := <-refused; !errors.Is(err, exists) {
			t.Errorf("got %v, want the function's error", err)
		}
		if err := <-volatile; err != nil {
			t.Error(err)
		}
		if b.fruits.Len(s.View()) != 1 || b.seen.Len(s.View()) != 1 {
			t.Error("durable changes are not visible")
		}
	})
}

func TestJournalFailureTakesBackWhatWasStaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, b := newGated(), newBasket()
		s := b.open(t, g)
		w := s.Watch(b.fruits)
		full := errors.New("disk full")

		first := begin(s, b.putter("a"))
		synctest.Wait()
		second := begin(s, b.putter("b")) // staged on top of a
		synctest.Wait()
		g.gate <- full
		for name, done := range map[string]<-chan error{"first": first, "second": second} {
			if err := <-done; !errors.Is(err, full) {
				t.Errorf("%s: got %v, want the journal's error", name, err)
			}
		}
		if b.fruits.Len(s.View()) != 0 {
			t.Error("failed updates are visible")
		}

		third := begin(s, func(tx *state.Tx) error {
			if b.fruits.Len(tx) != 0 {
				t.Error("an update builds on failed ones")
			}
			return b.putter("c")(tx)
		})
		g.gate <- nil
		if err := <-third; err != nil {
			t.Errorf("store did not recover: %v", err)
		}
		changes, err := w.Next(t.Context())
		if err != nil || len(changes) != 1 || changes[0].Key != "c" {
			t.Errorf("watch told %v, %v", changes, err)
		}
	})
}

func TestLostJournalEndsTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, b := newGated(), newBasket()
		s := b.open(t, g)
		done := begin(s, b.putter("a"))
		g.gate <- fmt.Errorf("lease taken: %w", state.ErrLost)
		if err := <-done; !errors.Is(err, state.ErrLost) {
			t.Errorf("got %v", err)
		}
		if err := s.Update(t.Context(), b.putter("b")); !errors.Is(err, state.ErrLost) {
			t.Errorf("an update after the loss: %v", err)
		}
		select {
		case <-s.Lost():
		default:
			t.Error("Lost is not closed")
		}
	})
}

func TestCloseWaitsForStagedUpdates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, b := newGated(), newBasket()
		s := b.open(t, g)
		done := begin(s, b.putter("a"))
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- s.Close() }()
		synctest.Wait()
		if len(closed) != 0 {
			t.Error("closed with an update under way")
		}
		g.gate <- nil
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
	})
}

type odd struct {
	Name string
	Bad  chan int
}

func TestRowThatCannotBeEncoded(t *testing.T) {
	schema := state.NewSchema()
	table := state.AddTable(schema, "test.odd", func(o *odd) string { return o.Name })
	s, err := state.Open(t.Context(), schema, state.Memory())
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(t.Context(), func(tx *state.Tx) error { table.Put(tx, &odd{Name: "x"}); return nil })
	if err == nil || !strings.Contains(err.Error(), `table test.odd: row "x"`) {
		t.Errorf("got %v", err)
	}
	if table.Len(s.View()) != 0 {
		t.Error("row is visible")
	}
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBasket()
		s := b.open(t, state.Memory())
		w := s.Watch(b.fruits)
		both := s.Watch(b.fruits, b.seen)
		for i := range 1000 { // nobody takes: writers must not mind
			update(t, s, func(tx *state.Tx) {
				b.fruits.Put(tx, &fruit{Name: fmt.Sprint(i % 3), Count: i})
			})
		}
		update(t, s, func(tx *state.Tx) {
			b.fruits.Delete(tx, "1")
			b.seen.Put(tx, &fruit{Name: "s"})
			b.fruits.Put(tx, &fruit{Name: "gone"})
			b.fruits.Delete(tx, "gone") // never was
		})
		expect := func(w *state.Watch, want ...state.Change) {
			t.Helper()
			got, err := w.Next(t.Context())
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("told %v, %v; want %v", got, err, want)
			}
		}
		f := func(key string) state.Change { return state.Change{Table: "test.fruit", Key: key} }
		expect(w, f("0"), f("1"), f("2"))
		expect(both, f("0"), f("1"), f("2"), state.Change{Table: "test.seen", Key: "s"})

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := w.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Next without changes: %v", err)
		}
		w.Close()
		if _, err := w.Next(t.Context()); !errors.Is(err, state.ErrClosed) {
			t.Errorf("Next after Close: %v", err)
		}
		update(t, s, func(tx *state.Tx) { b.fruits.Put(tx, &fruit{Name: "later"}) })
		expect(both, f("later"))
		s.Close()
		if _, err := both.Next(t.Context()); !errors.Is(err, state.ErrClosed) {
			t.Errorf("Next after the store closed: %v", err)
		}
	})
}
