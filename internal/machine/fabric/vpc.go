package fabric

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"sync"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/network"
)

// vpc is a VPC's router: its namespace, what is applied there, and the sockets to change it.
//
// What is applied is known without asking the kernel as long as nothing fails. After a failure the sockets are closed; the next call opens them
// and reads everything back.
type vpc struct {
	id   string
	path string
	host *host

	mu     sync.Mutex // held during every change of this VPC
	opened bool
	gone   bool               // deleted: who still holds it comes too late
	config *network.VPCConfig // as last ensured; nil until then

	ns     netns.NsHandle
	route  *netlink.Handle
	filter *filter

	lo        netlink.Link
	uplink    int // our end's index, 0 without internet gateway
	outer     int // the host's end's index
	addresses map[netip.Addr]bool
	tables    tables
	ruled     map[uint32]bool    // tables that packets are led to
	local     map[netip.Addr]int // ENI's address → index of its link

	interfaces map[string]*attached // by id; only those ensured by this process
	steered    map[string]bool      // ids of interfaces that routes lead to
	departed   map[netip.Addr]bool  // addresses of deleted interfaces, which may still have tracked connections
}

// attached is an ENI that is complete.
type attached struct {
	config network.InterfaceConfig
	link   int
}

func newVPC(id, path string, h *host) *vpc {
	return &vpc{id: id, path: path, host: h, interfaces: map[string]*attached{}, departed: map[netip.Addr]bool{}}
}

// open makes the namespace or reads back the one that is there.
func (v *vpc) open() error {
	if v.opened {
		return nil
	}
	ns, err := openNamespace(v.path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = removeNamespace(v.path); err == nil {
			err = createNamespace(v.path, prepareRouter)
		}
		if err == nil {
			ns, err = openNamespace(v.path)
		}
	}
	if err != nil {
		return err
	}
	v.ns, v.opened = ns, true
	if err := v.dial(); err != nil {
		v.close()
		return err
	}
	return nil
}

func (v *vpc) dial() error {
	var err error
	if v.route, err = routeHandle(v.ns); err != nil {
		return err
	}
	if err := v.readBack(); err != nil {
		return err
	}
	conn, err := dialFilter(v.ns)
	if err != nil {
		return err
	}
	if v.filter, err = readFilter(conn); err != nil {
		_ = conn.CloseLasting()
		return err
	}
	return v.settle()
}

// close forgets what is applied. The kernel goes on.
func (v *vpc) close() {
	if v.filter != nil {
		v.filter.close()
	}
	if v.route != nil {
		v.route.Close()
	}
	if v.opened {
		v.ns.Close()
	}
	v.filter, v.route, v.opened = nil, nil, false
	v.interfaces = map[string]*attached{}
}

// change runs fn and sends what it queued. If either fails the next change starts from what the kernel says.
func (v *vpc) change(fn func() error) error {
	if v.gone {
		return fmt.Errorf("vpc %s: deleted", v.id)
	}
	err := v.open()
	if err == nil {
		err = fn()
	}
	if err == nil {
		err = v.filter.flush()
	}
	if err != nil {
		v.close()
	}
	return err
}

// prepareRouter makes the calling thread's namespace a router that drops until told otherwise.
func prepareRouter() error {
	for _, s := range []struct{ name, value string }{
		{"net/ipv6/conf/all/disable_ipv6", "1"},
		{"net/ipv6/conf/default/disable_ipv6", "1"},
	} {
		if err := sysctl(s.name, s.value); err != nil && !errors.Is(err, fs.ErrNotExist) { // a kernel may be without IPv6
			return err
		}
	}
	for _, s := range []struct{ name, value string }{
		{"net/ipv4/conf/all/rp_filter", "0"}, // the bound map decides, and knows more
		{"net/ipv4/conf/default/rp_filter", "0"},
		{"net/ipv4/conf/all/send_redirects", "0"},
		{"net/ipv4/conf/default/send_redirects", "0"},
		{"net/ipv4/conf/all/accept_redirects", "0"},
		{"net/ipv4/conf/default/accept_redirects", "0"},
	} {
		if err := sysctl(s.name, s.value); err != nil {
			return err
		}
	}
	return nil
}

