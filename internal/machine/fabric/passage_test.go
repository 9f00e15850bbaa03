package fabric

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/google/nftables"

	"github.com/neargate/neargate/internal/network"
)

// hasTable tells whether the machine has a platform's table, and in the closed firewall a platform's rules: both, or neither.
func (m *machine) hasTable() bool {
	m.tb.Helper()
	tables := 0
	check(m.tb, m.host.do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		all, err := c.ListTables()
		for _, t := range all {
			if strings.HasPrefix(t.Name, "neargate") {
				tables++
			}
		}
		return err
	}))
	if rules := m.foreignRules(dockerChain); rules != 2*tables || tables > 1 {
		m.tb.Errorf("%d tables and %d rules in the firewall", tables, rules)
	}
	return tables > 0
}

// The host's table comes with the first uplink and goes with the last, and nobody else notices.
func TestPassage(t *testing.T) {
	m := newMachine(t)
	m.internet.serveTCP(80)
	m.setFirewall(dockerChain)
	f := m.start()
	expect(t, "table before any VPC", m.hasTable(), false)
	inner := network.VPCConfig{ID: "vpc-inner", CIDRs: []netip.Prefix{prefix("10.0.0.0/16")}}
	check(t, f.EnsureVPC(t.Context(), inner))
	expect(t, "table before the first uplink", m.hasTable(), false)

	one := newWorld(t, m, f, "vpc-1")
	expect(t, "table with an uplink", m.hasTable(), true)
	two := newWorld(t, m, f, "vpc-2")
	two.subnet("private").Routes[1].NatPublic = two.public(1)
	two.ensure()
	one.ensure() // has its NAT gateway's address back
	two.group("open", allowAll)
	calls := two.attach("10.0.1.10", "open").startTraffic(internetPeer.Addr(), 80)
	one.vpc.Uplink = false
	one.ensure()
	one.vpc.Uplink = true
	one.ensure()
	check(t, f.DeleteVPC(t.Context(), one.vpc.ID))
	expect(t, "table while one VPC has an uplink", m.hasTable(), true)
	calls.end(t)

	two.vpc.Uplink = false
	two.ensure()
	expect(t, "table after the last uplink", m.hasTable(), false)
	check(t, f.host.repairOnce())
	expect(t, "table after a repair", m.hasTable(), false)
	two.vpc.Uplink = true
	two.ensure()
	two.attach("10.0.1.11", "open").reaches("tcp4", internetPeer.Addr(), 80)
	for range 2 {
		check(t, f.DeleteVPC(t.Context(), two.vpc.ID))
		expect(t, "table after the last VPC with an uplink", m.hasTable(), false)
	}
}

// A new process keeps the table if it finds uplinks, and takes it away with the last one.
func TestPassageAfterRestart(t *testing.T) {
	m := newMachine(t)
	m.setFirewall(dockerChain)
	w := newWorld(t, m, m.start(), "vpc-1")
	f := m.start()
	expect(t, "table of the new process", m.hasTable(), true)
	check(t, f.Adopt(t.Context(), []string{w.vpc.ID}, nil))
	expect(t, "table after the VPC's adoption", m.hasTable(), true)
	check(t, m.start().Adopt(t.Context(), nil, nil))
	expect(t, "table after adopting nothing", m.hasTable(), false)

	check(t, f.host.removeTable())
	conn, err := dialFilter(f.host.ns)
	check(t, err)
	defer conn.CloseLasting()
	check(t, f.host.installTable(conn))
	check(t, f.host.passFirewalls(conn))
	expect(t, "table that a crash left", m.hasTable(), true)
	m.start()
	expect(t, "table of the new process without uplinks", m.hasTable(), false)
}

// Whatever VPCs come and go meanwhile, one that has an uplink has the table.
func TestPassageUnderConcurrency(t *testing.T) {
	m := newMachine(t)
	m.setFirewall(dockerChain)
	f := m.start()
	var wg sync.WaitGroup
	for v := range 3 {
		wg.Go(func() {
			c := network.VPCConfig{ID: fmt.Sprintf("vpc-%d", v), CIDRs: []netip.Prefix{prefix("10.0.0.0/16")}}
			for round := range 8 {
				c.Uplink = true
				if err := f.EnsureVPC(t.Context(), c); err != nil {
					t.Error(err)
				}
				if !m.hasTable() {
					t.Error("an uplink without the table")
				}
				c.Uplink = false
				var err error
				if round%2 == 0 {
					err = f.EnsureVPC(t.Context(), c)
				} else {
					err = f.DeleteVPC(t.Context(), c.ID)
				}
				if err == nil {
					err = f.host.repairOnce()
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	expect(t, "table in the end", m.hasTable(), false)
}
