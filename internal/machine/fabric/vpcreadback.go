package fabric

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// readBack learns from the kernel what is applied outside nftables.
func (v *vpc) readBack() error {
	var err error
	if v.lo, err = v.route.LinkByName("lo"); err != nil {
		return err
	}
	if v.addresses, err = v.readAddresses(); err != nil {
		return fmt.Errorf("read back addresses: %w", err)
	}
	if err := v.readUplink(); err != nil {
		return fmt.Errorf("read back uplink: %w", err)
	}
	if err := v.readRoutes(); err != nil {
		return fmt.Errorf("read back routes: %w", err)
	}
	return nil
}

func (v *vpc) readAddresses() (map[netip.Addr]bool, error) {
	addrs, err := dump(func() ([]netlink.Addr, error) { return v.route.AddrList(v.lo, unix.AF_INET) })
	if err != nil {
		return nil, err
	}
	all := map[netip.Addr]bool{}
	for _, a := range addrs {
		if p := prefixOf(a.IPNet); !p.Addr().IsLoopback() {
			all[p.Addr()] = true
		}
	}
	return all, nil
}

func (v *vpc) readUplink() error {
	v.uplink, v.outer = 0, 0
	_, err := v.route.LinkByName(uplinkName)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return nil
	}
	if err != nil {
		return err
	}
	if v.outer, err = v.host.uplink(v.id, v.ns, v.route); err != nil {
		return err
	}
	// The host may just have made the pair again, if a crash had left half of one.
	link, err := v.route.LinkByName(uplinkName)
	if err != nil {
		return err
	}
	v.uplink = link.Attrs().Index
	return v.host.readPublic(v.outer)
}

func (v *vpc) readRoutes() error {
	rules, err := dump(func() ([]netlink.Rule, error) { return v.route.RuleList(unix.AF_INET) })
	if err != nil {
		return err
	}
	v.tables, v.ruled, v.local = tables{}, map[uint32]bool{}, map[netip.Addr]int{}
	for _, r := range rules {
		if r.Priority == tableRulePriority {
			v.ruled[uint32(r.Table)] = true
			v.tables[uint32(r.Table)] = map[netip.Prefix]hop{}
		}
	}
	routes, err := dump(func() ([]netlink.Route, error) {
		return v.route.RouteListFiltered(unix.AF_INET, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
	})
	if err != nil {
		return err
	}
	for _, r := range routes {
		p := prefixOf(r.Dst)
		if !p.IsValid() {
			p = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		}
		if r.Table == unix.RT_TABLE_MAIN && p.IsSingleIP() {
			v.local[p.Addr()] = r.LinkIndex
		} else if n := uint32(r.Table); n >= firstTable {
			if v.tables[n] == nil { // a crash came between its routes and its rule
				v.tables[n] = map[netip.Prefix]hop{}
			}
			v.tables[n][p] = readHop(r)
		}
	}
	return nil
}

func readHop(r netlink.Route) hop {
	switch r.Type {
	case unix.RTN_THROW:
		return hop{kind: throw}
	case unix.RTN_BLACKHOLE:
		return hop{kind: drop}
	}
	gw, _ := netip.AddrFromSlice(r.Gw)
	return hop{kind: forward, gateway: gw.Unmap(), link: r.LinkIndex}
}
