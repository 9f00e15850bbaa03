package state

import (
	"context"
	"errors"
	"sync"
)

// Change names a row that was put or deleted. The row itself is read from a
// View taken after Next returned; it may have changed again since.
type Change struct{ Table, Key string }

// ErrClosed is what Next returns after Close, of the watch or of the store.
var ErrClosed = errors.New("state: watch is closed")

// Watch collects the keys of changed rows, each once however often it changed,
// until Next takes them. It never holds a writer up, and it is bounded by the
// number of rows of its tables.
type Watch struct {
	watches *watches
	tables  []int
	ready   chan struct{} // holds a token while there is something to take

	mu      sync.Mutex
	pending []Change
	seen    map[Change]struct{}
	closed  bool
}

// watches are the open watches of a store, by table.
type watches struct {
	mu      sync.Mutex
	byTable [][]*Watch
}

// Watch begins to collect changes of the given tables. Every update that is
// not in a View taken after this call will be told by Next, so a loop that
// watches, then reads everything once, then follows Next misses nothing.
func (s *Store) Watch(tables ...AnyTable) *Watch {
	w := &Watch{watches: &s.watches, ready: make(chan struct{}, 1), seen: map[Change]struct{}{}}
	s.watches.mu.Lock()
	defer s.watches.mu.Unlock()
	for _, t := range tables {
		id := t.meta().id
		w.tables = append(w.tables, id)
		s.watches.byTable[id] = append(s.watches.byTable[id], w)
	}
	return w
}

// Next waits for changes and returns those since the last Next, in the order
// of each row's first change.
func (w *Watch) Next(ctx context.Context) ([]Change, error) {
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-w.ready:
		}
		if changes, err := w.take(); err != nil || len(changes) > 0 {
			return changes, err
		}
	}
}

// Ready has a token while Next would not wait, for loops that also wait for
// something else. Receiving the token obliges to call Take.
func (w *Watch) Ready() <-chan struct{} { return w.ready }

// Take returns what Next would, without waiting: possibly nothing.
func (w *Watch) Take() ([]Change, error) { return w.take() }

func (w *Watch) take() ([]Change, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		w.signal() // the next caller shall not wait either
		return nil, ErrClosed
	}
	changes := w.pending
	w.pending = nil
	clear(w.seen)
	return changes, nil
}

// Close ends the watch; a waiting Next returns ErrClosed.
func (w *Watch) Close() {
	w.watches.mu.Lock()
	for _, id := range w.tables {
		list := w.watches.byTable[id]
		for i, x := range list {
			if x == w {
				w.watches.byTable[id] = append(list[:i:i], list[i+1:]...)
				break
			}
		}
	}
	w.watches.mu.Unlock()
	w.end()
}

func (w *Watch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.pending = nil
	w.signal()
}

func (w *Watch) add(c Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	if _, ok := w.seen[c]; ok {
		return
	}
	w.seen[c] = struct{}{}
	w.pending = append(w.pending, c)
	w.signal()
}

func (w *Watch) signal() {
	select {
	case w.ready <- struct{}{}:
	default:
	}
}

func (ws *watches) notify(s *Schema, batch []*entry) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for _, e := range batch {
		for _, c := range e.changes {
			for _, w := range ws.byTable[s.byName[c.Table].meta().id] {
				w.add(c)
			}
		}
	}
}

func (ws *watches) closeAll() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for i, list := range ws.byTable {
		for _, w := range list {
			w.end()
		}
		ws.byTable[i] = nil
	}
}
