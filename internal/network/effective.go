package network

import (
	"cmp"
	"net"
	"net/netip"
	"slices"

	"github.com/neargate/neargate/internal/state"
)

// This file translates rows into what a Fabric is told. It reads a snapshot and decides; it changes nothing.

// vpcConfig is the VPC as its router must be.
func (t *Tables) vpcConfig(tx *state.Tx, v *VPC) VPCConfig {
	c := VPCConfig{ID: v.ID, DNS: v.Resolver()}
	for _, b := range v.Blocks {
		c.CIDRs = append(c.CIDRs, b.CIDR)
	}
	_, c.Uplink = t.attachedGateway(tx, v.ID)
	for s := range t.Subnets.By(tx, "vpc", v.ID) {
		c.Subnets = append(c.Subnets, SubnetConfig{ID: s.ID, CIDR: s.CIDR, Gateway: s.Gateway(), Routes: t.effectiveRoutes(tx, s)})
	}
	for i := range t.Interfaces.By(tx, "public", v.ID) {
		if i.realises() { // a NAT gateway's address is in the routes that lead to it
			c.Public = append(c.Public, PublicAddress{Public: i.PublicIP, Private: i.PrivateIP})
		}
	}
	return c
}

// tableOf is the route table that decides for a subnet: its own, or the VPC's main one.
func (t *Tables) tableOf(tx *state.Tx, s *Subnet) (*RouteTable, bool) {
	for rt := range t.RouteTables.By(tx, "subnet", s.ID) {
		return rt, true
	}
	for rt := range t.RouteTables.By(tx, "vpc", s.VPCID) {
		if rt.main() {
			return rt, true
		}
	}
	return nil, false
}

// effectiveRoutes are the subnet's routes with their targets looked up, most specific first. A route whose target is gone
// or does not work is a black hole, as on AWS: what it matches is dropped, not given to the next route.
func (t *Tables) effectiveRoutes(tx *state.Tx, s *Subnet) []Route {
	routes := t.directRoutes(tx, s)
	var out []Route
	for _, r := range routes {
		if r.Via != RouteNAT {
			out = append(out, r.Route)
			continue
		}
		out = append(out, t.throughNat(tx, r, routes)...)
	}
	sortRoutes(out)
	return out
}

// looked is a route whose target was looked up; through a NAT gateway that works, nat is set.
type looked struct {
	Route
	nat *NatGateway
}

// directRoutes looks the targets of the subnet's routes up, not yet what lies behind a NAT gateway.
func (t *Tables) directRoutes(tx *state.Tx, s *Subnet) []looked {
	rt, ok := t.tableOf(tx, s)
	if !ok {
		return nil
	}
	// A block written in the table goes before the same block in a prefix list (VPC User Guide, "Route priority").
	written := slices.Clone(rt.Routes)
	slices.SortStableFunc(written, func(a, b TableRoute) int { return cmp.Compare(a.PrefixListID, b.PrefixListID) })
	seen := map[netip.Prefix]bool{}
	var out []looked
	for _, r := range written {
		target := t.lookTarget(tx, rt, r.Target)
		for _, destination := range t.destinations(tx, rt, r) {
			if seen[destination] {
				continue
			}
			seen[destination] = true
			target.Destination = destination
			out = append(out, target)
		}
	}
	return out
}

func (t *Tables) destinations(tx *state.Tx, rt *RouteTable, r TableRoute) []netip.Prefix {
	if r.PrefixListID == "" {
		return []netip.Prefix{r.CIDR}
	}
	p, err := t.PrefixList(tx, rt.Scope, r.PrefixListID)
	if err != nil {
		return nil
	}
	return v4(p)
}

// v4 are the IPv4 blocks of a prefix list.
func v4(p *PrefixList) []netip.Prefix {
	var out []netip.Prefix
	for _, e := range p.Entries() {
		if e.CIDR.Addr().Is4() {
			out = append(out, e.CIDR)
		}
	}
	return out
}

func (t *Tables) lookTarget(tx *state.Tx, rt *RouteTable, target string) looked {
	if target == "local" {
		return looked{Route: Route{Via: RouteLocal}}
	}
	if g, ok := t.InternetGateways.Get(tx, target); ok && g.VPCID == rt.VPCID {
		return looked{Route: Route{Via: RouteInternet}}
	}
	if g, ok := t.NatGateways.Get(tx, target); ok && g.State == NatAvailable {
		return looked{Route: Route{Via: RouteNAT, NatPublic: g.PublicIP, NatPrivate: g.PrivateIP}, nat: g}
	}
	if i, ok := t.Interfaces.Get(tx, target); ok && i.realises() {
		return looked{Route: Route{Via: RouteInterface, Interface: i.ID}}
	}
	return looked{Route: Route{Via: RouteBlackhole}}
}

