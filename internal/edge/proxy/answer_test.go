package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// TestOwnAnswers checks status, page and what becomes of the connection.
func TestOwnAnswers(t *testing.T) {
	refusing := edgeapi.Target{ID: "refusing", Address: loopback, Port: freePort(t)}
	b := newBench(t, refusing)
	for _, c := range []struct {
		name, request string
		status        string
		length        string
		open          bool
	}{
		{"malformed", "GET / HTTP/1.1\nHost: x\n\n", "400 Bad Request", "122", false},
		{"trace", "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", "405 Method Not Allowed", "136", false},
		{"long line", "GET /" + strings.Repeat("a", 17_000) + " HTTP/1.1\r\n\r\n", "414 Request-URI Too Large", "142", false},
		{"forwarders", "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: " + strings.Repeat("1.1.1.1, ", 30) + "1.1.1.1\r\n\r\n", "463 ", "100", false},
		{"encoding", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", "501 Not Implemented", "130", false},
		{"refused", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "502 Bad Gateway", "122", true},
		{"version", "GET / HTTP/3.0\r\nHost: x\r\n\r\n", "505 HTTP Version Not Supported", "152", false},
	} {
		conn := b.dial()
		if _, err := io.WriteString(conn, c.request); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(conn)
		head, err := readHead(r)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !strings.HasPrefix(head, "HTTP/1.1 "+c.status+"\r\nServer: awselb/2.0\r\nDate: ") ||
			!strings.Contains(head, "\r\nContent-Type: text/html\r\nContent-Length: "+c.length+"\r\n") {
			t.Errorf("%s: %q", c.name, head)
		}
		if open := strings.Contains(head, "Connection: keep-alive\r\n"); open != c.open {
			t.Errorf("%s: keep-alive %v", c.name, open)
		}
	}
	n := b.engine.Counters().LoadBalancers[0]
	if n.Requests != 7 || n.ELB4xx != 4 || n.ELB502 != 1 || n.DesyncNonCompliant != 3 {
		t.Errorf("%+v", n.FrontCounters)
	}
	if g := b.engine.Counters().TargetGroups[0]; g.ConnectionErrors != 1 {
		t.Errorf("%+v", g)
	}
}

func TestNoTargets(t *testing.T) {
	b := newBench(t)
	for _, method := range []string{"GET", "HEAD"} {
		req, _ := http.NewRequest(method, b.url(), nil)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		want := pages[503]
		if method == "HEAD" {
			want = ""
		}
		if resp.StatusCode != 503 || resp.ContentLength != 162 || string(body) != want {
			t.Errorf("%s: %v %q", method, resp, body)
		}
	}
	if n := b.engine.Counters().TargetGroups[0].Unroutable; n != 2 {
		t.Errorf("unroutable %d", n)
	}
}

func TestFixedAndRedirect(t *testing.T) {
	b := newBench(t)
	b.apply(func(s *edgeapi.Snapshot) {
		lb := s.LoadBalancers[0]
		l := lb.Listeners[0]
		when := func(p string) []edgeapi.Condition {
			return []edgeapi.Condition{{Field: edgeapi.FieldPath, Values: []string{p}}}
		}
		l.Rules = []edgeapi.Rule{
			{ARN: "fixed", Priority: 1, Conditions: when("/fixed"), Action: edgeapi.Action{
				FixedResponse: &edgeapi.FixedResponse{StatusCode: 418, ContentType: "application/json", Body: `{"a":1}`},
			}},
			{ARN: "empty", Priority: 2, Conditions: when("/empty"), Action: edgeapi.Action{
				FixedResponse: &edgeapi.FixedResponse{StatusCode: 204},
			}},
			{ARN: "redirect", Priority: 3, Conditions: when("/old*"), Action: edgeapi.Action{
				Redirect: &edgeapi.Redirect{Protocol: "HTTPS", Host: "#{host}", Port: "443", Path: "/#{path}", Query: "#{query}", StatusCode: 301},
			}},
			{ARN: "default", Action: forwardTo(groupARN)},
		}
		lb.Listeners = []edgeapi.Listener{l}
		s.LoadBalancers = []edgeapi.LoadBalancer{lb}
	})
	// All on one connection, one with a body that nobody reads.
	r := b.send("POST /fixed HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" +
		"GET /empty HTTP/1.1\r\nHost: x\r\n\r\nGET /old/a?b=c HTTP/1.1\r\nHost: shop.example:81\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
	for _, want := range []struct {
		status         int
		kind, location string
		body           string
	}{
		{418, "application/json", "", `{"a":1}`},
		{204, "", "", ""},
		{301, "text/html", "https://shop.example:443/old/a?b=c", pages[301]},
		{503, "text/html", "", pages[503]},
	} {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != want.status || resp.Header.Get("Content-Type") != want.kind ||
			resp.Header.Get("Location") != want.location || string(body) != want.body || resp.Header.Get("Server") != "awselb/2.0" {
			t.Errorf("%d: %v %q", want.status, resp, body)
		}
	}
	lb := b.engine.Counters().LoadBalancers[0]
	if lb.FixedResponses != 2 || lb.Redirects != 1 || lb.ELB3xx != 1 || lb.ELB503 != 1 || lb.RuleEvaluations != 1+2+3+3 {
		t.Errorf("%+v", lb.FrontCounters)
	}
	if rules := lb.Listeners[0].Rules; rules[0].Requests != 1 || rules[3].Requests != 1 {
		t.Errorf("%+v", rules)
	}
}

// TestTimeouts has a load balancer with a short idle timeout.
func TestTimeouts(t *testing.T) {
	silent := rawTarget(t, func(_ int, c net.Conn, r *bufio.Reader) {
		head, _ := readHead(r)
		if strings.HasPrefix(head, "GET /half ") {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
		}
		if strings.HasPrefix(head, "GET /large ") {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"+strings.Repeat("x", 200_000))
		}
		io.Copy(io.Discard, r)
	})
	b := newBench(t, silent)
	b.apply(func(s *edgeapi.Snapshot) {
		lb := s.LoadBalancers[0]
		lb.Attributes.IdleTimeout = 3 * time.Second // on a busy machine a target that answers at once needs a second of that
		s.LoadBalancers = []edgeapi.LoadBalancer{lb}
	})
	for _, c := range []struct{ name, request, want string }{
		{"target silent", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 504 Gateway Time-out\r\n"},
		{"head incomplete", "GET / HTTP/1.1\r\nHost:", "HTTP/1.1 408 Request Time-out\r\n"},
		{"body incomplete", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab", "HTTP/1.1 408 Request Time-out\r\n"},
		{"large body incomplete", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\nab", "HTTP/1.1 408 Request Time-out\r\n"},
		{"chunked body incomplete", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "HTTP/1.1 408 Request Time-out\r\n"},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			head, err := readHead(b.send(c.request))
			if !strings.HasPrefix(head, c.want) || c.want == "" && (head != "" || err != io.EOF) {
				t.Errorf("%q %v", head, err)
			}
		})
	}
	t.Run("answer incomplete", func(t *testing.T) {
		t.Parallel()
		resp, err := http.ReadResponse(b.send("GET /half HTTP/1.1\r\nHost: x\r\n\r\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); string(body) != "half" || err != io.ErrUnexpectedEOF {
			t.Errorf("%q %v", body, err)
		}
	})
	t.Run("large answer incomplete", func(t *testing.T) {
		t.Parallel()
		resp, err := http.ReadResponse(b.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); len(body) != 200_000 || err != io.ErrUnexpectedEOF {
			t.Errorf("%d octets, %v", len(body), err)
		}
	})
	t.Run("trickling head", func(t *testing.T) {
		t.Parallel()
		c := b.dial()
		go func() {
			for _, o := range "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", 100) {
				if _, err := c.Write([]byte(string(o))); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond) // what the limit is about
			}
		}()
		if head, _ := readHead(bufio.NewReader(c)); !strings.HasPrefix(head, "HTTP/1.1 408 ") {
			t.Errorf("%q", head)
		}
	})
}
