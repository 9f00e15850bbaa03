package fabric

import (
	"context"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// setFirewall does in nftables what Docker does by iptables, with or without a chain for users.
func (m *machine) setFirewall(chains ...string) {
	m.tb.Helper()
	check(m.tb, m.host.do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		t := c.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: firewallTable})
		writeChains(c, t, []chain{{firewallChain, nftables.ChainTypeFilter, nftables.ChainHookForward, 0, nftables.ChainPolicyDrop, nil}})
		for _, name := range chains {
			c.AddChain(&nftables.Chain{Table: t, Name: name})
			c.AddRule(&nftables.Rule{Table: t, Chain: &nftables.Chain{Name: firewallChain}, Exprs: []expr.Any{jump(name)}})
		}
		return c.Flush()
	}))
}

// foreignRules counts the rules in the firewall.
func (m *machine) foreignRules(chain string) int {
	n := 0
	check(m.tb, m.host.do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		t := &nftables.Table{Family: nftables.TableFamilyIPv4, Name: firewallTable}
		rules, err := c.GetRules(t, &nftables.Chain{Table: t, Name: chain})
		n = len(rules)
		return err
	}))
	return n
}

func TestClosedFirewall(t *testing.T) {
	for _, test := range []struct {
		name   string
		chains []string
		ours   string
	}{
		{"FORWARD drops", nil, firewallChain},
		{"Docker", []string{dockerChain}, dockerChain},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := newMachine(t)
			m.internet.serveTCP(80)
			m.setFirewall(test.chains...)
			w := newWorld(t, m, m.start(), "vpc-1")
			for range 2 {
				expect(t, "our rules", m.foreignRules(test.ours), 2)
				w.f = m.start() // finds the rules of its predecessor
			}
			w.ensure()
			w.group("open", allowAll)
			w.attach("10.0.1.10", "open").reaches("tcp4", internetPeer.Addr(), 80)
			check(t, Sweep(m.cfg))
			expect(t, "our rules after sweep", m.foreignRules(test.ours), 0)
		})
	}
}

// What a firewall's reload removes, Run puts back; and what Docker closes when it starts later, Run opens.
func TestRunRepairs(t *testing.T) {
	m := newMachine(t)
	m.internet.serveTCP(80)
	f := m.start()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- f.Run(ctx) }()
	w := newWorld(t, m, f, "vpc-1")
	w.group("open", allowAll)
	p := w.attach("10.0.1.10", "open")
	eventually(t, func() bool {
		m.setFirewall(dockerChain) // again and again: of what happens before Run listens it does not hear
		return m.foreignRules(dockerChain) == 2
	})
	check(t, m.host.do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		c.FlushRuleset()
		return c.Flush()
	}))
	eventually(t, func() bool { return p.callInternet() == nil })
	m.setFirewall(dockerChain)
	eventually(t, func() bool { return m.foreignRules(dockerChain) == 2 })
	p.reaches("tcp4", internetPeer.Addr(), 80)
	cancel()
	check(t, <-ended)
}

func (p place) callInternet() error {
	c, err := p.dial("tcp4", addrPort(internetPeer.Addr(), 80), impatience)
	if err == nil {
		c.Close()
	}
	return err
}

// eventually is for what another goroutine does in its own time.
func eventually(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Error("it does not happen")
}
