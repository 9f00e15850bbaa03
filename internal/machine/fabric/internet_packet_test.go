package fabric

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/network"
)

// lan is an address of the machine besides the pool: who calls it from a VPC is seen under the public address, before masquerading.
var lan = machineWAN.Addr()

func internetWorld(t *testing.T) *world {
	m := newMachine(t)
	m.internet.serveTCP(80)
	m.internet.serveUDP(80)
	m.host.serveTCP(80)
	m.host.serveUDPAt(lan, 80)
	w := newWorld(t, m, m.start(), "vpc-1")
	w.group("open", allowAll)
	return w
}

// Only an ENI with a public address gets through an internet gateway, and it is seen under that address.
func TestInternetGateway(t *testing.T) {
	w := internetWorld(t)
	p := w.attach("10.0.0.10", "open")
	p.misses("tcp4", internetPeer.Addr(), 80)
	p.misses("udp4", internetPeer.Addr(), 80)
	if err := p.ping(internetPeer.Addr(), ipv4.ICMPTypeEcho, impatience); err == nil {
		t.Error("ping through internet gateway without public address")
	}

	public := w.publish("10.0.0.10", 1)
	expect(t, "source seen by the machine", p.reaches("tcp4", lan, 80), public)
	expect(t, "source seen by the machine", p.reaches("udp4", lan, 80), public)
	expect(t, "source seen by the internet", p.reaches("tcp4", internetPeer.Addr(), 80), machineWAN.Addr())
	check(t, p.ping(internetPeer.Addr(), ipv4.ICMPTypeEcho, patience))

	w.vpc.Public = nil
	w.ensure()
	p.misses("tcp4", internetPeer.Addr(), 80)
}

// NAT gateways translate to their Elastic IP; a subnet without a route to one has no way out.
func TestNATGateway(t *testing.T) {
	w := internetWorld(t)
	private, isolated := w.attach("10.0.1.10", "open"), w.attach("10.0.2.10", "open")
	expect(t, "source seen by the machine", private.reaches("tcp4", lan, 80), w.public(0))
	expect(t, "source seen by the machine", private.reaches("udp4", lan, 80), w.public(0))
	expect(t, "source seen by the internet", private.reaches("tcp4", internetPeer.Addr(), 80), machineWAN.Addr())
	check(t, private.ping(internetPeer.Addr(), ipv4.ICMPTypeEcho, patience))
	isolated.misses("tcp4", internetPeer.Addr(), 80)
	isolated.misses("tcp4", lan, 80)

	// A public address does not help in a subnet without a route to the internet gateway, neither way.
	isolated.serveTCP(80)
	w.host.misses("tcp4", w.publish("10.0.2.10", 2), 80)
	isolated.misses("tcp4", lan, 80)

	// Nor in one whose way out is a NAT gateway: the answer would take another way than the question.
	private.serveTCP(81)
	w.host.misses("tcp4", w.publish("10.0.1.10", 3), 81)
	w.vpc.Public = nil
	w.ensure()

	// Nobody gets in through a NAT gateway.
	private.serveTCP(80)
	w.host.misses("tcp4", w.public(0), 80)
}

func TestRoutesDecide(t *testing.T) {
	w := internetWorld(t)
	p := w.attach("10.0.1.10", "open")
	nat := w.subnet("private").Routes[1]
	set := func(routes ...network.Route) {
		t.Helper()
		w.subnet("private").Routes = routes
		w.ensure()
	}
	p.reaches("tcp4", lan, 80)
	set()
	p.misses("tcp4", lan, 80)
	set(network.Route{Destination: anywhere, Via: network.RouteBlackhole})
	p.misses("tcp4", lan, 80)
	set(nat, network.Route{Destination: prefix("203.0.113.9/32"), Via: network.RouteBlackhole})
	p.reaches("tcp4", lan, 80)
	p.misses("tcp4", internetPeer.Addr(), 80)
	set(network.Route{Destination: anywhere, Via: network.RouteBlackhole}, network.Route{Destination: prefix("203.0.113.0/24"), Via: network.RouteNAT, NatPublic: w.public(5)})
	expect(t, "source", p.reaches("tcp4", lan, 80), w.public(5))
	set(network.Route{Destination: anywhere, Via: network.RouteNAT, NatPrivate: addr("10.0.0.100")}) // a private NAT gateway
	p.misses("tcp4", lan, 80)
	set(nat)
	p.reaches("tcp4", lan, 80)
	w.vpc.Uplink = false
	w.ensure()
	p.misses("tcp4", lan, 80)
	w.vpc.Uplink = true
	w.ensure()
	p.reaches("tcp4", lan, 80)
}

