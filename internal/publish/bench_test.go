package publish_test

import (
	"fmt"
	"testing"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/balance/balancetest"
	"github.com/neargate/neargate/internal/publish"
	"github.com/neargate/neargate/internal/state"
)

// crowd is a load balancer with a hundred rules and a thousand targets.
func crowd(b *testing.B, kind string) (*publish.Publisher, *balancetest.Ground, *balance.Listener) {
	b.Helper()
	g := balancetest.New(b)
	var l *balance.Listener
	var tg *balance.TargetGroup
	if kind == balance.TypeNetwork {
		tg = g.TargetGroupOf(b, balance.TargetGroup{Name: "static", Type: balance.TargetIP, Protocol: balance.ProtocolTCP, Port: 8080})
		l = g.ListenerOf(b, balance.ListenerSpec{LoadBalancerARN: g.NetworkLoadBalancer(b, "static").ARN, Port: 80, Protocol: balance.ProtocolTCP, Action: balancetest.Forward(tg)})
	} else {
		tg = g.TargetGroup(b, "web")
		l = g.Listener(b, g.LoadBalancer(b, "web"), 80, tg)
	}
	g.Do(b, func(tx *state.Tx) error {
		for i := range balance.MaxRules {
			if kind == balance.TypeNetwork {
				break
			}
			conditions := []balance.Condition{{Field: balance.FieldPath, Regex: []string{fmt.Sprintf("^/v%d/(users|orders)/[0-9]+$", i)}}}
			if _, err := g.Balance.CreateRule(tx, balancetest.Scope, balance.RuleSpec{ListenerARN: l.ARN, Priority: i + 1, Conditions: conditions, Action: balancetest.Forward(tg)}); err != nil {
				return err
			}
		}
		for i := range 450 {
			for zone := range 2 {
				if err := g.Balance.Register(tx, tg.ARN, []balance.TargetSpec{{ID: fmt.Sprintf("10.0.%d.50", zone), Port: 1000 + i}}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	g.Realise(b)
	return &publish.Publisher{Store: g.Store, Balance: g.Balance, Network: g.Network, Certificates: g.Certificates}, g, l
}

// BenchmarkServesRule is what a change of one of a hundred rules pays for being asked about.
func BenchmarkServesRule(b *testing.B) {
	p, g, l := crowd(b, balance.TypeApplication)
	rule := g.Balance.RulesOf(g.Store.View(), l.ARN)[0]
	for b.Loop() {
		if err := p.ServesRule(g.Store.View(), rule.ARN); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBuild is what a snapshot costs before it is sent.
func BenchmarkBuild(b *testing.B) {
	for _, kind := range []string{balance.TypeApplication, balance.TypeNetwork} {
		b.Run(kind, func(b *testing.B) {
			p, g, _ := crowd(b, kind)
			for b.Loop() {
				p.Build(g.Store.View())
			}
		})
	}
}
