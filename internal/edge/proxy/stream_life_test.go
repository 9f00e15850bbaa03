package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// transcript is what comes of a stream, a word per frame, fields in the order they came in.
func (f *framer) transcript(stream uint32) string {
	f.t.Helper()
	var out []string
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return strings.Join(append(out, err.Error()), " ")
		}
		if frame.Header().StreamID != stream {
			continue
		}
		end := false
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			var fields []string
			for _, h := range frame.Fields {
				fields = append(fields, h.Name+"="+h.Value)
			}
			out = append(out, "{"+strings.Join(fields, " ")+"}")
			end = frame.StreamEnded()
		case *http2.DataFrame:
			if len(frame.Data()) > 0 {
				out = append(out, string(frame.Data()))
			}
			end = frame.StreamEnded()
		case *http2.RSTStreamFrame:
			return strings.Join(append(out, "reset", frame.ErrCode.String()), " ")
		}
		if end {
			return strings.Join(out, " ")
		}
	}
}

func TestStreamAnswers(t *testing.T) {
	const date = "Date: Mon, 02 Jan 2006 15:04:05 GMT\r\n"
	answers := map[string]string{
		"/sized":     "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\nKeep-Alive: timeout=5\r\nX: y\r\n\r\nok",
		"/status":    "HTTP/1.1 299 What\r\n" + date + "Content-Length: 0\r\n\r\n",
		"/chunked":   "HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n1\r\n!\r\n0\r\n\r\n",
		"/trailers":  "HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\n\r\n",
		"/close":     "HTTP/1.0 200 OK\r\n" + date + "\r\nok<close>",
		"/204":       "HTTP/1.1 204 No Content\r\n" + date + "Content-Length: 5\r\n\r\n",
		"/304":       "HTTP/1.1 304 Not Modified\r\n" + date + "Content-Length: 5\r\n\r\n",
		"/early":     "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\n\r\nok",
		"/named":     "HTTP/1.1 200 OK\r\n" + date + "Connection: X-Secret\r\nX-Secret: y\r\nContent-Length: 2\r\n\r\nok",
		"/extra":     "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
		"/malformed": "HTTP/1.1 200 OK\r\nX : y\r\n\r\n<close>",
		"/switch":    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n<close>",
		"/nothing":   "<close>",
		"/short":     "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 5\r\n\r\nok<close>",
		"/open":      "HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n<close>",
	}
	b := newBench(t, scripted(t, answers))
	f := newFramer(t, b.multiplex())
	const dated = "date=Mon, 02 Jan 2006 15:04:05 GMT"
	for i, c := range []struct{ request, want string }{
		{"GET /sized", "{:status=200 " + dated + " content-length=2 x=y} ok"},
		{"HEAD /sized", "{:status=200 " + dated + " content-length=2 x=y}"},
		{"GET /status", "{:status=299 " + dated + " content-length=0}"},
		{"GET /chunked", "{:status=200 " + dated + "} ok!"},
		{"GET /trailers", "{:status=200 " + dated + "} ok {x-sum=1}"},
		{"GET /close", "{:status=200 " + dated + "} ok"},
		{"GET /204", "{:status=204 " + dated + "}"},
		{"GET /304", "{:status=304 " + dated + " content-length=5}"},
		{"GET /early", "{:status=103 link=a} {:status=200 " + dated + " content-length=2} ok"},
		{"GET /named", "{:status=200 " + dated + " content-length=2} ok"},
		{"GET /extra", "{:status=200 " + dated + " content-length=2} ok"},
		{"GET /sized", "{:status=200 " + dated + " content-length=2 x=y} ok"}, // not "evil"
		{"GET /malformed", "{:status=502"},
		{"GET /switch", "{:status=502"},
		{"GET /nothing", "{:status=502"},
		{"GET /short", "{:status=200 " + dated + " content-length=5} ok reset INTERNAL_ERROR"},
		{"GET /open", "{:status=200 " + dated + "} ok reset INTERNAL_ERROR"},
	} {
		method, path, _ := strings.Cut(c.request, " ")
		id := uint32(2*i + 1)
		f.ask(id, nil, ":method", method, ":scheme", "https", ":path", path, ":authority", "x")
		if got := f.transcript(id); got != c.want && !(strings.HasSuffix(c.want, "502") && strings.HasPrefix(got, c.want)) {
			t.Errorf("%s: %q, want %q", c.request, got, c.want)
		}
	}
}

