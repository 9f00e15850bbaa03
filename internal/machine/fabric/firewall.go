package fabric

import (
	"bytes"
	"fmt"
	"os"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
)

// A packet must be accepted by every chain at the forward hook, and Docker and ufw set the policy of iptables' chain to drop. So
// the platform's links are let pass there: in DOCKER-USER, which Docker keeps for such rules and never rewrites, or else in FORWARD itself.
// Only tables that iptables-nft made, and so iptables can list and delete the rules; other firewalls are left to their owners and named in the log.

const (
	firewallTable = "filter"
	firewallChain = "FORWARD"
	dockerChain   = "DOCKER-USER"
)

// passFirewalls inserts the two rules where they are needed and missing.
func (h *host) passFirewalls(conn *nftables.Conn) error {
	chain, err := h.closedFirewall(conn)
	if err != nil || chain == nil {
		return err
	}
	if rules, err := h.ourRules(conn, chain); err != nil || len(rules) == 2 {
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
		case iptables && c.Name == dockerChain:
			user = c
		case c.Hooknum == nil || *c.Hooknum != *nftables.ChainHookForward || c.Policy == nil || *c.Policy != nftables.ChainPolicyDrop:
		case iptables:
			forward = c
		case c.Table.Family == nftables.TableFamilyIPv4 || c.Table.Family == nftables.TableFamilyINet:
			h.warnOnce(c.Table.Name+" "+c.Name, "network: a firewall of this machine drops forwarded packets: VPCs reach other networks only if it accepts them",
				"table", c.Table.Name, "chain", c.Name, "links", linkPrefix(h.instance)+"*")
		}
	}
	if forward != nil && user != nil {
		return user, nil
	}
	return forward, nil
}

// warnOnce spares the log the same warning whenever the firewalls change.
func (h *host) warnOnce(key, message string, args ...any) {
	if !h.passage.warned[key] {
		h.passage.warned[key] = true
		h.log.Warn(message, args...)
	}
}

// leaveFirewalls removes the rules from where they may be.
func (h *host) leaveFirewalls(conn *nftables.Conn) error {
	chains, err := conn.ListChainsOfTableFamily(nftables.TableFamilyIPv4)
	if err != nil {
		return fmt.Errorf("nftables chains: %w", err)
	}
	for _, c := range chains {
		if c.Table.Name != firewallTable || c.Name != firewallChain && c.Name != dockerChain {
			continue
		}
		rules, err := h.ourRules(conn, c)
		if err != nil {
			return err
		}
		for _, r := range rules {
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

// ourRules are the platform's in a foreign chain.
func (h *host) ourRules(conn *nftables.Conn, c *nftables.Chain) ([]*nftables.Rule, error) {
	all, err := conn.GetRules(c.Table, c)
	if err != nil {
		return nil, fmt.Errorf("nftables chain %s: %w", c.Name, err)
	}
	var ours []*nftables.Rule
	for _, r := range all {
		if comment, _ := userdata.GetString(r.UserData, userdata.TypeComment); comment == tableName(h.instance) {
			ours = append(ours, r)
		}
	}
	return ours, nil
}

// warnOfLegacy speaks of what nftables does not show: rules made by iptables-legacy.
func (h *host) warnOfLegacy() error {
	tables, err := os.ReadFile("/proc/thread-self/net/ip_tables_names")
	if err == nil && bytes.Contains(tables, []byte(firewallTable)) {
		h.log.Warn("network: iptables-legacy is in use: if its FORWARD chain drops, VPCs reach other networks only if it accepts them",
			"links", linkPrefix(h.instance)+"+")
	}
	return nil
}