// A route to an interface makes it a router, if it may be one.
func TestRouteToInterface(t *testing.T) {
	w := internetWorld(t)
	p := w.attach("10.0.2.10", "open")
	c := w.config("10.0.1.20", "open")
	w.subnet("isolated").Routes = []network.Route{{Destination: anywhere, Via: network.RouteInterface, Interface: c.ID}}
	w.ensure() // the interface does not exist yet
	p.misses("tcp4", lan, 80)
	instance := w.attachConfig(c)
	check(t, instance.do(makeNATInstance))
	p.misses("tcp4", lan, 80) // its source/destination check is on
	c.SourceDestCheck = false
	w.attachConfig(c)
	// The instance sends on by its own subnet's table: the NAT gateway takes it.
	expect(t, "source", p.reaches("tcp4", lan, 80), w.public(0))
	check(t, w.f.DeleteInterface(t.Context(), "vpc-1", c.ID))
	p.misses("tcp4", lan, 80)
}

// makeNATInstance makes the thread's namespace translate for others.
func makeNATInstance() error {
	if err := sysctl("net/ipv4/ip_forward", "1"); err != nil {
		return err
	}
	c, err := nftables.New()
	if err != nil {
		return err
	}
	t := c.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "nat"})
	writeChains(c, t, []chain{{"leave", nftables.ChainTypeNAT, nftables.ChainHookPostrouting, 100, nftables.ChainPolicyAccept, [][]expr.Any{exprs(&expr.Masq{})}}})
	return c.Flush()
}

// Inbound: the group sees the true source, and decides.
func TestPublicAddress(t *testing.T) {
	w := internetWorld(t)
	p := w.attach("10.0.0.10", "web")
	p.serveTCP(80)
	p.serveUDP(80)
	public := w.publish("10.0.0.10", 1)
	w.routeToPool()
	w.group("web", nil)
	w.host.misses("tcp4", public, 80)
	w.internet.misses("tcp4", public, 80)
	w.group("web", []network.Rule{tcp(80, 80, w.f.HostAddress().String()+"/32"), udp(80, 80, "0.0.0.0/0")})
	expect(t, "source", w.host.reaches("tcp4", public, 80), w.f.HostAddress())
	w.internet.misses("tcp4", public, 80)
	expect(t, "source", w.internet.reaches("udp4", public, 80), internetPeer.Addr())
	w.group("web", []network.Rule{tcp(80, 80, "203.0.113.9/32")})
	expect(t, "source", w.internet.reaches("tcp4", public, 80), internetPeer.Addr())
	w.host.misses("tcp4", public, 80)
	if _, err := w.host.call("tcp4", addrPort(w.public(7), 80), patience); !errors.Is(err, unix.EHOSTUNREACH) {
		t.Errorf("public address of nobody: %v", err)
	}
	if _, err := w.host.call("tcp4", addrPort(addr("10.0.0.10"), 80), impatience); err == nil {
		t.Error("host reached a private address")
	}
}

// routeToPool lets the internet know where the pool is.
func (w *world) routeToPool() {
	w.t.Helper()
	check(w.t, w.internet.do(func() error {
		return netlink.RouteReplace(&netlink.Route{Dst: ipNet(w.f.PublicPool()), Gw: machineWAN.Addr().AsSlice()})
	}))
}

