package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

func TestWeights(t *testing.T) {
	b := newBench(t)
	b.apply(func(s *edgeapi.Snapshot) {
		s.TargetGroups = []edgeapi.TargetGroup{testGroup(groupARN, name(t, "one")), testGroup("two", name(t, "two"))}
		lb := s.LoadBalancers[0]
		l := lb.Listeners[0]
		l.Rules = []edgeapi.Rule{{ARN: "default", Action: edgeapi.Action{Forward: &edgeapi.Forward{Groups: []edgeapi.WeightedGroup{
			{TargetGroup: groupARN, Weight: 3}, {TargetGroup: "two", Weight: 1},
		}}}}}
		lb.Listeners = []edgeapi.Listener{l}
		s.LoadBalancers = []edgeapi.LoadBalancer{lb}
	})
	seen := map[string]int{}
	for range 400 {
		_, body := get(t, b.url())
		seen[body]++
	}
	if seen["two"] < 60 || seen["two"] > 140 {
		t.Errorf("%v", seen)
	}
}

func TestHealth(t *testing.T) {
	one, two := name(t, "one"), name(t, "two")
	b := newBench(t, one, two)
	count := func() map[string]int {
		seen := map[string]int{}
		for range 6 {
			_, body := get(t, b.url())
			seen[body]++
		}
		return seen
	}
	b.engine.SetHealth(keyFor(one), false)
	if seen := count(); seen["two"] != 6 {
		t.Errorf("one unhealthy: %v", seen)
	}
	b.engine.SetHealth(keyFor(two), false)
	if seen := count(); seen["one"] != 3 || seen["two"] != 3 {
		t.Errorf("all unhealthy: %v", seen)
	}
	b.engine.SetHealth(keyFor(one), true)
	b.apply(func(*edgeapi.Snapshot) {})
	if seen := count(); seen["one"] != 6 {
		t.Errorf("one healthy again: %v", seen)
	}
	b.setTargets(draining(one, time.Now().Add(time.Hour)), two)
	if seen := count(); seen["two"] != 6 {
		t.Errorf("the healthy one draining: %v", seen)
	}
}

// TestListeners adds and removes listeners; connections of those that stay are not touched.
func TestListeners(t *testing.T) {
	b := newBench(t, name(t, "ok"))
	kept := b.dial()
	keptReader := bufio.NewReader(kept)
	exchange := func() {
		t.Helper()
		io.WriteString(kept, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, err := http.ReadResponse(keptReader, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
	}
	exchange()
	port := freePort(t)
	b.apply(func(s *edgeapi.Snapshot) {
		lb := s.LoadBalancers[0]
		second := lb.Listeners[0]
		second.ARN, second.Port = "second", port
		lb.Listeners = []edgeapi.Listener{lb.Listeners[0], second}
		s.LoadBalancers = []edgeapi.LoadBalancer{lb}
	})
	second := fmt.Sprintf("127.0.0.1:%d", port)
	get(t, "http://"+second)
	idle, err := net.Dial("tcp", second)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	io.WriteString(idle, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	idleReader := bufio.NewReader(idle)
	readHead(idleReader)
	if st := b.engine.Sockets(); len(st) != 2 || !st[0].Open || !st[1].Open {
		t.Errorf("%+v", st)
	}
	b.apply(func(s *edgeapi.Snapshot) {
		lb := s.LoadBalancers[0]
		lb.Listeners = lb.Listeners[:1]
		s.LoadBalancers = []edgeapi.LoadBalancer{lb}
	})
	if _, err := io.Copy(io.Discard, idleReader); err != nil {
		t.Errorf("idle connection of the removed listener: %v", err)
	}
	if c, err := net.Dial("tcp", second); err == nil {
		c.Close()
		t.Error("the removed listener accepts")
	}
	exchange()
	if n := b.engine.Counters().LoadBalancers[0]; n.Requests != 4 || len(n.Listeners) != 1 {
		t.Errorf("%+v", n)
	}
}

// TestPortTaken has a listener whose port somebody else has, until it is free.
func TestPortTaken(t *testing.T) {
	b := newBench(t, name(t, "ok"))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	b.apply(func(s *edgeapi.Snapshot) {
		lb := s.LoadBalancers[0]
		lb.Listeners = []edgeapi.Listener{lb.Listeners[0]}
		lb.Listeners[0].Port = port
		s.LoadBalancers = []edgeapi.LoadBalancer{lb}
	})
	if st := b.engine.Sockets(); len(st) != 1 || st[0].Open || !strings.Contains(st[0].Error, "address already in use") {
		t.Errorf("%+v", st)
	}
	taken.Close()
	eventually(t, "open", func() bool { return b.engine.Sockets()[0].Open })
	get(t, fmt.Sprintf("http://127.0.0.1:%d", port))
}

// TestClientKeepAlive tells a client that its connection has lived long enough.
func TestClientKeepAlive(t *testing.T) {
	b := newBench(t, name(t, "ok"))
	b.apply(func(s *edgeapi.Snapshot) {
		lb := s.LoadBalancers[0]
		lb.Attributes.ClientKeepAlive = 2 * tick
		s.LoadBalancers = []edgeapi.LoadBalancer{lb}
	})
	c := b.dial()
	r := bufio.NewReader(c)
	for closed := false; !closed; {
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		closed = resp.Close
	}
}

// TestReaddressed gives a target another address under its old name.
func TestReaddressed(t *testing.T) {
	one := name(t, "one")
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.2:%d", one.Port))
	if err != nil {
		t.Skip(err)
	}
	h := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "two") })}
	go h.Serve(l)
	defer h.Close()
	two := targetAt(l.Addr())
	one.ID, two.ID = "same", "same"
	b := newBench(t, one)
	get(t, b.url())
	b.setTargets(two)
	if _, body := get(t, b.url()); body != "two" {
		t.Error(body)
	}
}

