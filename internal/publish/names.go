package publish

import (
	"net/netip"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/state"
)

// address is where a load balancer's node is.
type address struct {
	node    balance.Node
	private netip.Addr
	public  netip.Addr // invalid for an internal load balancer
}

// addresses are those of the nodes that are ready. A node stays in the snapshot through restarts, when its interface is only about to
// be looked at again: what has been ready is served until its load balancer lets go of it.
func (p *Publisher) addresses(tx *state.Tx, lb *balance.LoadBalancer) []address {
	var list []address
	for _, n := range lb.Nodes {
		i, ok := p.Network.Interfaces.Get(tx, n.InterfaceID)
		if !ok || !n.Ready {
			continue
		}
		list = append(list, address{node: n, private: i.PrivateIP, public: i.PublicIP})
	}
	return list
}

// door is the way from the machine itself to a listener of an internet-facing load balancer.
func door(lb *balance.LoadBalancer, l *balance.Listener, at []address) (edgeapi.Door, bool) {
	d := edgeapi.Door{LoadBalancer: lb.ARN, Port: l.Port, Protocol: l.Protocol, Hosts: []string{lb.DNSName}, Loopback: lb.Loopback}
	for _, a := range at {
		if a.public.IsValid() {
			d.Public = append(d.Public, a.public)
		}
	}
	return d, len(d.Public) > 0
}

// metadataResolver is where every VPC's resolver answers besides its base+2 (VPC User Guide, "Amazon DNS server").
var metadataResolver = netip.MustParseAddr("169.254.169.253")

// zones are the resolvers of the VPCs that have come into being. Load balancer names are public on AWS, those of internal ones too, so
// every VPC knows all of them; the name of an internet-facing one leads to its public addresses wherever it is asked for.
func (p *Publisher) zones(tx *state.Tx) []edgeapi.Zone {
	var zones []edgeapi.Zone
	var records []edgeapi.Record
	for v := range p.Network.VPCs.All(tx, "") {
		if !v.DNSSupport || !p.real(tx, v.ID) {
			continue
		}
		if records == nil {
			records = p.records(tx)
		}
		zones = append(zones, edgeapi.Zone{
			VPC: v.ID, Namespace: p.Network.NamespacePath(v.ID), Listen: []netip.Addr{v.Resolver(), metadataResolver},
			Own: []string{balance.Domain}, Records: records,
		})
	}
	return zones
}

// real is whether a VPC has an interface in the kernel, and therefore a router there.
func (p *Publisher) real(tx *state.Tx, vpcID string) bool {
	for range p.Network.Interfaces.By(tx, "realised", vpcID) {
		return true
	}
	return false
}

// records are the names of load balancers, and those that Network Load Balancers have in each of their zones.
func (p *Publisher) records(tx *state.Tx) []edgeapi.Record {
	records := []edgeapi.Record{}
	for lb := range p.Balance.LoadBalancers.All(tx, "") {
		all := p.addresses(tx, lb)
		if r := record(lb.DNSName, p.answered(tx, lb, all)); len(r.Addresses) > 0 {
			records = append(records, r)
		}
		if !lb.Network() {
			continue
		}
		for _, a := range all {
			records = append(records, record(a.node.Zone+"."+lb.DNSName, []address{a}))
		}
	}
	return records
}

func record(name string, at []address) edgeapi.Record {
	r := edgeapi.Record{Name: name}
	for _, a := range at {
		if a.public.IsValid() {
			r.Addresses = append(r.Addresses, a.public)
		} else {
			r.Addresses = append(r.Addresses, a.private)
		}
	}
	return r
}
