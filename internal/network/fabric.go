package network

import (
	"context"
	"net"
	"net/netip"
)

// Fabric makes the network real: packets move, or are dropped, as the rows of this package say.
//
// Every call is idempotent and states the whole wanted configuration of its noun; the fabric compares it with what
// is applied and does only the difference. Calls about different VPCs run in parallel, calls about one VPC one after the other.
//
// Order: a VPC before its interfaces, and a subnet of the VPC before an interface in it. Groups and interfaces may come
// in any order: an interface may name a group not ensured yet, and a rule may reference one; until it is ensured a
// group has no rules and no members, so it admits nothing. Interfaces are deleted before their VPC; deleting a VPC removes whatever it still has.
//
// Deleting what does not exist is no error. IPv4 only.
type Fabric interface {
	// EnsureVPC makes the VPC's router: its subnets' gateways, their route tables, the uplink to the world if it has an internet
	// gateway, NAT and the public addresses of its interfaces.
	EnsureVPC(ctx context.Context, v VPCConfig) error
	DeleteVPC(ctx context.Context, id string) error

	// EnsureInterface makes an ENI (1–2 ms): a network namespace with `lo` and `eth0`, connected to its VPC, guarded by its groups.
	// Traffic is decided by the groups from the first packet on.
	EnsureInterface(ctx context.Context, i InterfaceConfig) error
	DeleteInterface(ctx context.Context, vpc, id string) error

	// EnsureGroup states a security group's rules and members. Established connections outlive a change of rules,
	// as tracked connections do on AWS; new ones follow the new rules.
	EnsureGroup(ctx context.Context, g GroupConfig) error
	DeleteGroup(ctx context.Context, vpc, id string) error

	// NamespacePath is the path of an interface's network namespace, which a container runtime or a socket opener can
	// join. It is a function of the id alone: the path may be asked for before the interface exists.
	NamespacePath(interfaceID string) string

	// Adopt is called once, before anything else, by a control plane that starts: what exists and is not listed is removed, the
	// rest keeps running untouched until it is ensured again.
	Adopt(ctx context.Context, vpcs []string, interfaces []string) error
}

// VPCConfig is a VPC with all that its router must know.
type VPCConfig struct {
	ID      string
	CIDRs   []netip.Prefix
	DNS     netip.Addr // the resolver's address: base of the first CIDR + 2
	Subnets []SubnetConfig
	Public  []PublicAddress
	Uplink  bool // an internet gateway is attached
}

// SubnetConfig is a subnet with the route table that is associated with it, explicitly or as the VPC's main one.
type SubnetConfig struct {
	ID      string
	CIDR    netip.Prefix
	Gateway netip.Addr // base + 1
	Routes  []Route
}

// RouteTarget is the kind of thing a route leads to.
type RouteTarget string

// What a route may lead to. The VPC's own CIDRs are always local, whether a route says so or not.
const (
	RouteLocal     RouteTarget = "local"
	RouteInternet  RouteTarget = "igw"       // only for interfaces with a public address; others are dropped
	RouteNAT       RouteTarget = "nat"       // source becomes NatPublic
	RouteBlackhole RouteTarget = "blackhole" // its target is gone: dropped
	RouteInterface RouteTarget = "eni"       // to Interface's namespace, whatever the destination
)

// Route is one entry of a subnet's route table; the longest prefix wins.
type Route struct {
	Destination netip.Prefix
	Via         RouteTarget
	NatPublic   netip.Addr // for RouteNAT: the NAT gateway's Elastic IP
	NatPrivate  netip.Addr // for RouteNAT: its private address
	Interface   string     // for RouteInterface: the interface's id
}

// PublicAddress maps a public address to one private address of the VPC, in both directions, through the internet gateway.
type PublicAddress struct{ Public, Private netip.Addr }

// InterfaceConfig is an ENI.
type InterfaceConfig struct {
	ID, VPC, Subnet string
	Address         netip.Addr
	MAC             net.HardwareAddr
	Groups          []string
	// Unguarded lets everything pass, as no group does.
	Unguarded bool
	// SourceDestCheck drops packets that the interface sends under an address not its own. Routers switch it off.
	SourceDestCheck bool
	// Transparent is the interface of a network load balancer, which sends under its clients' addresses: the answers come back to it and not to
	// them. Rules of other interfaces that name one of its groups admit what it sends under any address.
	Transparent bool
}

// GroupConfig is a security group with its rules and the private addresses of all interfaces in it.
type GroupConfig struct {
	ID, VPC         string
	Ingress, Egress []Rule
	Members         []netip.Addr
}

// Rule admits traffic of a protocol and port range whose other end is in one of the prefixes or in one of the groups.
//
// Protocol is an IP protocol number, or -1 for all. For TCP and UDP the ports are a range of destination ports; for ICMP (1)
// FromPort is the type and ToPort the code, -1 for any; for others they mean nothing.
type Rule struct {
	Protocol         int
	FromPort, ToPort int
	CIDRs            []netip.Prefix
	Groups           []string
}
