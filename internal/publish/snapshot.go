package publish

import (
	"maps"
	"slices"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/state"
)

// Build joins the rows into a snapshot without a generation. Its parts are in the order of their keys, so equal rows give equal
// snapshots.
func (p *Publisher) Build(tx *state.Tx) *edgeapi.Snapshot {
	s := &edgeapi.Snapshot{}
	groups := map[string]*balance.LoadBalancer{}
	for lb := range p.Balance.LoadBalancers.All(tx, "") {
		addresses := p.addresses(tx, lb)
		s.Nodes = append(s.Nodes, p.nodes(lb, addresses)...)
		entry := loadBalancer(lb)
		for _, l := range p.Balance.ListenersOf(tx, lb.ARN) {
			entry.Listeners = append(entry.Listeners, p.listener(tx, l))
			if d, ok := door(lb, l, addresses); ok {
				s.Doors = append(s.Doors, d)
			}
		}
		s.LoadBalancers = append(s.LoadBalancers, entry)
		for r := range p.Balance.Rules.By(tx, "loadbalancer", lb.ARN) {
			for _, arn := range r.Action.TargetGroups() {
				groups[arn] = lb
			}
		}
	}
	for _, arn := range slices.Sorted(maps.Keys(groups)) {
		if g, ok := p.Balance.TargetGroups.Get(tx, arn); ok {
			s.TargetGroups = append(s.TargetGroups, p.targetGroup(tx, g, groups[arn]))
		}
	}
	s.Zones = p.zones(tx)
	return s
}

func (p *Publisher) nodes(lb *balance.LoadBalancer, at []address) []edgeapi.Node {
	var nodes []edgeapi.Node
	for _, a := range at {
		nodes = append(nodes, edgeapi.Node{
			ID: a.node.InterfaceID, LoadBalancer: lb.ARN, Namespace: p.Network.NamespacePath(a.node.InterfaceID),
			Address: a.private, AvailabilityZone: a.node.Zone,
		})
	}
	return nodes
}

func loadBalancer(lb *balance.LoadBalancer) edgeapi.LoadBalancer {
	a := lb.Attributes
	return edgeapi.LoadBalancer{
		ARN: lb.ARN, Name: lb.Name, DNSName: lb.DNSName, Type: lb.Type, Scheme: lb.Scheme,
		Attributes: edgeapi.Attributes{
			IdleTimeout: a.IdleTimeout, ClientKeepAlive: a.ClientKeepAlive,
			ForwardedFor: a.ForwardedFor, ForwardedForClientPort: a.ForwardedForClientPort,
			PreserveHost: a.PreserveHost, DropInvalidHeaders: a.DropInvalidHeaders, Desync: a.Desync,
			HTTP2: a.HTTP2, TLSHeaders: a.TLSHeaders, CrossZone: true,
		},
	}
}

func (p *Publisher) listener(tx *state.Tx, l *balance.Listener) edgeapi.Listener {
	out := edgeapi.Listener{ARN: l.ARN, Port: l.Port, Protocol: l.Protocol}
	out.Attributes.ServerHeaderOff = l.Attributes.ServerHeaderOff
	for _, name := range slices.Sorted(maps.Keys(l.Attributes.ResponseHeaders)) {
		out.Attributes.ResponseHeaders = append(out.Attributes.ResponseHeaders,
			edgeapi.Header{Name: name, Value: l.Attributes.ResponseHeaders[name]})
	}
	for _, r := range p.Balance.RulesOf(tx, l.ARN) {
		out.Rules = append(out.Rules, rule(r))
	}
	return out
}

func rule(r *balance.Rule) edgeapi.Rule {
	out := edgeapi.Rule{ARN: r.ARN, Priority: r.Priority, Action: action(r.Action)}
	for _, c := range r.Conditions {
		condition := edgeapi.Condition{Field: c.Field, Header: c.Header, Values: c.Values}
		for _, q := range c.Query {
			condition.Query = append(condition.Query, edgeapi.QueryValue{Key: q.Key, Value: q.Value})
		}
		out.Conditions = append(out.Conditions, condition)
	}
	return out
}

func action(a balance.Action) edgeapi.Action {
	switch {
	case a.Forward != nil:
		f := &edgeapi.Forward{}
		for _, g := range a.Forward.Groups {
			f.Groups = append(f.Groups, edgeapi.WeightedGroup{TargetGroup: g.TargetGroupARN, Weight: g.Weight})
		}
		return edgeapi.Action{Forward: f}
	case a.Redirect != nil:
		r := a.Redirect
		return edgeapi.Action{Redirect: &edgeapi.Redirect{
			Protocol: r.Protocol, Host: r.Host, Port: r.Port, Path: r.Path, Query: r.Query, StatusCode: r.StatusCode,
		}}
	default:
		f := a.FixedResponse
		return edgeapi.Action{FixedResponse: &edgeapi.FixedResponse{StatusCode: f.StatusCode, ContentType: f.ContentType, Body: f.Body}}
	}
}

// targetGroup is a group with the targets its load balancer may use.
func (p *Publisher) targetGroup(tx *state.Tx, g *balance.TargetGroup, lb *balance.LoadBalancer) edgeapi.TargetGroup {
	h := g.HealthCheck
	out := edgeapi.TargetGroup{
		ARN: g.ARN, Name: g.Name, Protocol: g.Protocol, ProtocolVersion: g.ProtocolVersion, Algorithm: edgeapi.AlgorithmRoundRobin,
		HealthCheck: edgeapi.HealthCheck{
			Protocol: h.Protocol, Port: h.Port, Path: h.Path, Matcher: h.Matcher,
			Interval: h.Interval, Timeout: h.Timeout, HealthyThreshold: h.Healthy, UnhealthyThreshold: h.Unhealthy,
		},
	}
	for _, t := range p.Balance.TargetsOf(tx, g.ARN) {
		if !t.Serves(lb) {
			continue
		}
		out.Targets = append(out.Targets, edgeapi.Target{
			ID: t.ID, Address: t.Address, Port: t.Port, AvailabilityZone: t.Zone, Draining: t.Draining(), DrainUntil: t.DrainUntil,
		})
	}
	return out
}
