package l4

import (
	"slices"
	"strings"
	"sync/atomic"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// group is one generation's view of a target group.
type group struct {
	edgeapi.TargetGroup
	sticky  bool
	backTLS bool      // TLS is spoken with targets
	targets []*target // registered, without those draining
	zones   []string  // of targets
	views   map[string]*view
	shared  *groupCounters
}

// view is the part of a group that a node sends flows to: the targets in the load balancer's zones with cross-zone load balancing, else those in
// the node's zone.
type view struct {
	targets  []*target
	eligible atomic.Pointer[[]*target] // health changes replace it
	open     atomic.Bool               // too few are healthy, so all are eligible
}

// view finds or makes the view of some zones.
func (g *group) view(zones []string) *view {
	key := strings.Join(zones, " ")
	v := g.views[key]
	if v == nil {
		v = &view{}
		for i, t := range g.targets {
			if slices.ContainsFunc(zones, func(zone string) bool { return inZone(g.zones[i], zone) }) {
				v.targets = append(v.targets, t)
			}
		}
		v.refresh(g.Routing)
		g.views[key] = v
	}
	return v
}

// inZone reports whether a target belongs to a zone. One outside the VPC is registered for all of them.
func inZone(target, zone string) bool { return target == zone || edgeapi.AnyZone(target) }

// refresh works out who is eligible: the healthy ones, or all if fewer are healthy than target_group_health.unhealthy_state_routing asks
// for, which is one by default: "the load balancer fails open".
func (v *view) refresh(least edgeapi.Failover) {
	healthy := make([]*target, 0, len(v.targets))
	for _, t := range v.targets {
		if t.healthy {
			healthy = append(healthy, t)
		}
	}
	open := len(healthy) < max(1, least.Count) || len(healthy)*100 < least.Percent*len(v.targets)
	if open {
		healthy = v.targets
	}
	v.open.Store(open)
	v.eligible.Store(&healthy)
}

func (g *group) refresh() {
	for _, v := range g.views {
		v.refresh(g.Routing)
	}
}

// failsOpen reports whether a target gets new flows although it is not healthy. Engine.mu is held.
func (g *group) failsOpen(t *target) bool {
	for _, v := range g.views {
		if !v.open.Load() {
			continue
		}
		for _, other := range v.targets {
			if other == t {
				return true
			}
		}
	}
	return false
}

// enter picks a target by hash and takes a ticket of it; not is one that has just failed. It returns nil when there is none: no target is
// left, or the table is no longer the current one and all are draining.
func (v *view) enter(h uint64, sticky bool, not *target) *target {
	targets := *v.eligible.Load()
	n := len(targets)
	if n == 0 {
		return nil
	}
	first := int(h % uint64(n))
	if sticky {
		first = rendezvous(targets, h)
	}
	for i := range n {
		if t := targets[(first+i)%n]; t != not && t.tickets.Take() {
			return t
		}
	}
	return nil
}
