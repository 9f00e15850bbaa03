package publish_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/balance/balancetest"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/publish"
	"github.com/neargate/neargate/internal/state"
)

// static is a Network Load Balancer that forwards port 80 to a target group, with a target in each of the zones.
func static(t *testing.T, g *balancetest.Ground, zones ...int) (*balance.LoadBalancer, *balance.TargetGroup) {
	t.Helper()
	lb := g.NetworkLoadBalancer(t, "static")
	tg := g.TargetGroupOf(t, balance.TargetGroup{Name: "static", Type: balance.TargetIP, Protocol: balance.ProtocolTCP, Port: 8080})
	g.ListenerOf(t, balance.ListenerSpec{LoadBalancerARN: lb.ARN, Port: 80, Protocol: balance.ProtocolTCP, Action: balancetest.Forward(tg)})
	g.Do(t, func(tx *state.Tx) error {
		for _, z := range zones {
			if err := g.Balance.Register(tx, tg.ARN, []balance.TargetSpec{{ID: target(z)}}); err != nil {
				return err
			}
		}
		return nil
	})
	return lb, tg
}

// target is an address in a zone.
func target(zone int) string { return netip.AddrFrom4([4]byte{10, 0, byte(zone), 50}).String() }

// names are the zones whose addresses a name in the snapshot has.
func names(g *balancetest.Ground, s *edgeapi.Snapshot, lb *balance.LoadBalancer, name string) string {
	tx := g.Store.View()
	var zones []string
	for _, r := range s.Zones[0].Records {
		for _, n := range lb.Nodes {
			if i, _ := g.Network.Interface(tx, n.InterfaceID); r.Name == name && slices.Contains(r.Addresses, i.PublicIP) {
				zones = append(zones, n.Zone[len(n.Zone)-1:])
			}
		}
	}
	return strings.Join(zones, "")
}

// A zone without healthy targets leaves the name, and comes back; without any healthy target all zones answer.
func TestFailover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := balancetest.New(t)
		lb, tg := static(t, g, 0, 1)
		e := newEdge()
		start(t, g, e)
		g.Realise(t)
		settle()
		say := func(states ...edgeapi.TargetState) {
			e.set(func(e *edge) {
				e.status.Targets = nil
				for i, s := range states {
					e.status.Targets = append(e.status.Targets, edgeapi.TargetStatus{Group: tg.ARN, Target: target(i), Port: 8080, State: s})
				}
			})
			settle()
		}
		expect := func(when, want string) {
			t.Helper()
			if got := names(g, e.last(), lb, lb.DNSName); got != want {
				t.Errorf("%s: the name leads to zones %q, want %q", when, got, want)
			}
			if got := len(e.last().Doors[0].Public); got != len(want) {
				t.Errorf("%s: the door leads to %d addresses", when, got)
			}
			for _, n := range lb.Nodes {
				if got := names(g, e.last(), lb, n.Zone+"."+lb.DNSName); got != n.Zone[len(n.Zone)-1:] {
					t.Errorf("%s: the name of %s leads to %q", when, n.Zone, got)
				}
			}
		}
		expect("nothing known", "abc")
		say(edgeapi.TargetHealthy, edgeapi.TargetInitial)
		expect("one healthy", "a")
		before := e.puts()
		say(edgeapi.TargetHealthy, edgeapi.TargetUnhealthy)
		if e.puts() != before {
			t.Error("a snapshot though no address came or went")
		}
		say(edgeapi.TargetHealthy, edgeapi.TargetHealthy)
		expect("both healthy", "ab")
		say(edgeapi.TargetUnhealthy, edgeapi.TargetUnhealthy)
		expect("none healthy", "abc")
		say(edgeapi.TargetUnhealthy, edgeapi.TargetHealthy)
		expect("the other healthy", "b")

		set := func(change func(a *balance.TargetGroupAttributes)) {
			g.Do(t, func(tx *state.Tx) error {
				row, _ := g.Balance.TargetGroups.Get(tx, tg.ARN)
				a := row.Attributes
				change(&a)
				g.Balance.SetTargetGroupAttributes(tx, row, a)
				return nil
			})
			settle()
		}
		set(func(a *balance.TargetGroupAttributes) { a.CrossZone = "true" })
		expect("across zones", "abc")
		set(func(a *balance.TargetGroupAttributes) { a.CrossZone, a.DNS = "false", balance.MinimumHealthy{} })
		expect("failover off", "abc")
	})
}

func TestApplicationLoadBalancerAsTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, alb, _ := service(t)
		lb := g.NetworkLoadBalancer(t, "static")
		tg := g.TargetGroupOf(t, balance.TargetGroup{Name: "alb", Type: balance.TargetALB, Protocol: balance.ProtocolTCP, Port: 80})
		g.ListenerOf(t, balance.ListenerSpec{LoadBalancerARN: lb.ARN, Port: 443, Protocol: balance.ProtocolTCP, Action: balancetest.Forward(tg)})
		g.Do(t, func(tx *state.Tx) error { return g.Balance.Register(tx, tg.ARN, []balance.TargetSpec{{ID: alb.ARN}}) })
		e := newEdge()
		start(t, g, e)
		g.Realise(t)
		settle()
		i := slices.IndexFunc(e.last().TargetGroups, func(s edgeapi.TargetGroup) bool { return s.ARN == tg.ARN })
		targets := e.last().TargetGroups[i].Targets
		if len(targets) != 3 || e.last().TargetGroups[i].Type != edgeapi.TargetALB {
			t.Fatalf("targets %+v", targets)
		}
		for j, n := range alb.Nodes {
			eni, _ := g.Network.Interface(g.Store.View(), n.InterfaceID)
			if targets[j].Address != eni.PrivateIP || targets[j].AvailabilityZone != n.Zone || targets[j].Port != 80 {
				t.Errorf("target %+v of node %+v", targets[j], n)
			}
		}
		say := func(states ...edgeapi.TargetState) string {
			e.set(func(e *edge) {
				e.status.Targets = nil
				for j, s := range states {
					e.status.Targets = append(e.status.Targets, edgeapi.TargetStatus{Group: tg.ARN, Target: targets[j].ID, Port: 80, State: s, Drained: s == edgeapi.TargetDraining && j < 2})
				}
			})
			settle()
			return g.Balance.Verdict(g.Store.View(), tg.ARN, alb.ARN, 80).State
		}
		if got := say(edgeapi.TargetUnhealthy, edgeapi.TargetUnhealthy, edgeapi.TargetUnhealthy); got != balance.Unhealthy {
			t.Errorf("no node is healthy: %s", got)
		}
		if got := say(edgeapi.TargetUnhealthy, edgeapi.TargetHealthy, edgeapi.TargetInitial); got != balance.Healthy {
			t.Errorf("one node is healthy: %s", got)
		}
		g.Do(t, func(tx *state.Tx) error { return g.Balance.Deregister(tx, tg.ARN, []balance.TargetSpec{{ID: alb.ARN}}) })
		settle()
		if got := say(edgeapi.TargetDraining, edgeapi.TargetDraining, edgeapi.TargetDraining); got != balance.Draining {
			t.Errorf("one node is busy: %s", got)
		}
	})
}

// What edge would refuse is refused to whoever wants to write it.
func TestAdmission(t *testing.T) {
	g, lb, tg := service(t)
	p := &publish.Publisher{Store: g.Store, Balance: g.Balance, Network: g.Network, Certificates: g.Certificates}
	tx := g.Store.View()
	rule := g.Balance.DefaultRule(tx, g.Balance.ListenersOf(tx, lb.ARN)[0].ARN)
	for name, err := range map[string]error{"load balancer": p.Serves(tx, lb.ARN), "target group": p.ServesGroup(tx, tg.ARN), "rule": p.ServesRule(tx, rule.ARN), "nothing": p.Serves(tx, "x")} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	refused := errors.New("to roll back")
	err := g.Store.Update(t.Context(), func(tx *state.Tx) error {
		r, err := g.Balance.CreateRule(tx, balancetest.Scope, balance.RuleSpec{
			ListenerARN: rule.ListenerARN, Priority: 1, Action: rule.Action, Conditions: []balance.Condition{{Field: balance.FieldPath, Regex: []string{"("}}},
		})
		if err != nil {
			return err
		}
		if err := p.ServesRule(tx, r.ARN); err == nil {
			t.Error("a rule with half an expression is fine")
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Error(err)
	}
	err = g.Store.Update(t.Context(), func(tx *state.Tx) error {
		row, _ := g.Balance.TargetGroups.Get(tx, tg.ARN)
		a := row.Attributes
		a.Algorithm, a.SlowStart = "alphabetical", time.Minute
		g.Balance.SetTargetGroupAttributes(tx, row, a)
		for name, err := range map[string]error{"load balancer": p.Serves(tx, lb.ARN), "target group": p.ServesGroup(tx, tg.ARN)} {
			if err == nil || !strings.Contains(err.Error(), "alphabetical") {
				t.Errorf("%s: %v", name, err)
			}
		}
		return refused
	})
	if !errors.Is(err, refused) {
		t.Error(err)
	}
}
