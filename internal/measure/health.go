package measure

import "github.com/neargate/neargate/internal/balance"

// tally counts targets, and of them those that are known to be healthy or not.
type tally struct{ all, healthy, unhealthy int }

func (c *tally) add(x *Target) {
	c.all++
	if x.Healthy {
		c.healthy++
	}
	if x.Unhealthy {
		c.unhealthy++
	}
}

// health records the health of targets, and what follows of it for zones: "Target group health". A group without targets
// has none.
func (t *taking) health(b *Balancer) {
	lb := balancerDimension(b.ARN)
	for i := range b.Groups {
		g := &b.Groups[i]
		if len(g.Targets) == 0 {
			continue
		}
		group := groupDimension(g.ARN)
		var all tally
		var dns, routing int
		for j := range g.Targets {
			all.add(&g.Targets[j])
		}
		for _, zone := range b.Zones {
			var own, eligible tally
			for j := range g.Targets {
				x := &g.Targets[j]
				if x.Zone == zone {
					own.add(x)
				}
				if g.CrossZone || x.Zone == zone || x.Zone == balance.AllZones {
					eligible.add(x)
				}
			}
			az := zoneDimension(zone)
			t.put("HealthyHostCount", count, float64(own.healthy), lb, group, az)
			t.put("UnHealthyHostCount", count, float64(own.unhealthy), lb, group, az)
			resolves, routes := oneIf(g.DNS.Met(eligible.healthy, eligible.all)), oneIf(g.Routing.Met(eligible.healthy, eligible.all))
			dns, routing = dns+resolves, routing+routes
			t.put("HealthyStateDNS", count, float64(resolves), lb, group, az)
			t.put("UnhealthyStateDNS", count, float64(1-resolves), lb, group, az)
			t.put("HealthyStateRouting", count, float64(routes), lb, group, az)
			t.put("UnhealthyStateRouting", count, float64(1-routes), lb, group, az)
		}
		t.put("HealthyHostCount", count, float64(all.healthy), lb, group)
		t.put("UnHealthyHostCount", count, float64(all.unhealthy), lb, group)
		t.put("HealthyStateDNS", count, float64(dns), lb, group)
		t.put("UnhealthyStateDNS", count, float64(len(b.Zones)-dns), lb, group)
		t.put("HealthyStateRouting", count, float64(routing), lb, group)
		t.put("UnhealthyStateRouting", count, float64(len(b.Zones)-routing), lb, group)
	}
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}
