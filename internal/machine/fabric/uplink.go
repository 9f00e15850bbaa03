package fabric

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// The pair between host and VPC needs no addresses: each end knows the other's link address, and next hops are names for it.
var (
	hostMAC   = net.HardwareAddr{0x02, 0x6e, 0x67, 0, 0, 1}
	routerMAC = net.HardwareAddr{0x02, 0x6e, 0x67, 0, 0, 2}
	vpcHop    = netip.MustParseAddr("169.254.1.2") // what the host calls the VPC's router
)

const uplinkMTU = 1500 // an internet gateway passes 1500 bytes

// uplink finds or makes the pair between host and VPC and returns the host's end.
func (h *host) uplink(vpc string, ns netns.NsHandle, router *netlink.Handle) (int, error) {
	h.passage.mu.Lock()
	defer h.passage.mu.Unlock()
	if err := h.openPassage(); err != nil {
		return 0, err
	}
	index, err := h.findUplink(vpc, ns, router)
	if err != nil {
		return 0, errors.Join(err, h.closePassage())
	}
	return index, nil
}

// findUplink knows the link by its alias, which names the VPC. One without an alias was left half made by a crash, one whose other end is
// not here belonged to a predecessor that the kernel still takes apart.
func (h *host) findUplink(vpc string, ns netns.NsHandle, router *netlink.Handle) (int, error) {
	for salt := 0; ; salt++ {
		name := hostLinkName(h.instance, vpc, salt)
		link, err := h.route.LinkByName(name)
		switch {
		case errors.As(err, new(netlink.LinkNotFoundError)):
		case err != nil:
			return 0, fmt.Errorf("link %s: %w", name, err)
		case link.Attrs().Alias == vpc && hasLink(router, uplinkName):
			return link.Attrs().Index, nil
		case link.Attrs().Alias == vpc, link.Attrs().Alias == "":
			if err := h.removePair(link); err != nil {
				return 0, err
			}
		default:
			continue // another VPC has the name
		}
		index, err := h.makeUplink(name, vpc, ns, router)
		if err != nil {
			return 0, fmt.Errorf("uplink of %s: %w", vpc, err)
		}
		return index, nil
	}
}

func hasLink(h *netlink.Handle, name string) bool {
	_, err := h.LinkByName(name)
	return err == nil
}

func (h *host) makeUplink(name, vpc string, ns netns.NsHandle, router *netlink.Handle) (int, error) {
	attrs := linkAttrs(name)
	attrs.MTU = uplinkMTU
	attrs.HardwareAddr = hostMAC
	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: uplinkName, PeerHardwareAddr: routerMAC, PeerNamespace: netlink.NsFd(ns)}
	if err := h.route.LinkAdd(veth); err != nil {
		return 0, err
	}
	outer, err := h.route.LinkByName(name)
	if err != nil {
		return 0, err
	}
	if err := h.joinUplink(outer, vpc, router); err != nil {
		return 0, errors.Join(err, h.removePair(outer))
	}
	return outer.Attrs().Index, nil
}

func (h *host) joinUplink(outer netlink.Link, vpc string, router *netlink.Handle) error {
	inner, err := router.LinkByName(uplinkName)
	if err != nil {
		return err
	}
	return errors.Join(
		setUp(router, inner, h.route, outer),
		h.route.NeighSet(permanentNeighbour(outer.Attrs().Index, vpcHop, routerMAC)),
		h.route.LinkSetAlias(outer, vpc), // last: it tells that the pair is complete
	)
}

// removeUplink removes the VPC's uplink, if it has one.
func (h *host) removeUplink(vpc string) error {
	h.passage.mu.Lock()
	defer h.passage.mu.Unlock()
	links, err := h.uplinks()
	if err != nil {
		return err
	}
	for _, l := range links {
		if l.Attrs().Alias != vpc {
			continue
		}
		if err := h.removePair(l); err != nil {
			return fmt.Errorf("uplink of %s: %w", vpc, err)
		}
	}
	return h.closePassage()
}

// removePair removes an uplink by the host's end; the other end may have taken it along already.
func (h *host) removePair(outer netlink.Link) error {
	h.public.mu.Lock()
	defer h.public.mu.Unlock()
	h.forgetPublic(outer.Attrs().Index)
	if err := h.route.LinkDel(outer); err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("link %s: %w", outer.Attrs().Name, err)
	}
	return nil
}