// Blackhole says whether a route's target is gone or out of use, as DescribeRouteTables tells. A NAT gateway whose own subnet
// has no way out is not told of there, on AWS neither.
func (t *Tables) Blackhole(tx *state.Tx, rt *RouteTable, r TableRoute) bool {
	if g, ok := t.NatGateways.Get(tx, r.Target); ok && g.State == NatPending {
		return false
	}
	return t.lookTarget(tx, rt, r.Target).Via == RouteBlackhole
}

// throughNat is what becomes of a subnet's route r to a NAT gateway, given the routes of the gateway's own subnet: where
// those lead to the internet gateway, traffic is translated; elsewhere it is lost.
//
// The gateway's subnet may split r's destination. A part that the sending subnet routes itself stays with its own route.
func (t *Tables) throughNat(tx *state.Tx, r looked, own []looked) []Route {
	gatewaySubnet, ok := t.Subnets.Get(tx, r.nat.SubnetID)
	if !ok {
		return []Route{{Destination: r.Destination, Via: RouteBlackhole}}
	}
	beyond := t.directRoutes(tx, gatewaySubnet)
	next, ok := governing(beyond, r.Destination)
	out := []Route{through(r.Route, next, ok)}
	for _, b := range beyond {
		if b.Destination == r.Destination || !inside(b.Destination, r.Destination) || b.Via == RouteLocal {
			continue
		}
		if mine, ok := governing(own, b.Destination); ok && mine.Destination == r.Destination {
			part := through(r.Route, b, true)
			part.Destination = b.Destination
			out = append(out, part)
		}
	}
	return out
}

// through is the route to a NAT gateway whose subnet has the given next hop.
func through(r Route, next looked, ok bool) Route {
	if ok && next.Via == RouteInternet {
		return r
	}
	return Route{Destination: r.Destination, Via: RouteBlackhole}
}

// governing is the most specific route that covers the whole destination.
func governing(routes []looked, destination netip.Prefix) (looked, bool) {
	best, found := looked{}, false
	for _, r := range routes {
		if inside(destination, r.Destination) && (!found || r.Destination.Bits() > best.Destination.Bits()) {
			best, found = r, true
		}
	}
	return best, found
}

func sortRoutes(routes []Route) {
	slices.SortStableFunc(routes, func(a, b Route) int {
		return cmp.Or(cmp.Compare(b.Destination.Bits(), a.Destination.Bits()), a.Destination.Addr().Compare(b.Destination.Addr()))
	})
}

// groupRules is the security group as the fabric must enforce it, but for its members.
func (t *Tables) groupRules(tx *state.Tx, g *SecurityGroup) GroupConfig {
	return GroupConfig{ID: g.ID, VPC: g.VPCID, Ingress: t.rules(tx, g, false), Egress: t.rules(tx, g, true)}
}

// ports is what rules that can be told as one have in common.
type ports struct{ protocol, from, to int }

// rules are the rules of one direction, those for the same ports joined. Rules for IPv6 are left out: there is none.
func (t *Tables) rules(tx *state.Tx, g *SecurityGroup, egress bool) []Rule {
	joined := map[ports]*Rule{}
	for _, r := range t.RulesOf(tx, g.ID, egress) {
		if r.Peer.CIDR6.IsValid() || r.Protocol == "icmpv6" {
			continue
		}
		k := ports{r.number(), r.FromPort, r.ToPort}
		if joined[k] == nil {
			joined[k] = &Rule{Protocol: k.protocol, FromPort: k.from, ToPort: k.to}
		}
		switch {
		case r.Peer.CIDR.IsValid():
			joined[k].CIDRs = append(joined[k].CIDRs, r.Peer.CIDR)
		case r.Peer.GroupID != "":
			joined[k].Groups = append(joined[k].Groups, r.Peer.GroupID)
		default:
			if p, err := t.PrefixList(tx, g.Scope, r.Peer.PrefixListID); err == nil {
				joined[k].CIDRs = append(joined[k].CIDRs, v4(p)...)
			}
		}
	}
	var out []Rule
	for _, r := range joined {
		if len(r.CIDRs)+len(r.Groups) == 0 {
			continue
		}
		slices.SortFunc(r.CIDRs, func(a, b netip.Prefix) int {
			return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
		})
		r.CIDRs = slices.Compact(r.CIDRs)
		slices.Sort(r.Groups)
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b Rule) int {
		return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.FromPort, b.FromPort), cmp.Compare(a.ToPort, b.ToPort))
	})
	return out
}

// interfaceConfig is the interface as the fabric must make it.
func interfaceConfig(i *Interface) InterfaceConfig {
	mac, _ := net.ParseMAC(i.MAC) // written by newMAC
	return InterfaceConfig{
		ID: i.ID, VPC: i.VPCID, Subnet: i.SubnetID, Address: i.PrivateIP, MAC: mac, Groups: i.Groups,
		Unguarded: i.Type == TypeNetworkLoadBalancer && len(i.Groups) == 0, SourceDestCheck: i.SourceDestCheck,
		Transparent: i.Type == TypeNetworkLoadBalancer,
	}
}
