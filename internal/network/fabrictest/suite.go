package fabrictest

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/neargate/neargate/internal/network"
)

// Subject is a fabric under test with what sends datagrams in it.
type Subject interface {
	network.Fabric

	// Public is the n-th address of the pool that a test may give away.
	Public(n int) netip.Addr
	// Outside is somebody beyond the internet gateway, who answers everybody, and may call public addresses.
	Outside() netip.Addr
	// Send is as Fake.Send. Interfaces answer at the datagram's protocol and port, whatever they are.
	// The expected answer tells how long to wait for it.
	Send(d Datagram, expected bool) (seen netip.Addr, answered bool)
	// Restart lets a new control plane take over what the last one left.
	Restart()
}

// Run lets a fabric pass the suite. make returns a new, empty one for each test.
func Run(t *testing.T, makeSubject func(t *testing.T) Subject) {
	for _, test := range []struct {
		name string
		run  func(*ground)
	}{
		{"GroupsAdmit", groupsAdmit},
		{"Unguarded", unguarded},
		{"Transparent", transparent},
		{"GroupsAdd", groupsAdd},
		{"GroupsComeInAnyOrder", groupsComeInAnyOrder},
		{"MembersChange", membersChange},
		{"GatewaysTranslate", gatewaysTranslate},
		{"RoutesDecide", routesDecide},
		{"PublicAddressesAdmit", publicAddressesAdmit},
		{"VPCsAreIsolated", vpcsAreIsolated},
		{"DeletedIsGone", deletedIsGone},
		{"AdoptKeepsAndRemoves", adoptKeepsAndRemoves},
		{"Refusals", refusals},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(newGround(t, makeSubject(t), "vpc-1")) })
	}
}

const (
	udp = 17
	tcp = 6
)

var (
	anywhere = netip.MustParsePrefix("0.0.0.0/0")
	allowAll = []network.Rule{{Protocol: -1, CIDRs: []netip.Prefix{anywhere}}}
)

// ground is a VPC with three subnets: public 10.0.0.0/24 with an internet gateway, private 10.0.1.0/24 with a NAT gateway, isolated
// 10.0.2.0/24 with neither. Interfaces are named by their addresses.
type ground struct {
	Subject
	t   testing.TB
	vpc network.VPCConfig
}

func newGround(t testing.TB, s Subject, id string) *ground {
	g := &ground{Subject: s, t: t, vpc: network.VPCConfig{
		ID: id, CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}, DNS: netip.MustParseAddr("10.0.0.2"), Uplink: true,
	}}
	for name, route := range map[string]network.Route{
		"10.0.0": {Destination: anywhere, Via: network.RouteInternet},
		"10.0.1": {Destination: anywhere, Via: network.RouteNAT, NatPublic: s.Public(0)},
		"10.0.2": {Destination: anywhere, Via: network.RouteBlackhole},
	} {
		g.vpc.Subnets = append(g.vpc.Subnets, network.SubnetConfig{
			ID: "subnet-" + name, CIDR: netip.MustParsePrefix(name + ".0/24"), Gateway: netip.MustParseAddr(name + ".1"), Routes: []network.Route{route},
		})
	}
	g.ensure()
	return g
}

func (g *ground) ensure() {
	g.t.Helper()
	g.ok(g.EnsureVPC(g.t.Context(), g.vpc))
}

func (g *ground) ok(err error) {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
}

// subnet is the one with the prefix's first three numbers.
func (g *ground) subnet(name string) *network.SubnetConfig {
	return &g.vpc.Subnets[slices.IndexFunc(g.vpc.Subnets, func(s network.SubnetConfig) bool { return s.ID == "subnet-"+name })]
}

func (g *ground) id(address string) string { return "eni-" + g.vpc.ID + "-" + address }

func (g *ground) attach(address string, groups ...string) {
	g.t.Helper()
	i := g.config(address)
	i.Groups = groups
	g.ok(g.EnsureInterface(g.t.Context(), i))
}

// config is an interface without groups.
func (g *ground) config(address string) network.InterfaceConfig {
	a := netip.MustParseAddr(address)
	i := network.InterfaceConfig{ID: g.id(address), VPC: g.vpc.ID, Address: a, SourceDestCheck: true}
	for _, s := range g.vpc.Subnets {
		if s.CIDR.Contains(a) {
			i.Subnet = s.ID
		}
	}
	return i
}

// group states a group that may send anything.
func (g *ground) group(id string, ingress []network.Rule, members ...string) {
	g.t.Helper()
	g.guard(id, ingress, allowAll, members...)
}

func (g *ground) guard(id string, ingress, egress []network.Rule, members ...string) {
	g.t.Helper()
	c := network.GroupConfig{ID: id, VPC: g.vpc.ID, Ingress: ingress, Egress: egress}
	for _, m := range members {
		c.Members = append(c.Members, netip.MustParseAddr(m))
	}
	g.ok(g.EnsureGroup(g.t.Context(), c))
}

func (g *ground) publish(private string, n int) string {
	g.t.Helper()
	g.vpc.Public = append(g.vpc.Public, network.PublicAddress{Public: g.Public(n), Private: netip.MustParseAddr(private)})
	g.ensure()
	return g.Public(n).String()
}

// datagram is from an interface, or from outside if the address is empty.
func (g *ground) datagram(from, to string, protocol, port int) Datagram {
	d := Datagram{Protocol: protocol, To: netip.AddrPortFrom(netip.MustParseAddr(to), uint16(port))}
	if from == "" {
		d.Source = g.Outside()
	} else {
		d.From = g.id(from)
	}
	return d
}

// reaches wants an answer, and the receiver to have seen the source.
func (g *ground) reaches(from, to string, protocol, port int, source string) {
	g.t.Helper()
	seen, answered := g.Send(g.datagram(from, to, protocol, port), true)
	if !answered {
		g.t.Errorf("%q to %s, protocol %d port %d: no answer", from, to, protocol, port)
	} else if seen.String() != source {
		g.t.Errorf("%q to %s, protocol %d port %d: seen as %s, want %s", from, to, protocol, port, seen, source)
	}
}

func (g *ground) misses(from, to string, protocol, port int) {
	g.t.Helper()
	if seen, answered := g.Send(g.datagram(from, to, protocol, port), false); answered {
		g.t.Errorf("%q to %s, protocol %d port %d: answered, seen as %s", from, to, protocol, port, seen)
	}
}

// rule is one of the protocol and ports, from or to prefixes and groups.
func rule(protocol, first, last int, others ...string) []network.Rule {
	r := network.Rule{Protocol: protocol, FromPort: first, ToPort: last}
	for _, o := range others {
		if p, err := netip.ParsePrefix(o); err == nil {
			r.CIDRs = append(r.CIDRs, p)
		} else {
			r.Groups = append(r.Groups, o)
		}
	}
	return []network.Rule{r}
}
