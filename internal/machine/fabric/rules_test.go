package fabric

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/neargate/neargate/internal/network"
)

func TestMergePrefixes(t *testing.T) {
	tests := []struct {
		name     string
		prefixes []string
		want     string
	}{
		{"none", nil, "[]"},
		{"one", []string{"10.0.0.0/8"}, "[10.0.0.0-10.255.255.255]"},
		{"host bits", []string{"10.1.2.3/8"}, "[10.0.0.0-10.255.255.255]"},
		{"one address", []string{"10.1.2.3/32"}, "[10.1.2.3-10.1.2.3]"},
		{"everything", []string{"0.0.0.0/0", "10.0.0.0/8"}, "[0.0.0.0-255.255.255.255]"},
		{"two halves", []string{"128.0.0.0/1", "0.0.0.0/1"}, "[0.0.0.0-255.255.255.255]"},
		{"contained", []string{"10.1.0.0/16", "10.0.0.0/8"}, "[10.0.0.0-10.255.255.255]"},
		{"adjacent", []string{"10.0.1.0/24", "10.0.0.0/24"}, "[10.0.0.0-10.0.1.255]"},
		{"apart", []string{"10.0.2.0/24", "10.0.0.0/24"}, "[10.0.0.0-10.0.0.255 10.0.2.0-10.0.2.255]"},
		{"last address", []string{"255.255.255.255/32", "255.255.255.0/24"}, "[255.255.255.0-255.255.255.255]"},
		{"not IPv4", []string{"::/0", "fd00::/8"}, "[]"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var ps []netip.Prefix
			for _, p := range test.prefixes {
				ps = append(ps, prefix(p))
			}
			expect(t, "ranges", mergePrefixes(ps), test.want)
		})
	}
}

// Merging changes no address's answer, and leaves gaps between ranges.
func TestMergePrefixesProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		address := rapid.Custom(func(t *rapid.T) netip.Addr {
			return netip.AddrFrom4([4]byte{10, 0, byte(rapid.IntRange(0, 3).Draw(t, "c")), rapid.Byte().Draw(t, "d")})
		})
		ps := rapid.SliceOf(rapid.Custom(func(t *rapid.T) netip.Prefix {
			return netip.PrefixFrom(address.Draw(t, "base"), rapid.IntRange(20, 32).Draw(t, "bits"))
		})).Draw(t, "prefixes")
		merged := mergePrefixes(ps)
		for i := 1; i < len(merged); i++ {
			if merged[i-1].last.Next().Compare(merged[i].first) >= 0 {
				t.Fatalf("ranges %v touch", merged[i-1:i+1])
			}
		}
		a := address.Draw(t, "address")
		want := slices.ContainsFunc(ps, func(p netip.Prefix) bool { return p.Contains(a) })
		if got := contains(merged, a); got != want {
			t.Fatalf("%s in %v: %v, want %v", a, merged, got, want)
		}
	})
}

func TestIntervals(t *testing.T) {
	ranges := mergePrefixes([]netip.Prefix{prefix("10.0.0.0/24"), prefix("255.0.0.0/8")})
	var got []string
	for _, e := range intervals(ranges) {
		got = append(got, fmt.Sprintf("%v end=%v", readAddress(e.Key), e.IntervalEnd))
	}
	expect(t, "elements", got, []string{"10.0.0.0 end=false", "10.0.1.0 end=true", "255.0.0.0 end=false"})
}

func TestCompileCounts(t *testing.T) {
	many := network.Rule{Protocol: -1}
	for i := range 3 * rangesPerRule / 2 {
		many.CIDRs = append(many.CIDRs, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 25))
	}
	tests := []struct {
		name  string
		rules []network.Rule
		want  int
	}{
		{"nothing", nil, 0},
		{"a rule for nobody", []network.Rule{tcp(1, 2)}, 0},
		{"everybody", allowAll, 1},
		{"prefixes are one rule", []network.Rule{tcp(1, 2, "10.0.0.0/8", "11.1.0.0/16", "12.0.0.0/8")}, 1},
		{"groups are two rules each", []network.Rule{fromGroups(tcp(1, 2, "10.0.0.0/8"), "a", "b")}, 5},
		{"a prefix list of hundreds", []network.Rule{many}, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			expect(t, "rules", len(compile(ingress, test.rules)), test.want)
			if (fingerprint(compile(ingress, test.rules)) == "") != (test.want == 0) {
				t.Error("fingerprint of rules and of nothing must differ")
			}
		})
	}
}

func TestFingerprint(t *testing.T) {
	a, b := tcp(80, 80, "10.0.0.0/8"), fromGroups(udp(53, 53), "sg-1")
	if c := compile(ingress, []network.Rule{a}); fingerprint(c) == fingerprint(compile(egress, []network.Rule{a})) {
		t.Error("direction does not matter")
	}
	if fingerprint(compile(ingress, []network.Rule{a, b})) != fingerprint(compile(ingress, []network.Rule{b, a})) {
		t.Error("order matters")
	}
	seen := map[string]int{}
	for i, rules := range [][]network.Rule{
		{a}, {b}, {a, b}, {a, a}, {tcp(80, 80, "10.0.0.0/8", "12.0.0.0/8")}, {tcp(80, 80, "10.0.0.0/8", "12.0.0.0/9")}, {tcp(80, 81, "10.0.0.0/8")}, {tcp(80, 80, "10.0.0.0/9")}, {fromGroups(udp(53, 53), "sg-2")}, {fromGroups(tcp(53, 53), "sg-1")},
	} {
		print := fingerprint(compile(egress, rules))
		if j, dup := seen[print]; dup {
			t.Errorf("%v has the fingerprint of case %d", rules, j)
		}
		seen[print] = i
	}
}
