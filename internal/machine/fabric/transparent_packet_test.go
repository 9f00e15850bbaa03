package fabric

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/network"
)

// balanced is a world with a client, a network load balancer and a server with ports 80 and 81; the test gives the server its rules.
type balanced struct {
	*world
	client, lb, server place
}

var lbAddress, serverAddress, clientAddress = addr("10.0.0.20"), addr("10.0.1.10"), addr("10.0.0.10")

func newBalanced(t *testing.T) *balanced {
	m := newMachine(t)
	b := &balanced{world: newWorld(t, m, m.start(), "vpc-1")}
	b.group("client", allowAll, "10.0.0.10")
	b.group("lb", allowAll, "10.0.0.20")
	b.client = b.attach("10.0.0.10", "client")
	b.lb = b.attachConfig(b.balancer("lb"))
	b.server = b.attach("10.0.1.10", "server")
	for _, port := range []int{80, 81} {
		b.server.serveTCP(port)
		b.server.serveUDP(port)
	}
	return b
}

func (b *balanced) balancer(groups ...string) network.InterfaceConfig {
	c := b.config("10.0.0.20", groups...)
	c.SourceDestCheck, c.Transparent, c.Unguarded = false, true, len(groups) == 0
	return c
}

// as makes the dialer of a socket that has another's address.
func as(network string, a netip.AddrPort, wait time.Duration) net.Dialer {
	d := net.Dialer{Timeout: wait, Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		return errors.Join(c.Control(func(fd uintptr) {
			err = errors.Join(unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_TRANSPARENT, 1),
				unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1))
		}), err)
	}}
	d.LocalAddr = net.TCPAddrFromAddrPort(a)
	if strings.HasPrefix(network, "udp") {
		d.LocalAddr = net.UDPAddrFromAddrPort(a)
	}
	return d
}

// through has the load balancer call the server under the client's address.
func (b *balanced) through(t *testing.T, network string, port int, open bool) {
	t.Helper()
	wait := impatience
	if open {
		wait = patience
	}
	seen, err := b.lb.callBy(as(network, netip.AddrPortFrom(clientAddress, 0), wait), network, addrPort(serverAddress, port))
	switch {
	case open && (err != nil || seen != clientAddress):
		t.Errorf("%s port %d: seen as %v, %v", network, port, seen, err)
	case !open && err == nil:
		t.Errorf("%s port %d: reached", network, port)
	}
}

// TestTransparent has a load balancer speak under its client's address: the server sees that, its rules decide about it, and the answers come
// back to the load balancer.
func TestTransparent(t *testing.T) {
	b := newBalanced(t)
	for _, c := range []struct {
		name  string
		rules []network.Rule
		open  bool
	}{
		{"no rule", nil, false},
		{"the client's address", []network.Rule{tcp(80, 80, "10.0.0.10/32"), udp(80, 80, "10.0.0.10/32")}, true},
		{"the load balancer's address", []network.Rule{tcp(80, 80, "10.0.0.20/32"), udp(80, 80, "10.0.0.20/32")}, false},
		{"the load balancer's group", []network.Rule{fromGroups(tcp(80, 80), "lb"), fromGroups(udp(80, 80), "lb")}, true},
		{"another group", []network.Rule{fromGroups(tcp(80, 80), "server"), fromGroups(udp(80, 80), "server")}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.group("server", c.rules, "10.0.1.10")
			for _, network := range []string{"tcp4", "udp4"} {
				b.through(t, network, 80, c.open)
				b.through(t, network, 81, false)
			}
		})
	}
}

