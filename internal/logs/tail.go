package logs

import (
	"sync"
)

// tailBuffer is how many batches a slow live tail may be behind before events are left out of it.
const tailBuffer = 256

// Tailed are events that just arrived.
type Tailed struct {
	Group  *Group
	Stream *Stream
	Events []Event
}

// Tail is a live tail. Events that its reader is too slow for are left out, and counted.
type Tail struct {
	C      <-chan Tailed
	c      chan Tailed
	groups map[int64]bool
	owner  *tails

	mu      sync.Mutex
	dropped int
}

type tails struct {
	mu   sync.Mutex
	open map[*Tail]bool
}

// Tail follows what arrives in groups from now on. Close it.
func (e *Engine) Tail(groups []*Group) *Tail {
	t := &Tail{c: make(chan Tailed, tailBuffer), groups: map[int64]bool{}, owner: &e.tails}
	t.C = t.c
	for _, g := range groups {
		t.groups[g.ID] = true
	}
	e.tails.mu.Lock()
	defer e.tails.mu.Unlock()
	if e.tails.open == nil {
		e.tails.open = map[*Tail]bool{}
	}
	e.tails.open[t] = true
	return t
}

// Close ends the tail.
func (t *Tail) Close() {
	t.owner.mu.Lock()
	defer t.owner.mu.Unlock()
	delete(t.owner.open, t)
}

// Dropped is how many events were left out since the last call.
func (t *Tail) Dropped() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.dropped
	t.dropped = 0
	return n
}

func (ts *tails) publish(g *Group, s *Stream, batch []Event) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for t := range ts.open {
		if !t.groups[g.ID] {
			continue
		}
		select {
		case t.c <- Tailed{g, s, batch}:
		default:
			t.mu.Lock()
			t.dropped += len(batch)
			t.mu.Unlock()
		}
	}
}
