package fabrictest

import (
	"context"
	"errors"
	"net/netip"

	"github.com/neargate/neargate/internal/network"
)

const (
	client = "10.0.0.10"
	server = "10.0.1.10"
)

func groupsAdmit(g *ground) {
	g.group("client", nil, client)
	g.group("server", nil, server)
	g.attach(client, "client")
	g.attach(server, "server")
	g.misses(client, server, udp, 80)
	g.misses(client, server, tcp, 80)
	for _, admitting := range [][]network.Rule{
		allowAll, rule(udp, 80, 80, "10.0.0.0/24"), rule(udp, 70, 90, client+"/32"), rule(udp, 0, 65535, "0.0.0.0/0"), rule(udp, 80, 80, "client"),
		rule(-1, 0, 0, "nobody", "client"), rule(udp, 80, 80, "10.0.2.0/24", "10.0.0.8/29", "192.168.0.0/16"),
		append(rule(tcp, 1, 2, "1.2.3.0/24"), rule(udp, 80, 80, "client")...),
	} {
		g.group("server", admitting, server)
		g.reaches(client, server, udp, 80, client)
	}
	for _, refusing := range [][]network.Rule{
		nil, rule(tcp, 80, 80, "0.0.0.0/0"), rule(udp, 81, 90, "0.0.0.0/0"), rule(udp, 80, 80, "10.0.1.0/24"), rule(udp, 80, 80, "server"), rule(udp, 80, 80, "nobody"), rule(udp, 80, 80),
	} {
		g.group("server", refusing, server)
		g.misses(client, server, udp, 80)
	}
	g.group("server", allowAll, server)
	g.guard("client", nil, rule(udp, 80, 80, "10.0.1.0/24"), client)
	g.reaches(client, server, udp, 80, client)
	g.misses(client, server, udp, 81)
	g.misses(client, server, tcp, 80)
	g.guard("client", nil, rule(tcp, 80, 80, "server"), client)
	g.reaches(client, server, tcp, 80, client)
	g.misses(client, server, udp, 80)
}

// unguarded interfaces are reached by everybody and reach everybody who admits them.
func unguarded(g *ground) {
	g.attach(client, "client")
	g.guard("client", rule(udp, 90, 90, "0.0.0.0/0"), allowAll, client)
	i := g.config(server)
	i.Unguarded = true
	g.ok(g.EnsureInterface(g.t.Context(), i))
	g.reaches(client, server, udp, 80, client)
	g.reaches(server, client, udp, 90, server)
	g.misses(server, client, udp, 91)
	g.attach(server)
	g.misses(client, server, udp, 82)
}

// transparent interfaces speak for their clients: the server's rules see the client's address, and the load balancer's group.
func transparent(g *ground) {
	const lb = "10.0.0.30"
	g.attach(client)
	g.attach(server, "server")
	i := g.config(lb)
	i.Groups, i.SourceDestCheck, i.Transparent = []string{"lb"}, false, true
	g.ok(g.EnsureInterface(g.t.Context(), i))
	g.guard("lb", nil, allowAll, lb)
	for _, c := range []struct {
		rules       []network.Rule
		inName, own bool // admitted from the load balancer under the client's address, and under its own
	}{
		{nil, false, false},
		{rule(udp, 80, 80, client+"/32"), true, false},
		{rule(udp, 80, 80, lb+"/32"), false, true},
		{[]network.Rule{{Protocol: udp, FromPort: 80, ToPort: 80, Groups: []string{"lb"}}}, true, true},
	} {
		g.group("server", c.rules, server)
		for _, protocol := range []int{udp, tcp} {
			inName, own := c.inName && protocol == udp, c.own && protocol == udp
			d := g.datagram(lb, server, protocol, 80)
			if seen, answered := g.Send(d, own); answered != own || own && seen.String() != lb {
				g.t.Errorf("%+v: own: %v, seen as %s", c.rules, answered, seen)
			}
			d.Source = netip.MustParseAddr(client)
			if seen, answered := g.Send(d, inName); answered != inName || inName && seen.String() != client {
				g.t.Errorf("%+v: in the client's name: %v, seen as %s", c.rules, answered, seen)
			}
		}
	}
}

func groupsAdd(g *ground) {
	g.group("client", nil, client)
	g.attach(client, "client")
	g.group("a", rule(udp, 80, 80, "client"))
	g.group("b", rule(udp, 81, 81, "client"))
	for _, step := range []struct {
		groups []string
		open   [2]bool
	}{{nil, [2]bool{}}, {[]string{"a"}, [2]bool{true, false}}, {[]string{"b", "a"}, [2]bool{true, true}}, {[]string{"b"}, [2]bool{false, true}}} {
		g.attach(server, step.groups...)
		for i, open := range step.open {
			if open {
				g.reaches(client, server, udp, 80+i, client)
			} else {
				g.misses(client, server, udp, 80+i)
			}
		}
	}
}

