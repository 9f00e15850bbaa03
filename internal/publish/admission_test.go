package publish_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/balance/balancetest"
	"github.com/neargate/neargate/internal/publish"
	"github.com/neargate/neargate/internal/state"
)

// What the API takes edge serves: every protocol with every target group that goes with it, with weights, in every state of its attributes.
func TestAdmissionOfAll(t *testing.T) {
	g := balancetest.New(t)
	p := &publish.Publisher{Store: g.Store, Balance: g.Balance, Network: g.Network, Certificates: g.Certificates}
	alb, nlb := g.LoadBalancer(t, "web"), g.NetworkLoadBalancer(t, "static")
	n := 0
	group := func(kind, protocol, version string) *balance.TargetGroup {
		n++
		return g.TargetGroupOf(t, balance.TargetGroup{Name: fmt.Sprint("g", n), Type: kind, Protocol: protocol, ProtocolVersion: version, Port: 8080})
	}
	for _, c := range []struct {
		lb                             *balance.LoadBalancer
		listener, kind, group, version string
	}{
		{alb, "HTTP", "ip", "HTTP", "HTTP1"},
		{alb, "HTTP", "instance", "HTTPS", "HTTP1"},
		{nlb, "TCP", "ip", "TCP", ""},
		{nlb, "TCP", "ip", "TCP_UDP", ""},
		{nlb, "TCP", "alb", "TCP", ""},
		{nlb, "UDP", "ip", "UDP", ""},
		{nlb, "UDP", "ip", "TCP_UDP", ""},
		{nlb, "TCP_UDP", "ip", "TCP_UDP", ""},
		{nlb, "TCP", "instance", "TCP", ""},
	} {
		t.Run(c.listener+" to "+c.kind+" "+c.group, func(t *testing.T) {
			one, two := group(c.kind, c.group, c.version), group(c.kind, c.group, c.version)
			g.ListenerOf(t, balance.ListenerSpec{LoadBalancerARN: c.lb.ARN, Port: 1000 + n, Protocol: c.listener, Action: balancetest.Forward(one, two)})
			if err := p.Serves(g.Store.View(), c.lb.ARN); err != nil {
				t.Error(err)
			}
			for name, change := range attributeChanges(one) {
				rollback := errors.New("only a try")
				err := g.Store.Update(t.Context(), func(tx *state.Tx) error {
					row, _ := g.Balance.TargetGroups.Get(tx, one.ARN)
					a := row.Attributes
					change(&a)
					g.Balance.SetTargetGroupAttributes(tx, row, a)
					if err := p.ServesGroup(tx, one.ARN); err != nil {
						t.Errorf("%s: %v", name, err)
					}
					return rollback
				})
				if !errors.Is(err, rollback) {
					t.Error(err)
				}
			}
		})
	}
}

type attributes = balance.TargetGroupAttributes

// attributeChanges are what can be set of a group's attributes.
func attributeChanges(g *balance.TargetGroup) map[string]func(a *attributes) {
	changes := map[string]func(a *attributes){
		"cross-zone on":  func(a *attributes) { a.CrossZone = "true" },
		"cross-zone off": func(a *attributes) { a.CrossZone = "false" },
		"failover": func(a *attributes) {
			a.DNS, a.Routing = balance.MinimumHealthy{Percent: 100}, balance.MinimumHealthy{Count: 3, Percent: 50}
		},
		"failover off": func(a *attributes) { a.DNS, a.Routing = balance.MinimumHealthy{}, balance.MinimumHealthy{Count: 1} },
	}
	if balance.Web(g.Protocol) {
		changes["lb cookie"] = func(a *attributes) { a.Stickiness.Enabled = true }
		changes["app cookie"] = func(a *attributes) {
			a.Stickiness.Enabled, a.Stickiness.Type, a.Stickiness.Cookie = true, balance.StickyAppCookie, "session"
		}
		changes["slow start"] = func(a *attributes) { a.SlowStart = 900 * time.Second }
		changes["least outstanding"] = func(a *attributes) { a.Algorithm = balance.AlgorithmLeastOutstanding }
		changes["weighted random"] = func(a *attributes) { a.Algorithm = balance.AlgorithmWeightedRandom }
		return changes
	}
	changes["source address"] = func(a *attributes) { a.Stickiness.Enabled = true }
	changes["proxy protocol"] = func(a *attributes) { a.ProxyProtocol = true }
	changes["termination"] = func(a *attributes) { a.TerminateDeregistered = !a.TerminateDeregistered }
	if g.Protocol == balance.ProtocolTCP {
		changes["unhealthy draining"] = func(a *attributes) { a.TerminateUnhealthy, a.UnhealthyDrain = false, time.Hour }
	}
	if g.Protocol == balance.ProtocolTCP && g.Type == balance.TargetIP {
		changes["client addresses"] = func(a *attributes) { a.PreserveClientIP = true }
	}
	return changes
}
