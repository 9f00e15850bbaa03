package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

func TestRoundRobin(t *testing.T) {
	b := newBench(t, name(t, "one"), name(t, "two"))
	seen := map[string]int{}
	for i := range 10 {
		if i == 4 {
			b.apply(func(*edgeapi.Snapshot) {}) // a new generation goes on with the turn of the old one
		}
		status, body := get(t, b.url())
		if status != 200 {
			t.Fatal(status)
		}
		seen[body]++
	}
	if seen["one"] != 5 || seen["two"] != 5 {
		t.Errorf("sent %v", seen)
	}
}

func TestBodies(t *testing.T) {
	target := httpTarget(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		switch r.URL.Path {
		case "/chunked":
			w.(http.Flusher).Flush()
		case "/close":
			w.Header().Set("Connection", "close")
		}
		w.Write(body)
	})
	b := newBench(t, target)
	for _, path := range []string{"/sized", "/chunked", "/close"} {
		for _, n := range []int{0, 1, 1000, 8 << 10, 64 << 10, 3 << 20} {
			want := strings.Repeat("x", n)
			for _, sized := range []bool{true, false} {
				var body io.Reader = strings.NewReader(want)
				if !sized {
					body = io.MultiReader(body)
				}
				resp, err := http.Post(b.url()+path, "text/plain", body)
				if err != nil {
					t.Fatalf("%s %d sized=%v: %v", path, n, sized, err)
				}
				got, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || string(got) != want {
					t.Errorf("%s %d sized=%v: %d octets, %v", path, n, sized, len(got), err)
				}
			}
		}
	}
}

// capture is a target that hands over what it was sent and answers 200.
func capture(t *testing.T) (edgeapi.Target, chan string) {
	heads := make(chan string, 64)
	return rawTarget(t, func(_ int, c net.Conn, r *bufio.Reader) {
		for {
			head, err := readHead(r)
			if err != nil {
				return
			}
			heads <- head
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	}), heads
}

func TestRequestFields(t *testing.T) {
	target, heads := capture(t)
	b := newBench(t, target)
	set := func(change func(*edgeapi.Attributes)) {
		b.apply(func(s *edgeapi.Snapshot) {
			lb := s.LoadBalancers[0]
			lb.Attributes = edgeapi.DefaultAttributes()
			change(&lb.Attributes)
			s.LoadBalancers = []edgeapi.LoadBalancer{lb}
		})
	}
	const trace = `X-Amzn-Trace-Id: Root=1-[0-9a-f]{8}-[0-9a-f]{24}\r\n`
	forwarded := fmt.Sprintf("X-Forwarded-Proto: http\r\nX-Forwarded-Port: %d\r\n", b.port)
	port := fmt.Sprint(b.port)
	for _, c := range []struct {
		name, request string
		set           func(*edgeapi.Attributes)
		want          string // regular expression
	}{
		{
			"nothing special", "GET /a?b HTTP/1.1\r\nHost: x:1\r\nAccept: */*\r\n\r\n", nil,
			"GET /a\\?b HTTP/1.1\r\nX-Forwarded-For: 127.0.0.1\r\n" + forwarded + "Host: x:1\r\n" + trace + "Accept: \\*/\\*\r\n\r\n",
		},
		{"port added to host", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", nil, "Host: x:" + port + "\r\n"},
		{"host preserved", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", func(a *edgeapi.Attributes) { a.PreserveHost = true }, "Host: x\r\n"},
		{"host of the target", "GET http://y/z HTTP/1.1\r\nHost: x\r\n\r\n", nil, "GET /z HTTP/1.1\r\n(?s:.*)Host: y:" + port + "\r\n"},
		{"no host", "GET / HTTP/1.0\r\n\r\n", nil, "GET / HTTP/1.1\r\n(?s:.*)Host: 127.0.0.1:" + port + "\r\n"},
		{
			"append", "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.2.3.4\r\nx-forwarded-for: 5.6.7.8\r\n\r\n", nil,
			"X-Forwarded-For: 1.2.3.4, 5.6.7.8, 127.0.0.1\r\n",
		},
		{
			"append with port", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", func(a *edgeapi.Attributes) { a.ForwardedForClientPort = true },
			`X-Forwarded-For: 127.0.0.1:\d+\r\n`,
		},
		{
			"preserve", "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n",
			func(a *edgeapi.Attributes) { a.ForwardedFor = edgeapi.ForwardedForPreserve }, "\nX-Forwarded-For: 1.2.3.4\r\n",
		},
		{
			"remove", "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.2.3.4\r\nA: b\r\n\r\n",
			func(a *edgeapi.Attributes) { a.ForwardedFor = edgeapi.ForwardedForRemove },
			"^GET / HTTP/1.1\r\n" + forwarded + "Host: x:" + port + "\r\n" + trace + "A: b\r\n\r\n$",
		},
		{
			"forged", "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\n\r\n", nil,
			"^GET / HTTP/1.1\r\nX-Forwarded-For: 127.0.0.1\r\n" + forwarded + "Host: x:" + port + "\r\n" + trace + "\r\n$",
		},
		{
			"connection's own", "GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, X-Secret\r\nKeep-Alive: 5\r\nTE: trailers\r\nX-Secret: y\r\nProxy-Connection: a\r\nA: b\r\n\r\n", nil,
			trace + "A: b\r\n\r\n$",
		},
		{
			"self", "GET / HTTP/1.1\r\nHost: x\r\nX-Amzn-Trace-Id: Self=1-2-3;Root=1-67891233-abcdef012345678912345678;CalledFrom=app\r\n\r\n", nil,
			`X-Amzn-Trace-Id: Self=1-[0-9a-f]{8}-[0-9a-f]{24};Root=1-67891233-abcdef012345678912345678;CalledFrom=app\r\n`,
		},
		{"invalid names", "GET / HTTP/1.1\r\nHost: x\r\nX_A: 1\r\nX-B: 2\r\n\r\n", nil, "X_A: 1\r\nX-B: 2\r\n\r\n$"},
		{
			"invalid names dropped", "GET / HTTP/1.1\r\nHost: x\r\nX_A: 1\r\nX-B: 2\r\n\r\n",
			func(a *edgeapi.Attributes) { a.DropInvalidHeaders = true }, trace + "X-B: 2\r\n\r\n$",
		},
	} {
		set(func(*edgeapi.Attributes) {})
		if c.set != nil {
			set(c.set)
		}
		r := b.send(c.request)
		if head, err := readHead(r); err != nil || !strings.HasPrefix(head, "HTTP/1.1 200 OK\r\n") {
			t.Fatalf("%s: %q %v", c.name, head, err)
		}
		if got := <-heads; !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("%s: the target got\n%q, want\n%q", c.name, got, c.want)
		}
	}
}

// TestPipelined sends different requests in one go and in awkward pieces; answers come in order.
func TestPipelined(t *testing.T) {
	target := httpTarget(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %d", r.Method, r.URL.Path, len(body))
	})
	b := newBench(t, target)
	long := strings.Repeat("x", 20_000)
	raw := "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n" +
		"POST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" +
		"POST /3 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" +
		"POST /4 HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n" + long +
		"POST /5 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4e20\r\n" + long + "\r\n0\r\nT: r\r\n\r\n" +
		"GET /6 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	want := []string{"GET /1 0", "POST /2 5", "POST /3 5", "POST /4 20000", "POST /5 20000", "GET /6 0"}
	for _, size := range []int{len(raw), 7, 1000, 9001} {
		c := b.dial()
		go func() {
			for rest := raw; len(rest) > 0; {
				n := min(size, len(rest))
				if _, err := io.WriteString(c, rest[:n]); err != nil {
					return
				}
				rest = rest[n:]
			}
		}()
		r := bufio.NewReader(c)
		for _, w := range want {
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatalf("by %d: %s: %v", size, w, err)
			}
			body, _ := io.ReadAll(resp.Body)
			if string(body) != w {
				t.Errorf("by %d: %q, want %q", size, body, w)
			}
			if w == "POST /5 20000" && resp.Close {
				t.Fatalf("by %d: closed after an upload", size)
			}
		}
		if _, err := r.ReadByte(); err != io.EOF {
			t.Errorf("by %d: %v at the end", size, err)
		}
	}
}

