package fabrictest

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/neargate/neargate/internal/network"
)

// Datagram is a packet of a protocol with ports, 6 or 17, that starts something new.
type Datagram struct {
	From     string     // id of an interface; empty: somebody outside
	Source   netip.Addr // of somebody outside; of an interface: under which it sends, zero for its own address
	To       netip.AddrPort
	Protocol int
}

// Send says whether a datagram is delivered and answered, and under which source address it arrives. A receiver outside answers everything; an
// interface answers what reaches it. Routes to interfaces are not followed: what they are for is up to who listens there.
func (f *Fake) Send(d Datagram) (seen netip.Addr, answered bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if d.From == "" {
		return d.Source, f.enter(d.Source, d)
	}
	sender, ok := f.interfaces[d.From]
	if !ok || !f.admitted(sender, d, []netip.Addr{d.To.Addr()}, func(g network.GroupConfig) []network.Rule { return g.Egress }) {
		return netip.Addr{}, false
	}
	route := f.route(sender, d.To.Addr())
	if d.Source.IsValid() && d.Source != sender.Address { // answers must come back, which they do to load balancers only
		return d.Source, sender.Transparent && route.Via == network.RouteLocal && f.receives(sender.VPC, []netip.Addr{d.Source, sender.Address}, d, d.To.Addr())
	}
	if route.Via == network.RouteLocal {
		return sender.Address, f.receives(sender.VPC, []netip.Addr{sender.Address}, d, d.To.Addr())
	}
	source := f.translated(sender, route)
	if !source.IsValid() {
		return netip.Addr{}, false
	}
	if f.isPublic(d.To.Addr()) {
		return source, f.enter(source, d)
	}
	return source, true
}

// enter follows a datagram from the world to a public address.
func (f *Fake) enter(source netip.Addr, d Datagram) bool {
	for _, v := range f.vpcs {
		for _, p := range v.Public {
			if !v.Uplink || p.Public != d.To.Addr() {
				continue
			}
			target, ok := f.at(v.ID, p.Private)
			answersByGateway := ok && f.route(target, source).Via == network.RouteInternet
			return answersByGateway && f.receives(v.ID, []netip.Addr{source}, d, p.Private)
		}
	}
	return false
}

// isPublic says whether an address is one that interfaces or NAT gateways have.
func (f *Fake) isPublic(a netip.Addr) bool {
	for _, v := range f.vpcs {
		if slices.ContainsFunc(v.Public, func(p network.PublicAddress) bool { return p.Public == a }) {
			return true
		}
		for _, s := range v.Subnets {
			if slices.ContainsFunc(s.Routes, func(r network.Route) bool { return r.NatPublic == a }) {
				return true
			}
		}
	}
	return false
}

// receives says whether the receiver admits a datagram from an address. What a load balancer sends under its client's address comes from a second one, its
// own, as far as groups are concerned.
func (f *Fake) receives(vpc string, from []netip.Addr, d Datagram, private netip.Addr) bool {
	target, ok := f.at(vpc, private)
	return ok && f.admitted(target, d, from, func(g network.GroupConfig) []network.Rule { return g.Ingress })
}

func (f *Fake) at(vpc string, a netip.Addr) (network.InterfaceConfig, bool) {
	for _, i := range f.interfaces {
		if i.VPC == vpc && i.Address == a {
			return i, true
		}
	}
	return network.InterfaceConfig{}, false
}

// translated is the source under which a datagram leaves the VPC, invalid if it does not.
func (f *Fake) translated(sender network.InterfaceConfig, r network.Route) netip.Addr {
	v := f.vpcs[sender.VPC]
	switch {
	case !v.Uplink:
		return netip.Addr{}
	case r.Via == network.RouteNAT:
		return r.NatPublic
	case r.Via != network.RouteInternet:
		return netip.Addr{}
	}
	for _, p := range v.Public {
		if p.Private == sender.Address {
			return p.Public
		}
	}
	return netip.Addr{}
}

// route finds where the interface's subnet sends packets for an address; one without a target if nowhere.
func (f *Fake) route(from network.InterfaceConfig, to netip.Addr) network.Route {
	v := f.vpcs[from.VPC]
	var matching []network.Route
	for _, c := range v.CIDRs {
		matching = append(matching, network.Route{Destination: c, Via: network.RouteLocal})
	}
	for _, s := range v.Subnets {
		if s.ID == from.Subnet {
			matching = append(matching, s.Routes...)
		}
	}
	matching = slices.DeleteFunc(matching, func(r network.Route) bool { return !r.Destination.Contains(to) })
	if len(matching) == 0 {
		return network.Route{}
	}
	return slices.MaxFunc(matching, func(a, b network.Route) int { return cmp.Compare(a.Destination.Bits(), b.Destination.Bits()) })
}

// admitted says whether some group of the interface admits the datagram, other being the far end.
func (f *Fake) admitted(i network.InterfaceConfig, d Datagram, other []netip.Addr, rules func(network.GroupConfig) []network.Rule) bool {
	if i.Unguarded {
		return true
	}
	for _, id := range i.Groups {
		for _, r := range rules(f.groups[groupKey{i.VPC, id}]) {
			if matches(r, d) && f.concerns(i.VPC, r, other) {
				return true
			}
		}
	}
	return false
}

func matches(r network.Rule, d Datagram) bool {
	port := int(d.To.Port())
	return r.Protocol < 0 || r.Protocol == d.Protocol && (r.FromPort < 0 || r.FromPort <= port && port <= r.ToPort)
}

func (f *Fake) concerns(vpc string, r network.Rule, other []netip.Addr) bool {
	return slices.ContainsFunc(r.CIDRs, func(p netip.Prefix) bool { return p.Contains(other[0]) }) ||
		slices.ContainsFunc(r.Groups, func(id string) bool {
			members := f.groups[groupKey{vpc, id}].Members
			return slices.ContainsFunc(other, func(a netip.Addr) bool { return slices.Contains(members, a) })
		})
}
