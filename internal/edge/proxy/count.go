package proxy

import (
	"cmp"
	"maps"
	"slices"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// Counters reads all counters.
func (e *Engine) Counters() *edgeapi.Counters {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := &edgeapi.Counters{Started: e.started}
	for i := range e.snapshot.LoadBalancers {
		out.LoadBalancers = append(out.LoadBalancers, e.countBalancer(&e.snapshot.LoadBalancers[i]))
	}
	for i := range e.snapshot.TargetGroups {
		out.TargetGroups = append(out.TargetGroups, e.countGroup(&e.snapshot.TargetGroups[i]))
	}
	byARN := func(a, b edgeapi.LoadBalancerCounters) int { return cmp.Compare(a.ARN, b.ARN) }
	slices.SortFunc(out.LoadBalancers, byARN)
	return out
}

func (e *Engine) countBalancer(lb *edgeapi.LoadBalancer) edgeapi.LoadBalancerCounters {
	out := edgeapi.LoadBalancerCounters{ARN: lb.ARN}
	zones := map[string]*edgeapi.FrontCounters{}
	zone := func(name string) *edgeapi.FrontCounters {
		if zones[name] == nil {
			zones[name] = &edgeapi.FrontCounters{}
		}
		return zones[name]
	}
	b := e.ledger.balancers[lb.ARN]
	if b == nil {
		b = &balancerLedger{}
	}
	b.settle()
	for name, c := range b.gone {
		addFront(zone(name), *c)
	}
	for _, l := range b.leaving {
		addFront(zone(l.zone), l.counters.read())
	}
	for i := range lb.Listeners {
		l := &lb.Listeners[i]
		lc := edgeapi.ListenerCounters{ARN: l.ARN}
		for key, counters := range b.listeners {
			if key.arn == l.ARN {
				c := counters.read()
				addFront(&lc.FrontCounters, c)
				addFront(zone(key.zone), c)
			}
		}
		for j := range l.Rules {
			n := e.ledger.rule(l.ARN, l.Rules[j].ARN).requests.Load()
			lc.Rules = append(lc.Rules, edgeapi.RuleCounters{ARN: l.Rules[j].ARN, Requests: n})
		}
		out.Listeners = append(out.Listeners, lc)
	}
	for _, name := range slices.Sorted(maps.Keys(zones)) {
		addFront(&out.FrontCounters, *zones[name])
		out.Zones = append(out.Zones, edgeapi.ZoneCounters{AvailabilityZone: name, FrontCounters: *zones[name]})
	}
	return out
}

func (e *Engine) countGroup(g *edgeapi.TargetGroup) edgeapi.TargetGroupCounters {
	shared := e.ledger.group(g.ARN)
	out := edgeapi.TargetGroupCounters{
		ARN: g.ARN, Unroutable: shared.counters.unroutable.Load(),
		Unhealthy: shared.counters.unhealthy.Load(), NonSticky: shared.counters.nonSticky.Load(),
	}
	shared.counters.settle()
	out.BackCounters.Add(shared.counters.gone)
	for _, t := range shared.counters.leaving {
		out.BackCounters.Add(t.counters.read())
	}
	for i := range g.Targets {
		x := &g.Targets[i]
		t := e.targets[TargetKey{g.ARN, x.ID, x.Port}]
		c := edgeapi.TargetCounters{Target: x.ID, Port: x.Port, BackCounters: t.counters.read()}
		c.Active = max(t.tickets.Out(), 0)
		out.BackCounters.Add(c.BackCounters)
		out.Targets = append(out.Targets, c)
	}
	return out
}
