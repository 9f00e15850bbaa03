package tlsterm

import (
	"crypto/tls"
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

func TestServerNames(t *testing.T) {
	a := newAuthority(t, "root", nil)
	names := func(names ...string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.DNSNames = names }
	}
	server := load(t, NewServers(), snapshotOf("ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06",
		a.issue(t, "default", "default.example.com", rsaKey(), nil),
		a.issue(t, "wild", "", ecdsaKey(t), names("*.example.com", "example.com")),
		a.issue(t, "exact", "", ecdsaKey(t), names("api.example.com")),
		a.issue(t, "both-rsa", "", rsaKey(), names("both.example.com")),
		a.issue(t, "both-ecdsa", "", ecdsaKey(t), names("both.example.com")),
		a.issue(t, "expired", "", ecdsaKey(t), func(c *x509.Certificate) {
			c.DNSNames, c.NotAfter = []string{"old.example.com"}, time.Now().Add(-time.Minute)
		}),
		a.issue(t, "renewed", "", ecdsaKey(t), names("old.example.com")),
		a.issue(t, "longer", "", ecdsaKey(t), func(c *x509.Certificate) {
			c.DNSNames, c.NotAfter = []string{"old.example.com"}, time.Now().Add(12*time.Hour)
		}),
		a.issue(t, "common", "common.example.org", ecdsaKey(t), func(c *x509.Certificate) { c.DNSNames = nil }),
	))
	onlyRSA := &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}}
	onlyECDSA := &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}
	for _, c := range []struct {
		name   string
		config *tls.Config
		want   string
	}{
		{"", nil, "default"},
		{"unknown.org", nil, "default"},
		{"default.example.com", nil, "default"},
		{"api.example.com", nil, "exact"},
		{"API.Example.com", nil, "exact"},
		{"www.example.com", nil, "wild"},
		{"example.com", nil, "wild"},
		{"a.b.example.com", nil, "default"},
		{"both.example.com", nil, "both-ecdsa"},
		{"both.example.com", onlyRSA, "both-rsa"},
		{"both.example.com", onlyECDSA, "both-ecdsa"},
		{"old.example.com", nil, "longer"},
		{"common.example.org", nil, "common"},
	} {
		config := &tls.Config{}
		if c.config != nil {
			config = c.config.Clone()
		}
		config.ServerName = c.name
		if o := shake(t, server, config); o.serverErr != nil || o.session.Certificate != c.want || o.session.ServerName != c.name {
			t.Errorf("%q: %v %+v", c.name, o.serverErr, o.session)
		}
	}
	if o := shake(t, server, &tls.Config{ServerName: "api.example.com", MaxVersion: onlyRSA.MaxVersion, CipherSuites: onlyRSA.CipherSuites}); o.serverErr == nil {
		t.Errorf("a client without ECDSA at a name with nothing else: %+v", o.session)
	}
}

func TestProtocols(t *testing.T) {
	a := newAuthority(t, "root", nil)
	s := snapshotOf("ELBSecurityPolicy-TLS13-1-2-2021-06", a.issue(t, "c", "lb.localhost", ecdsaKey(t), nil))
	for _, c := range []struct {
		alpn    string // of a network load balancer; "on" and "off" are HTTP/2 of an application load balancer
		offered string
		want    string
	}{
		{"on", "h2 http/1.1", "h2"},
		{"on", "http/1.1 h2", "h2"},
		{"on", "http/1.1", "http/1.1"},
		{"on", "spdy/1", ""},
		{"on", "", ""},
		{"off", "h2 http/1.1", "http/1.1"},
		{"off", "h2", ""},
		{edgeapi.ALPNNone, "h2 http/1.1", ""},
		{edgeapi.ALPNHTTP1Only, "h2 http/1.0", "http/1.0"},
		{edgeapi.ALPNHTTP2Only, "http/1.1", ""},
		{edgeapi.ALPNHTTP2Only, "http/1.1 h2", "h2"},
		{edgeapi.ALPNHTTP2Optional, "h2 http/1.1", "http/1.1"},
		{edgeapi.ALPNHTTP2Preferred, "http/1.1 h2", "h2"},
	} {
		lb := &s.LoadBalancers[0]
		lb.Type, lb.Attributes.HTTP2, lb.Listeners[0].TLS.ALPN = edgeapi.TypeApplication, c.alpn == "on", ""
		if c.alpn != "on" && c.alpn != "off" {
			lb.Type, lb.Listeners[0].TLS.ALPN = edgeapi.TypeNetwork, c.alpn
		}
		server := load(t, NewServers(), s)
		o := shake(t, server, &tls.Config{NextProtos: strings.Fields(c.offered)})
		if o.serverErr != nil || o.session.Protocol != c.want || !slices.Equal(o.session.Offered, strings.Fields(c.offered)) {
			t.Errorf("%+v: %v %+v", c, o.serverErr, o.session)
		}
	}
	// Suites that RFC 9113 forbids do not come with HTTP/2.
	lb := &s.LoadBalancers[0]
	lb.Type, lb.Attributes.HTTP2, lb.Listeners[0].TLS.ALPN = edgeapi.TypeApplication, true, ""
	o := shake(t, load(t, NewServers(), s), &tls.Config{
		NextProtos: []string{"h2", "http/1.1"}, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256},
	})
	if o.serverErr != nil || o.session.Protocol != "http/1.1" {
		t.Errorf("%v %+v", o.serverErr, o.session)
	}
}
