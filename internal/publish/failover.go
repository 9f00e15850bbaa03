package publish

import (
	"maps"
	"slices"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/state"
)

// answered are the addresses that a load balancer's name has now. A zone in which a target group has fewer healthy targets than
// target_group_health.dns_failover asks for leaves the name, unless all zones would: then it has all of them. See "Target group health"
// in the guides for Application and Network Load Balancers.
func (p *Publisher) answered(tx *state.Tx, lb *balance.LoadBalancer, all []address) []address {
	groups := p.Balance.TargetGroupsBehind(tx, lb)
	if !slices.ContainsFunc(groups, func(g *balance.TargetGroup) bool { return !crossesZones(g, lb) }) {
		return all // every zone is as good as the others
	}
	counts := make([]tally, len(groups))
	for i, g := range groups {
		counts[i] = p.count(tx, g, lb)
	}
	var left []address
	for _, a := range all {
		if !slices.ContainsFunc(counts, func(c tally) bool { return !c.enough(a.node.Zone) }) {
			left = append(left, a)
		}
	}
	if len(left) == 0 {
		return all
	}
	return left
}

// tally counts a group's targets, by zone; those that belong to all zones are under balance.AllZones.
type tally struct {
	healthy, all map[string]int
	crossZone    bool
	least        balance.MinimumHealthy
}

// enough is whether nodes in a zone have enough targets to send to.
func (c tally) enough(zone string) bool {
	healthy, all := 0, 0
	for z, n := range c.all {
		if c.crossZone || z == zone || z == balance.AllZones {
			healthy, all = healthy+c.healthy[z], all+n
		}
	}
	return c.least.Met(healthy, all)
}

func (p *Publisher) count(tx *state.Tx, g *balance.TargetGroup, lb *balance.LoadBalancer) tally {
	c := tally{healthy: map[string]int{}, all: map[string]int{}, least: g.Attributes.DNS, crossZone: crossesZones(g, lb)}
	for _, t := range p.Balance.TargetsOf(tx, g.ARN) {
		if t.Draining() || !t.Serves(lb) {
			continue
		}
		c.all[t.Zone]++
		if p.Balance.Healthy(tx, t) {
			c.healthy[t.Zone]++
		}
	}
	return c
}

// crossesZones is whether the load balancer's nodes send to the group's targets in other zones.
func crossesZones(g *balance.TargetGroup, lb *balance.LoadBalancer) bool {
	if own := g.Attributes.CrossZone; own != balance.CrossZoneInherited {
		return own == "true"
	}
	return !lb.Network() || lb.Attributes.CrossZone
}

// reach is by load balancer which interfaces its name leads to.
func (p *Publisher) reach(tx *state.Tx) map[string][]string {
	all := map[string][]string{}
	for lb := range p.Balance.LoadBalancers.All(tx, "") {
		for _, a := range p.answered(tx, lb, p.addresses(tx, lb)) {
			all[lb.ARN] = append(all[lb.ARN], a.node.InterfaceID)
		}
	}
	return all
}

// reachChanged is whether health has changed where names lead to since the last snapshot.
func (p *pusher) reachChanged(tx *state.Tx) bool {
	return !maps.EqualFunc(p.sentReach, p.reach(tx), slices.Equal)
}
