package fabric

import (
	"errors"
	"fmt"
	"io/fs"
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
	if err != nil && !errors.As(err, new(refusal)) {
		v.close()
	}
	return err
}

// refusal is an error of who asks, found before anything was changed.
type refusal struct{ error }

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