func (b *bench) idle(d time.Duration) {
	b.t.Helper()
	b.apply(func(s *edgeapi.Snapshot) {
		lb := s.LoadBalancers[0]
		lb.Attributes.IdleTimeout = d
		s.LoadBalancers = []edgeapi.LoadBalancer{lb}
	})
}

func TestStreamTimeouts(t *testing.T) {
	silent := rawTarget(t, func(_ int, c net.Conn, r *bufio.Reader) {
		if head, _ := readHead(r); strings.HasPrefix(head, "GET /half ") {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 10\r\n\r\nhalf")
		}
		io.Copy(io.Discard, r)
	})
	mute := rawTarget(t, func(_ int, c net.Conn, r *bufio.Reader) { io.Copy(io.Discard, r) })
	b := newBench(t, silent)
	b.idle(3 * time.Second)
	address := b.multiplex()
	other := newBench(t)
	other.apply(func(s *edgeapi.Snapshot) {
		s.TargetGroups = []edgeapi.TargetGroup{versionGroup(edgeapi.VersionHTTP2, mute)}
	})
	other.idle(3 * time.Second)
	otherAddress := other.multiplex()
	head := func(method, path string, more ...string) []string {
		return append([]string{":method", method, ":scheme", "https", ":path", path, ":authority", "x"}, more...)
	}
	for _, c := range []struct {
		name, address string
		open          bool // no end of the request
		head          []string
		want          string
	}{
		{"target silent", address, false, head("GET", "/"), "{:status=504"},
		{"target of HTTP/2 silent", otherAddress, false, head("GET", "/"), "{:status=504"},
		{"body missing", address, true, head("POST", "/"), "{:status=408"},
		{"sized body missing", address, true, head("POST", "/", "content-length", "5"), "{:status=408"},
		{"end missing", address, true, head("POST", "/", "content-length", "0"), "{:status=408"},
		{"answer incomplete", address, false, head("GET", "/half"), "{:status=200 date=x content-length=10} half reset INTERNAL_ERROR"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFramer(t, c.address)
			f.t = t
			f.head(1, !c.open, c.head...)
			if got := f.transcript(1); !strings.HasPrefix(got, c.want) {
				t.Errorf("%q", got)
			}
		})
	}
	t.Run("idle", func(t *testing.T) {
		t.Parallel()
		f := newFramer(t, address)
		if got := f.verdict(1); got != "goaway NO_ERROR" {
			t.Error(got)
		}
		if got := f.verdict(1); got != "closed" {
			t.Error(got)
		}
	})
	t.Run("window closed", func(t *testing.T) {
		t.Parallel()
		large := newBench(t, name(t, strings.Repeat("x", 1<<20)))
		large.idle(2 * time.Second)
		f := newFramer(t, large.multiplex())
		f.ask(1, nil, head("GET", "/")...)
		if got := f.transcript(1); !strings.HasSuffix(got, "reset INTERNAL_ERROR") {
			t.Errorf("%.100q", got)
		}
	})
}

// TestStreamAbandoned has clients give up: the target's connection is ended at once.
func TestStreamAbandoned(t *testing.T) {
	arrived, ended := make(chan struct{}, 1), make(chan struct{}, 1)
	b := newBench(t, rawTarget(t, func(_ int, _ net.Conn, r *bufio.Reader) {
		readHead(r)
		arrived <- struct{}{}
		io.Copy(io.Discard, r)
		ended <- struct{}{}
	}))
	client := http2Client(t, b.multiplex())
	for i := range uint64(2) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-arrived
			cancel()
		}()
		var body io.Reader
		if i == 1 {
			body = io.MultiReader(strings.NewReader("x"), &forever{ctx})
		}
		r, _ := http.NewRequestWithContext(ctx, "POST", "http://x/", body)
		if _, err := client.Do(r); err == nil {
			t.Error("answered")
		}
		<-ended
		eventually(t, "counted", func() bool { return b.engine.Counters().LoadBalancers[0].ELB460 == i+1 })
	}
	eventually(t, "tickets back", func() bool {
		return b.engine.Counters().TargetGroups[0].Active == 0
	})
}

