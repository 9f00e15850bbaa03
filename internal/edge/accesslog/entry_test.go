package accesslog

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// sample is the request that the examples of "Access logs for your Application Load Balancer" are variations of.
func sample(t *testing.T) Entry {
	return Entry{
		Type: TypeHTTP, Time: at(t, "2018-07-02T22:23:00.186641Z"), LoadBalancer: "app/my-loadbalancer/50dc6c495c0c9188",
		Client: netip.MustParseAddrPort("192.168.131.39:2817"), Target: netip.MustParseAddrPort("10.0.0.1:80"),
		TargetTime: time.Millisecond, Status: 200, TargetStatus: 200, Received: 34, Sent: 366,
		Method: []byte("GET"), Scheme: "http", Host: []byte("www.example.com"), Port: 80, URI: []byte("/"), Protocol: "HTTP/1.1",
		UserAgent:   []byte("curl/7.46.0"),
		TargetGroup: "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067",
		Trace:       []byte("Root=1-58337262-36d228ad5d99923122bbe354"), Created: at(t, "2018-07-02T22:22:48.364000Z"),
		Actions: "forward", ConnectionTrace: "TID_1234abcd5678ef90", Node: node,
	}
}

func TestEntry(t *testing.T) {
	https := func(e *Entry) {
		e.Type, e.Scheme, e.Port = TypeHTTPS, "https", 443
		e.RequestTime, e.TargetTime, e.ResponseTime = 86*time.Millisecond, 48*time.Millisecond, 37*time.Millisecond
		e.Received, e.Sent = 0, 57
		e.Cipher, e.TLSProtocol = "ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.2"
		e.Trace = []byte("Root=1-58337281-1d84f3d73c47ec4e58577259")
		e.ServerName = "www.example.com"
		e.Certificate = "arn:aws:acm:us-east-2:123456789012:certificate/12345678-1234-1234-1234-123456789012"
		e.Priority = 1
	}
	for _, c := range []struct {
		name string
		edit func(*Entry)
		want string
	}{
		{
			"http", func(*Entry) {},
			`http 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - - arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2018-07-02T22:22:48.364000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_1234abcd5678ef90 "-" "-" "-" 10.0.0.7`,
		},
		{
			"https", https,
			`https 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 57 "GET https://www.example.com:443/ HTTP/1.1" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337281-1d84f3d73c47ec4e58577259" "www.example.com" "arn:aws:acm:us-east-2:123456789012:certificate/12345678-1234-1234-1234-123456789012" 1 2018-07-02T22:22:48.364000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_1234abcd5678ef90 "-" "-" "-" 10.0.0.7`,
		},
		{
			"http/2", func(e *Entry) {
				https(e)
				e.Type, e.Client, e.Target = TypeH2, netip.MustParseAddrPort("10.0.1.252:48160"), netip.MustParseAddrPort("10.0.0.66:9000")
				e.RequestTime, e.TargetTime, e.ResponseTime = 0, 2*time.Millisecond, 0
				e.Received, e.Sent, e.Protocol, e.Host = 5, 257, "HTTP/2.0", []byte("10.0.2.105")
				e.Port, e.Trace = 773, []byte("Root=1-58337327-72bd00b0343d75b906739c42")
				e.ServerName, e.Certificate = "", ""
				e.RedirectURL = "https://example.com:80/"
				e.Actions = "redirect"
			},
			`h2 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 10.0.1.252:48160 10.0.0.66:9000 0.000 0.002 0.000 200 200 5 257 "GET https://10.0.2.105:773/ HTTP/2.0" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337327-72bd00b0343d75b906739c42" "-" "-" 1 2018-07-02T22:22:48.364000Z "redirect" "https://example.com:80/" "-" "10.0.0.66:9000" "200" "-" "-" TID_1234abcd5678ef90 "-" "-" "-" 10.0.0.7`,
		},
		{
			"an unreadable request", func(e *Entry) {
				e.Target, e.Method, e.URI, e.Protocol = netip.AddrPort{}, nil, nil, ""
				e.RequestTime, e.TargetTime, e.ResponseTime = NotApplicable, NotApplicable, NotApplicable
				e.Status, e.TargetStatus, e.TargetGroup, e.Trace, e.Actions, e.UserAgent = 400, 0, "", nil, "", nil
				e.Priority, e.Classification, e.ClassificationReason = NoRule, "Severe", "BadContentLength"
			},
			`http 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 - -1 -1 -1 400 - 34 366 "- http://www.example.com:80- -" "-" - - - "-" "-" "-" - 2018-07-02T22:22:48.364000Z "-" "-" "-" "-" "-" "Severe" "BadContentLength" TID_1234abcd5678ef90 "-" "-" "-" 10.0.0.7`,
		},
		{
			"a rewritten request of a client that forges", func(e *Entry) {
				e.UserAgent = []byte("a\"b\\c\r\nhttp é")
				e.Targets = []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:80"), netip.MustParseAddrPort("10.0.0.2:80")}
				e.TargetStatuses = []int{0, 200}
				e.TransformedHost, e.TransformStatus = []byte("m.example.com"), "TransformSuccess"
			},
			`http 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 "GET http://www.example.com:80/ HTTP/1.1" "a\x22b\x5Cc\x0D\x0Ahttp \xC3\xA9" - - arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2018-07-02T22:22:48.364000Z "forward" "-" "-" "10.0.0.1:80 10.0.0.2:80" "- 200" "-" "-" TID_1234abcd5678ef90 "m.example.com" "-" "TransformSuccess" 10.0.0.7`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := sample(t)
			c.edit(&e)
			if got := string(e.AppendLine(nil)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestConnection(t *testing.T) {
	for _, c := range []struct {
		name string
		line Line
		want string
	}{
		{
			"mutual TLS", &Connection{
				Time: at(t, "2023-10-04T17:05:15.514108Z"), Client: netip.MustParseAddrPort("203.0.113.1:36280"), Port: 443,
				TLSProtocol: "TLSv1.2", Cipher: "ECDHE-RSA-AES128-GCM-SHA256", Handshake: 4036 * time.Millisecond,
				Subject:   "CN=amazondomains.com,O=endEntity,L=Seattle,ST=Washington,C=US",
				NotBefore: at(t, "2023-09-21T22:43:21Z"), NotAfter: at(t, "2026-06-17T22:43:21Z"), Serial: "FEF257372D5C14D4",
				VerifyStatus: "Success", Trace: "TID_1234abcd5678ef90", KeyExchange: "x25519", LoadBalancer: "app/web/0123456789abcdef",
				Node: netip.MustParseAddr("10.0.0.5"),
			},
			`2023-10-04T17:05:15.514108Z 203.0.113.1 36280 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 4.036 "CN=amazondomains.com,O=endEntity,L=Seattle,ST=Washington,C=US" NotBefore=2023-09-21T22:43:21Z;NotAfter=2026-06-17T22:43:21Z FEF257372D5C14D4 Success TID_1234abcd5678ef90 x25519 app/web/0123456789abcdef 10.0.0.5`,
		},
		{
			"plain", &Connection{Time: at(t, "2023-10-04T17:05:15.514108Z"), Client: netip.MustParseAddrPort("203.0.113.1:36280"), Port: 80},
			`2023-10-04T17:05:15.514108Z 203.0.113.1 36280 80 - - - "-" - - - - - - -`,
		},
		{
			"a name that forges", &Connection{
				Time: at(t, "2023-10-04T17:05:15.514108Z"), Client: netip.MustParseAddrPort("203.0.113.1:36280"), Port: 80, VerifyStatus: "a b\n",
			},
			`2023-10-04T17:05:15.514108Z 203.0.113.1 36280 80 - - - "-" - - a\x20b\x0A - - - -`,
		},
		{
			"network load balancer", tlsSample(t),
			`tls 2.0 2018-12-20T02:59:40 net/my-network-loadbalancer/c6e77e28c25b2234 g3d4b5e8bb8464cd 72.21.218.154:51341 172.100.100.185:443 5 2 98 246 - arn:aws:acm:us-east-2:671290407336:certificate/2a108f19-aded-46b0-8493-c63eb1ef4a99 - ECDHE-RSA-AES128-SHA tlsv12 - my-network-loadbalancer-c6e77e28c25b2234.elb.us-east-2.amazonaws.com - - - 2018-12-20T02:59:30`,
		},
		{
			"network load balancer with ALPN", func() Line {
				c := tlsSample(t)
				c.Time, c.Created = at(t, "2020-04-01T08:51:42Z"), at(t, "2020-04-01T08:51:20Z")
				c.ALPNFront, c.ALPNBack, c.ALPNClient = "h2", "h2", []string{"h2", "http/1.1"}
				return c
			}(),
			`tls 2.0 2020-04-01T08:51:42 net/my-network-loadbalancer/c6e77e28c25b2234 g3d4b5e8bb8464cd 72.21.218.154:51341 172.100.100.185:443 5 2 98 246 - arn:aws:acm:us-east-2:671290407336:certificate/2a108f19-aded-46b0-8493-c63eb1ef4a99 - ECDHE-RSA-AES128-SHA tlsv12 - my-network-loadbalancer-c6e77e28c25b2234.elb.us-east-2.amazonaws.com h2 h2 "h2","http/1.1" 2020-04-01T08:51:20`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(c.line.AppendLine(nil)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func tlsSample(t *testing.T) *TLSConnection {
	return &TLSConnection{
		Time: at(t, "2018-12-20T02:59:40Z"), LoadBalancer: "net/my-network-loadbalancer/c6e77e28c25b2234", Listener: "g3d4b5e8bb8464cd",
		Client: netip.MustParseAddrPort("72.21.218.154:51341"), Destination: netip.MustParseAddrPort("172.100.100.185:443"),
		Connected: 5 * time.Millisecond, Handshake: 2 * time.Millisecond, Received: 98, Sent: 246,
		Certificate: "arn:aws:acm:us-east-2:671290407336:certificate/2a108f19-aded-46b0-8493-c63eb1ef4a99",
		Cipher:      "ECDHE-RSA-AES128-SHA", TLSProtocol: "tlsv12",
		ServerName: "my-network-loadbalancer-c6e77e28c25b2234.elb.us-east-2.amazonaws.com", Created: at(t, "2018-12-20T02:59:30Z"),
	}
}

// Whatever a client sends, a line stays one line of 34 fields.
func TestEntryCannotBeForged(t *testing.T) {
	e := sample(t)
	rapid.Check(t, func(t *rapid.T) {
		e := e
		bytes := rapid.SliceOf(rapid.Byte())
		e.Method, e.Host, e.URI = bytes.Draw(t, "method"), bytes.Draw(t, "host"), bytes.Draw(t, "uri")
		e.UserAgent, e.Trace = bytes.Draw(t, "agent"), bytes.Draw(t, "trace")
		e.ServerName, e.RedirectURL = rapid.String().Draw(t, "sni"), rapid.String().Draw(t, "redirect")
		line := string(e.AppendLine(nil))
		if strings.ContainsAny(line, "\r\n") {
			t.Fatalf("%q has several lines", line)
		}
		if n := fields(line); n != 34 {
			t.Fatalf("%q has %d fields", line, n)
		}
	})
}

// fields counts fields the way readers of these logs do: by spaces outside of quotes.
func fields(line string) int {
	n, inside := 1, false
	for _, c := range line {
		switch {
		case c == '"':
			inside = !inside
		case c == ' ' && !inside:
			n++
		}
	}
	return n
}

func BenchmarkEntry(b *testing.B) {
	e := sample(&testing.T{})
	buf := make([]byte, 0, 2048)
	b.ReportAllocs()
	for b.Loop() {
		buf = e.AppendLine(buf[:0])
	}
}
