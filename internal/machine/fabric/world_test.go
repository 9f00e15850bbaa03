package fabric

import (
	"net/netip"
	"testing"

	"github.com/neargate/neargate/internal/network"
)

// world is a VPC with three subnets, which its tests furnish:
//
//	public   10.0.0.0/24  default route to the internet gateway
//	private  10.0.1.0/24  default route to a NAT gateway, whose address is public(0)
//	isolated 10.0.2.0/24  no default route
type world struct {
	*machine
	t   testing.TB
	f   *Fabric
	vpc network.VPCConfig
}

var (
	anywhere = netip.MustParsePrefix("0.0.0.0/0")
	allowAll = []network.Rule{{Protocol: -1, CIDRs: []netip.Prefix{anywhere}}}
)

func newWorld(t testing.TB, m *machine, f *Fabric, id string) *world {
	t.Helper()
	w := &world{machine: m, t: t, f: f, vpc: network.VPCConfig{
		ID: id, CIDRs: []netip.Prefix{prefix("10.0.0.0/16")}, DNS: addr("10.0.0.2"), Uplink: true,
	}}
	w.vpc.Subnets = []network.SubnetConfig{
		{ID: "public", CIDR: prefix("10.0.0.0/24"), Gateway: addr("10.0.0.1"), Routes: []network.Route{
			{Destination: prefix("10.0.0.0/16"), Via: network.RouteLocal},
			{Destination: anywhere, Via: network.RouteInternet},
		}},
		{ID: "private", CIDR: prefix("10.0.1.0/24"), Gateway: addr("10.0.1.1"), Routes: []network.Route{
			{Destination: prefix("10.0.0.0/16"), Via: network.RouteLocal},
			{Destination: anywhere, Via: network.RouteNAT, NatPublic: w.public(0), NatPrivate: addr("10.0.0.100")},
		}},
		{ID: "isolated", CIDR: prefix("10.0.2.0/24"), Gateway: addr("10.0.2.1"), Routes: []network.Route{
			{Destination: prefix("10.0.0.0/16"), Via: network.RouteLocal},
		}},
	}
	w.ensure()
	return w
}

func (w *world) ensure() {
	w.t.Helper()
	check(w.t, w.f.EnsureVPC(w.t.Context(), w.vpc))
}

// public is the n-th address of the pool that this test gives away.
func (w *world) public(n int) netip.Addr { return plus(w.f.PublicPool().Addr(), 10+n) }

func (w *world) subnet(name string) *network.SubnetConfig {
	for i := range w.vpc.Subnets {
		if w.vpc.Subnets[i].ID == name {
			return &w.vpc.Subnets[i]
		}
	}
	w.t.Fatalf("no subnet %s", name)
	return nil
}

// config is an interface of the VPC; its id tells its address.
func (w *world) config(address string, groups ...string) network.InterfaceConfig {
	a := addr(address)
	c := network.InterfaceConfig{ID: "eni-" + w.vpc.ID + "-" + address, VPC: w.vpc.ID, Address: a, Groups: groups, SourceDestCheck: true}
	for _, s := range w.vpc.Subnets {
		if s.CIDR.Contains(a) {
			c.Subnet = s.ID
		}
	}
	return c
}

// attach makes an interface and returns the place inside.
func (w *world) attach(address string, groups ...string) place {
	w.t.Helper()
	return w.attachConfig(w.config(address, groups...))
}

func (w *world) attachConfig(c network.InterfaceConfig) place {
	w.t.Helper()
	check(w.t, w.f.EnsureInterface(w.t.Context(), c))
	return place{w.t, w.f.NamespacePath(c.ID)}
}

// group states a group that may send anything, and admits what the rules say.
func (w *world) group(id string, ingress []network.Rule, members ...string) {
	w.t.Helper()
	w.groupConfig(network.GroupConfig{ID: id, Ingress: ingress, Egress: allowAll}, members...)
}

func (w *world) groupConfig(c network.GroupConfig, members ...string) {
	w.t.Helper()
	c.VPC = w.vpc.ID
	for _, m := range members {
		c.Members = append(c.Members, addr(m))
	}
	check(w.t, w.f.EnsureGroup(w.t.Context(), c))
}

// publish gives an interface a public address.
func (w *world) publish(private string, n int) netip.Addr {
	w.t.Helper()
	w.vpc.Public = append(w.vpc.Public, network.PublicAddress{Public: w.public(n), Private: addr(private)})
	w.ensure()
	return w.public(n)
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func plus(a netip.Addr, n int) netip.Addr {
	for range n {
		a = a.Next()
	}
	return a
}

func tcp(first, last int, cidrs ...string) network.Rule { return ports(6, first, last, cidrs...) }

func udp(first, last int, cidrs ...string) network.Rule { return ports(17, first, last, cidrs...) }

func ports(protocol, first, last int, cidrs ...string) network.Rule {
	r := network.Rule{Protocol: protocol, FromPort: first, ToPort: last}
	for _, c := range cidrs {
		r.CIDRs = append(r.CIDRs, prefix(c))
	}
	return r
}

func fromGroups(r network.Rule, groups ...string) network.Rule {
	r.Groups = groups
	return r
}

func addrPort(a netip.Addr, port int) netip.AddrPort { return netip.AddrPortFrom(a, uint16(port)) }