// forever is a body that goes on until the context is done.
type forever struct{ ctx context.Context }

func (f *forever) Read([]byte) (int, error) {
	<-f.ctx.Done()
	return 0, f.ctx.Err()
}

// TestStreamDrain drains a target under load by HTTP/2: no request is lost, and none arrives after it is reported drained.
func TestStreamDrain(t *testing.T) {
	for _, version := range []string{edgeapi.VersionHTTP1, edgeapi.VersionHTTP2} {
		t.Run(version, func(t *testing.T) {
			late := func(gone *atomic.Bool) http.HandlerFunc {
				return func(w http.ResponseWriter, _ *http.Request) {
					if gone.Load() {
						t.Error("request after drained")
					}
					io.WriteString(w, "ok")
				}
			}
			b := newBench(t)
			client := http2Client(t, b.multiplex())
			gone := new(atomic.Bool)
			old := eitherTarget(t, late(gone))
			set := func(targets ...edgeapi.Target) {
				b.apply(func(s *edgeapi.Snapshot) { s.TargetGroups = []edgeapi.TargetGroup{versionGroup(version, targets...)} })
			}
			set(old)
			stop, done := make(chan struct{}), make(chan error, 8)
			for range cap(done) {
				go func() {
					for {
						select {
						case <-stop:
							done <- nil
							return
						default:
						}
						resp, err := client.Get("http://x/")
						if err == nil {
							if _, err = io.Copy(io.Discard, resp.Body); err == nil && resp.StatusCode != 200 {
								err = fmt.Errorf("%s", resp.Status)
							}
						}
						if err != nil {
							done <- err
							return
						}
					}
				}()
			}
			for range 20 {
				var nextGone atomic.Bool
				next := eitherTarget(t, late(&nextGone))
				set(draining(old, time.Now().Add(time.Hour)), next)
				eventually(t, "drained", func() bool { _, drained := b.engine.InFlight(keyFor(old)); return drained })
				gone.Store(true)
				old, gone = next, &nextGone
			}
			close(stop)
			for range cap(done) {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestStreamShutdown has connections told by GOAWAY that their listener is gone, after what they are at.
func TestStreamShutdown(t *testing.T) {
	arrived, finish := make(chan struct{}), make(chan struct{})
	b := newBench(t, httpTarget(t, func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-finish
		io.WriteString(w, "done")
	}))
	f := newFramer(t, b.multiplex())
	f.ask(1, nil, ":method", "GET", ":scheme", "https", ":path", "/", ":authority", "x")
	<-arrived
	b.apply(func(s *edgeapi.Snapshot) { s.Nodes, s.LoadBalancers = nil, nil })
	if got := f.verdict(1); got != "goaway NO_ERROR" {
		t.Error(got)
	}
	close(finish)
	if got := f.transcript(1); !strings.HasSuffix(got, " done") {
		t.Errorf("%q", got)
	}
	if got := f.verdict(3); got != "closed" {
		t.Error(got)
	}
}

func TestStreamKeepAlive(t *testing.T) {
	b := newBench(t, name(t, "ok"))
	b.apply(func(s *edgeapi.Snapshot) {
		lb := s.LoadBalancers[0]
		lb.Attributes.ClientKeepAlive = time.Nanosecond
		s.LoadBalancers = []edgeapi.LoadBalancer{lb}
	})
	f := newFramer(t, b.multiplex())
	f.ask(1, nil, ":method", "GET", ":scheme", "https", ":path", "/", ":authority", "x")
	if got := f.verdict(1); got != "goaway NO_ERROR" {
		t.Error(got)
	}
	if got := f.transcript(1); !strings.HasSuffix(got, " ok") {
		t.Errorf("%q", got)
	}
	if got := f.verdict(3); got != "closed" {
		t.Error(got)
	}
}

// TestStreamInterim has 100 answered by the load balancer and 103 passed on.
func TestStreamInterim(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Expect") != "" {
			t.Error("expectation reached the target")
		}
		w.Header().Set("Link", "a")
		w.WriteHeader(103)
		body, _ := io.ReadAll(r.Body)
		w.Write(body)
	}
	for _, version := range []string{edgeapi.VersionHTTP1, edgeapi.VersionHTTP2} {
		b := newBench(t)
		b.apply(func(s *edgeapi.Snapshot) {
			s.TargetGroups = []edgeapi.TargetGroup{versionGroup(version, eitherTarget(t, handler))}
		})
		var interim []int
		trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
			interim = append(interim, code)
			return nil
		}}
		r, _ := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "POST", "http://x/", strings.NewReader(strings.Repeat("x", 100_000)))
		r.Header.Set("Expect", "100-continue")
		resp, err := http2Client(t, b.multiplex()).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || len(body) != 100_000 || !slices.Contains(interim, 103) {
			t.Errorf("%s: %v, %d octets, %v", version, err, len(body), interim)
		}
	}
}