func TestClientGone(t *testing.T) {
	arrived, ended := make(chan struct{}), make(chan struct{})
	b := newBench(t, rawTarget(t, func(_ int, _ net.Conn, r *bufio.Reader) {
		readHead(r)
		close(arrived)
		io.Copy(io.Discard, r)
		close(ended)
	}))
	c := b.dial()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-arrived
	c.Close()
	<-ended // the target is told by the end of its connection
	eventually(t, "counted", func() bool { return b.engine.Counters().LoadBalancers[0].ELB460 == 1 })
}

func TestTooManyClients(t *testing.T) {
	b := newBenchFor(t, 2, name(t, "ok"))
	a, c := b.dial(), b.dial()
	for _, conn := range []net.Conn{a, c} {
		io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if _, err := readHead(bufio.NewReader(conn)); err != nil {
			t.Fatal(err)
		}
	}
	if head, err := readHead(b.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err == nil {
		t.Errorf("%q", head)
	}
	if n := b.engine.Counters().LoadBalancers[0]; n.RejectedConnections != 1 || n.ActiveConnections != 2 {
		t.Errorf("%+v", n.FrontCounters)
	}
}

// TestDefect lets the proxy itself fall over: that ends one connection and nothing else.
func TestDefect(t *testing.T) {
	target := name(t, "ok")
	b := newBench(t, target)
	whole := b.engine.table.Load()
	l := whole.listeners[0]
	broken := *whole
	broken.listeners = []*listener{{settings: l.settings, rules: l.rules, actions: l.actions, counters: l.counters}}
	b.engine.table.Store(&broken)
	if head, err := readHead(b.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != io.EOF {
		t.Errorf("%q %v", head, err)
	}
	b.engine.table.Store(whole)
	get(t, b.url())
	eventually(t, "tickets back", func() bool { n, _ := b.engine.InFlight(keyFor(target)); return n == 0 })
}

func TestStrictest(t *testing.T) {
	b := newBench(t, name(t, "ok"))
	b.apply(func(s *edgeapi.Snapshot) {
		lb := s.LoadBalancers[0]
		lb.Attributes.Desync = edgeapi.DesyncStrictest
		s.LoadBalancers = []edgeapi.LoadBalancer{lb}
	})
	for raw, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n":                      "HTTP/1.1 200 ",
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n": "HTTP/1.1 400 ",
		"GET / HTTP/1.1\r\nHost: x\r\nA: \xff\r\n\r\n":           "HTTP/1.1 400 ",
	} {
		if head, _ := readHead(b.send(raw)); !strings.HasPrefix(head, want) {
			t.Errorf("%q: %q", raw, head)
		}
	}
}

// TestShutdown lets the request under way end and closes the idle connection.
func TestShutdown(t *testing.T) {
	arrived, finish := make(chan struct{}), make(chan struct{})
	target := httpTarget(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(arrived)
			<-finish
		}
		io.WriteString(w, "ok")
	})
	b := newBench(t, target)
	own := New(Config{Opener: b.opener, Log: b.engine.log, Changed: func() {}})
	s := *b.snapshot
	lb := s.LoadBalancers[0]
	l := lb.Listeners[0]
	l.Port = freePort(t)
	lb.Listeners = []edgeapi.Listener{l}
	s.LoadBalancers = []edgeapi.LoadBalancer{lb}
	own.Apply(&s, func(TargetKey) bool { return true })
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- own.Run(ctx, time.Minute) }()
	address := netip.AddrPortFrom(loopback, uint16(l.Port)).String()
	idle, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	idleReader := bufio.NewReader(idle)
	io.WriteString(idle, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	readHead(idleReader)
	answer := make(chan *http.Response)
	go func() {
		resp, err := http.Get("http://" + address + "/slow")
		if err != nil {
			t.Error(err)
		}
		answer <- resp
	}()
	<-arrived
	cancel()
	if _, err := io.Copy(io.Discard, idleReader); err != nil {
		t.Errorf("idle connection: %v", err)
	}
	close(finish)
	if resp := <-answer; resp.StatusCode != 200 || !resp.Close {
		t.Errorf("%v", resp)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// fixedTarget answers every request with the same octets, without allocating.
func fixedTarget(t testing.TB, answer string) edgeapi.Target {
	out := []byte(answer)
	return rawTarget(t, func(_ int, c net.Conn, _ *bufio.Reader) {
		c.SetDeadline(time.Time{})
		in := make([]byte, 4096)
		for {
			if _, err := c.Read(in); err != nil {
				return
			}
			if _, err := c.Write(out); err != nil {
				return
			}
		}
	})
}

const plainAnswer = "HTTP/1.1 200 OK\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\nContent-Length: 5\r\n\r\nhello"

// TestAllocations counts what the whole way of a request allocates, on the client's, the proxy's and the target's side
// together.
func TestAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector drops pooled buffers on purpose")
	}
	b := newBench(t, fixedTarget(t, plainAnswer))
	c := b.dial()
	request, in := []byte("GET /some/path?q=1 HTTP/1.1\r\nHost: example.com\r\nUser-Agent: a\r\nAccept: */*\r\n\r\n"), make([]byte, 4096)
	once := func() {
		if _, err := c.Write(request); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(in); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		once()
	}
	if n := testing.AllocsPerRun(2000, once); n > 0.5 {
		t.Errorf("%.2f allocations per request", n)
	}
}

// TestIdleMemory bounds what a connection costs that waits for its next request.
func TestIdleMemory(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector has memory of its own")
	}
	b := newBench(t, fixedTarget(t, plainAnswer))
	const n = 1000
	conns := make([]net.Conn, 0, n)
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	measure := func() uint64 {
		runtime.GC()
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	in := make([]byte, 4096)
	for range 10 {
		c, err := net.Dial("tcp", b.address())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		c.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
		c.Read(in)
	}
	before := measure()
	for range n {
		c, err := net.Dial("tcp", b.address())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		c.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
		c.Read(in)
	}
	// The measure includes the client's half in this process, about 0.5 KB.
	if each := (measure() - before) / n; each > 8<<10 {
		t.Errorf("%d octets per idle connection", each)
	} else {
		t.Logf("%d octets per idle connection", each)
	}
}
