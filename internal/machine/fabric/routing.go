package fabric

import (
	"encoding/binary"
	"net/netip"

	"github.com/neargate/neargate/internal/network"
)

// internetHop is the next hop of routes to an internet gateway. It exists only as a name in routes and rules.
var internetHop = netip.MustParseAddr("169.254.1.1")

// linkLocal never leaves a subnet: the services there are addresses of the router itself.
var linkLocal = netip.MustParsePrefix("169.254.0.0/16")

// services are the addresses at which a VPC's router answers its interfaces, whatever their groups say
// (AWS: "Amazon VPC User Guide, Security groups": traffic to DNS, instance metadata and task metadata is not filtered).
var services = []netip.Addr{
	netip.MustParseAddr("169.254.169.253"), // DNS
	netip.MustParseAddr("169.254.169.254"), // instance metadata
	netip.MustParseAddr("169.254.170.2"),   // task metadata and credentials
}

// hop is where a route leads.
type hop struct {
	kind    hopKind
	gateway netip.Addr // forward
	link    int        // forward
}

type hopKind uint8

const (
	drop    hopKind = iota // silently, as the VPC router does
	throw                  // on to the main table, which knows the ENIs
	forward                // to gateway, through link
)

// tables are route tables by number: for every subnet one.
type tables map[uint32]map[netip.Prefix]hop

// firstTable is above the numbers that the kernel uses.
const firstTable = 1 << 28

// tableOf is the number of a subnet's route table and the mark of packets its interfaces send. Subnets of a VPC do not overlap and have at
// least 16 addresses, so it is unique.
func tableOf(subnet netip.Prefix) uint32 {
	base := subnet.Masked().Addr().As4()
	return firstTable | binary.BigEndian.Uint32(base[:])>>4
}

// returnTable is the number of the route table that leads to a transparent interface, whatever the destination, and the mark of
// connections it has begun. The numbers of subnets are smaller.
func returnTable(link int) uint32 { return 2*firstTable | uint32(link) }

// routeTables translates the VPC's routes. uplink is the link to the host, 0 without one;
// target finds the way to an interface that may forward others' packets.
func routeTables(v *network.VPCConfig, uplink int, target func(id string) (hop, bool)) tables {
	all := tables{}
	for _, s := range v.Subnets {
		t := map[netip.Prefix]hop{linkLocal: {kind: drop}}
		for _, r := range s.Routes {
			t[r.Destination.Masked()] = routeHop(r, uplink, target)
		}
		for _, c := range v.CIDRs {
			t[c.Masked()] = hop{kind: throw}
		}
		all[tableOf(s.CIDR)] = t
	}
	return all
}

func routeHop(r network.Route, uplink int, target func(id string) (hop, bool)) hop {
	switch r.Via {
	case network.RouteLocal:
		return hop{kind: throw}
	case network.RouteInternet:
		if uplink != 0 {
			return hop{kind: forward, gateway: internetHop, link: uplink}
		}
	case network.RouteNAT: // a private NAT gateway has no public address and nothing behind it
		if uplink != 0 && r.NatPublic.IsValid() {
			return hop{kind: forward, gateway: r.NatPublic, link: uplink}
		}
	case network.RouteInterface:
		if h, ok := target(r.Interface); ok {
			return h
		}
	}
	return hop{kind: drop}
}

// publicAddresses are the addresses of the pool that lead to this VPC: those of its interfaces and those of its NAT gateways.
func publicAddresses(v *network.VPCConfig) map[netip.Addr]bool {
	all := map[netip.Addr]bool{}
	if !v.Uplink {
		return all
	}
	for _, p := range v.Public {
		all[p.Public] = true
	}
	for _, s := range v.Subnets {
		for _, r := range s.Routes {
			if r.Via == network.RouteNAT && r.NatPublic.IsValid() {
				all[r.NatPublic] = true
			}
		}
	}
	return all
}

// routerAddresses are the addresses that the router answers to.
func routerAddresses(v *network.VPCConfig) map[netip.Addr]bool {
	all := serviceAddresses(v)
	for _, s := range v.Subnets {
		all[s.Gateway] = true
	}
	return all
}

func serviceAddresses(v *network.VPCConfig) map[netip.Addr]bool {
	all := map[netip.Addr]bool{}
	for _, a := range services {
		all[a] = true
	}
	if v.DNS.IsValid() {
		all[v.DNS] = true
	}
	return all
}

// difference tells what to write so that have becomes want, and what to remove. A changed value is written.
func difference[K, V comparable](have, want map[K]V) (write map[K]V, remove []K) {
	write = map[K]V{}
	for k, v := range want {
		if old, ok := have[k]; !ok || old != v {
			write[k] = v
		}
	}
	for k := range have {
		if _, ok := want[k]; !ok {
			remove = append(remove, k)
		}
	}
	return write, remove
}