func groupsComeInAnyOrder(g *ground) {
	g.attach(client, "client")
	g.attach(server, "server")
	g.misses(client, server, udp, 80)
	g.group("server", rule(udp, 80, 80, "client"), server)
	g.misses(client, server, udp, 80)
	g.group("client", nil, client)
	g.reaches(client, server, udp, 80, client)
}

func membersChange(g *ground) {
	g.group("client", nil, client)
	g.group("server", rule(udp, 80, 80, "friends"), server)
	g.attach(client, "client")
	g.attach(server, "server")
	g.misses(client, server, udp, 80)
	g.group("friends", nil, "10.0.0.9", client)
	g.reaches(client, server, udp, 80, client)
	g.group("friends", nil, "10.0.0.9")
	g.misses(client, server, udp, 81)
	if f, ok := g.Subject.(network.MemberFabric); ok {
		a := []netip.Addr{netip.MustParseAddr(client)}
		g.ok(f.ChangeMembers(g.t.Context(), g.vpc.ID, "friends", a, nil))
		g.ok(f.ChangeMembers(g.t.Context(), g.vpc.ID, "friends", a, nil))
		g.reaches(client, server, udp, 80, client)
		g.ok(f.ChangeMembers(g.t.Context(), g.vpc.ID, "friends", nil, a))
		g.misses(client, server, udp, 82)
	}
	g.group("friends", nil, client)
	g.ok(g.DeleteGroup(g.t.Context(), g.vpc.ID, "friends"))
	g.misses(client, server, udp, 83)
}

func gatewaysTranslate(g *ground) {
	outside := g.Outside().String()
	g.group("open", allowAll)
	for _, a := range []string{"10.0.0.10", "10.0.0.11", "10.0.1.10", "10.0.2.10"} {
		g.attach(a, "open")
	}
	public := g.publish("10.0.0.11", 1)
	g.misses("10.0.0.10", outside, udp, 80)
	g.reaches("10.0.0.11", outside, udp, 80, public)
	g.reaches("10.0.0.11", outside, tcp, 80, public)
	g.reaches("10.0.1.10", outside, udp, 80, g.Public(0).String())
	g.reaches("10.0.1.10", outside, tcp, 80, g.Public(0).String())
	g.misses("10.0.2.10", outside, udp, 80)
	g.reaches("10.0.1.10", public, udp, 80, g.Public(0).String())
	g.misses("10.0.1.10", g.Public(0).String(), udp, 80)
	g.vpc.Uplink = false
	g.ensure()
	g.misses("10.0.0.11", outside, udp, 81)
	g.misses("10.0.1.10", outside, udp, 81)
	g.reaches("10.0.0.11", "10.0.2.10", udp, 81, "10.0.0.11")
}

func routesDecide(g *ground) {
	outside := g.Outside()
	nat := network.Route{Via: network.RouteNAT, NatPublic: g.Public(7)}
	g.group("open", allowAll)
	g.attach(server, "open")
	to := func(p string, r network.Route) network.Route {
		r.Destination = netip.MustParsePrefix(p)
		return r
	}
	narrow := outside.String() + "/32"
	blackhole := network.Route{Via: network.RouteBlackhole}
	for i, c := range []struct {
		routes []network.Route
		source string
	}{
		{nil, ""},
		{[]network.Route{to("0.0.0.0/0", nat)}, g.Public(7).String()},
		{[]network.Route{to("0.0.0.0/0", nat), to(narrow, blackhole)}, ""},
		{[]network.Route{to("0.0.0.0/0", blackhole), to(narrow, nat)}, g.Public(7).String()},
		{[]network.Route{to("0.0.0.0/0", network.Route{Via: network.RouteInternet})}, ""},
		{[]network.Route{to("0.0.0.0/0", network.Route{Via: network.RouteInterface, Interface: "eni-never"})}, ""},
		{[]network.Route{to("0.0.0.0/0", network.Route{Via: network.RouteNAT, NatPrivate: netip.MustParseAddr("10.0.0.9")})}, ""},
		{[]network.Route{to("10.0.0.0/16", network.Route{Via: network.RouteLocal}), to("0.0.0.0/0", nat)}, g.Public(7).String()},
	} {
		g.subnet("10.0.1").Routes = c.routes
		g.ensure()
		if c.source == "" {
			g.misses(server, outside.String(), udp, 80+i)
		} else {
			g.reaches(server, outside.String(), udp, 80+i, c.source)
		}
	}
}

