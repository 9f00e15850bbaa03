package fabric

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func (v *vpc) wantedTables() tables {
	if v.config == nil {
		return v.tables
	}
	all := routeTables(v.config, v.uplink, v.way)
	for link, b := range v.filter.bindings {
		if b.own.IsValid() {
			all[returnTable(link)] = map[netip.Prefix]hop{
				netip.PrefixFrom(netip.IPv4Unspecified(), 0): {kind: forward, gateway: b.own, link: link},
			}
		}
	}
	return all
}

// way leads to an interface that may forward what is not addressed to it.
// One adopted and not yet ensured keeps the way it has.
func (v *vpc) way(id string) (hop, bool) {
	link, err := v.route.LinkByName(interfaceLinkName(id))
	if err != nil {
		return hop{}, false
	}
	index := link.Attrs().Index
	b, bound := v.filter.bindings[index]
	if !bound || b.checked {
		return hop{}, false
	}
	for addr, i := range v.local {
		if i == index {
			return hop{kind: forward, gateway: addr, link: index}, true
		}
	}
	return hop{}, false
}

// setTables applies route tables: a table is filled before packets are led to it, and emptied after.
func (v *vpc) setTables(want tables) error {
	for n, t := range want {
		write, gone := difference(v.tables[n], t)
		for p, h := range write {
			if err := v.writeRoute(n, p, h); err != nil {
				return err
			}
		}
		for _, p := range gone {
			if err := v.removeRoute(n, p, v.tables[n][p]); err != nil {
				return err
			}
		}
		if !v.ruled[n] {
			if err := v.route.RuleAdd(tableRule(n)); err != nil {
				return fmt.Errorf("rule for table %d: %w", n, err)
			}
			v.ruled[n] = true
		}
	}
	for n, t := range v.tables {
		if _, wanted := want[n]; wanted {
			continue
		}
		if v.ruled[n] {
			if err := v.route.RuleDel(tableRule(n)); err != nil {
				return fmt.Errorf("rule for table %d: %w", n, err)
			}
			delete(v.ruled, n)
		}
		for p, h := range t {
			if err := v.removeRoute(n, p, h); err != nil {
				return err
			}
		}
	}
	v.tables = maps.Clone(want)
	return nil
}

const tableRulePriority = 1000 // after the router's own addresses, before the main table

func tableRule(n uint32) *netlink.Rule {
	r := netlink.NewRule()
	r.Priority, r.Mark, r.Table = tableRulePriority, n, int(n)
	return r
}

func (v *vpc) writeRoute(table uint32, p netip.Prefix, h hop) error {
	if h.kind == forward && h.link == v.uplink {
		// Whatever the next hop is called, behind it is the host.
		if err := v.route.NeighSet(permanentNeighbour(h.link, h.gateway, hostMAC)); err != nil {
			return fmt.Errorf("next hop %s: %w", h.gateway, err)
		}
	}
	if err := v.route.RouteReplace(tableRoute(table, p, h)); err != nil {
		return fmt.Errorf("route to %s in table %d: %w", p, table, err)
	}
	return nil
}

func (v *vpc) removeRoute(table uint32, p netip.Prefix, h hop) error {
	err := v.route.RouteDel(tableRoute(table, p, h))
	if err != nil && !errors.Is(err, unix.ESRCH) { // the kernel removes routes together with their link
		return fmt.Errorf("route to %s in table %d: %w", p, table, err)
	}
	return nil
}

func tableRoute(table uint32, p netip.Prefix, h hop) *netlink.Route {
	r := &netlink.Route{Table: int(table), Dst: ipNet(p)}
	switch h.kind {
	case drop:
		r.Type = unix.RTN_BLACKHOLE
	case throw:
		r.Type = unix.RTN_THROW
	case forward:
		r.LinkIndex, r.Gw, r.Flags = h.link, h.gateway.AsSlice(), int(netlink.FLAG_ONLINK)
	}
	return r
}
