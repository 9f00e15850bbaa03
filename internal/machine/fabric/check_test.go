package fabric

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/network"
)

func TestChecks(t *testing.T) {
	vpc := network.VPCConfig{ID: "vpc-1", CIDRs: []netip.Prefix{prefix("10.0.0.0/16")}, DNS: addr("10.0.0.2"), Subnets: []network.SubnetConfig{
		{ID: "s", CIDR: prefix("10.0.0.0/24"), Gateway: addr("10.0.0.1"), Routes: []network.Route{{Destination: anywhere, Via: network.RouteInternet}}},
	}}
	eni := network.InterfaceConfig{ID: "eni-1", VPC: "vpc-1", Address: addr("10.0.0.9")}
	group := network.GroupConfig{ID: "sg-1", VPC: "vpc-1", Ingress: allowAll, Members: []netip.Addr{addr("10.0.0.9")}}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"vpc", checkVPC(&vpc), ""},
		{"interface", checkInterface(&eni), ""},
		{"group", checkGroup(&group), ""},
		{"id with slash", checkVPC(with(vpc, func(v *network.VPCConfig) { v.ID = "../x" })), "not usable"},
		{"no id", checkInterface(with(eni, func(i *network.InterfaceConfig) { i.ID = "" })), "not usable"},
		{"IPv6 block", checkVPC(with(vpc, func(v *network.VPCConfig) { v.CIDRs = []netip.Prefix{prefix("fd00::/8")} })), "not an IPv4 network"},
		{"no gateway", checkVPC(with(vpc, func(v *network.VPCConfig) { v.Subnets = []network.SubnetConfig{{CIDR: prefix("10.0.0.0/24")}} })), "gateway"},
		{"unknown target", checkRoute(network.Route{Destination: anywhere, Via: "vgw"}), `unknown target "vgw"`},
		{"no address", checkInterface(with(eni, func(i *network.InterfaceConfig) { i.Address = netip.Addr{} })), "not an IPv4 address"},
		{"link address", checkInterface(with(eni, func(i *network.InterfaceConfig) { i.MAC = net.HardwareAddr{1, 2} })), "not six bytes"},
		{"group id", checkInterface(with(eni, func(i *network.InterfaceConfig) { i.Groups = []string{"a b"} })), "not usable"},
		{"protocol", checkRule(network.Rule{Protocol: 256}), "protocol 256"},
		{"port", checkRule(network.Rule{Protocol: 6, FromPort: 1, ToPort: 65536}), "not port numbers"},
		{"referenced group", checkGroup(with(group, func(g *network.GroupConfig) { g.Egress = []network.Rule{{Groups: []string{"/"}}} })), "not usable"},
		{"member", checkGroup(with(group, func(g *network.GroupConfig) { g.Members = []netip.Addr{addr("::1")} })), "not an IPv4 address"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			switch {
			case test.want == "" && test.err != nil:
				t.Error(test.err)
			case test.want != "" && (test.err == nil || !strings.Contains(test.err.Error(), test.want)):
				t.Errorf("got %v, want %q", test.err, test.want)
			}
		})
	}
}

func with[T any](v T, change func(*T)) *T {
	change(&v)
	return &v
}

func TestConfig(t *testing.T) {
	for _, bad := range []Config{{}, {Instance: "xyz"}, {Instance: "0123abcd", PublicPool: prefix("fd00::/64")}, {Instance: "0123abcd", PublicPool: prefix("198.18.0.0/30")}, {Instance: "0123abcd", PublicPool: netip.PrefixFrom(addr("198.18.0.1"), 24)}} {
		if _, err := bad.normal(); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
	c, err := Config{Instance: "0123abcd"}.normal()
	check(t, err)
	expect(t, "directory", c.RunDir, "/run/netns")
}
