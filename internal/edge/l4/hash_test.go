package l4

import (
	"fmt"
	"math"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

func someTargets(n int) []*target {
	var all []*target
	for i := range n {
		id := fmt.Sprintf("10.0.1.%d", i)
		all = append(all, &target{key: TargetKey{"g", id, 80}, name: nameHash(id, 80), healthy: true})
	}
	return all
}

func client4(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, byte(i >> 8), byte(i)}), uint16(1024+i*7))
}

// TestFlowHash gives each of ten targets about a tenth of the flows, whatever tells them apart.
func TestFlowHash(t *testing.T) {
	to := netip.MustParseAddrPort("10.0.0.5:80")
	const flows, targets = 10_000, 10
	for name, hash := range map[string]func(i int) uint64{
		"client": func(i int) uint64 { return flowHash(protocolUDP, client4(i), to, 0) },
		"port": func(i int) uint64 {
			return flowHash(protocolUDP, netip.AddrPortFrom(client4(0).Addr(), uint16(i)), to, 0)
		},
		"sequence": func(i int) uint64 { return flowHash(protocolTCP, client4(0), to, uint32(i)) },
		"address":  func(i int) uint64 { return addressHash(client4(i).Addr()) },
		"listener": func(i int) uint64 {
			return flowHash(protocolTCP, client4(0), netip.AddrPortFrom(to.Addr(), uint16(i)), 0)
		},
	} {
		var n [targets]int
		for i := range flows {
			n[hash(i)%targets]++
		}
		for i, got := range n {
			if math.Abs(float64(got-flows/targets)) > flows/targets/5 {
				t.Errorf("%s: target %d gets %d of %d flows", name, i, got, flows)
			}
		}
	}
	a := flowHash(protocolUDP, client4(1), to, 0)
	if a != flowHash(protocolUDP, client4(1), to, 0) || a == flowHash(protocolTCP, client4(1), to, 0) {
		t.Error("the hash is not one of the flow")
	}
}

// TestRendezvous moves only the clients of the target that goes, and those the new one is best for.
func TestRendezvous(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 30).Draw(t, "targets")
		gone := rapid.IntRange(0, n-1).Draw(t, "gone")
		before := someTargets(n)
		var after []*target
		for i, x := range before {
			if i != gone {
				after = append(after, x)
			}
		}
		for i := range 200 {
			h := addressHash(client4(i).Addr())
			was, is := before[rendezvous(before, h)], after[rendezvous(after, h)]
			if was != is && was != before[gone] {
				t.Fatalf("client %d moved from %s to %s", i, was.key.ID, is.key.ID)
			}
		}
	})
}

// TestChoose weighs groups, binds clients and keeps to zones.
func TestChoose(t *testing.T) {
	zones := func(all []*target) []string {
		var z []string
		for i := range all {
			z = append(z, string(rune('a'+i%2)))
		}
		return z
	}
	groupOf := func(sticky bool, all []*target) *group {
		return &group{sticky: sticky, targets: all, zones: zones(all), views: map[string]*view{}, shared: &groupCounters{}}
	}
	one, two := groupOf(false, someTargets(4)), groupOf(false, someTargets(4))
	l := &listener{
		nodeLocal: netip.MustParseAddrPort("10.0.0.5:80"), total: 100,
		shares: []share{{one, one.view([]string{"a"}), 90}, {two, two.view([]string{"a", "b"}), 10}},
	}
	counts := map[*group]int{}
	seen := map[*target]bool{}
	const flows = 20_000
	for i := range flows {
		g, to := l.choose(protocolTCP, client4(i), uint32(i), nil)
		counts[g]++
		seen[to] = true
	}
	if share := float64(counts[two]) / flows; share < 0.08 || share > 0.12 {
		t.Errorf("a tenth of the weight gets %v of the flows", share)
	}
	if len(seen) != 6 || seen[one.targets[1]] || seen[one.targets[3]] {
		t.Errorf("%d targets get flows; the first group's other zone does: %v", len(seen), seen[one.targets[1]])
	}
	// A zone the load balancer is not in gets nothing; a target outside all zones is in each.
	abroad := groupOf(false, someTargets(3))
	abroad.zones = []string{"a", "c", "all"}
	if v := abroad.view([]string{"a", "b"}); len(v.targets) != 2 || v.targets[1] != abroad.targets[2] {
		t.Errorf("%d targets in the zones of the load balancer", len(v.targets))
	}
	l.shares[0].weight, l.total = 0, 10
	for i := range 100 {
		if g, _ := l.choose(protocolTCP, client4(i), uint32(i), nil); g != two {
			t.Fatal("a group of weight 0 gets a flow")
		}
	}
	l.total = 0
	if g, to := l.choose(protocolTCP, client4(1), 1, nil); g != nil || to != nil {
		t.Error("weights of 0 lead somewhere")
	}

	// A client keeps its group and its target, whatever its port; and finds them again where the table is another one.
	one.sticky, two.sticky = true, true
	l.sticky, l.total, l.shares[0].weight = true, 20, 10
	for i := range 200 {
		first, was := l.choose(protocolTCP, client4(i), 1, nil)
		other := netip.AddrPortFrom(client4(i).Addr(), 9)
		if again, is := l.choose(protocolTCP, other, 2, nil); again != first || is != was {
			t.Fatalf("client %d is not bound", i)
		}
	}
}

// TestEligible fails open when fewer targets of a view are healthy than must be.
func TestEligible(t *testing.T) {
	for _, c := range []struct {
		healthy, of int
		least       edgeapi.Failover
		eligible    int
		open        bool
	}{
		{4, 4, edgeapi.Failover{}, 4, false},
		{1, 4, edgeapi.Failover{}, 1, false},
		{0, 4, edgeapi.Failover{}, 4, true},
		{1, 4, edgeapi.Failover{Count: 2}, 4, true},
		{2, 4, edgeapi.Failover{Count: 2}, 2, false},
		{1, 4, edgeapi.Failover{Percent: 50}, 4, true},
		{2, 4, edgeapi.Failover{Count: 1, Percent: 50}, 2, false},
		{0, 0, edgeapi.Failover{}, 0, true},
	} {
		all := someTargets(c.of)
		for i, x := range all {
			x.healthy = i < c.healthy
		}
		g := &group{TargetGroup: edgeapi.TargetGroup{Routing: c.least}, targets: all, zones: make([]string, c.of), views: map[string]*view{}}
		v := g.view([]string{"a"})
		if n := len(*v.eligible.Load()); n != c.eligible || v.open.Load() != c.open {
			t.Errorf("%d of %d healthy, %+v: %d eligible, open %v", c.healthy, c.of, c.least, n, v.open.Load())
		}
		if c.of > 0 && g.failsOpen(all[c.of-1]) != c.open {
			t.Errorf("%d of %d healthy: fails open %v", c.healthy, c.of, !c.open)
		}
	}
}
