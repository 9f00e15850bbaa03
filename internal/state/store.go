package state

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// Store holds the rows of a schema's tables.
type Store struct {
	schema  *Schema
	journal Journal

	visible atomic.Pointer[root] // durable; what readers and watchers see

	writer sync.Mutex // serialises update functions
	head   *root      // everything staged; visible or ahead of it. Under writer.
	ended  error      // why no update is taken any more. Under writer.
	lost   chan struct{}

	queue   queue
	seq     uint64 // of the last committed batch. Owned by the queue's leader.
	watches watches
}

// Open loads the journal into a store and seals the schema. The store owns the
// journal from here on, also when Open fails.
func Open(ctx context.Context, s *Schema, j Journal) (*Store, error) {
	s.sealed = true
	st := &Store{schema: s, journal: j, lost: make(chan struct{})}
	st.watches.byTable = make([][]*Watch, len(s.tables))
	if err := st.load(ctx); err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return st, nil
}

func (s *Store) load(ctx context.Context) error {
	tx := &Tx{root: emptyRoot(s.schema), store: s}
	seq, err := s.journal.Load(ctx, func(r Record) error {
		t, known := s.schema.byName[r.Table]
		if !known {
			return fmt.Errorf("table %s: row %q: this version has no such table", r.Table, r.Key)
		}
		row, err := t.decode(r.Value)
		if err != nil {
			return fmt.Errorf("table %s: row %q: decode: %w", r.Table, r.Key, err)
		}
		if key := t.keyOf(row); key != r.Key {
			return fmt.Errorf("table %s: row %q: its content has the key %q", r.Table, r.Key, key)
		}
		w := tx.write(t)
		w.rows.Insert([]byte(r.Key), row)
		w.reindex(r.Key, nil, row)
		return nil
	})
	if err != nil {
		return fmt.Errorf("load journal: %w", err)
	}
	for id, w := range tx.open {
		if w != nil {
			tx.root.trees[id] = w.snapshot()
		}
	}
	s.seq, s.head = seq, tx.root
	s.visible.Store(tx.root)
	return nil
}

// View is the state as of the last durable update. It needs no close and never
// blocks; it keeps old versions in memory while it is held.
func (s *Store) View() *Tx { return s.visible.Load().view }

// Update runs fn with a writable transaction, alone, and returns once its
// effects are durable and visible. When fn returns an error, or the journal
// does, nothing happened. ctx is looked at before fn runs; a staged update is
// no longer taken back.
//
// fn must not call Update and should not do slow things: everybody waits.
func (s *Store) Update(ctx context.Context, fn func(tx *Tx) error) error {
	e, err := s.stage(ctx, fn)
	if e == nil {
		return err
	}
	if failed := s.settle(e); failed != nil {
		return failed
	}
	return err
}

// stage runs fn on the head and queues the result. It returns no entry when
// there is nothing to wait for.
func (s *Store) stage(ctx context.Context, fn func(tx *Tx) error) (*entry, error) {
	s.writer.Lock()
	defer s.writer.Unlock()
	if s.ended != nil {
		return nil, s.ended
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	tx := &Tx{root: s.head, store: s}
	defer func() { tx.store = nil }()
	e := &entry{root: s.head, turn: make(chan bool, 1)}
	err := fn(tx)
	if err == nil {
		var next *root
		next, e.records, e.changes, err = tx.result()
		if next != nil {
			e.root, s.head = next, next
		}
	}
	if e.root == s.visible.Load() {
		return nil, err
	}
	s.queue.add(e)
	return e, err
}

// Clear deletes every row of every table in one update.
func (s *Store) Clear(ctx context.Context) error {
	return s.Update(ctx, func(tx *Tx) error {
		for _, t := range s.schema.tables {
			it := tx.tree(t.meta().id).rows.Root().Iterator()
			for key, _, ok := it.Next(); ok; key, _, ok = it.Next() {
				tx.delete(t, string(key))
			}
		}
		return nil
	})
}

// Lost is closed when the journal is lost: no update succeeds any more, and the
// process should end loudly.
func (s *Store) Lost() <-chan struct{} { return s.lost }

// Close waits for staged updates and closes the journal. Updates after it fail.
func (s *Store) Close() error {
	s.writer.Lock()
	if s.ended == nil {
		s.ended = errors.New("state: store is closed")
	}
	s.writer.Unlock()
	s.queue.drain()
	s.watches.closeAll()
	return s.journal.Close()
}