// TestStreamStickiness sets cookies by HTTP/2 whatever the targets speak.
func TestStreamStickiness(t *testing.T) {
	for _, version := range []string{edgeapi.VersionHTTP1, edgeapi.VersionHTTP2} {
		word := func(s string) edgeapi.Target {
			return eitherTarget(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Set-Cookie", "own=1")
				io.WriteString(w, s)
			})
		}
		b := newBench(t)
		b.apply(func(s *edgeapi.Snapshot) {
			g := versionGroup(version, word("a"), word("b"), word("c"))
			g.Stickiness = &edgeapi.Stickiness{Type: edgeapi.StickyLBCookie, Duration: time.Hour}
			s.TargetGroups = []edgeapi.TargetGroup{g}
		})
		client := http2Client(t, b.multiplex())
		first := ""
		var cookies []*http.Cookie
		for i := range 6 {
			r, _ := http.NewRequest("GET", "http://x/", nil)
			for _, c := range cookies {
				r.AddCookie(c)
			}
			resp, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			if cookies = resp.Cookies(); len(cookies) != 3 {
				t.Fatalf("%s: %v", version, resp.Header)
			}
			if i == 0 {
				first = string(body)
			} else if string(body) != first {
				t.Errorf("%s: %s, then %s", version, first, body)
			}
		}
	}
}

