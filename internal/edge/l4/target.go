package l4

import (
	"net/netip"
	"sync/atomic"
	"time"
)

// TargetKey is a target's identity across snapshots.
type TargetKey struct {
	Group string // ARN
	ID    string
	Port  int
}

// target is one address flows go to. It lives as long as a snapshot names it; its flows may live longer.
type target struct {
	key     TargetKey
	address netip.AddrPort
	name    uint64

	// flows counts tickets, as inFlight of proxy's targets does: a ticket is taken first and draining looked at second, while a writer
	// sets draining first and looks at flows second. So flows == 0 after draining was set means drained.
	flows    atomic.Int64
	draining atomic.Bool
	expired  atomic.Bool // the deregistration delay is over, and flows may live on
	unwell   atomic.Bool // not healthy, for the counters
	drained  func()      // told when the last flow of a draining target has ended

	// Guarded by Engine.mu.
	healthy    bool
	deadline   time.Time // of draining
	unhealthy  *time.Timer
	sufferance time.Time // until when an unhealthy target may keep its flows

	counters targetCounters
}

// enter takes a ticket, unless the target is draining.
func (t *target) enter() bool {
	t.flows.Add(1)
	if t.draining.Load() {
		t.leave()
		return false
	}
	return true
}

// leave gives the ticket back.
func (t *target) leave() {
	if t.flows.Add(-1) == 0 && t.draining.Load() {
		t.drained()
	}
}

// forgive ends what was begun when the target became unhealthy. Engine.mu is held.
func (t *target) forgive() {
	if t.unhealthy != nil {
		t.unhealthy.Stop()
		t.unhealthy = nil
	}
	t.sufferance = time.Time{}
}
