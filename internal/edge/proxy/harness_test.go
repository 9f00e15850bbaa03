package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/http1"
	"github.com/neargate/neargate/internal/edge/netns"
	"github.com/neargate/neargate/internal/edge/tlsterm"
)

// bench is an engine with one load balancer on the loopback, and what is needed to change its snapshot.
type bench struct {
	t        testing.TB
	engine   *Engine
	snapshot *edgeapi.Snapshot
	port     int
	opener   *netns.Opener
	tls      *tlsterm.Servers
}

const lbARN, listenerARN, groupARN = "lb", "listener", "group"

var loopback = netip.MustParseAddr("127.0.0.1")

// newBench starts an engine whose default rule forwards to groupARN, which has the given targets.
func newBench(t testing.TB, targets ...edgeapi.Target) *bench {
	t.Helper()
	return newBenchFor(t, 4096, targets...)
}

func newBenchFor(t testing.TB, clients int, targets ...edgeapi.Target) *bench {
	t.Helper()
	b := &bench{t: t, port: freePort(t), opener: netns.NewOpener()}
	b.tls = tlsterm.NewServers()
	b.engine = New(Config{Opener: b.opener, TLS: b.tls, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Changed: func() {}, MaxClients: clients})
	b.snapshot = &edgeapi.Snapshot{
		Nodes: []edgeapi.Node{{ID: "eni-1", LoadBalancer: lbARN, Address: loopback}},
		LoadBalancers: []edgeapi.LoadBalancer{{
			ARN: lbARN, Name: "lb", DNSName: "lb.localhost", Type: "application", Scheme: "internet-facing",
			Attributes: edgeapi.DefaultAttributes(),
			Listeners: []edgeapi.Listener{{ARN: listenerARN, Port: b.port, Protocol: "HTTP", Rules: []edgeapi.Rule{
				{ARN: "default", Action: forwardTo(groupARN)},
			}}},
		}},
		TargetGroups: []edgeapi.TargetGroup{testGroup(groupARN, targets...)},
	}
	b.apply(func(*edgeapi.Snapshot) {})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.engine.Run(ctx, 100*time.Millisecond)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		b.opener.Close()
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

func testGroup(arn string, targets ...edgeapi.Target) edgeapi.TargetGroup {
	return edgeapi.TargetGroup{
		ARN: arn, Name: arn, Protocol: "HTTP", ProtocolVersion: "HTTP1", Algorithm: edgeapi.AlgorithmRoundRobin,
		HealthCheck: edgeapi.HealthCheck{
			Protocol: "HTTP", Port: edgeapi.PortTraffic, Path: "/", Interval: time.Second, Timeout: time.Second,
			HealthyThreshold: 2, UnhealthyThreshold: 2, Matcher: "200",
		},
		Targets: targets,
	}
}

// apply changes the snapshot and applies it as the next generation.
func (b *bench) apply(change func(*edgeapi.Snapshot)) {
	b.t.Helper()
	next := *b.snapshot
	next.Generation++
	change(&next)
	if err := next.Validate(); err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.tls.Load(&next); err != nil {
		b.t.Fatal(err)
	}
	b.snapshot = &next
	b.engine.Apply(&next, func(TargetKey) bool { return true })
}

func (b *bench) setTargets(targets ...edgeapi.Target) {
	b.t.Helper()
	b.apply(func(s *edgeapi.Snapshot) { s.TargetGroups = []edgeapi.TargetGroup{testGroup(groupARN, targets...)} })
}

func (b *bench) address() string { return fmt.Sprintf("127.0.0.1:%d", b.port) }
func (b *bench) url() string     { return "http://" + b.address() }

// send writes raw octets on a new connection and returns the reader of what comes back.
func (b *bench) send(raw string) *bufio.Reader {
	b.t.Helper()
	c := b.dial()
	if _, err := io.WriteString(c, raw); err != nil {
		b.t.Fatal(err)
	}
	return bufio.NewReader(c)
}

func (b *bench) dial() net.Conn {
	b.t.Helper()
	c, err := net.Dial("tcp", b.address())
	if err != nil {
		b.t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(10 * time.Second))
	b.t.Cleanup(func() { c.Close() })
	return c
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func targetAt(addr net.Addr) edgeapi.Target {
	ap := addr.(*net.TCPAddr).AddrPort()
	return edgeapi.Target{ID: ap.String(), Address: ap.Addr().Unmap(), Port: int(ap.Port())}
}

// rawTarget accepts connections and gives each to serve, which gets everything the proxy sends, unparsed.
func rawTarget(t testing.TB, serve func(n int, c net.Conn, r *bufio.Reader)) edgeapi.Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int32
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(20 * time.Second))
				serve(int(n.Add(1)), c, bufio.NewReader(c))
			}()
		}
	}()
	t.Cleanup(func() { l.Close() })
	return targetAt(l.Addr())
}

// readHead reads up to the empty line.
func readHead(r *bufio.Reader) (string, error) {
	var sb strings.Builder
	for {
		line, err := r.ReadString('\n')
		sb.WriteString(line)
		if err != nil {
			return sb.String(), err
		}
		if line == "\r\n" {
			return sb.String(), nil
		}
	}
}

// httpTarget is a target that is a net/http server.
func httpTarget(t testing.TB, h http.HandlerFunc) edgeapi.Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return targetAt(l.Addr())
}

// name is a target that answers with a word.
func name(t testing.TB, word string) edgeapi.Target {
	return httpTarget(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, word) })
}

func get(t testing.TB, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// parsed is a request head as the parser has it.
func parsed(t testing.TB, raw string) *http1.Request {
	t.Helper()
	var r http1.Request
	if n, err := r.Parse([]byte(raw)); err != nil || n != len(raw) {
		t.Fatalf("%q: %d %v", raw, n, err)
	}
	return &r
}

// withRules is a snapshot's only load balancer with rules before the default rule of its only listener.
func withRules(s *edgeapi.Snapshot, rules ...edgeapi.Rule) []edgeapi.LoadBalancer {
	out := slices.Clone(s.LoadBalancers)
	l := out[0].Listeners[0]
	l.Rules = append(rules, l.Rules[len(l.Rules)-1])
	out[0].Listeners = []edgeapi.Listener{l}
	return out
}
