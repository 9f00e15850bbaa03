package fabric

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Tracked connections outlive the interfaces they belong to. An interface that gets a used address must not inherit those of its
// predecessor, which would pass without asking its groups.

// forgetConnections removes what is left of an address's former owner. It costs a look at every bucket of the kernel's table (10 ms), so it does
// it for all former owners at once; addresses are reused late, so that is rare.
func (v *vpc) forgetConnections(addr netip.Addr) error {
	if !v.departed[addr] {
		return nil
	}
	if err := v.deleteConnections(func(a netip.Addr) bool { return v.departed[a] }); err != nil {
		return err
	}
	clear(v.departed)
	return nil
}

// forgetStrangers removes the connections of addresses in the VPC that belong to no interface: of those that were deleted
// before this process knew the VPC.
func (v *vpc) forgetStrangers() error {
	return v.deleteConnections(func(a netip.Addr) bool {
		_, attached := v.local[a]
		return !attached && !v.addresses[a] && contains(v.filter.local, a)
	})
}

func contains(ranges []addressRange, a netip.Addr) bool {
	for _, r := range ranges {
		if r.first.Compare(a) <= 0 && a.Compare(r.last) <= 0 {
			return true
		}
	}
	return false
}

// deleteConnections removes the connections that have an end which matches.
func (v *vpc) deleteConnections(match func(netip.Addr) bool) error {
	var h *netlink.Handle
	err := inNamespace(v.ns, func() (err error) {
		h, err = netlink.NewHandle(unix.NETLINK_NETFILTER)
		return err
	})
	if err != nil {
		return err
	}
	defer h.Close()
	if _, err := h.ConntrackDeleteFilters(netlink.ConntrackTable, unix.AF_INET, endFilter(match)); err != nil {
		return fmt.Errorf("connections: %w", err)
	}
	return nil
}

// endFilter matches flows by their true ends: a translated address is not one.
type endFilter func(netip.Addr) bool

func (f endFilter) MatchConntrackFlow(flow *netlink.ConntrackFlow) bool {
	client, _ := netip.AddrFromSlice(flow.Forward.SrcIP)
	server, _ := netip.AddrFromSlice(flow.Reverse.SrcIP)
	return f(client.Unmap()) || f(server.Unmap())
}
