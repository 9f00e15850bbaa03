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

// uplink finds or makes the pair between host and VPC and returns the host's end. The link's alias names the VPC. One without an alias was
// left half made by a crash, one whose other end is not here belonged to a predecessor that the kernel still takes apart.
func (h *host) uplink(vpc string, ns netns.NsHandle, router *netlink.Handle) (int, error) {
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
			if err := h.route.LinkDel(link); err != nil && !errors.Is(err, unix.ENODEV) {
				return 0, fmt.Errorf("link %s: %w", name, err)
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
	inner, err := router.LinkByName(uplinkName)
	if err != nil {
		return 0, err
	}
	index := outer.Attrs().Index
	return index, errors.Join(
		setUp(router, inner, h.route, outer),
		h.route.NeighSet(permanentNeighbour(index, vpcHop, routerMAC)),
		h.route.LinkSetAlias(outer, vpc), // last: it tells that the pair is complete
	)
}

func (h *host) removeUplink(vpc string) error {
	for salt := 0; ; salt++ {
		link, err := h.route.LinkByName(hostLinkName(h.instance, vpc, salt))
		if errors.As(err, new(netlink.LinkNotFoundError)) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("uplink of %s: %w", vpc, err)
		}
		if link.Attrs().Alias == vpc {
			h.public.mu.Lock()
			defer h.public.mu.Unlock()
			h.forgetPublic(link.Attrs().Index)
			return h.route.LinkDel(link)
		}
	}
}
