package proxy

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/drain"
	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// fleet is healthy targets without a network.
func fleet(n int) []*target {
	out := make([]*target, n)
	for i := range out {
		key := TargetKey{Group: "g", ID: fmt.Sprintf("10.0.0.%d", i), Port: 80}
		out[i] = &target{key: key, digest: digestOf(key), tickets: drain.Tickets{Drained: func() {}}}
		out[i].healthy.Store(true)
	}
	return out
}

// shares counts how n requests fall on targets, by their index, when each ends before the next begins.
func shares(t *testing.T, p *pool, targets []*target, now int64, n int) []int {
	t.Helper()
	index := map[*target]int{}
	for i, x := range targets {
		index[x] = i
	}
	seen := make([]int, len(targets))
	for range n {
		to := p.enter(now)
		if to == nil {
			t.Fatal("no target")
		}
		seen[index[to]]++
		to.tickets.Return()
	}
	return seen
}

func poolOf(g edgeapi.TargetGroup, targets []*target) *pool {
	return newGroup(&g, targets, &groupState{}).pool("", true)
}

func TestRoundRobinShares(t *testing.T) {
	targets := fleet(4)
	p := poolOf(edgeapi.TargetGroup{Algorithm: edgeapi.AlgorithmRoundRobin}, targets)
	for i, n := range shares(t, p, targets, 0, 400) {
		if n != 100 {
			t.Errorf("target %d: %d of 400", i, n)
		}
	}
}

func TestWeightedRandom(t *testing.T) {
	targets := fleet(4)
	p := poolOf(edgeapi.TargetGroup{Algorithm: edgeapi.AlgorithmWeightedRandom}, targets)
	for i, n := range shares(t, p, targets, 0, 40_000) {
		if n < 9_500 || n > 10_500 {
			t.Errorf("target %d: %d of 40000", i, n)
		}
	}
}

// TestLeastOutstanding keeps some requests in flight: whoever has the fewest gets the next one.
func TestLeastOutstanding(t *testing.T) {
	targets := fleet(3)
	p := poolOf(edgeapi.TargetGroup{Algorithm: edgeapi.AlgorithmLeastOutstanding}, targets)
	for i, busy := range []int{5, 2, 3} {
		for range busy {
			targets[i].tickets.Take()
		}
	}
	want := []*target{targets[1], nil, nil, nil, nil, nil, nil}
	for i := range 8 { // up to 6, 6, 6
		to := p.enter(0)
		if i < len(want) && want[i] != nil && to != want[i] {
			t.Errorf("request %d went to %s", i, to.key.ID)
		}
	}
	for i, x := range targets {
		if n := x.tickets.Out(); n != 6 {
			t.Errorf("target %d has %d", i, n)
		}
	}
	for range 6 {
		targets[1].tickets.Return()
	}
	targets[1].tickets.Drain(new(sync.Mutex), time.Now().Add(time.Hour), func() {})
	if to := p.enter(0); to == nil || to == targets[1] {
		t.Errorf("the draining target, or none, was chosen: %v", to)
	}
}

// TestThresholds shows from how few healthy targets on all are routed to.
func TestThresholds(t *testing.T) {
	for _, c := range []struct {
		routing edgeapi.Failover
		healthy int // of 4
		want    int // targets that get requests
	}{
		{edgeapi.Failover{}, 1, 1},
		{edgeapi.Failover{}, 0, 4},
		{edgeapi.Failover{Count: 1}, 1, 1},
		{edgeapi.Failover{Count: 2}, 2, 2},
		{edgeapi.Failover{Count: 2}, 1, 4},
		{edgeapi.Failover{Percent: 50}, 2, 2},
		{edgeapi.Failover{Percent: 51}, 2, 4},
		{edgeapi.Failover{Count: 1, Percent: 75}, 2, 4}, // either
	} {
		targets := fleet(4)
		g := newGroup(&edgeapi.TargetGroup{Algorithm: edgeapi.AlgorithmRoundRobin, Routing: c.routing}, targets, &groupState{})
		p := g.pool("", true)
		for _, x := range targets[c.healthy:] {
			x.healthy.Store(false)
		}
		g.refresh()
		got := 0
		for _, n := range shares(t, p, targets, 0, 400) {
			if n > 0 {
				got++
			}
		}
		if got != c.want {
			t.Errorf("%+v with %d healthy: %d targets get requests", c.routing, c.healthy, got)
		}
	}
}

