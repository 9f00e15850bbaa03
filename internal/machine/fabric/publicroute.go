package fabric

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// publicRoutes knows to which uplink the host leads each public address. A VPC may claim an address before the one that had it
// gives it up, so what a VPC has is asked here, not remembered there.
type publicRoutes struct {
	mu sync.Mutex
	to map[netip.Addr]int // index of the host's end of the uplink
}

// setPublic leads the wanted addresses, and no others, to the VPC behind the link.
func (h *host) setPublic(link int, want map[netip.Addr]bool) error {
	h.public.mu.Lock()
	defer h.public.mu.Unlock()
	for a := range want {
		if h.public.to[a] == link {
			continue
		}
		r := publicRoute(link, a)
		r.Src = h.address().AsSlice()
		if err := h.route.RouteReplace(r); err != nil {
			return fmt.Errorf("route to public address %s: %w", a, err)
		}
		h.public.to[a] = link
	}
	for a, l := range h.public.to {
		if l != link || want[a] {
			continue
		}
		if err := h.route.RouteDel(publicRoute(link, a)); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("route to public address %s: %w", a, err)
		}
		delete(h.public.to, a)
	}
	return nil
}

func publicRoute(link int, public netip.Addr) *netlink.Route {
	return &netlink.Route{
		Dst: ipNet(netip.PrefixFrom(public, 32)), Gw: vpcHop.AsSlice(), LinkIndex: link, Flags: int(netlink.FLAG_ONLINK),
	}
}

// readPublic learns from the kernel which addresses lead to the link.
func (h *host) readPublic(link int) error {
	routes, err := dump(func() ([]netlink.Route, error) {
		return h.route.RouteListFiltered(unix.AF_INET, &netlink.Route{LinkIndex: link}, netlink.RT_FILTER_OIF)
	})
	if err != nil {
		return fmt.Errorf("routes of the host: %w", err)
	}
	h.public.mu.Lock()
	defer h.public.mu.Unlock()
	h.forgetPublic(link)
	for _, r := range routes {
		if p := prefixOf(r.Dst); p.IsValid() && p.IsSingleIP() {
			h.public.to[p.Addr()] = link
		}
	}
	return nil
}

// forgetPublic is for a link that is gone, and its routes with it.
func (h *host) forgetPublic(link int) {
	for a, l := range h.public.to {
		if l == link {
			delete(h.public.to, a)
		}
	}
}
