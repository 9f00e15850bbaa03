package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// scripted answers each request with the answer its path names.
func scripted(t *testing.T, answers map[string]string) edgeapi.Target {
	return rawTarget(t, func(_ int, c net.Conn, r *bufio.Reader) {
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			io.Copy(io.Discard, req.Body)
			answer, ok := answers[req.URL.Path]
			if !ok {
				t.Errorf("no answer for %s", req.URL.Path)
			}
			rest, closes := strings.CutSuffix(answer, "<close>")
			io.WriteString(c, rest)
			if closes {
				return
			}
		}
	})
}

// TestAnswers compares what the client gets, octet for octet, but for the Date.
func TestAnswers(t *testing.T) {
	const date = "Date: Mon, 02 Jan 2006 15:04:05 GMT\r\n"
	answers := map[string]string{
		"/sized":      "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\nKeep-Alive: timeout=5\r\nX: y\r\n\r\nok",
		"/reason":     "HTTP/1.1 299 \r\n" + date + "Content-Length: 0\r\n\r\n",
		"/twice":      "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
		"/chunked":    "HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n1\r\n!\r\n0\r\n\r\n",
		"/trailers":   "HTTP/1.1 200 OK\r\n" + date + "Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\n",
		"/close":      "HTTP/1.0 200 OK\r\n" + date + "\r\nok<close>",
		"/204":        "HTTP/1.1 204 No Content\r\n" + date + "Content-Length: 5\r\n\r\n",
		"/304":        "HTTP/1.1 304 Not Modified\r\n" + date + "Content-Length: 5\r\n\r\n",
		"/early":      "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\n\r\nok",
		"/named":      "HTTP/1.1 200 OK\r\n" + date + "Connection: X-Secret\r\nX-Secret: y\r\nContent-Length: 2\r\n\r\nok",
		"/lookalike":  "HTTP/1.1 200 OK\r\n" + date + "Content_Length: 7\r\nContent-Length: 2\r\n\r\nok",
		"/extra":      "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
		"/malformed":  "HTTP/1.1 200 OK\r\nX : y\r\n\r\n<close>",
		"/folded":     "HTTP/1.1 200 OK\r\nX: y\r\n z\r\nContent-Length: 0\r\n\r\n<close>",
		"/nothing":    "<close>",
		"/half":       "HTTP/1.1 200 OK\r\nContent-Le<close>",
		"/other":      "SSH-2.0-OpenSSH_9\r\n\r\n<close>",
		"/bothmanner": "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 100\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
	}
	b := newBench(t, scripted(t, answers))
	const alive, closing = "Connection: keep-alive\r\n", "Connection: close\r\n"
	bad := "HTTP/1.1 502 Bad Gateway\r\n"
	for _, c := range []struct{ request, want string }{
		{"GET /sized HTTP/1.1", "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\nX: y\r\n" + alive + "\r\nok"},
		{"HEAD /sized HTTP/1.1", "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\nX: y\r\n" + alive + "\r\n"},
		{"GET /sized HTTP/1.0", "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\nX: y\r\n" + closing + "\r\nok"},
		{"GET /reason HTTP/1.1", "HTTP/1.1 299 \r\n" + date + "Content-Length: 0\r\n" + alive + "\r\n"},
		{"GET /twice HTTP/1.1", "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\n" + alive + "\r\nok"},
		{"GET /chunked HTTP/1.1", "HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n" + alive + "\r\n3\r\nok!\r\n0\r\n\r\n"},
		{"GET /chunked HTTP/1.0", "HTTP/1.1 200 OK\r\n" + date + closing + "\r\nok!"},
		{"GET /trailers HTTP/1.1", "HTTP/1.1 200 OK\r\n" + date + "Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n" + alive + "\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"},
		{"GET /close HTTP/1.1", "HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n" + alive + "\r\n2\r\nok\r\n0\r\n\r\n"},
		{"GET /close HTTP/1.0", "HTTP/1.1 200 OK\r\n" + date + closing + "\r\nok"},
		{"GET /204 HTTP/1.1", "HTTP/1.1 204 No Content\r\n" + date + alive + "\r\n"},
		{"GET /304 HTTP/1.1", "HTTP/1.1 304 Not Modified\r\n" + date + "Content-Length: 5\r\n" + alive + "\r\n"},
		{"GET /early HTTP/1.1", "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\n" + alive + "\r\nok"},
		{"GET /early HTTP/1.0", "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\n" + closing + "\r\nok"},
		{"GET /named HTTP/1.1", "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\n" + alive + "\r\nok"},
		{"GET /lookalike HTTP/1.1", "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\n" + alive + "\r\nok"},
		{"GET /extra HTTP/1.1", "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\n" + alive + "\r\nok"},
		{"GET /sized HTTP/1.1", "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\nX: y\r\n" + alive + "\r\nok"}, // not "evil"
		{"GET /bothmanner HTTP/1.1", "HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n" + alive + "\r\n2\r\nok\r\n0\r\n\r\n"},
		{"GET /malformed HTTP/1.1", bad},
		{"GET /folded HTTP/1.1", bad},
		{"GET /nothing HTTP/1.1", bad},
		{"GET /half HTTP/1.1", bad},
		{"GET /other HTTP/1.1", bad},
	} {
		conn := b.dial()
		io.WriteString(conn, c.request+"\r\nHost: x\r\n\r\n")
		got := make([]byte, len(c.want))
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != c.want {
			t.Errorf("%s: %v\n%q, want\n%q", c.request, err, got, c.want)
		}
		if strings.Contains(c.want, closing) {
			if n, err := conn.Read(got[:1]); n != 0 || err != io.EOF {
				t.Errorf("%s: %d %v after the end", c.request, n, err)
			}
		}
	}
}

