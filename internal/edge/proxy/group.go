package proxy

import (
	"math/rand/v2"
	"sync/atomic"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// group is one generation's view of a target group.
type group struct {
	arn     string
	targets []*target // registered, without those draining
	shared  *groupState
	// eligible are the targets that get requests. Health changes replace it.
	eligible atomic.Pointer[[]*target]
}

// groupState is what a group keeps across generations.
type groupState struct {
	turn     atomic.Uint32 // of round robin: a new generation goes on where the last one was
	counters groupCounters
}

// refresh works out who is eligible. If nobody is healthy, everybody is: "If a target group contains only unhealthy
// registered targets, the load balancer routes requests to all those targets, regardless of their health status."
func (g *group) refresh() {
	healthy := make([]*target, 0, len(g.targets))
	for _, t := range g.targets {
		if t.healthy {
			healthy = append(healthy, t)
		}
	}
	if len(healthy) == 0 {
		healthy = g.targets
	}
	g.eligible.Store(&healthy)
}

// enter picks a target by round robin and takes a ticket of it. It returns nil when there is none; a draining target here
// means that the table the group belongs to is no longer the current one, or that no target is left.
func (g *group) enter() *target {
	targets := *g.eligible.Load()
	n := uint32(len(targets))
	if n == 0 {
		return nil
	}
	first := g.shared.turn.Add(1)
	for i := range n {
		if t := targets[(first+i)%n]; t.enter() {
			return t
		}
	}
	return nil
}

// forward is a compiled forward action.
type forward struct {
	groups  []*group
	weights []uint32
	total   uint32
}

func newForward(f *edgeapi.Forward, groups map[string]*group) *forward {
	out := &forward{}
	for _, w := range f.Groups {
		out.groups = append(out.groups, groups[w.TargetGroup])
		out.weights = append(out.weights, uint32(w.Weight))
		out.total += uint32(w.Weight)
	}
	return out
}

// pick chooses a group by weight; nil when all weights are zero.
func (f *forward) pick() *group {
	if len(f.groups) == 1 && f.total > 0 {
		return f.groups[0]
	}
	if f.total == 0 {
		return nil
	}
	r := rand.Uint32N(f.total)
	for i, w := range f.weights {
		if r < w {
			return f.groups[i]
		}
		r -= w
	}
	return nil
}