func publicAddressesAdmit(g *ground) {
	outside := g.Outside().String()
	g.attach("10.0.0.10", "web")
	g.attach("10.0.1.10", "web")
	g.attach("10.0.2.10", "web")
	g.group("web", nil)
	public := g.publish("10.0.0.10", 1)
	private, isolated := g.publish("10.0.1.10", 2), g.publish("10.0.2.10", 3)
	g.misses("", public, udp, 80)
	g.group("web", rule(udp, 80, 80, outside+"/32"))
	g.reaches("", public, udp, 80, outside)
	g.misses("", public, udp, 81)
	g.misses("", private, udp, 80) // the answer would go to the NAT gateway
	g.misses("", isolated, udp, 80)
	g.group("web", rule(udp, 80, 90, "10.0.0.0/8"))
	g.misses("", public, udp, 82)
	g.group("web", allowAll)
	g.reaches("", public, udp, 83, outside)
	g.vpc.Public = nil
	g.ensure()
	g.misses("", public, udp, 84)
}

func vpcsAreIsolated(g *ground) {
	other := &ground{Subject: g.Subject, t: g.t, vpc: network.VPCConfig{
		ID: "vpc-2", CIDRs: g.vpc.CIDRs, DNS: g.vpc.DNS, Uplink: true, Subnets: []network.SubnetConfig{*g.subnet("10.0.0")},
	}}
	other.ensure()
	g.group("open", allowAll, "10.0.0.10", "10.0.0.20")
	other.group("open", rule(udp, 80, 80, "open"), "10.0.0.11")
	g.attach("10.0.0.10", "open")
	other.attach("10.0.0.11", "open")
	other.attach("10.0.0.12", "open")
	g.misses("10.0.0.10", "10.0.0.11", udp, 80)
	g.misses("10.0.0.10", "10.0.0.12", udp, 80)
	other.reaches("10.0.0.11", "10.0.0.12", udp, 80, "10.0.0.11")
	g.attach("10.0.0.20", "open")
	mine := g.publish("10.0.0.10", 1)
	theirs := other.publish("10.0.0.11", 2)
	g.misses("10.0.0.10", theirs, udp, 80) // references are to private addresses of the same VPC
	other.group("open", rule(udp, 80, 80, mine+"/32"), "10.0.0.11")
	g.reaches("10.0.0.10", theirs, udp, 80, mine)
}

func deletedIsGone(g *ground) {
	ctx := g.t.Context()
	g.group("open", allowAll)
	g.attach(client, "open")
	g.attach(server, "open")
	g.reaches(client, server, udp, 80, client)
	for range 2 {
		g.ok(g.DeleteInterface(ctx, g.vpc.ID, g.id(server)))
		g.misses(client, server, udp, 81)
	}
	g.attach(server, "open")
	g.reaches(client, server, udp, 82, client)
	for range 2 {
		g.ok(g.DeleteGroup(ctx, g.vpc.ID, "open"))
		g.misses(client, server, udp, 83)
	}
	for range 2 {
		g.ok(g.DeleteVPC(ctx, g.vpc.ID))
	}
	g.ok(g.DeleteGroup(ctx, g.vpc.ID, "open"))
	g.ok(g.DeleteInterface(ctx, g.vpc.ID, g.id(client)))
	g.ensure()
	g.group("open", allowAll)
	g.attach(client, "open")
	g.attach(server, "open")
	g.reaches(client, server, udp, 84, client)
}

func adoptKeepsAndRemoves(g *ground) {
	ctx := g.t.Context()
	g.group("open", allowAll)
	g.attach(client, "open")
	g.attach(server, "open")
	g.attach("10.0.2.10", "open")
	other := *g
	other.vpc.ID = "vpc-2"
	other.ensure()
	g.Restart()
	g.ok(g.Adopt(ctx, []string{g.vpc.ID}, []string{g.id(client), g.id(server)}))
	g.reaches(client, server, udp, 80, client)
	g.misses(client, "10.0.2.10", udp, 80)
	g.ensure()
	g.group("open", rule(udp, 81, 81, "10.0.0.0/16"))
	g.attach(client, "open")
	g.attach(server, "open")
	g.reaches(client, server, udp, 81, client)
	g.misses(client, server, udp, 82)
	g.attach("10.0.2.10", "open")
	g.reaches(client, "10.0.2.10", udp, 81, client)
}

func refusals(g *ground) {
	ctx := g.t.Context()
	i := network.InterfaceConfig{ID: "eni-1", VPC: g.vpc.ID, Subnet: "subnet-none", Address: netip.MustParseAddr(client)}
	if err := g.EnsureInterface(ctx, i); err == nil {
		g.t.Error("interface in a subnet that does not exist")
	}
	i.VPC = "vpc-none"
	if err := g.EnsureInterface(ctx, i); err == nil {
		g.t.Error("interface in a VPC that does not exist")
	}
	if err := g.EnsureGroup(ctx, network.GroupConfig{ID: "sg-1", VPC: "vpc-none"}); err == nil {
		g.t.Error("group in a VPC that does not exist")
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if err := g.EnsureVPC(gone, g.vpc); !errors.Is(err, context.Canceled) {
		g.t.Errorf("canceled: %v", err)
	}
	g.attach(client)
	g.misses(client, server, udp, 80)
}
