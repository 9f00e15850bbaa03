package event

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/neargate/neargate/internal/state"
)

// Kept is how many facts the outbox holds unless told otherwise: hours of a
// busy platform, and some ten megabytes.
const Kept = 10_000

// Fact is something that happened, in the shape EventBridge gives such things.
// Number and Time are set by Emit when zero.
type Fact struct {
	Number     uint64
	Time       time.Time
	Account    string
	Region     string
	Source     string          // "aws.ecs"
	DetailType string          // "ECS Task State Change"
	Resources  []string        // ARNs the fact is about
	Detail     json.RawMessage // one JSON object
}

// Outbox is the table of facts.
type Outbox struct {
	facts   *state.Table[Fact]
	cursors *state.Table[Cursor]
	keep    int
}

// Cursor is how far a named consumer has read.
type Cursor struct {
	Consumer string
	Read     uint64
}

// NewOutbox adds the outbox's tables to a schema. keep bounds the number of
// facts held; 0 means Kept.
func NewOutbox(s *state.Schema, keep int) *Outbox {
	if keep <= 0 {
		keep = Kept
	}
	return &Outbox{
		facts:   state.AddTable(s, "event.fact", func(f *Fact) string { return key(f.Number) }),
		cursors: state.AddTable(s, "event.cursor", func(c *Cursor) string { return c.Consumer }),
		keep:    keep,
	}
}

// key orders facts by number.
func key(n uint64) string { return fmt.Sprintf("%020d", n) }

// Emit adds a fact to the transaction. The oldest fact goes when the outbox is
// full, read or not: the platform outlives a consumer that never comes back.
func (o *Outbox) Emit(tx *state.Tx, f Fact) {
	f.Number = o.last(tx) + 1
	if f.Time.IsZero() {
		f.Time = time.Now()
	}
	o.facts.Put(tx, &f)
	for excess := o.facts.Len(tx) - o.keep; excess > 0; excess-- {
		for oldest := range o.facts.All(tx, "") {
			o.facts.Delete(tx, key(oldest.Number))
			break
		}
	}
}

func (o *Outbox) last(tx *state.Tx) uint64 {
	for f := range o.facts.Backward(tx, "") {
		return f.Number
	}
	return 0
}

// After returns up to limit facts with numbers above n, oldest first. A first
// number above n+1 means that facts in between are no longer held.
func (o *Outbox) After(tx *state.Tx, n uint64, limit int) []*Fact {
	var facts []*Fact
	for f := range o.facts.From(tx, key(n+1)) {
		if len(facts) == limit {
			break
		}
		facts = append(facts, f)
	}
	return facts
}

// Cursor returns how far the named consumer has read.
func (o *Outbox) Cursor(tx *state.Tx, consumer string) uint64 {
	if c, ok := o.cursors.Get(tx, consumer); ok {
		return c.Read
	}
	return 0
}

// Advance remembers that the named consumer has read up to n. In the same
// transaction as the consumer's own writes it makes its effects happen once.
func (o *Outbox) Advance(tx *state.Tx, consumer string, n uint64) {
	if n > o.Cursor(tx, consumer) {
		o.cursors.Put(tx, &Cursor{Consumer: consumer, Read: n})
	}
}

// batch bounds what Follow hands over at once.
const batch = 256

// Follow calls fn with every fact after n, in order, in batches, until ctx is
// done or fn returns an error.
func (o *Outbox) Follow(ctx context.Context, s *state.Store, n uint64, fn func([]*Fact) error) error {
	w := s.Watch(o.facts)
	defer w.Close()
	for {
		for facts := o.After(s.View(), n, batch); len(facts) > 0; facts = o.After(s.View(), n, batch) {
			if err := fn(facts); err != nil {
				return err
			}
			n = facts[len(facts)-1].Number
		}
		if _, err := w.Next(ctx); err != nil {
			return err
		}
	}
}