// TestBrokenAnswers are answers that stop in the middle: the client must be able to tell.
func TestBrokenAnswers(t *testing.T) {
	b := newBench(t, scripted(t, map[string]string{
		"/sized":   "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf<close>",
		"/chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n<close>",
		"/chunk":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nx\r\n<close>",
	}))
	for _, path := range []string{"/sized", "/chunked", "/chunk"} {
		resp, err := http.ReadResponse(b.send("GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"), nil)
		if err != nil {
			t.Logf("%s: %v", path, err)
			continue
		}
		if body, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("%s: %q passed for whole", path, body)
		}
	}
}

func TestResponseFields(t *testing.T) {
	b := newBench(t, scripted(t, map[string]string{
		"/": "HTTP/1.1 200 OK\r\nServer: mine\r\nStrict-Transport-Security: no\r\nContent-Length: 0\r\n\r\n",
	}))
	b.apply(func(s *edgeapi.Snapshot) {
		lb := s.LoadBalancers[0]
		l := lb.Listeners[0]
		l.Attributes.ServerHeaderOff = true
		l.Attributes.ResponseHeaders = []edgeapi.Header{{Name: "strict-transport-security", Value: "max-age=1"}}
		lb.Listeners = []edgeapi.Listener{l}
		s.LoadBalancers = []edgeapi.LoadBalancer{lb}
	})
	resp, err := http.Get(b.url())
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if v := resp.Header.Values("Strict-Transport-Security"); len(v) != 1 || v[0] != "max-age=1" {
		t.Errorf("%q", v)
	}
	if resp.Header.Get("Server") != "mine" || resp.Header.Get("Date") == "" {
		t.Errorf("%v", resp.Header)
	}
	b.setTargets()
	if resp, err = http.Get(b.url()); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.Header.Get("Server") != "" || resp.Header.Get("Strict-Transport-Security") != "max-age=1" {
		t.Errorf("own answer: %v", resp.Header)
	}
}

