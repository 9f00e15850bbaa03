package publish

import (
	"net/netip"
	"time"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/state"
)

// targetGroup is a group with the targets its load balancer may use; without one it has none.
func (p *Publisher) targetGroup(tx *state.Tx, g *balance.TargetGroup, lb *balance.LoadBalancer) edgeapi.TargetGroup {
	h, a := g.HealthCheck, g.Attributes
	out := edgeapi.TargetGroup{
		ARN: g.ARN, Name: g.Name, Type: kind(g), Protocol: g.Protocol, ProtocolVersion: g.ProtocolVersion, Algorithm: a.Algorithm,
		HealthCheck: edgeapi.HealthCheck{
			Protocol: h.Protocol, Port: h.Port, Path: h.Path, Matcher: h.Matcher,
			Interval: h.Interval, Timeout: h.Timeout, HealthyThreshold: h.Healthy, UnhealthyThreshold: h.Unhealthy,
		},
		AnomalyMitigation: a.AnomalyMitigation == "on", SlowStart: a.SlowStart, Stickiness: stickiness(a.Stickiness),
		Routing: edgeapi.Failover(a.Routing), PreserveClientIP: a.PreserveClientIP, ProxyProtocol: a.ProxyProtocol, TerminateDeregistered: a.TerminateDeregistered,
		TerminateUnhealthy: a.TerminateUnhealthy, UnhealthyDrain: a.UnhealthyDrain,
	}
	if a.CrossZone != balance.CrossZoneInherited {
		out.CrossZone = new(a.CrossZone == "true")
	}
	if lb == nil {
		return out
	}
	for _, t := range p.Balance.TargetsOf(tx, g.ARN) {
		if t.Serves(lb) {
			out.Targets = append(out.Targets, p.targets(tx, g, t)...)
		}
	}
	return out
}

// kind is the type of targets as edge knows it: there are no instances.
func kind(g *balance.TargetGroup) string {
	if g.Type == balance.TargetALB {
		return edgeapi.TargetALB
	}
	return edgeapi.TargetIP
}

func stickiness(s balance.Stickiness) *edgeapi.Stickiness {
	if !s.Enabled {
		return nil
	}
	out := &edgeapi.Stickiness{Type: s.Type}
	switch s.Type {
	case balance.StickyLBCookie:
		out.Duration = s.LBDuration
	case balance.StickyAppCookie:
		out.Duration, out.Cookie = s.AppDuration, s.Cookie
	}
	return out
}

// targets are what edge knows a target by: an address is itself, and a load balancer is its nodes, each under its own address. See
// aggregate for the way back.
func (p *Publisher) targets(tx *state.Tx, g *balance.TargetGroup, t *balance.Target) []edgeapi.Target {
	one := edgeapi.Target{
		ID: t.ID, Address: t.Address, Port: t.Port, AvailabilityZone: t.Zone, Draining: t.Draining(), DrainUntil: t.DrainUntil,
	}
	if g.Type != balance.TargetALB {
		return []edgeapi.Target{one}
	}
	lb, ok := p.Balance.LoadBalancers.Get(tx, t.ID)
	if !ok {
		return nil
	}
	var list []edgeapi.Target
	for _, a := range p.addresses(tx, lb) {
		one.ID, one.Address, one.AvailabilityZone = a.private.String(), a.private, a.node.Zone
		list = append(list, one)
	}
	return list
}

// aggregate makes one observation of what edge says about the nodes of a load balancer that is a target. It is healthy if one node is, and
// drained when all are.
func (p *Publisher) aggregate(tx *state.Tx, told []edgeapi.TargetStatus) []balance.Observation {
	var list []balance.Observation
	at := map[string]int{} // the target's place in the list, by its key
	for i := range told {
		o := observation(&told[i])
		if g, ok := p.Balance.TargetGroups.Get(tx, o.TargetGroupARN); ok && g.Type == balance.TargetALB {
			if o.ID, ok = p.owner(tx, g, o.ID, o.Port); !ok {
				continue
			}
			key := o.TargetGroupARN + "|" + o.ID
			if have, seen := at[key]; seen {
				merge(&list[have], o)
				continue
			}
			at[key] = len(list)
		}
		list = append(list, o)
	}
	return list
}

func merge(have *balance.Observation, o balance.Observation) {
	have.Drained = have.Drained && o.Drained
	if have.State != balance.Healthy && o.State == balance.Healthy {
		have.Verdict = o.Verdict
	}
}

// owner is the load balancer registered in the group that has a node at an address.
func (p *Publisher) owner(tx *state.Tx, g *balance.TargetGroup, address string, port int) (string, bool) {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return "", false
	}
	for _, t := range p.Balance.TargetsOf(tx, g.ARN) {
		lb, ok := p.Balance.LoadBalancers.Get(tx, t.ID)
		if !ok || t.Port != port {
			continue
		}
		for _, at := range p.addresses(tx, lb) {
			if at.private == a {
				return t.ID, true
			}
		}
	}
	return "", false
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