func TestExpectContinue(t *testing.T) {
	target := httpTarget(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Expect") != "" {
			t.Error("Expect reached the target")
		}
		io.Copy(w, r.Body)
	})
	b := newBench(t, target)
	c := b.dial()
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
	r := bufio.NewReader(c)
	if head, err := readHead(r); err != nil || head != "HTTP/1.1 100 Continue\r\n\r\n" {
		t.Fatalf("%q %v", head, err)
	}
	io.WriteString(c, "hello")
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(resp.Body); string(body) != "hello" {
		t.Errorf("%q", body)
	}
}

func TestWebSocket(t *testing.T) {
	target := rawTarget(t, func(_ int, c net.Conn, r *bufio.Reader) {
		head, err := readHead(r)
		if err != nil || !strings.Contains(head, "Connection: Upgrade\r\nUpgrade: websocket\r\n") {
			t.Errorf("%q %v", head, err)
		}
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\nearly")
		io.Copy(c, r)
	})
	b := newBench(t, target)
	c := b.dial()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: y\r\n\r\n")
	r := bufio.NewReader(c)
	head, err := readHead(r)
	if err != nil || !strings.HasPrefix(head, "HTTP/1.1 101 Switching Protocols\r\n") ||
		!strings.Contains(head, "Sec-WebSocket-Accept: x\r\n") || !strings.Contains(head, "Connection: Upgrade\r\nUpgrade: websocket\r\n") {
		t.Fatalf("%q %v", head, err)
	}
	big := strings.Repeat("z", 200_000)
	go io.WriteString(c, big)
	got := make([]byte, len("early")+len(big))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != "early"+big {
		t.Fatal(err)
	}
	if n, _ := b.engine.InFlight(TargetKey{groupARN, target.ID, target.Port}); n != 1 {
		t.Errorf("in flight %d", n)
	}
	c.(*net.TCPConn).CloseWrite()
	if _, err := r.ReadByte(); err != io.EOF {
		t.Error(err)
	}
}

// TestUnaskedUpgrade shows that a target cannot turn a connection into a tunnel by itself.
func TestUnaskedUpgrade(t *testing.T) {
	b := newBench(t, rawTarget(t, func(_ int, c net.Conn, r *bufio.Reader) {
		readHead(r)
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n")
	}))
	if head, _ := readHead(b.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")); !strings.HasPrefix(head, "HTTP/1.1 502 ") {
		t.Errorf("%q", head)
	}
}