// TestStreamIdleMemory bounds what a connection that waits for its next request takes.
func TestStreamIdleMemory(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector has memory of its own")
	}
	b := newBench(t, fixedTarget(t, plainAnswer))
	address := b.multiplex()
	connect := func() {
		f := newFramer(t, address)
		f.ask(1, nil, ":method", "GET", ":scheme", "https", ":path", "/", ":authority", "a.example", "user-agent", "test")
		f.transcript(1)
		f.Framer, f.encoder = nil, nil // all of the client's half but the connection
	}
	measure := func() uint64 {
		for range 3 {
			runtime.GC()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	for range 10 {
		connect()
	}
	const n = 500
	before := measure()
	for range n {
		connect()
	}
	each := (measure() - before) / n
	t.Logf("%d octets per idle connection", each)
	if each > 16<<10 {
		t.Errorf("%d octets per idle connection", each)
	}
}

// TestStreamAccessLog has one line for each request, whatever the targets speak.
func TestStreamAccessLog(t *testing.T) {
	b := newBench(t)
	written := b.logged()
	b.apply(func(s *edgeapi.Snapshot) {
		old := versionGroup(edgeapi.VersionHTTP1, name(t, "ok"))
		old.ARN = "old"
		s.TargetGroups = []edgeapi.TargetGroup{versionGroup(edgeapi.VersionGRPC, grpcTarget(t)), old}
		s.LoadBalancers = withRules(s, edgeapi.Rule{ARN: "1", Priority: 7, Action: forwardTo("old"), Conditions: []edgeapi.Condition{
			{Field: edgeapi.FieldPath, Values: []string{"/old"}},
		}})
		lb := &s.LoadBalancers[0]
		lb.ARN, lb.Attributes.AccessLog = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/0123456789abcdef", true
		s.Nodes = []edgeapi.Node{{ID: "eni-1", LoadBalancer: lb.ARN, Address: loopback}}
	})
	f := newFramer(t, b.multiplex())
	head := func(method, path string, more ...string) []string {
		return append([]string{":method", method, ":scheme", "https", ":path", path, ":authority", "a.example:8"}, more...)
	}
	f.ask(1, []byte("body"), head("POST", "/old", "user-agent", "ua")...)
	f.transcript(1)
	f.ask(3, []byte{0, 0, 0, 0, 0}, head("POST", "/test.Words/None", "content-type", "application/grpc", "te", "trailers")...)
	f.transcript(3)
	f.ask(5, nil, head("GET", "/")...)
	f.transcript(5)
	f.ask(7, nil, head("TRACE", "/")...)
	f.transcript(7)
	f.conn.Close()
	eventually(t, "connection ended", func() bool { return b.engine.clients.Load() == 0 })
	lines := strings.Split(strings.TrimSpace(written()), "\n")
	for i, want := range []string{
		`^h2 \S+Z \S* 127\.0\.0\.1:\d+ 127\.0\.0\.1:\d+ 0\.\d+ 0\.\d+ 0\.\d+ 200 200 \d+ \d+ "POST http://a\.example:\d+/old HTTP/2\.0" "ua" - - old "Root=\S+" "-" "-" 7 \S+Z "forward" `,
		`^grpcs \S+Z .* 200 200 \d+ \d+ "POST \S+/test\.Words/None HTTP/2\.0" "-" - - group "Root=`,
		`^h2 .* - -1 -1 -1 464 - \d+ \d+ "GET \S+/ HTTP/2\.0" `,
		`^h2 .* - -1 -1 -1 405 - `,
	} {
		if !slices.ContainsFunc(lines, regexp.MustCompile(want).MatchString) {
			t.Errorf("line %d: no %s in\n%s", i, want, strings.Join(lines, "\n"))
		}
	}
}

// TestStreamDefect lets the proxy itself fall over: that ends one request and nothing else.
func TestStreamDefect(t *testing.T) {
	target := name(t, "ok")
	b := newBench(t, target)
	f := newFramer(t, b.multiplex())
	ask := func(id uint32) string {
		f.ask(id, nil, ":method", "GET", ":scheme", "https", ":path", "/", ":authority", "x")
		return f.verdict(id)
	}
	if got := ask(1); got != "200" {
		t.Error(got)
	}
	whole := b.engine.table.Load()
	broken, l := *whole, *whole.listeners[0]
	l.node = nil
	broken.listeners = []*listener{&l}
	b.engine.table.Store(&broken)
	if got := ask(3); got != "reset INTERNAL_ERROR" {
		t.Error(got)
	}
	b.engine.table.Store(whole)
	if got := ask(5); got != "200" {
		t.Error(got)
	}
	eventually(t, "tickets back", func() bool { n, _ := b.engine.InFlight(keyFor(target)); return n == 0 })
}

// TestStreamPaths has targets that speak HTTP/2 asked for what was asked for.
func TestStreamPaths(t *testing.T) {
	asked := make(chan string, 1)
	b := newBench(t)
	b.apply(func(s *edgeapi.Snapshot) {
		s.TargetGroups = []edgeapi.TargetGroup{versionGroup(edgeapi.VersionHTTP2, eitherTarget(t, func(_ http.ResponseWriter, r *http.Request) {
			asked <- r.Method + " " + r.Host + " " + r.RequestURI
		}))}
	})
	port := strconv.Itoa(b.port)
	f := newFramer(t, b.multiplex())
	for i, path := range []string{"/", "//double//slash", "/a?b=c&d", "/%2f%zz", "/?", "/a;b", "/http://x/y"} {
		id := uint32(2*i + 1)
		f.ask(id, nil, ":method", "GET", ":scheme", "https", ":path", path, ":authority", "a.example")
		if got := f.verdict(id); got != "200" && path != "/%2f%zz" {
			t.Errorf("%s: %s", path, got)
			continue
		}
		if path == "/%2f%zz" {
			continue // which net/http does not take
		}
		if got := <-asked; got != "GET a.example:"+port+" "+path {
			t.Errorf("%s became %s", path, got)
		}
	}
}