// TestEarlyAnswer has a target that answers before it has read the body, and reads no further.
func TestEarlyAnswer(t *testing.T) {
	b := newBench(t, rawTarget(t, func(_ int, c net.Conn, r *bufio.Reader) {
		readHead(r)
		io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
	}))
	c := b.dial()
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\nbegin")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode != 413 || string(body) != "big" || err != nil || !resp.Close {
		t.Errorf("%v %q %v", resp, body, err)
	}
}

// TestStaleConnections has a target that closes connections after a request or two without saying so.
func TestStaleConnections(t *testing.T) {
	seen := make(chan string, 64)
	target := rawTarget(t, func(n int, c net.Conn, r *bufio.Reader) {
		for i := 0; ; i++ {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			if i == 1 && n%2 == 1 {
				seen <- "dropped"
				return // takes the request and closes
			}
			seen <- req.Method
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	for _, c := range []struct {
		request string
		want    string
	}{
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 "},
		{"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 200 "},
		{"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", "HTTP/1.1 200 "},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 502 "}, // it may have been carried out
	} {
		b := newBench(t, target)
		get(t, b.url()) // leaves a connection that takes one more request
		head, err := readHead(b.send(c.request))
		if err != nil || !strings.HasPrefix(head, c.want) {
			t.Errorf("%.4s: %q %v", c.request, head, err)
		}
		for len(seen) > 0 {
			<-seen
		}
		b.engine.closing.Store(true)
	}
}

// TestClosedConnection has a target that closes idle connections at once: even a request that must not be repeated is not
// sent on them.
func TestClosedConnection(t *testing.T) {
	closed := make(chan struct{}, 8)
	b := newBench(t, rawTarget(t, func(_ int, c net.Conn, r *bufio.Reader) {
		if _, err := http.ReadRequest(r); err != nil {
			return
		}
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		c.Close()
		closed <- struct{}{}
	}))
	for range 20 {
		resp, err := http.Post(b.url(), "text/plain", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Fatal(resp.Status)
		}
		<-closed
	}
}

// TestHalfAnswerIsNotContinued breaks large answers off on either side. What is left of one must never be read as the
// beginning of another, so the connection it came by is not used again.
func TestHalfAnswerIsNotContinued(t *testing.T) {
	const length = 4 << 20
	connections := make(chan int, 8)
	b := newBench(t, rawTarget(t, func(n int, c net.Conn, r *bufio.Reader) {
		for {
			head, err := readHead(r)
			if err != nil {
				return
			}
			connections <- n
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", length)
			if strings.HasPrefix(head, "GET /half ") {
				io.WriteString(c, strings.Repeat("x", length/2))
				continue
			}
			io.WriteString(c, strings.Repeat("x", length))
		}
	}))
	b.apply(func(s *edgeapi.Snapshot) {
		s.LoadBalancers = slices.Clone(s.LoadBalancers)
		s.LoadBalancers[0].Attributes.IdleTimeout = 3 * time.Second
	})
	ask := func(path string) net.Conn {
		c := b.dial()
		io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		return c
	}
	seen := map[int]bool{}
	next := func() {
		t.Helper()
		n := <-connections
		if seen[n] {
			t.Errorf("connection %d is used again", n)
		}
		seen[n] = true
	}

	io.Copy(io.Discard, ask("/half")) // until the target has been silent for too long
	next()
	gone := ask("/")
	io.ReadFull(gone, make([]byte, 1000))
	gone.(*net.TCPConn).SetLinger(0)
	gone.Close()
	next()
	for b.engine.Counters().TargetGroups[0].Active > 0 {
		runtime.Gosched()
	}
	resp, err := http.ReadResponse(bufio.NewReader(ask("/")), nil)
	if err != nil {
		t.Fatal(err)
	}
	next()
	if n, err := io.Copy(io.Discard, resp.Body); n != length || err != nil {
		t.Errorf("%d octets, %v", n, err)
	}
}
