package drain

import (
	"sync"
	"sync/atomic"
	"time"
)

// Tickets are what requests or flows hold of their target for as long as they last.
//
// A ticket is taken first and draining looked at second, while a writer sets draining first and looks at tickets second: either the request sees
// the flag and returns its ticket, or the writer sees the ticket. So no ticket out after draining was set means drained, with nothing still
// on its way.
type Tickets struct {
	out      atomic.Int64
	draining atomic.Bool
	over     atomic.Bool

	// Drained is called when the last ticket of a draining target comes back.
	Drained func()

	// Of writers, who hold a lock.
	until time.Time
	timer *time.Timer // of the deregistration delay
}

// Take takes a ticket, unless the target is draining.
func (t *Tickets) Take() bool {
	t.out.Add(1)
	if t.draining.Load() {
		t.Return()
		return false
	}
	return true
}

// Return gives a ticket back.
func (t *Tickets) Return() {
	if t.out.Add(-1) == 0 && t.draining.Load() {
		t.Drained()
	}
}

// Out is how many tickets are out; for a moment, those count too that Take is about to refuse.
func (t *Tickets) Out() int64 { return t.out.Load() }

// Draining reports whether no more tickets are given.
func (t *Tickets) Draining() bool { return t.draining.Load() }

// Over reports whether the target is draining and the deregistration delay has passed.
func (t *Tickets) Over() bool { return t.over.Load() }

// Empty reports whether the target is drained: it gives no more tickets, and none are out.
func (t *Tickets) Empty() bool { return t.draining.Load() && t.out.Load() == 0 }

// Drain gives no more tickets. When the deregistration delay is over, and there has been no other word until then, end is called with the writers'
// lock held, which Drain's caller holds now. It reports whether this is news.
func (t *Tickets) Drain(writers sync.Locker, until time.Time, end func()) bool {
	if t.draining.Swap(true) && t.until.Equal(until) {
		return false
	}
	t.forget()
	t.over.Store(false)
	t.until = until
	var timer *time.Timer
	timer = time.AfterFunc(time.Until(until), func() {
		writers.Lock()
		defer writers.Unlock()
		if t.timer == timer {
			t.over.Store(true)
			end()
		}
	})
	t.timer = timer
	return true
}

// Revive gives tickets again. Writers call it.
func (t *Tickets) Revive() {
	if !t.draining.Load() {
		return
	}
	t.forget()
	t.over.Store(false)
	t.draining.Store(false)
}

// Retire gives no more tickets, for good. Those that are out may stay out for as long as they like. Writers call it.
func (t *Tickets) Retire() {
	t.forget()
	t.draining.Store(true)
}

// forget drops what was to happen after the deregistration delay.
func (t *Tickets) forget() {
	if t.timer != nil {
		t.timer.Stop()
	}
	t.timer, t.until = nil, time.Time{}
}
