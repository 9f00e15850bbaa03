package fabric

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/neargate/neargate/internal/network"
)

func TestRouteTables(t *testing.T) {
	const uplink = 7
	instance := hop{kind: forward, gateway: addr("10.0.0.9"), link: 9}
	target := func(id string) (hop, bool) { return instance, id == "eni-there" }
	eip := addr("198.18.0.9")
	tests := []struct {
		name   string
		route  network.Route
		uplink int
		want   hop
	}{
		{"local", network.Route{Destination: prefix("10.1.0.0/16"), Via: network.RouteLocal}, uplink, hop{kind: throw}},
		{"internet", network.Route{Destination: anywhere, Via: network.RouteInternet}, uplink, hop{kind: forward, gateway: internetHop, link: uplink}},
		{"internet without gateway", network.Route{Destination: anywhere, Via: network.RouteInternet}, 0, hop{kind: drop}},
		{"NAT", network.Route{Destination: anywhere, Via: network.RouteNAT, NatPublic: eip}, uplink, hop{kind: forward, gateway: eip, link: uplink}},
		{"NAT without gateway", network.Route{Destination: anywhere, Via: network.RouteNAT, NatPublic: eip}, 0, hop{kind: drop}},
		{"private NAT", network.Route{Destination: anywhere, Via: network.RouteNAT, NatPrivate: addr("10.0.0.8")}, uplink, hop{kind: drop}},
		{"blackhole", network.Route{Destination: prefix("8.8.8.8/32"), Via: network.RouteBlackhole}, uplink, hop{kind: drop}},
		{"interface", network.Route{Destination: anywhere, Via: network.RouteInterface, Interface: "eni-there"}, uplink, instance},
		{"interface not there", network.Route{Destination: anywhere, Via: network.RouteInterface, Interface: "eni-gone"}, uplink, hop{kind: drop}},
		{"inside the VPC", network.Route{Destination: prefix("10.0.3.0/24"), Via: network.RouteInterface, Interface: "eni-there"}, uplink, instance},
		{"the VPC is always local", network.Route{Destination: prefix("10.0.0.0/16"), Via: network.RouteInternet}, uplink, hop{kind: throw}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			subnet := prefix("10.0.1.0/24")
			v := &network.VPCConfig{CIDRs: []netip.Prefix{prefix("10.0.0.0/16")}, Subnets: []network.SubnetConfig{{CIDR: subnet, Routes: []network.Route{test.route}}}}
			want := tables{tableOf(subnet): {
				prefix("169.254.0.0/16"): {kind: drop}, prefix("10.0.0.0/16"): {kind: throw}, test.route.Destination: test.want,
			}}
			got := routeTables(v, test.uplink, target)
			if d := cmp.Diff(want, got, cmp.AllowUnexported(hop{}), cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})); d != "" {
				t.Error(d)
			}
		})
	}
}

// Subnets that do not overlap have different tables.
func TestTableOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		subnet := rapid.Custom(func(t *rapid.T) netip.Prefix {
			b := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address")
			return netip.PrefixFrom(netip.AddrFrom4([4]byte(b)), rapid.IntRange(16, 28).Draw(t, "bits")).Masked()
		})
		a, b := subnet.Draw(t, "a"), subnet.Draw(t, "b")
		if !a.Overlaps(b) && tableOf(a) == tableOf(b) {
			t.Fatalf("%s and %s have the same table", a, b)
		}
		if tableOf(a) < firstTable {
			t.Fatalf("table %d of %s may be one of the kernel's", tableOf(a), a)
		}
	})
}

func TestPublicAddresses(t *testing.T) {
	v := &network.VPCConfig{
		Uplink: true,
		Public: []network.PublicAddress{{Public: addr("198.18.0.5"), Private: addr("10.0.0.5")}},
		Subnets: []network.SubnetConfig{
			{Routes: []network.Route{{Destination: anywhere, Via: network.RouteNAT, NatPublic: addr("198.18.0.6")}}},
			{Routes: []network.Route{{Destination: anywhere, Via: network.RouteNAT, NatPublic: addr("198.18.0.6")}, {Destination: prefix("1.0.0.0/8"), Via: network.RouteNAT}}},
		},
	}
	expect(t, "addresses", publicAddresses(v), map[netip.Addr]bool{addr("198.18.0.5"): true, addr("198.18.0.6"): true})
	v.Uplink = false
	expect(t, "addresses without gateway", publicAddresses(v), map[netip.Addr]bool{})
}

func TestDifference(t *testing.T) {
	write, gone := difference(map[string]int{"same": 1, "changed": 1, "gone": 1}, map[string]int{"same": 1, "changed": 2, "new": 3})
	expect(t, "write", write, map[string]int{"changed": 2, "new": 3})
	expect(t, "gone", gone, []string{"gone"})
}