// TestZones shows who is routed to from a zone, by the settings of the load balancer and of the group.
func TestZones(t *testing.T) {
	for _, c := range []struct {
		balancer bool
		group    *bool
		want     string // of targets in zones a, b, all and none
	}{
		{true, nil, "abxy"},
		{true, new(false), "axy"},
		{false, nil, "axy"},
		{false, new(true), "abxy"},
	} {
		targets := fleet(4)
		targets[0].zone, targets[1].zone, targets[2].zone = "a", "b", "all"
		g := newGroup(&edgeapi.TargetGroup{Algorithm: edgeapi.AlgorithmRoundRobin, CrossZone: c.group}, targets, &groupState{})
		got := ""
		for i, n := range shares(t, g.pool("a", c.balancer), targets, 0, 100) {
			if n > 0 {
				got += string("abxy"[i])
			}
		}
		if got != c.want {
			t.Errorf("%v, %v: %s", c.balancer, c.group, got)
		}
		if p := g.pool("c", false); c.group == nil && p.enter(0) == targets[0] {
			t.Error("a node in another zone gives requests to zone a")
		}
	}
}

// TestSlowStart follows the share of a target that became healthy at 1000 with a ramp of 100 s.
func TestSlowStart(t *testing.T) {
	targets := fleet(4)
	g := newGroup(&edgeapi.TargetGroup{Algorithm: edgeapi.AlgorithmRoundRobin, SlowStart: 100 * time.Second}, targets, &groupState{})
	p := g.pool("", true)
	targets[3].warming.Store(1000)
	g.refresh()
	for _, c := range []struct {
		now  int64
		part float64 // of a full share
	}{{1000, 0}, {1025, 0.25}, {1050, 0.5}, {1075, 0.75}, {1100, 1}, {5000, 1}} {
		const n = 40_000
		seen := shares(t, p, targets, c.now, n)
		want := n * c.part / (3 + c.part)
		if got := float64(seen[3]); got < want*0.93 || got > want*1.07 {
			t.Errorf("at %d: %v, want %.0f", c.now, seen, want)
		}
		for _, others := range seen[:3] {
			if full := (n - want) / 3; float64(others) < full*0.95 || float64(others) > full*1.05 {
				t.Errorf("at %d: %v, want %.0f for each of the others", c.now, seen, full)
			}
		}
	}
	if g.settled(1050); !g.settled(1050) {
		t.Error("not settled with three targets in full service")
	}
	for _, x := range targets[:3] {
		x.healthy.Store(false)
	}
	g.refresh()
	if seen := shares(t, p, targets, 1000, 100); seen[3] != 100 {
		t.Errorf("the only healthy target is starting slowly: %v", seen)
	}
	if g.settled(1050) || !g.settled(1100) {
		t.Error("settled while the only healthy target starts, or not afterwards")
	}
}

// TestSlowStartBegins shows which changes of health start a ramp.
func TestSlowStartBegins(t *testing.T) {
	one, two := name(t, "one"), name(t, "two")
	b := newBench(t, one, two)
	b.apply(func(s *edgeapi.Snapshot) {
		g := s.TargetGroups[0]
		g.SlowStart = time.Hour
		s.TargetGroups = []edgeapi.TargetGroup{g}
	})
	warming := func(x edgeapi.Target) bool {
		b.engine.mu.Lock()
		defer b.engine.mu.Unlock()
		return b.engine.targets[keyFor(x)].warming.Load() != 0
	}
	if warming(one) || warming(two) {
		t.Error("targets that were healthy before start slowly")
	}
	b.engine.SetHealth(keyFor(two), false)
	b.engine.SetHealth(keyFor(two), true)
	if warming(one) || !warming(two) {
		t.Error("a target that became healthy does not start slowly")
	}
	b.engine.SetHealth(keyFor(one), false)
	if b.engine.SetHealth(keyFor(one), true); warming(one) {
		t.Error("a target starts slowly though no other is in full service")
	}
	if b.engine.SetHealth(keyFor(two), false); warming(two) {
		t.Error("an unhealthy target starts slowly")
	}
}