// A public address is also called from inside: by NAT, by another public address, by its own owner. Group references do not match
// then, as on AWS, because the source is a public address.
func TestPublicAddressFromInside(t *testing.T) {
	w := internetWorld(t)
	server, private, neighbour := w.attach("10.0.0.10", "web"), w.attach("10.0.1.10", "open"), w.attach("10.0.0.11", "open")
	server.serveTCP(80)
	server.serveUDP(80)
	public, other := w.publish("10.0.0.10", 1), w.publish("10.0.0.11", 2)
	w.group("open", nil, "10.0.1.10", "10.0.0.11")
	w.group("web", []network.Rule{fromGroups(tcp(80, 80), "open")}, "10.0.0.10")
	private.reaches("tcp4", addr("10.0.0.10"), 80)
	private.misses("tcp4", public, 80)
	w.group("web", []network.Rule{tcp(80, 80, w.f.PublicPool().String()), udp(80, 80, "0.0.0.0/0")}, "10.0.0.10")
	expect(t, "source", private.reaches("tcp4", public, 80), w.public(0))
	expect(t, "source", neighbour.reaches("tcp4", public, 80), other)
	expect(t, "source", neighbour.reaches("udp4", public, 80), other)
	expect(t, "source", server.reaches("tcp4", public, 80), public)
}

// VPCs with the same blocks do not know of each other, except by public addresses.
func TestIsolation(t *testing.T) {
	w1 := internetWorld(t)
	w2 := newWorld(t, w1.machine, w1.f, "vpc-2")
	w2.subnet("private").Routes[1].NatPublic = w2.public(20)
	w2.ensure() // gives up the address that the first ensure took from vpc-1
	w1.ensure()
	w2.group("open", allowAll)
	w1.attach("10.0.0.10", "open").serveTCP(80)
	w1.attach("10.0.0.11", "open").serveTCP(8080)
	w2.attach("10.0.0.10", "open").serveTCP(81)
	c1, c2 := w1.attach("10.0.1.20", "open"), w2.attach("10.0.1.20", "open")

	c1.reaches("tcp4", addr("10.0.0.10"), 80)
	c2.reaches("tcp4", addr("10.0.0.10"), 81)
	c2.misses("tcp4", addr("10.0.0.11"), 8080)
	if _, err := c2.call("tcp4", addrPort(addr("10.0.0.10"), 80), patience); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("port 80 of vpc-2's 10.0.0.10: %v, want refused", err)
	}
	expect(t, "source", c1.reaches("tcp4", lan, 80), w1.public(0))
	expect(t, "source", c2.reaches("tcp4", lan, 80), w2.public(20))

	public := w1.publish("10.0.0.10", 1)
	expect(t, "source", c2.reaches("tcp4", public, 80), w2.public(20))

	// The address moves to the other VPC, and is claimed there before it is given up here.
	moved := w2.publish("10.0.0.10", 1)
	w1.vpc.Public = nil
	w1.ensure()
	expect(t, "source", w1.host.reaches("tcp4", moved, 81), w1.f.HostAddress())
}

// Interfaces have jumbo frames, the way out has not: path MTU discovery sees to it.
func TestBulk(t *testing.T) {
	w := internetWorld(t)
	server := w.attach("10.0.0.10", "open")
	server.serveTCP(80)
	public := w.publish("10.0.0.10", 1)
	for name, c := range map[string]*stream{
		"inside":      w.attach("10.0.1.10", "open").connect(addr("10.0.0.10"), 80),
		"from host":   w.host.connect(public, 80),
		"to internet": w.attach("10.0.1.11", "open").connect(internetPeer.Addr(), 80),
	} {
		sent := make([]byte, 4<<20)
		check(t, c.SetDeadline(time.Now().Add(patience)))
		go func() { _, _ = c.Write(sent) }()
		if n, err := io.ReadFull(c, make([]byte, len(sent))); err != nil {
			t.Errorf("%s: %d of %d bytes came back: %v", name, n, len(sent), err)
		}
	}
}
