package fabric

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/network"
)

const interfaceMTU = 9001 // as in a VPC; what leaves through the uplink learns of its 1500 by path MTU discovery

// gatewayMAC is the link address of every gateway, so that interfaces need not ask for it.
var gatewayMAC = net.HardwareAddr{0x02, 0x6e, 0x67, 0, 0, 3}

// inside is a new ENI's namespace: nobody else knows it until it is attached.
type inside struct {
	path  string
	ns    netns.NsHandle
	route *netlink.Handle
}

func createInside(path string) (*inside, error) {
	in := &inside{path: path}
	err := createNamespace(path, func() (err error) {
		// Before eth0 comes, so that it never speaks IPv6. lo keeps ::1.
		if err := sysctl("net/ipv6/conf/default/disable_ipv6", "1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if in.ns, err = netns.Get(); err != nil {
			return err
		}
		if in.route, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
			in.ns.Close()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return in, nil
}

func (in *inside) close() {
	in.route.Close()
	in.ns.Close()
}

// configure gives the ENI its address and its only route, and connects it with outer, the other end of its pair.
func (in *inside) configure(c network.InterfaceConfig, gateway netip.Addr, eth netlink.Link, router *netlink.Handle, outer netlink.Link) error {
	index, addr := eth.Attrs().Index, c.Address
	return inOrder(
		func() error { return in.receive(c.Transparent) },
		func() error { return in.route.LinkSetUp(loopback) },
		func() error { return in.route.AddrAdd(eth, hostAddress(addr)) },
		func() error { return setUp(in.route, eth, router, outer) },
		func() error { return in.route.NeighSet(permanentNeighbour(index, gateway, gatewayMAC)) },
		func() error {
			return in.route.RouteAdd(&netlink.Route{
				LinkIndex: index, Gw: gateway.AsSlice(), Flags: int(netlink.FLAG_ONLINK), Src: addr.AsSlice(),
				Dst: ipNet(netip.PrefixFrom(netip.IPv4Unspecified(), 0)),
			})
		},
	)
}

// receive makes a transparent ENI take what comes to any address for its own: answers to its clients, for which it has sockets.
func (in *inside) receive(transparent bool) error {
	if !transparent {
		return nil
	}
	const table = 100 // any number of ours
	rule := netlink.NewRule()
	rule.Priority, rule.IifName, rule.Table = table, insideName, table
	everything := &netlink.Route{
		Table: table, Type: unix.RTN_LOCAL, Scope: netlink.SCOPE_HOST, LinkIndex: loopback.Attrs().Index,
		Dst: ipNet(netip.PrefixFrom(netip.IPv4Unspecified(), 0)),
	}
	return inOrder(
		func() error { return in.route.LinkSetUp(loopback) },
		func() error { return in.route.RouteAdd(everything) },
		func() error { return in.route.RuleAdd(rule) },
		func() error {
			return inNamespace(in.ns, func() error {
				// A client that comes again from the same port soon is the same one to the target. Without clients' addresses a load balancer has
				// "55,000 simultaneous connections or about 55,000 connections per minute to each unique target".
				return errors.Join(sysctl("net/ipv4/tcp_tw_reuse", "1"), sysctl("net/ipv4/ip_local_port_range", "10536 65535"))
			})
		},
	)
}

func inOrder(steps ...func() error) error {
	for _, s := range steps {
		if err := s(); err != nil {
			return err
		}
	}
	return nil
}

// attach connects a namespace with the VPC. The route to the address is the last thing before the filter, so it tells that the ENI is complete.
func (v *vpc) attach(c network.InterfaceConfig, gateway netip.Addr, in *inside) (int, error) {
	name := interfaceLinkName(c.ID)
	attrs := linkAttrs(name)
	attrs.MTU = interfaceMTU
	attrs.HardwareAddr = gatewayMAC
	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: insideName, PeerHardwareAddr: c.MAC, PeerNamespace: netlink.NsFd(in.ns)}
	err := v.route.LinkAdd(veth)
	if errors.Is(err, unix.EEXIST) { // the kernel has not taken apart its predecessor yet
		if err = v.removeLink(name); err == nil {
			err = v.route.LinkAdd(veth)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("link pair: %w", err)
	}
	outer, err := v.route.LinkByName(name)
	if err != nil {
		return 0, err
	}
	eth, err := in.route.LinkByName(insideName)
	if err != nil {
		return 0, err
	}
	if err := in.configure(c, gateway, eth, v.route, outer); err != nil {
		return 0, fmt.Errorf("configure %s: %w", insideName, err)
	}
	index := outer.Attrs().Index
	return index, inOrder(
		func() error { return v.route.NeighSet(permanentNeighbour(index, c.Address, eth.Attrs().HardwareAddr)) },
		func() error { return v.forgetConnections(c.Address) },
		func() error { return v.route.RouteReplace(localRoute(c.Address, index)) },
	)
}

func (v *vpc) removeLink(name string) error {
	link, err := v.route.LinkByName(name)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return nil
	}
	if err != nil {
		return err
	}
	return v.route.LinkDel(link)
}

func localRoute(addr netip.Addr, link int) *netlink.Route {
	return &netlink.Route{Dst: ipNet(netip.PrefixFrom(addr, 32)), LinkIndex: link, Scope: netlink.SCOPE_LINK}
}

// adopted finds an ENI that an earlier platform completed, or this one before a failure.
func (v *vpc) adopted(c network.InterfaceConfig, path string) (int, bool) {
	link, known := v.local[c.Address]
	if !known {
		return 0, false
	}
	l, err := v.route.LinkByName(interfaceLinkName(c.ID))
	if err != nil || l.Attrs().Index != link {
		return 0, false
	}
	ns, err := openNamespace(path)
	if err != nil {
		return 0, false
	}
	ns.Close()
	return link, true
}

// bind tells the filter, and the routes that lead to the interface, what the interface may do.
func (v *vpc) bind(c network.InterfaceConfig, subnet *network.SubnetConfig, link int) error {
	v.interfaces[c.ID] = &attached{config: c, link: link}
	v.local[c.Address] = link
	v.filter.bind(link, c, tableOf(subnet.CIDR))
	if c.Transparent { // first the way back, then what leads there
		if err := v.setTables(v.wantedTables()); err != nil {
			return err
		}
	}
	if err := v.filter.flush(); err != nil {
		return err
	}
	return v.steer(c.ID)
}

// steer renews the route tables if some route leads to the interface.
func (v *vpc) steer(id string) error {
	if !v.steered[id] {
		return nil
	}
	return v.setTables(v.wantedTables())
}

// detach ends all traffic of the interface. Its links go with its namespace.
func (v *vpc) detach(id string) error {
	link, err := v.route.LinkByName(interfaceLinkName(id))
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		delete(v.interfaces, id)
		return nil
	}
	if err != nil {
		return err
	}
	return v.detachLink(id, link.Attrs().Index)
}

func (v *vpc) detachLink(id string, link int) error {
	delete(v.interfaces, id)
	_, returns := v.tables[returnTable(link)]
	v.filter.unbind(link)
	if err := v.filter.flush(); err != nil {
		return err
	}
	if returns && v.config != nil {
		if err := v.setTables(v.wantedTables()); err != nil {
			return err
		}
	}
	if err := v.steer(id); err != nil {
		return err
	}
	for addr, index := range v.local {
		if index != link {
			continue
		}
		delete(v.local, addr)
		v.departed[addr] = true
		if err := v.route.RouteDel(localRoute(addr, link)); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("route to %s: %w", addr, err)
		}
	}
	return nil
}

// subnet finds the subnet by id.
func (v *vpc) subnet(id string) (*network.SubnetConfig, error) {
	if v.config == nil {
		return nil, refusal{fmt.Errorf("vpc %s: not ensured", v.id)}
	}
	i := slices.IndexFunc(v.config.Subnets, func(s network.SubnetConfig) bool { return s.ID == id })
	if i < 0 {
		return nil, refusal{fmt.Errorf("vpc %s: no subnet %s", v.id, id)}
	}
	return &v.config.Subnets[i], nil
}
