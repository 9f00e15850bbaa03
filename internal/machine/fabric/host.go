package fabric

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// host is the machine's own namespace, as far as one platform uses it.
type host struct {
	instance string
	route    *netlink.Handle
	ns       netns.NsHandle
	pool     netip.Prefix
	public   publicRoutes
	passage  passage
	log      *slog.Logger
}

func openHost(cfg Config) (*host, error) {
	h := &host{instance: cfg.Instance, log: cfg.Log, public: publicRoutes{to: map[netip.Addr]int{}}, passage: passage{warned: map[string]bool{}}}
	var err error
	if cfg.Host != "" {
		h.ns, err = netns.GetFromPath(cfg.Host)
	} else {
		h.ns, err = netns.Get()
	}
	if err != nil {
		return nil, fmt.Errorf("host namespace: %w", err)
	}
	if h.route, err = routeHandle(h.ns); err != nil {
		h.ns.Close()
		return nil, fmt.Errorf("host namespace: %w", err)
	}
	return h, nil
}

func (h *host) close() {
	h.route.Close()
	h.ns.Close()
}

// prepare claims the public pool and lets the machine forward for it.
func (h *host) prepare(wanted netip.Prefix) error {
	if err := h.claimPool(wanted); err != nil {
		return err
	}
	if err := inNamespace(h.ns, h.enableForwarding); err != nil {
		return err
	}
	if err := inNamespace(h.ns, h.warnOfLegacy); err != nil {
		return err
	}
	return h.settlePassage()
}

// address is the host's own address towards its VPCs, the source that security groups see when something on the host calls
// a public address.
func (h *host) address() netip.Addr { return h.pool.Addr().Next() }

// claimPool gives the host its address in the pool. That is the claim, because adding an address that is there fails.
// Packets to public addresses that nobody has are refused instead of leaving by the default route.
func (h *host) claimPool(wanted netip.Prefix) error {
	ours, err := h.claimed()
	if err != nil {
		return err
	}
	switch {
	case ours.IsValid() && wanted.IsValid() && wanted != ours:
		return fmt.Errorf("public pool %s wanted, but the platform uses %s: take it down first", wanted, ours)
	case ours.IsValid():
		h.pool = ours
		return nil
	}
	for {
		taken, err := h.destinations()
		if err != nil {
			return err
		}
		if h.pool, err = h.pickPool(wanted, taken); err != nil {
			return err
		}
		if done, err := h.claim(); done || err != nil {
			return err
		}
	}
}

// claim is done unless another platform was faster.
func (h *host) claim() (done bool, err error) {
	if err = h.route.AddrAdd(loopback, h.poolAddress(h.address())); errors.Is(err, unix.EEXIST) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("address %s: %w", h.address(), err)
	}
	if err := h.route.RouteAdd(poolRoute(h.pool)); err != nil {
		return false, fmt.Errorf("route to public pool %s: %w", h.pool, err)
	}
	return true, nil
}

func (h *host) pickPool(wanted netip.Prefix, taken []netip.Prefix) (netip.Prefix, error) {
	if !wanted.IsValid() {
		return choosePool(h.instance, taken)
	}
	if r, busy := overlapping(wanted, taken); busy {
		return wanted, fmt.Errorf("public pool %s: the machine routes %s elsewhere", wanted, r)
	}
	return wanted, nil
}

var loopback = &netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: "lo", Index: 1}}

// poolAddress carries the platform's name as its label.
func (h *host) poolAddress(a netip.Addr) *netlink.Addr {
	addr := hostAddress(a)
	addr.Label = poolLabel(h.instance)
	return addr
}

func poolRoute(pool netip.Prefix) *netlink.Route {
	return &netlink.Route{Dst: ipNet(pool), Type: unix.RTN_UNREACHABLE}
}

// claimed finds the pool that the platform has on this machine. A claim that a crash left without its route is taken back.
func (h *host) claimed() (netip.Prefix, error) {
	addrs, err := h.poolAddresses()
	if err != nil || len(addrs) == 0 {
		return netip.Prefix{}, err
	}
	routes, err := h.destinations()
	if err != nil {
		return netip.Prefix{}, err
	}
	for _, a := range addrs {
		for _, r := range routes {
			if r.IsValid() && !r.IsSingleIP() && r.Addr().Next() == a {
				return r, nil
			}
		}
	}
	return netip.Prefix{}, h.releasePool()
}

func (h *host) addressesOfHost() ([]netlink.Addr, error) {
	return dump(func() ([]netlink.Addr, error) { return h.route.AddrList(loopback, unix.AF_INET) })
}

func (h *host) routesOfHost() ([]netlink.Route, error) {
	return dump(func() ([]netlink.Route, error) { return h.route.RouteList(nil, unix.AF_INET) })
}

// poolAddresses are the addresses with the platform's label: one, or none.
func (h *host) poolAddresses() ([]netip.Addr, error) {
	all, err := h.addressesOfHost()
	if err != nil {
		return nil, fmt.Errorf("addresses of the host: %w", err)
	}
	var ours []netip.Addr
	for _, a := range all {
		if a.Label == poolLabel(h.instance) {
			ours = append(ours, prefixOf(a.IPNet).Addr())
		}
	}
	return ours, nil
}

// destinations are those of the machine's routes, and the addresses that other platforms have claimed.
func (h *host) destinations() ([]netip.Prefix, error) {
	routes, err := h.routesOfHost()
	if err != nil {
		return nil, fmt.Errorf("routes of the host: %w", err)
	}
	addrs, err := h.addressesOfHost()
	if err != nil {
		return nil, fmt.Errorf("addresses of the host: %w", err)
	}
	var all []netip.Prefix
	for _, a := range addrs {
		all = append(all, prefixOf(a.IPNet))
	}
	for _, r := range routes {
		all = append(all, prefixOf(r.Dst))
	}
	return all, nil
}

// releasePool takes the claim back, address last.
func (h *host) releasePool() error {
	addrs, err := h.poolAddresses()
	if err != nil {
		return err
	}
	routes, err := h.routesOfHost()
	if err != nil {
		return fmt.Errorf("routes of the host: %w", err)
	}
	for _, a := range addrs {
		for _, r := range routes {
			if p := prefixOf(r.Dst); r.Type == unix.RTN_UNREACHABLE && p.IsValid() && p.Addr().Next() == a {
				if err := h.route.RouteDel(poolRoute(p)); err != nil {
					return fmt.Errorf("route to public pool %s: %w", p, err)
				}
			}
		}
		if err := h.route.AddrDel(loopback, h.poolAddress(a)); err != nil {
			return fmt.Errorf("address %s: %w", a, err)
		}
	}
	return nil
}

// enableForwarding makes the machine a router, as every container engine does. It stays one: others may have come to rely on it.
func (h *host) enableForwarding() error {
	const name = "net/ipv4/ip_forward"
	b, err := os.ReadFile("/proc/sys/" + name)
	if err != nil {
		return err
	}
	if bytes.Equal(bytes.TrimSpace(b), []byte("1")) {
		return nil
	}
	h.log.Info("network: IPv4 forwarding switched on", "sysctl", name)
	return sysctl(name, "1")
}
