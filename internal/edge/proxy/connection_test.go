package proxy

import (
	"crypto/tls"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// TestConnectionLog has a handshake that succeeds and one that does not.
func TestConnectionLog(t *testing.T) {
	b := newBench(t)
	written := b.logged()
	trusted := newAuthority(t)
	a := secured(t, b, func(s *edgeapi.Snapshot, l *edgeapi.Listener) {
		lb := &s.LoadBalancers[0]
		lb.ARN, lb.Attributes.ConnectionLog = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/0123456789abcdef", true
		s.Nodes = []edgeapi.Node{{ID: "eni-1", LoadBalancer: lb.ARN, Address: loopback}}
		s.TrustStores = []edgeapi.TrustStore{{ARN: "store", Bundle: trusted.pem()}}
		l.TLS.Mutual = &edgeapi.MutualAuth{Mode: edgeapi.MutualVerify, TrustStore: "store"}
	})
	for _, from := range []*authority{trusted, newAuthority(t)} {
		c := from.issue(t, ecdsaKey(t), "client", nil)
		own, err := tls.X509KeyPair([]byte(c.Chain), []byte(c.Key))
		if err != nil {
			t.Fatal(err)
		}
		config := a.config()
		config.Certificates = []tls.Certificate{own}
		conn, err := tls.Dial("tcp", b.address(), config)
		if err == nil {
			io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			io.Copy(io.Discard, conn)
			conn.Close()
		}
	}
	for b.engine.Counters().LoadBalancers[0].ClientTLSErrors == 0 {
		time.Sleep(time.Millisecond) // the client learns of its failure before it is logged
	}
	content := written()
	const common = `^\S+Z 127\.0\.0\.1 \d+ \d+ TLSv1\.3 TLS_AES_128_GCM_SHA256 (\d+\.\d+|-) "CN=client,O=Acme\\x5C, Inc\.,C=US" NotBefore=\S+;NotAfter=\S+ 03A5B1 `
	const end = ` x25519 app/web/0123456789abcdef 127\.0\.0\.1$`
	lines := strings.Split(strings.TrimSpace(content), "\n")
	for i, want := range []string{common + `Success TID_[0-9a-f]{32}` + end, common + `Failed:ClientCertUntrusted TID_[0-9a-f]{32}` + end} {
		if i >= len(lines) || !regexp.MustCompile(want).MatchString(lines[i]) {
			t.Errorf("line %d of\n%s", i, content)
		}
	}
}
