package l4

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	opener "github.com/neargate/neargate/internal/edge/netns"
	"github.com/neargate/neargate/internal/edge/netns/netnstest"
)

// street is three namespaces in a row. The target answers to whomever by way of the load balancer, as a VPC's router has it do:
//
//	client 10.1.0.2 ── 10.1.0.1 load balancer 10.2.0.1 ── 10.2.0.2 target
type street struct{ client, balancer, target string }

var (
	streetClient = netip.MustParsePrefix("10.1.0.2/24")
	streetFront  = netip.MustParsePrefix("10.1.0.1/24")
	streetBack   = netip.MustParsePrefix("10.2.0.1/24")
	streetTarget = netip.MustParsePrefix("10.2.0.2/24")
)

func newStreet(t *testing.T) street {
	s := street{netnstest.New(t), netnstest.New(t), netnstest.New(t)}
	pair(t, s.client, "lb", streetClient, s.balancer, "client", streetFront)
	pair(t, s.target, "lb", streetTarget, s.balancer, "target", streetBack)
	in(t, s.target, func() error {
		link, err := netlink.LinkByName("lb")
		if err != nil {
			return err
		}
		return netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Gw: streetBack.Addr().AsSlice()})
	})
	in(t, s.balancer, func() error {
		rule := netlink.NewRule()
		rule.Priority, rule.IifName, rule.Table = 100, "target", 100
		_, all, _ := net.ParseCIDR("0.0.0.0/0")
		return errors.Join(
			netlink.RouteAdd(&netlink.Route{Table: 100, Type: unix.RTN_LOCAL, Scope: netlink.SCOPE_HOST, LinkIndex: 1, Dst: all}),
			netlink.RuleAdd(rule),
		)
	})
	return s
}

// in runs f inside a namespace.
func in(t *testing.T, path string, f func() error) {
	t.Helper()
	var g errgroup.Group
	g.Go(func() error {
		runtime.LockOSThread() // the thread ends with the goroutine
		h, err := netns.GetFromPath(path)
		if err != nil {
			return err
		}
		defer h.Close()
		if err := netns.Set(h); err != nil {
			return err
		}
		return f()
	})
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

// pair connects two namespaces.
func pair(t *testing.T, one, link string, address netip.Prefix, other, otherLink string, otherAddress netip.Prefix) {
	t.Helper()
	up := func(name string, p netip.Prefix) error {
		l, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		a, err := netlink.ParseAddr(p.String())
		return errors.Join(err, netlink.AddrAdd(l, a), netlink.LinkSetUp(l))
	}
	in(t, one, func() error {
		h, err := netns.GetFromPath(other)
		if err != nil {
			return err
		}
		defer h.Close()
		attrs := netlink.NewLinkAttrs()
		attrs.Name = link
		err = netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: otherLink, PeerNamespace: netlink.NsFd(h)})
		return errors.Join(err, up(link, address))
	})
	in(t, other, func() error { return up(otherLink, otherAddress) })
}

