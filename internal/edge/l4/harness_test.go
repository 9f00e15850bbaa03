package l4

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/netns"
	"github.com/neargate/neargate/internal/edge/tlsterm"
)

// bench is an engine with one load balancer, and what is needed to change its snapshot.
type bench struct {
	t        testing.TB
	engine   *Engine
	snapshot *edgeapi.Snapshot
	port     int
	stop     func()
}

var loopback = netip.MustParseAddr("127.0.0.1")

const patience = 20 * time.Second // for what must happen, on a busy machine

// newBench starts an engine with a listener of the protocol that forwards to a group with the targets.
func newBench(t testing.TB, protocol string, targets ...edgeapi.Target) *bench {
	t.Helper()
	return newBenchFor(t, 4096, protocol, targets...)
}

func newBenchFor(t testing.TB, flows int, protocol string, targets ...edgeapi.Target) *bench {
	t.Helper()
	b := &bench{t: t, port: freePort(t)}
	opener := netns.NewOpener()
	b.engine = New(Config{Opener: opener, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Changed: func() {}, MaxFlows: flows})
	b.snapshot = &edgeapi.Snapshot{
		Nodes: []edgeapi.Node{{ID: "eni-1", LoadBalancer: "lb", Address: loopback, AvailabilityZone: "a"}},
		LoadBalancers: []edgeapi.LoadBalancer{{ARN: "lb", Type: edgeapi.TypeNetwork, Listeners: []edgeapi.Listener{{
			ARN: "listener", Port: b.port, Protocol: protocol, Rules: []edgeapi.Rule{{ARN: "default", Action: forwardTo("group")}},
		}}}},
		TargetGroups: []edgeapi.TargetGroup{testGroup("group", protocol, targets...)},
	}
	if protocol == edgeapi.ProtocolTLS {
		certificate := someCertificate(t)
		b.snapshot.Certificates = []edgeapi.Certificate{certificate}
		b.snapshot.LoadBalancers[0].Listeners[0].TLS = &edgeapi.TLS{
			Policy: "ELBSecurityPolicy-TLS13-1-2-2021-06", Certificates: []string{certificate.ARN},
		}
		b.snapshot.TargetGroups[0].Protocol = edgeapi.ProtocolTCP
	}
	b.apply(func(*edgeapi.Snapshot) {})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.engine.Run(ctx, 50*time.Millisecond)
	}()
	b.stop = func() {
		cancel()
		<-done
	}
	t.Cleanup(func() {
		b.stop()
		opener.Close()
		if n := b.engine.flows.Load(); n != 0 {
			t.Errorf("%d flows are left", n)
		}
	})
	return b
}

func forwardTo(groups ...string) edgeapi.Action {
	f := &edgeapi.Forward{}
	for _, g := range groups {
		f.Groups = append(f.Groups, edgeapi.WeightedGroup{TargetGroup: g, Weight: 1})
	}
	return edgeapi.Action{Forward: f}
}

func testGroup(arn, protocol string, targets ...edgeapi.Target) edgeapi.TargetGroup {
	return edgeapi.TargetGroup{
		ARN: arn, Name: arn, Protocol: protocol,
		HealthCheck: edgeapi.HealthCheck{
			Protocol: edgeapi.ProtocolTCP, Port: edgeapi.PortTraffic, Interval: time.Second, Timeout: time.Second,
			HealthyThreshold: 2, UnhealthyThreshold: 2,
		},
		Targets: targets,
	}
}

// apply changes the snapshot and applies it as the next generation.
func (b *bench) apply(change func(*edgeapi.Snapshot)) {
	b.t.Helper()
	next := *b.snapshot
	next.Generation++
	next.TargetGroups = append([]edgeapi.TargetGroup(nil), next.TargetGroups...)
	change(&next)
	if err := next.Validate(); err != nil {
		b.t.Fatal(err)
	}
	servers, err := tlsterm.NewServers().Load(&next)
	if err != nil {
		b.t.Fatal(err)
	}
	b.snapshot = &next
	b.engine.Apply(&next, servers, func(TargetKey) bool { return true })
}

// group changes the first target group.
func (b *bench) group(change func(*edgeapi.TargetGroup)) {
	b.t.Helper()
	b.apply(func(s *edgeapi.Snapshot) { change(&s.TargetGroups[0]) })
}

func (b *bench) setTargets(targets ...edgeapi.Target) {
	b.t.Helper()
	b.group(func(g *edgeapi.TargetGroup) { g.Targets = targets })
}

func (b *bench) address() string { return fmt.Sprintf("127.0.0.1:%d", b.port) }

func (b *bench) dial() *net.TCPConn {
	b.t.Helper()
	c, err := net.Dial("tcp", b.address())
	if err != nil {
		b.t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	b.t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// ask connects and reads the word a target says of itself.
func (b *bench) ask() string {
	b.t.Helper()
	return word(b.t, b.dial())
}

func word(t testing.TB, c io.Reader) string {
	t.Helper()
	p := make([]byte, 64)
	n, err := c.Read(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(p[:n])
}

func (b *bench) flows(protocol string) edgeapi.FlowCounters {
	balancers, _ := b.engine.Counters()
	for _, f := range balancers[0].Flows {
		if f.Protocol == protocol {
			return f
		}
	}
	b.t.Fatalf("no counters of %s", protocol)
	return edgeapi.FlowCounters{}
}

func (b *bench) key(t edgeapi.Target) TargetKey { return TargetKey{"group", t.ID, t.Port} }

// eventually waits for something to become true.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !f(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		u, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IP{127, 0, 0, 1}, Port: port})
		l.Close()
		if err == nil {
			u.Close()
			return port
		}
	}
}

func targetAt(a netip.AddrPort) edgeapi.Target {
	return edgeapi.Target{ID: a.String(), Address: a.Addr().Unmap(), Port: int(a.Port()), AvailabilityZone: "a"}
}

// tcpTarget gives each connection it accepts to serve.
func tcpTarget(t testing.TB, serve func(c *net.TCPConn)) edgeapi.Target {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IP{127, 0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go acceptAll(l, serve)
	return targetAt(l.Addr().(*net.TCPAddr).AddrPort())
}

func acceptAll(l *net.TCPListener, serve func(c *net.TCPConn)) {
	for {
		c, err := l.AcceptTCP()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			c.SetDeadline(time.Now().Add(2 * patience))
			serve(c)
		}()
	}
}

// named is a target that says a word and then echoes.
func named(t testing.TB, word string) edgeapi.Target {
	return tcpTarget(t, func(c *net.TCPConn) {
		io.WriteString(c, word)
		io.Copy(c, c)
	})
}

func echo(c *net.TCPConn) { io.Copy(c, c) }

// udpTarget answers each datagram with what serve makes of it.
func udpTarget(t testing.TB, serve func(datagram []byte, from netip.AddrPort) []byte) edgeapi.Target {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IP{127, 0, 0, 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go answerAll(c, serve)
	return targetAt(c.LocalAddr().(*net.UDPAddr).AddrPort())
}

func answerAll(c *net.UDPConn, serve func([]byte, netip.AddrPort) []byte) {
	b := make([]byte, 64<<10)
	for {
		n, from, err := c.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		c.WriteToUDPAddrPort(serve(b[:n], from), from)
	}
}
