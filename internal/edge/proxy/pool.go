package proxy

import (
	"math/rand/v2"
	"sync/atomic"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// pool is the targets of a group that a node routes to: all of them, or with cross-zone load balancing off those in the
// node's zone.
type pool struct {
	group   *group
	targets []*target
	// eligible are the targets that get requests. Health changes replace it.
	eligible atomic.Pointer[eligible]
}

type eligible struct {
	targets []*target
	open    bool // everybody is routed to, whatever their health
	uneven  bool // some do not take their full share now
}

// newPool makes the pool of a zone, or for an empty zone of all targets.
func newPool(g *group, zone string) *pool {
	p := &pool{group: g, targets: g.targets}
	if zone != "" {
		p.targets = nil
		for _, t := range g.targets {
			if t.zone == zone || edgeapi.AnyZone(t.zone) {
				p.targets = append(p.targets, t)
			}
		}
	}
	p.refresh()
	return p
}

// refresh works out who is eligible. With too few healthy targets everybody is: "When the healthy targets in a zone fall
// below the threshold, the load balancer sends traffic to all targets that are available to the load balancer node, including
// unhealthy targets" ("Target group health").
func (p *pool) refresh() {
	e := &eligible{targets: make([]*target, 0, len(p.targets))}
	for _, t := range p.targets {
		if t.healthy.Load() {
			e.targets = append(e.targets, t)
			e.uneven = e.uneven || t.warming.Load() != 0
		}
	}
	n, r := len(e.targets), p.group.routing
	if n == 0 || n < r.Count || n*100 < r.Percent*len(p.targets) {
		e.targets, e.open = p.targets, true
	}
	p.eligible.Store(e)
}

// routes reports whether t, which must be of the pool's group, may get requests.
func (p *pool) routes(t *target) bool {
	e := p.eligible.Load()
	return e.open || t.healthy.Load()
}

// enter picks a target by the group's algorithm and takes a ticket of it. It returns nil when there is none; a draining
// target here means that the table the group belongs to is no longer the current one, or that no target is left.
func (p *pool) enter(now int64) *target {
	e := p.eligible.Load()
	if len(e.targets) == 0 {
		return nil
	}
	if e.open {
		p.group.shared.counters.unhealthy.Add(1)
	}
	turn := uint32(0)
	if p.group.algorithm == edgeapi.AlgorithmWeightedRandom {
		turn = rand.Uint32()
	} else {
		turn = p.group.shared.turn.Add(1)
	}
	if p.group.algorithm == edgeapi.AlgorithmLeastOutstanding {
		if t := e.leastBusy(turn); t.tickets.Take() {
			return t
		}
	}
	n := uint32(len(e.targets))
	if e.uneven {
		if t := p.draw(e, turn, now); t != nil {
			return t
		}
	}
	for i := range n {
		if t := e.targets[(turn+i)%n]; t.tickets.Take() {
			return t
		}
	}
	return nil
}

// leastBusy is the target with the fewest requests in flight, beginning with the one whose turn it is.
func (e *eligible) leastBusy(turn uint32) *target {
	n := uint32(len(e.targets))
	var best *target
	least := int64(0)
	for i := range n {
		t := e.targets[(turn+i)%n]
		load := t.tickets.Out()
		if load <= 0 {
			return t
		}
		if best == nil || load < least {
			best, least = t, load
		}
	}
	return best
}

// draw picks a target where some do not take their full share now. It returns nil when none takes anything, which leaves any of them.
func (p *pool) draw(e *eligible, turn uint32, now int64) *target {
	full, n := p.group.slowStart, uint32(len(e.targets))
	for range n {
		t := e.targets[turn%n]
		share := p.group.share(t, now)
		if (share >= full || rand.Int64N(int64(full)) < int64(share)) && t.tickets.Take() {
			return t
		}
		turn = rand.Uint32() // not the next one, which would get two shares
	}
	for i := range n {
		if t := e.targets[(turn+i)%n]; p.group.share(t, now) >= full && t.tickets.Take() {
			return t
		}
	}
	return nil
}