// TestClientAddress has targets that see their clients' own addresses and ports, by TCP and UDP, with many at once, and with one port to two
// listeners.
func TestClientAddress(t *testing.T) {
	s := newStreet(t)
	in(t, s.target, func() error { return tellWhoCalls(t, 7000) })
	in(t, s.target, func() error { return tellWhoCalls(t, 7001) })
	o := opener.NewOpener()
	e := New(Config{Opener: o, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Changed: func() {}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- e.Run(ctx, 50*time.Millisecond) }()
	defer func() {
		cancel()
		<-done
		o.Close()
	}()
	group := func(arn string, port int) edgeapi.TargetGroup {
		g := testGroup(arn, edgeapi.ProtocolTCPUDP, targetAt(netip.AddrPortFrom(streetTarget.Addr(), uint16(port))))
		g.PreserveClientIP = true
		return g
	}
	listener := func(arn string, port int, group string) edgeapi.Listener {
		return edgeapi.Listener{ARN: arn, Port: port, Protocol: edgeapi.ProtocolTCPUDP, Rules: []edgeapi.Rule{{ARN: arn, Action: forwardTo(group)}}}
	}
	snapshot := &edgeapi.Snapshot{
		Generation: 1,
		Nodes:      []edgeapi.Node{{ID: "eni-1", LoadBalancer: "lb", Namespace: s.balancer, Address: streetFront.Addr(), AvailabilityZone: "a"}},
		LoadBalancers: []edgeapi.LoadBalancer{{ARN: "lb", Type: edgeapi.TypeNetwork, Listeners: []edgeapi.Listener{
			listener("one", 80, "g0"), listener("two", 81, "g1"),
		}}},
		TargetGroups: []edgeapi.TargetGroup{group("g0", 7000), group("g1", 7001)},
	}
	if err := snapshot.Validate(); err != nil {
		t.Fatal(err)
	}
	e.Apply(snapshot, nil, func(TargetKey) bool { return true })
	for _, st := range e.Sockets() {
		if !st.Open {
			t.Fatalf("%+v", st)
		}
	}
	dial := func(network string, from, port int) (c net.Conn) {
		t.Helper()
		in(t, s.client, func() (err error) {
			d := net.Dialer{Timeout: patience}
			if from > 0 {
				d.LocalAddr = &net.TCPAddr{IP: streetClient.Addr().AsSlice(), Port: from}
				d.Control = func(_, _ string, c syscall.RawConn) error {
					return c.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1) })
				}
			}
			c, err = d.Dial(network, netip.AddrPortFrom(streetFront.Addr(), uint16(port)).String())
			return err
		})
		t.Cleanup(func() { c.Close() })
		return c
	}
	var all []net.Conn
	for range 100 {
		all = append(all, dial("tcp4", 0, 80), dial("udp4", 0, 80))
	}
	all = append(all, dial("tcp4", 40_000, 80), dial("tcp4", 40_000, 81))
	for range 2 {
		for _, c := range all {
			if got := exchange(t, c, "who am I?"); got != c.LocalAddr().String() {
				t.Errorf("%s is seen as %s", c.LocalAddr(), got)
			}
		}
	}
	// Without preservation the target sees the load balancer.
	next := *snapshot
	next.Generation = 2
	next.TargetGroups = []edgeapi.TargetGroup{group("g0", 7000), group("g1", 7001)}
	next.TargetGroups[0].PreserveClientIP = false
	e.Apply(&next, nil, func(TargetKey) bool { return true })
	for _, network := range []string{"tcp4", "udp4"} {
		got, err := netip.ParseAddrPort(exchange(t, dial(network, 0, 80), "who am I?"))
		if err != nil || got.Addr() != streetBack.Addr() {
			t.Errorf("%s: %v, %v", network, got, err)
		}
	}
}

// tellWhoCalls answers everything with the address it came from. The calling thread is in the target's namespace.
func tellWhoCalls(t *testing.T, port int) error {
	at := netip.AddrPortFrom(streetTarget.Addr(), uint16(port))
	l, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(at))
	if err != nil {
		return err
	}
	t.Cleanup(func() { l.Close() })
	go acceptAll(l, func(c *net.TCPConn) {
		for {
			if _, err := c.Read(make([]byte, 100)); err != nil {
				return
			}
			io.WriteString(c, c.RemoteAddr().String())
		}
	})
	u, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		return err
	}
	t.Cleanup(func() { u.Close() })
	go answerAll(u, func(_ []byte, from netip.AddrPort) []byte { return []byte(from.String()) })
	return nil
}

// TestNamespaceReplaced has the node's interface go and another one come in its place: flows of the first end, the second serves.
func TestNamespaceReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "netns")
	netnstest.At(t, path)
	b := newBench(t, edgeapi.ProtocolTCPUDP)
	target := netip.AddrPortFrom(loopback, uint16(freePort(t)))
	serve := func() {
		in(t, path, func() error {
			l, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(target))
			if err == nil {
				t.Cleanup(func() { l.Close() })
				go acceptAll(l, echo)
			}
			return err
		})
	}
	serve()
	b.apply(func(s *edgeapi.Snapshot) {
		s.Nodes = []edgeapi.Node{{ID: "eni-2", LoadBalancer: "lb", Namespace: path, Address: loopback, AvailabilityZone: "a"}}
		s.TargetGroups[0].Targets = []edgeapi.Target{targetAt(target)}
	})
	dial := func() (c net.Conn, err error) {
		in(t, path, func() error {
			c, err = net.Dial("tcp4", b.address())
			return nil
		})
		return c, err
	}
	c, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	exchange(t, c, "hello")
	if err := errors.Join(unix.Unmount(path, unix.MNT_DETACH), os.Remove(path)); err != nil {
		t.Fatal(err)
	}
	netnstest.At(t, path)
	serve()
	var next net.Conn
	eventually(t, "served again", func() bool { next, err = dial(); return err == nil })
	defer next.Close()
	if got := exchange(t, next, "again"); got != "again" {
		t.Errorf("%q", got)
	}
	if _, err := c.Read(make([]byte, 1)); !isReset(err) {
		t.Errorf("the flow of the interface that has gone: %v", err)
	}
}
