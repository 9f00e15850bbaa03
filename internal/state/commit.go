package state

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// entry is one staged update on its way to the journal.
type entry struct {
	root    *root // the head after it
	records []Record
	changes []Change
	turn    chan bool // true: you lead the next batch; false: settled
	err     error     // valid once settled
}

// queue orders staged updates as their roots build on one another. The first
// waiter leads: it commits everything queued as one batch and then hands the
// lead to the first of those who queued meanwhile. So there is no goroutine to
// own, an idle store does nothing, and the batch grows with the load.
type queue struct {
	mu      sync.Mutex
	entries []*entry
	leading bool
	idle    *sync.Cond // made by drain
}

// add is called under Store.writer, which fixes the order.
func (q *queue) add(e *entry) {
	q.mu.Lock()
	q.entries = append(q.entries, e)
	q.mu.Unlock()
}

func (q *queue) take() []*entry {
	batch := q.entries
	q.entries = nil
	return batch
}

// drain waits until nobody leads and nothing is queued.
func (q *queue) drain() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.idle == nil {
		q.idle = sync.NewCond(&q.mu)
	}
	for q.leading || len(q.entries) > 0 {
		q.idle.Wait()
	}
}

// settle returns when e is durable and visible, or failed.
func (s *Store) settle(e *entry) error {
	q := &s.queue
	q.mu.Lock()
	lead := !q.leading
	q.leading = true
	q.mu.Unlock()
	if !lead {
		lead = <-e.turn
	}
	if lead {
		s.lead()
	}
	return e.err
}

// lead commits what is queued, then passes the lead on. The leader's own entry
// is always among the queued.
func (s *Store) lead() {
	q := &s.queue
	q.mu.Lock()
	batch := q.take()
	q.mu.Unlock()

	if err := s.commit(batch); err != nil {
		batch = append(batch, s.fallBack(err)...)
		for _, e := range batch {
			e.err = err
		}
	}
	for _, e := range batch {
		e.turn <- false
	}

	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.entries) > 0 {
		q.entries[0].turn <- true
		return
	}
	q.leading = false
	if q.idle != nil {
		q.idle.Broadcast()
	}
}

func (s *Store) commit(batch []*entry) error {
	if len(batch) == 0 {
		return nil
	}
	b := Batch{Seq: s.seq + 1}
	for _, e := range batch {
		b.Records = append(b.Records, e.records...)
	}
	if len(b.Records) > 0 {
		// Not the context of whoever leads: others' updates are in the batch.
		if err := s.journal.Commit(context.Background(), b); err != nil {
			return fmt.Errorf("commit to journal: %w", err)
		}
		s.seq = b.Seq
	}
	s.visible.Store(batch[len(batch)-1].root)
	s.watches.notify(s.schema, batch)
	return nil
}

// fallBack takes the head back to the last durable state and returns the
// entries that were staged on top of the failed batch.
func (s *Store) fallBack(err error) []*entry {
	s.writer.Lock()
	defer s.writer.Unlock()
	if errors.Is(err, ErrLost) && s.ended == nil {
		s.ended = err
		close(s.lost)
	}
	s.head = s.visible.Load()
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return s.queue.take()
}
