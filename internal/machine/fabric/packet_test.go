package fabric

import (
	"net/netip"
	"testing"

	"github.com/neargate/neargate/internal/network"
)

func TestSmoke(t *testing.T) {
	m := newMachine(t)
	f := m.start()
	ctx := t.Context()
	cidr := netip.MustParsePrefix("10.0.0.0/16")
	check(t, f.EnsureVPC(ctx, network.VPCConfig{ID: "vpc-1", CIDRs: []netip.Prefix{cidr}, DNS: netip.MustParseAddr("10.0.0.2"),
		Subnets: []network.SubnetConfig{{ID: "subnet-1", CIDR: netip.MustParsePrefix("10.0.0.0/24"), Gateway: netip.MustParseAddr("10.0.0.1"),
			Routes: []network.Route{{Destination: netip.MustParsePrefix("0.0.0.0/0"), Via: network.RouteInternet}}}},
		Uplink: true,
		Public: []network.PublicAddress{{Public: f.PublicPool().Addr().Next().Next(), Private: netip.MustParseAddr("10.0.0.10")}},
	}))
	all := []network.Rule{{Protocol: -1, CIDRs: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}}
	check(t, f.EnsureGroup(ctx, network.GroupConfig{ID: "sg-1", VPC: "vpc-1", Ingress: all, Egress: all}))
	for _, a := range []string{"10.0.0.10", "10.0.0.11"} {
		check(t, f.EnsureInterface(ctx, network.InterfaceConfig{ID: "eni-" + a, VPC: "vpc-1", Subnet: "subnet-1", Address: netip.MustParseAddr(a), Groups: []string{"sg-1"}, SourceDestCheck: true}))
	}
	a, b := m.inside(f, "eni-10.0.0.10"), m.inside(f, "eni-10.0.0.11")
	b.serveTCP(80)
	a.serveTCP(80)
	m.internet.serveTCP(80)
	m.host.serveTCP(81)
	t.Log(a.reaches("tcp4", netip.MustParseAddr("10.0.0.11"), 80))
	t.Log(m.host.reaches("tcp4", f.PublicPool().Addr().Next().Next(), 80))
	t.Log(a.reaches("tcp4", internetPeer.Addr(), 80))
	t.Log(a.reaches("tcp4", machineWAN.Addr(), 81))
	b.misses("tcp4", internetPeer.Addr(), 80)
}
