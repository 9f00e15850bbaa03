package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// multiplex listens beside the bench's listener for clients that speak HTTP/2 from the first octet on, as they do once TLS has
// agreed on it.
func (b *bench) multiplex() (address string) {
	b.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.t.Fatal(err)
	}
	e := b.engine
	e.mu.Lock()
	s := e.nodes["eni-1"].servers[b.port]
	e.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c := &client{socket: newSocket(conn.(*net.TCPConn), conn.RemoteAddr().(*net.TCPAddr).AddrPort(), e.sweeper), engine: e, server: s, opened: e.sweeper.now()}
			c.address = c.far
			c.text = c.address.Addr().String()
			e.serving.Add(1)
			e.clients.Add(1)
			go func() {
				defer e.serving.Done()
				defer e.clients.Add(-1)
				defer c.Close()
				c.serveHTTP2()
			}()
		}
	}()
	b.t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String()
}

// http2Client speaks HTTP/2 to an address without TLS.
func http2Client(t testing.TB, address string) *http.Client {
	transport := &http2.Transport{
		AllowHTTP: true, DisableCompression: true,
		DialTLSContext: func(ctx context.Context, network, _ string, _ *tls.Config) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// eitherTarget is a target that speaks HTTP/1.1 and HTTP/2.
func eitherTarget(t testing.TB, h http.HandlerFunc) edgeapi.Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h, Protocols: new(http.Protocols)}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return targetAt(l.Addr())
}

func TestStreamHeads(t *testing.T) {
	heads := make(chan string, 10)
	target := rawTarget(t, func(_ int, c net.Conn, r *bufio.Reader) {
		for {
			head, err := readHead(r)
			if err != nil {
				return
			}
			heads <- head
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Custom: Yes\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n\r\nok")
		}
	})
	b := newBench(t, target)
	client := http2Client(t, b.multiplex())
	req, _ := http.NewRequest("GET", "http://a.example/p%20q?x=1", nil)
	req.Header.Set("X-Thing", "one")
	req.Header.Set("X-Forwarded-For", "192.0.2.1")
	req.Header.Set("Cookie", "a=1; b=2")
	for range 2 { // the second one by way of the same connections
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != 200 || string(body) != "ok" || resp.Proto != "HTTP/2.0" {
			t.Errorf("%s %q", resp.Status, body)
		}
		if h := resp.Header; h.Get("X-Custom") != "Yes" || h.Get("X-Hop") != "" || h.Get("Connection") != "" || h.Get("Date") == "" {
			t.Errorf("%v", h)
		}
		head := <-heads
		for _, want := range []string{
			"GET /p%20q?x=1 HTTP/1.1\r\n", "\r\nHost: a.example", "\r\nx-thing: one\r\n", "\r\nX-Forwarded-For: 192.0.2.1, 127.0.0.1\r\n",
			"\r\ncookie: a=1; b=2\r\n", "\r\nX-Amzn-Trace-Id: Root=1-",
		} {
			if !strings.Contains(head, want) {
				t.Errorf("%q is missing in %q", want, head)
			}
		}
		for _, bad := range []string{":authority", "Connection", "Transfer-Encoding", "x-forwarded-for"} {
			if strings.Contains(head, bad) {
				t.Errorf("%q in %q", bad, head)
			}
		}
	}
	c := b.engine.Counters().LoadBalancers[0]
	if c.Requests != 2 || c.HTTP2Requests != 2 || c.GRPCRequests != 0 {
		t.Errorf("%+v", c.FrontCounters)
	}
}

// TestStreamBodies sends bodies of all kinds through, many at a time.
func TestStreamBodies(t *testing.T) {
	target := httpTarget(t, func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		w.Header().Set("Trailer", "X-Sum")
		if r.URL.Path == "/sized" {
			w.Header().Set("Content-Length", r.Header.Get("X-Length"))
		}
		n, err := io.Copy(w, r.Body)
		w.Header().Set("X-Sum", fmt.Sprint(n, err))
	})
	b := newBench(t, target)
	client := http2Client(t, b.multiplex())
	failed := make(chan error, 100)
	count := 0
	for _, size := range []int{0, 1, 1000, 70_000, 2_000_000} {
		for _, sized := range []bool{true, false} {
			for _, path := range []string{"/sized", "/stream"} {
				count++
				go func() {
					body := strings.Repeat("x", size)
					var r io.Reader = strings.NewReader(body)
					if !sized {
						r = io.MultiReader(r)
					}
					req, _ := http.NewRequest("POST", "http://a.example"+path, r)
					req.Header.Set("X-Length", fmt.Sprint(size))
					resp, err := client.Do(req)
					if err != nil {
						failed <- err
						return
					}
					got, err := io.ReadAll(resp.Body)
					switch {
					case err != nil:
						err = fmt.Errorf("%s %d %t: %w", path, size, sized, err)
					case string(got) != body || resp.StatusCode != 200:
						err = fmt.Errorf("%s %d %t: %s %d", path, size, sized, resp.Status, len(got))
					case path == "/stream" && resp.Trailer.Get("X-Sum") != fmt.Sprint(size, nil):
						err = fmt.Errorf("%d: trailer %q", size, resp.Trailer)
					}
					failed <- err
				}()
			}
		}
	}
	for range count {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

func TestStreamOwnAnswers(t *testing.T) {
	b := newBench(t)
	b.apply(func(s *edgeapi.Snapshot) {
		l := s.LoadBalancers[0]
		listener := l.Listeners[0]
		listener.Attributes.ResponseHeaders = []edgeapi.Header{{Name: "X-Frame-Options", Value: "DENY"}}
		path := func(p string) []edgeapi.Condition {
			return []edgeapi.Condition{{Field: edgeapi.FieldPath, Values: []string{p}}}
		}
		listener.Rules = []edgeapi.Rule{
			{ARN: "1", Priority: 1, Conditions: path("/fixed"), Action: edgeapi.Action{FixedResponse: &edgeapi.FixedResponse{StatusCode: 404, Body: "no", ContentType: "text/plain"}}},
			{ARN: "2", Priority: 2, Conditions: path("/moved"), Action: edgeapi.Action{Redirect: &edgeapi.Redirect{
				Protocol: "#{protocol}", Host: "#{host}", Port: "8443", Path: "/new/#{path}", Query: "#{query}", StatusCode: 301,
			}}},
			listener.Rules[0],
		}
		l.Listeners = []edgeapi.Listener{listener}
		s.LoadBalancers = []edgeapi.LoadBalancer{l}
	})
	client := http2Client(t, b.multiplex())
	for _, test := range []struct {
		method, path string
		status       int
		location     string
		body         string
	}{
		{"GET", "/fixed", 404, "", "no"},
		{"HEAD", "/fixed", 404, "", ""},
		{"POST", "/fixed", 404, "", "no"},
		{"GET", "/moved?a=b", 301, "https://a.example:8443/new/moved?a=b", ""},
		{"GET", "/", 503, "", ""},
		{"TRACE", "/", 405, "", ""},
	} {
		var body io.Reader
		if test.method == "POST" {
			body = strings.NewReader(strings.Repeat("x", 300_000))
		}
		req, _ := http.NewRequest(test.method, "http://a.example"+test.path, body)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != test.status || resp.Header.Get("Location") != test.location || test.body != "" && string(got) != test.body {
			t.Errorf("%s %s: %s %v %q", test.method, test.path, resp.Status, resp.Header, got)
		}
		if resp.Header.Get("Server") != "awselb/2.0" || test.status != 405 && resp.Header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s %s: %v", test.method, test.path, resp.Header)
		}
	}
}
