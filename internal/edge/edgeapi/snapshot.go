package edgeapi

import "net/netip"

// Snapshot is everything edge needs to serve. It is immutable once put.
//
// Generation orders snapshots. It must be greater than the generation edge serves, so a publisher that has just started
// continues from Status.Generation+1. The same generation put twice with the same content is acknowledged again.
type Snapshot struct {
	Generation    uint64         `json:"generation"`
	Nodes         []Node         `json:"nodes,omitempty"`
	LoadBalancers []LoadBalancer `json:"loadBalancers,omitempty"`
	TargetGroups  []TargetGroup  `json:"targetGroups,omitempty"`
	Certificates  []Certificate  `json:"certificates,omitempty"`
	TrustStores   []TrustStore   `json:"trustStores,omitempty"`
	CookieKey     []byte         `json:"cookieKey,omitempty"` // 32 octets that seal stickiness cookies; the same for as long as the data directory lives
	Zones         []Zone         `json:"zones,omitempty"`
	Doors         []Door         `json:"doors,omitempty"`
}

// Node is one load balancer node: one network interface of a load balancer in one availability zone.
//
// All listeners of the load balancer are opened on Address inside Namespace, and targets are dialled and probed from
// there, so that security groups and routes apply to the load balancer as to any other interface.
type Node struct {
	ID               string     `json:"id"`                  // interface id, unique
	LoadBalancer     string     `json:"loadBalancer"`        // ARN of a load balancer of this snapshot
	Namespace        string     `json:"namespace,omitempty"` // path of the network namespace; empty: edge's own
	Address          netip.Addr `json:"address"`             // where listeners listen and connections to targets start
	AvailabilityZone string     `json:"availabilityZone,omitempty"`
}

// Zone is DNS for one VPC: addresses to answer at inside the VPC's namespace and the names known there.
//
// A name in Records is answered. A name at or under one of Own that is not in Records does not exist (NXDOMAIN). Any other
// name is forwarded to the resolvers of the host.
type Zone struct {
	VPC       string       `json:"vpc"`
	Namespace string       `json:"namespace,omitempty"` // path of the VPC's network namespace; empty: edge's own
	Listen    []netip.Addr `json:"listen"`              // the VPC's base+2 and 169.254.169.253
	Port      int          `json:"port,omitempty"`      // 0 means 53
	Own       []string     `json:"own,omitempty"`       // domains this zone is authoritative for, e.g. us-east-1.elb.localhost
	Records   []Record     `json:"records,omitempty"`
}

// Record is one name with its addresses, answered in rotating order.
type Record struct {
	Name      string       `json:"name"`          // without a final dot; "*." as first label matches one or more labels
	Addresses []netip.Addr `json:"addresses"`     // IPv4
	TTL       int          `json:"ttl,omitempty"` // seconds; 0 means 60, what load balancer names have
}

// Door makes one listener of an internet-facing load balancer reachable from the machine itself, where 198.18.0.0/15 is
// routed but nobody wants to type it.
//
// Connections to 127.0.0.1:Port are told apart by the Host of their first request, which is one of Hosts or on a certificate of the load
// balancer; connections to Loopback:Port belong to
// this load balancer alone. Both are carried through to one of Public, so that the load balancer's security group decides.
type Door struct {
	LoadBalancer string       `json:"loadBalancer"` // ARN, for reports
	Port         int          `json:"port"`         // the listener's port
	Protocol     string       `json:"protocol"`     // the listener's protocol; only HTTP can be told apart by Host
	Hosts        []string     `json:"hosts,omitempty"`
	Loopback     netip.Addr   `json:"loopback,omitzero"` // 127.x.y.z, unique to the load balancer; zero: none
	Public       []netip.Addr `json:"public"`            // dialled in turn
}
