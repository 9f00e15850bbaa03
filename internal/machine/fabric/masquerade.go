package fabric

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"golang.org/x/sys/unix"
)

// The host's part in nftables: a table of its own, which gives packets from public addresses the machine's address when they leave it
// for the real world, and two rules in the chain of a firewall that drops what it does not know.

func (h *host) table() *nftables.Table {
	return &nftables.Table{Family: nftables.TableFamilyIPv4, Name: tableName(h.instance)}
}

// installTable writes the table anew in one transaction, so connections do not notice.
func (h *host) installTable() error {
	conn, err := dialFilter(h.ns)
	if err != nil {
		return err
	}
	defer conn.CloseLasting()
	t := h.table()
	conn.AddTable(t)
	conn.DelTable(t)
	conn.AddTable(t)
	writeChains(conn, t, []chain{{
		"leave", nftables.ChainTypeNAT, nftables.ChainHookPostrouting, 100, nftables.ChainPolicyAccept, [][]expr.Any{
			exprs(inPrefix(offsetSource, h.pool), inPrefix(offsetDestination, h.pool), verdict(expr.VerdictAccept)),
			exprs(inPrefix(offsetSource, h.pool), inPrefix(offsetDestination, publicRange), verdict(expr.VerdictAccept)),
			exprs(inPrefix(offsetSource, h.pool), &expr.Masq{}),
		},
	}})
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("nftables table %s: %w", t.Name, err)
	}
	return h.passFirewalls(conn)
}

func inPrefix(offset uint32, p netip.Prefix) []expr.Any {
	return exprs(ipField(offset, reg), &expr.Range{Op: expr.CmpOpEq, Register: reg, FromData: address(p.Addr()), ToData: address(lastOf(p))})
}

func (h *host) removeTable() error {
	conn, err := dialFilter(h.ns)
	if err != nil {
		return err
	}
	defer conn.CloseLasting()
	if err := h.leaveFirewalls(conn); err != nil {
		return err
	}
	conn.DelTable(h.table())
	if err := conn.Flush(); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("nftables table %s: %w", tableName(h.instance), err)
	}
	return nil
}

// A packet must be accepted by every chain at the forward hook, and Docker and ufw set the policy of iptables' chain to drop. So
// the platform's links are let pass there: in DOCKER-USER, which Docker keeps for such rules and never rewrites, or else in FORWARD itself.
// Only tables that iptables-nft made, and so iptables can list and delete the rules; other firewalls are left to their owners and named in the log.

const firewallTable = "filter"

// passFirewalls inserts the two rules where they are needed and missing.
func (h *host) passFirewalls(conn *nftables.Conn) error {
	chain, err := h.closedFirewall(conn)
	if err != nil || chain == nil {
		return err
	}
	if err := h.leaveFirewalls(conn); err != nil {
		return err
	}
	prefix := []byte(linkPrefix(h.instance)) // without the terminating zero: any name that begins so
	for _, key := range []expr.MetaKey{expr.MetaKeyIIFNAME, expr.MetaKeyOIFNAME} {
		conn.InsertRule(&nftables.Rule{
			Table: chain.Table, Chain: chain, UserData: userdata.AppendString(nil, userdata.TypeComment, tableName(h.instance)),
			Exprs: exprs(meta(key, reg), equal(prefix), &expr.Counter{}, verdict(expr.VerdictAccept)),
		})
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("nftables chain %s: %w", chain.Name, err)
	}
	h.log.Info("network: let pass by the host's firewall", "chain", chain.Name, "links", string(prefix)+"*")
	return nil
}

// closedFirewall is the chain to put the rules in, nil if forwarding is open.
func (h *host) closedFirewall(conn *nftables.Conn) (*nftables.Chain, error) {
	chains, err := conn.ListChains()
	if err != nil {
		return nil, fmt.Errorf("nftables chains: %w", err)
	}
	var forward, user *nftables.Chain
	for _, c := range chains {
		iptables := c.Table.Name == firewallTable && c.Table.Family == nftables.TableFamilyIPv4
		switch {
		case iptables && c.Name == "DOCKER-USER":
			user = c
		case c.Hooknum == nil || *c.Hooknum != *nftables.ChainHookForward || c.Policy == nil || *c.Policy != nftables.ChainPolicyDrop:
		case iptables:
			forward = c
		case c.Table.Family == nftables.TableFamilyIPv4 || c.Table.Family == nftables.TableFamilyINet:
			h.log.Warn("network: a firewall of this machine drops forwarded packets: VPCs reach other networks only if it accepts them",
				"table", c.Table.Name, "chain", c.Name, "links", linkPrefix(h.instance)+"*")
		}
	}
	if forward != nil && user != nil {
		return user, nil
	}
	return forward, nil
}

// leaveFirewalls removes the rules from where they may be.
func (h *host) leaveFirewalls(conn *nftables.Conn) error {
	chains, err := conn.ListChainsOfTableFamily(nftables.TableFamilyIPv4)
	if err != nil {
		return fmt.Errorf("nftables chains: %w", err)
	}
	for _, c := range chains {
		if c.Table.Name != firewallTable || c.Name != "FORWARD" && c.Name != "DOCKER-USER" {
			continue
		}
		rules, err := conn.GetRules(c.Table, c)
		if err != nil {
			return fmt.Errorf("nftables chain %s: %w", c.Name, err)
		}
		for _, r := range rules {
			if comment, _ := userdata.GetString(r.UserData, userdata.TypeComment); comment != tableName(h.instance) {
				continue
			}
			if err := conn.DelRule(r); err != nil {
				return err
			}
		}
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("nftables firewall rules: %w", err)
	}
	return nil
}