// TestTransparentBesideDirect has the client itself speak with the server while the load balancer does so in its name.
func TestTransparentBesideDirect(t *testing.T) {
	b := newBalanced(t)
	b.group("server", []network.Rule{fromGroups(tcp(80, 80), "lb"), tcp(81, 81, "10.0.0.10/32")}, "10.0.1.10")
	dial := func(p place, d net.Dialer, port int) net.Conn {
		t.Helper()
		c, err := p.dialBy(d, "tcp4", addrPort(serverAddress, port))
		check(t, err)
		t.Cleanup(func() { c.Close() })
		_, err = io.ReadFull(c, make([]byte, 4))
		check(t, err)
		return c
	}
	inName := dial(b.lb, as("tcp4", netip.AddrPortFrom(clientAddress, 5000), patience), 80)
	direct := dial(b.client, net.Dialer{Timeout: patience}, 81)
	own := dial(b.lb, net.Dialer{Timeout: patience}, 80) // as probes do
	for range 3 {
		for _, c := range []net.Conn{inName, direct, own} {
			check(t, (&stream{c}).exchange(patience))
		}
	}
	// What admits the load balancer's group does not admit the client.
	b.client.misses("tcp4", serverAddress, 80)
}

// TestTransparentEgress has the load balancer's own rules decide too, and no rule for one without groups.
func TestTransparentEgress(t *testing.T) {
	b := newBalanced(t)
	b.group("server", []network.Rule{tcp(80, 81, "10.0.0.10/32")}, "10.0.1.10")
	b.groupConfig(network.GroupConfig{ID: "lb", Ingress: allowAll, Egress: []network.Rule{tcp(80, 80, "10.0.1.0/24")}}, "10.0.0.20")
	b.through(t, "tcp4", 80, true)
	b.through(t, "tcp4", 81, false)
	b.attachConfig(b.balancer())
	b.through(t, "tcp4", 81, true)
	b.lb.serveTCP(90)
	b.client.reaches("tcp4", lbAddress, 90)
}

// TestTransparentTakeover lets the next platform find what the last one left, and take it apart.
func TestTransparentTakeover(t *testing.T) {
	b := newBalanced(t)
	b.group("server", []network.Rule{fromGroups(tcp(80, 80), "lb")}, "10.0.1.10")
	c, err := b.lb.dialBy(as("tcp4", netip.AddrPortFrom(clientAddress, 6000), patience), "tcp4", addrPort(serverAddress, 80))
	check(t, err)
	defer c.Close()
	_, err = io.ReadFull(c, make([]byte, 4))
	check(t, err)
	b.f.Close()
	b.f = b.start()
	check(t, b.f.Adopt(t.Context(), []string{"vpc-1"}, []string{b.config("10.0.0.10").ID, b.config("10.0.0.20").ID, b.config("10.0.1.10").ID}))
	check(t, (&stream{c}).exchange(patience))
	b.ensure()
	b.attachConfig(b.balancer("lb"))
	check(t, (&stream{c}).exchange(patience))
	b.through(t, "tcp4", 80, true)
	check(t, b.f.DeleteInterface(t.Context(), "vpc-1", b.config("10.0.0.20").ID))
	v, _ := b.f.existing("vpc-1")
	for n := range v.tables {
		if n >= 2*firstTable {
			t.Errorf("table %#x is left", n)
		}
	}
	if len(v.ruled) != len(b.vpc.Subnets) {
		t.Errorf("%d rules for %d subnets", len(v.ruled), len(b.vpc.Subnets))
	}
	b.attachConfig(b.balancer("lb"))
	b.lb = place{t, b.f.NamespacePath(b.config("10.0.0.20").ID)}
	b.through(t, "tcp4", 80, true)
}

// TestNotTransparent shows that an interface which may send under any address is not yet a load balancer.
func TestNotTransparent(t *testing.T) {
	b := newBalanced(t)
	router := b.config("10.0.0.30", "lb")
	router.SourceDestCheck = false
	p := b.attachConfig(router)
	b.group("server", []network.Rule{fromGroups(tcp(80, 80), "lb")}, "10.0.1.10")
	d := as("tcp4", netip.AddrPortFrom(clientAddress, 7000), impatience)
	if _, err := p.callBy(d, "tcp4", addrPort(serverAddress, 80)); err == nil {
		t.Error("reached")
	}
}