// settle makes what every VPC has and no configuration changes. Forwarding starts when the table is there to decide about it.
func (v *vpc) settle() error {
	if err := v.route.LinkSetUp(v.lo); err != nil {
		return err
	}
	silence := &netlink.Route{Dst: ipNet(netip.PrefixFrom(netip.IPv4Unspecified(), 0)), Type: unix.RTN_BLACKHOLE}
	if err := v.route.RouteReplace(silence); err != nil {
		return fmt.Errorf("default route: %w", err)
	}
	return inNamespace(v.ns, func() error { return sysctl("net/ipv4/ip_forward", "1") })
}

// ensure applies the configuration: first what leads to new ways, then what takes old ones away.
func (v *vpc) ensure(c *network.VPCConfig) error {
	v.config = c
	v.steered = steered(c)
	if err := v.setAddresses(routerAddresses(c)); err != nil {
		return err
	}
	if err := v.connect(c.Uplink); err != nil {
		return err
	}
	if err := v.setTables(v.wantedTables()); err != nil {
		return err
	}
	v.filter.localise(c.CIDRs)
	v.filter.serve(serviceAddresses(c))
	in, out := translations(c)
	v.filter.publicise(in, out)
	if err := v.filter.flush(); err != nil {
		return err
	}
	if err := v.host.setPublic(v.outer, publicAddresses(c)); err != nil {
		return err
	}
	return v.disconnect(c.Uplink)
}

func steered(c *network.VPCConfig) map[string]bool {
	ids := map[string]bool{}
	for _, s := range c.Subnets {
		for _, r := range s.Routes {
			if r.Via == network.RouteInterface {
				ids[r.Interface] = true
			}
		}
	}
	return ids
}

// translations are the internet gateway's, inbound and outbound.
func translations(c *network.VPCConfig) (in, out map[netip.Addr]netip.Addr) {
	in, out = map[netip.Addr]netip.Addr{}, map[netip.Addr]netip.Addr{}
	if c.Uplink {
		for _, p := range c.Public {
			in[p.Public], out[p.Private] = p.Private, p.Public
		}
	}
	return in, out
}

func (v *vpc) setAddresses(want map[netip.Addr]bool) error {
	write, gone := difference(v.addresses, want)
	for a := range write {
		if err := v.route.AddrReplace(v.lo, hostAddress(a)); err != nil {
			return fmt.Errorf("router address %s: %w", a, err)
		}
	}
	for _, a := range gone {
		if err := v.route.AddrDel(v.lo, hostAddress(a)); err != nil {
			return fmt.Errorf("router address %s: %w", a, err)
		}
	}
	v.addresses = want
	return nil
}

func hostAddress(a netip.Addr) *netlink.Addr {
	return &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(a, a.BitLen()))}
}

// connect makes the uplink, if wanted.
func (v *vpc) connect(wanted bool) error {
	if !wanted || v.uplink != 0 {
		return nil
	}
	outer, err := v.host.uplink(v.id, v.ns, v.route)
	if err != nil {
		return err
	}
	inner, err := v.route.LinkByName(uplinkName)
	if err != nil {
		return err
	}
	v.uplink, v.outer = inner.Attrs().Index, outer
	return nil
}

// disconnect removes the uplink, if not wanted. No route uses it any more.
func (v *vpc) disconnect(wanted bool) error {
	if wanted || v.uplink == 0 {
		return nil
	}
	if err := v.host.removeUplink(v.id); err != nil {
		return err
	}
	v.uplink, v.outer = 0, 0
	return nil
}

func (v *vpc) wantedTables() tables {
	if v.config == nil {
		return v.tables
	}
	return routeTables(v.config, v.uplink, v.way)
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
	addrs, err := v.route.AddrList(v.lo, unix.AF_INET)
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
	link, err := v.route.LinkByName(uplinkName)
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
	if link, err = v.route.LinkByName(uplinkName); err != nil {
		return err
	}
	v.uplink = link.Attrs().Index
	return v.host.readPublic(v.outer)
}

func (v *vpc) readRoutes() error {
	rules, err := v.route.RuleList(unix.AF_INET)
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
	routes, err := v.route.RouteListFiltered(unix.AF_INET, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
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
