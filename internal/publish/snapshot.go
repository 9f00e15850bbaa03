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
		p.add(tx, s, lb)
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
	p.addCertificates(tx, s)
	s.TrustStores = p.trustStores(tx, s)
	s.Zones = p.zones(tx)
	return s
}

// add adds a load balancer with its nodes and doors.
func (p *Publisher) add(tx *state.Tx, s *edgeapi.Snapshot, lb *balance.LoadBalancer) {
	addresses := p.addresses(tx, lb)
	s.Nodes = append(s.Nodes, p.nodes(lb, addresses)...)
	entry := loadBalancer(lb)
	answered := p.answered(tx, lb, addresses)
	for _, l := range p.Balance.ListenersOf(tx, lb.ARN) {
		entry.Listeners = append(entry.Listeners, listener(l, p.Balance.RulesOf(tx, l.ARN)))
		if d, ok := door(lb, l, answered); ok {
			s.Doors = append(s.Doors, d)
		}
	}
	s.LoadBalancers = append(s.LoadBalancers, entry)
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
			HTTP2: a.HTTP2, TLSHeaders: a.TLSHeaders, CrossZone: !lb.Network() || a.CrossZone,
			AccessLog: a.AccessLogs.Enabled, ConnectionLog: a.ConnectionLogs.Enabled,
		},
	}
}

func listener(l *balance.Listener, rules []*balance.Rule) edgeapi.Listener {
	out := edgeapi.Listener{ARN: l.ARN, Port: l.Port, Protocol: l.Protocol, TLS: terms(l.TLS), Attributes: listenerAttributes(l)}
	for _, r := range rules {
		out.Rules = append(out.Rules, rule(r))
	}
	return out
}

// listenerAttributes are those that mean something for the listener's protocol; others are left from one it had before.
func listenerAttributes(l *balance.Listener) (out edgeapi.ListenerAttributes) {
	a := l.Attributes
	if balance.Web(l.Protocol) {
		out.ServerHeaderOff, out.ResponseHeaders = a.ServerHeaderOff, headers(a.ResponseHeaders)
	}
	switch l.Protocol {
	case balance.ProtocolHTTPS:
		out.RequestHeaders = headers(a.RequestHeaders)
	case balance.ProtocolTCP:
		out.TCPIdle = a.TCPIdle
	}
	return out
}

func headers(values map[string]string) []edgeapi.Header {
	var list []edgeapi.Header
	for _, name := range slices.Sorted(maps.Keys(values)) {
		list = append(list, edgeapi.Header{Name: name, Value: values[name]})
	}
	return list
}

func terms(t *balance.TLS) *edgeapi.TLS {
	if t == nil {
		return nil
	}
	out := &edgeapi.TLS{Policy: t.Policy, Certificates: t.Certificates, ALPN: t.ALPN}
	if m := t.Mutual; m.Mode != balance.MutualOff {
		out.Mutual = &edgeapi.MutualAuth{Mode: m.Mode, TrustStore: m.TrustStoreARN, IgnoreExpiry: m.IgnoreExpiry, AdvertiseCAs: m.AdvertiseCAs}
	}
	return out
}

// trustStores are those that the snapshot's listeners verify with.
func (p *Publisher) trustStores(tx *state.Tx, s *edgeapi.Snapshot) []edgeapi.TrustStore {
	wanted := map[string]bool{}
	for i := range s.LoadBalancers {
		for _, l := range s.LoadBalancers[i].Listeners {
			if l.TLS != nil && l.TLS.Mutual != nil && l.TLS.Mutual.TrustStore != "" {
				wanted[l.TLS.Mutual.TrustStore] = true
			}
		}
	}
	var list []edgeapi.TrustStore
	for _, arn := range slices.Sorted(maps.Keys(wanted)) {
		t, ok := p.Balance.TrustStores.Get(tx, arn)
		if !ok {
			continue
		}
		out := edgeapi.TrustStore{ARN: arn, Bundle: t.Bundle}
		for _, r := range p.Balance.RevocationsOf(tx, arn) {
			out.Revocations = append(out.Revocations, r.Content)
		}
		list = append(list, out)
	}
	return list
}

func rule(r *balance.Rule) edgeapi.Rule {
	out := edgeapi.Rule{ARN: r.ARN, Priority: r.Priority, Action: action(r.Action)}
	for _, c := range r.Conditions {
		condition := edgeapi.Condition{Field: c.Field, Header: c.Header, Values: c.Values, Regex: c.Regex}
		for _, q := range c.Query {
			condition.Query = append(condition.Query, edgeapi.QueryValue{Key: q.Key, Value: q.Value})
		}
		out.Conditions = append(out.Conditions, condition)
	}
	for _, t := range r.Transforms {
		out.Transforms = append(out.Transforms, edgeapi.Transform{Type: t.Type, Regex: t.Regex, Replace: t.Replace})
	}
	return out
}

func action(a balance.Action) edgeapi.Action {
	switch {
	case a.Forward != nil:
		f := &edgeapi.Forward{}
		if a.Forward.Sticky {
			f.Stickiness = seconds(a.Forward.StickinessDuration)
		}
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
