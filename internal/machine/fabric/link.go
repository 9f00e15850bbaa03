package fabric

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// routeHandle opens a netlink socket that belongs to the namespace for ever, whatever thread uses it.
func routeHandle(ns netns.NsHandle) (h *netlink.Handle, err error) {
	err = inNamespace(ns, func() error {
		h, err = netlink.NewHandle(unix.NETLINK_ROUTE)
		return err
	})
	return h, err
}

func linkAttrs(name string) netlink.LinkAttrs {
	a := netlink.NewLinkAttrs()
	a.Name = name
	return a
}

// permanentNeighbour spares a pair of links the address resolution: no first packet waits for it, no table of neighbours overflows.
func permanentNeighbour(link int, addr netip.Addr, mac net.HardwareAddr) *netlink.Neigh {
	return &netlink.Neigh{LinkIndex: link, Family: unix.AF_INET, State: netlink.NUD_PERMANENT, IP: addr.AsSlice(), HardwareAddr: mac}
}

// setUp sets both ends of a pair up and waits until packets can travel. The kernel lets the end that came up first send only when its link
// watcher has run, and drops until then. From Linux 6.8 on, asking for the link makes it run.
func setUp(h1 *netlink.Handle, end1 netlink.Link, h2 *netlink.Handle, end2 netlink.Link) error {
	if err := h1.LinkSetUp(end1); err != nil {
		return err
	}
	if err := h2.LinkSetUp(end2); err != nil {
		return err
	}
	const attempts = 2000
	for range attempts {
		l, err := h1.LinkByIndex(end1.Attrs().Index)
		if err != nil {
			return err
		}
		if l.Attrs().OperState == netlink.OperUp {
			return nil
		}
		time.Sleep(500 * time.Microsecond)
	}
	return fmt.Errorf("link %s does not come up", end1.Attrs().Name)
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// prefixOf is a route's destination; invalid for none.
func prefixOf(n *net.IPNet) netip.Prefix {
	if n == nil {
		return netip.Prefix{}
	}
	addr, _ := netip.AddrFromSlice(n.IP)
	bits, _ := n.Mask.Size()
	return netip.PrefixFrom(addr.Unmap(), bits)
}
