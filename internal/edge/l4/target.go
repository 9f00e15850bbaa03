package l4

import (
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/neargate/neargate/internal/edge/drain"
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

	unwell  atomic.Bool   // not healthy, for the counters
	tickets drain.Tickets // of flows

	// Guarded by Engine.mu.
	healthy    bool
	unhealthy  *time.Timer
	sufferance time.Time // until when an unhealthy target may keep its flows

	counters targetCounters
}

// forgive ends what was begun when the target became unhealthy. Engine.mu is held.
func (t *target) forgive() {
	if t.unhealthy != nil {
		t.unhealthy.Stop()
		t.unhealthy = nil
	}
	t.sufferance = time.Time{}
}
