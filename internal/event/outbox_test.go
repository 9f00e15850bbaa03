package event_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/internal/event"
	"github.com/neargate/neargate/internal/state"
)

func open(t *testing.T, j state.Journal, keep int) (*state.Store, *event.Outbox) {
	t.Helper()
	schema := state.NewSchema()
	o := event.NewOutbox(schema, keep)
	s, err := state.Open(t.Context(), schema, j)
	if err != nil {
		t.Fatal(err)
	}
	return s, o
}

func emit(t *testing.T, s *state.Store, o *event.Outbox, types ...string) {
	t.Helper()
	err := s.Update(t.Context(), func(tx *state.Tx) error {
		for _, x := range types {
			o.Emit(tx, event.Fact{DetailType: x})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func told(facts []*event.Fact) string {
	out := ""
	for _, f := range facts {
		out += fmt.Sprintf("%d%s ", f.Number, f.DetailType)
	}
	return out
}

func TestRetention(t *testing.T) {
	j := state.Memory()
	s, o := open(t, j, 3)
	emit(t, s, o, "a", "b")
	emit(t, s, o, "c", "d", "e")
	if got := told(o.After(s.View(), 0, 10)); got != "3c 4d 5e " {
		t.Errorf("kept %s", got)
	}
	if got := told(o.After(s.View(), 3, 1)); got != "4d " {
		t.Errorf("after 3, one: %s", got)
	}
	s.Close()
	s, o = open(t, j, 3)
	emit(t, s, o, "f")
	if got := told(o.After(s.View(), 4, 10)); got != "5e 6f " {
		t.Errorf("numbers do not go on after a restart: %s", got)
	}
	if f := o.After(s.View(), 5, 1)[0]; f.Time.IsZero() {
		t.Error("fact without a time")
	}
}

func TestFactOfAFailedUpdateNeverWas(t *testing.T) {
	s, o := open(t, state.Memory(), 0)
	_ = s.Update(t.Context(), func(tx *state.Tx) error {
		o.Emit(tx, event.Fact{DetailType: "a"})
		return errors.New("refused")
	})
	if facts := o.After(s.View(), 0, 1); len(facts) != 0 {
		t.Errorf("got %s", told(facts))
	}
}

func TestFollowResumesFromCursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, o := open(t, state.Memory(), 0)
		emit(t, s, o, "a", "b")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got := ""
		done := make(chan error, 1)
		follow := func() {
			done <- o.Follow(ctx, s, o.Cursor(s.View(), "mail"), func(facts []*event.Fact) error {
				got += told(facts)
				return s.Update(ctx, func(tx *state.Tx) error {
					o.Advance(tx, "mail", facts[len(facts)-1].Number)
					return nil
				})
			})
		}
		go follow()
		synctest.Wait()
		emit(t, s, o, "c")
		synctest.Wait()
		if got != "1a 2b 3c " {
			t.Errorf("followed %s", got)
		}
		if err := <-done; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		emit(t, s, o, "d")
		if n := o.Cursor(s.View(), "mail"); n != 3 {
			t.Errorf("cursor at %d", n)
		}
		got = ""
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		follow()
		if got != "4d " {
			t.Errorf("resumed with %s", got)
		}
	})
}
