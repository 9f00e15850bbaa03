package fabric

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// The host's part in nftables is a table of its own, which gives packets from public addresses the machine's address when they leave it
// for the real world. Traffic between platforms of the machine keeps its addresses. Like the rules in firewalls it is there while there are uplinks.

func (h *host) table() *nftables.Table {
	return &nftables.Table{Family: nftables.TableFamilyIPv4, Name: tableName(h.instance)}
}

// installTable writes the table anew in one transaction, so connections do not notice.
func (h *host) installTable(conn *nftables.Conn) error {
	t := h.table()
	conn.AddTable(t) // so that deleting it succeeds
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
	return nil
}

func inPrefix(offset uint32, p netip.Prefix) []expr.Any {
	return exprs(ipField(offset, reg), &expr.Range{Op: expr.CmpOpEq, Register: reg, FromData: address(p.Addr()), ToData: address(lastOf(p))})
}

// removeTable takes the rules in firewalls away too.
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
