package edgeapi

import (
	"strings"
	"testing"
)

// secure is valid with a listener and a target group of HTTPS.
func secure() *Snapshot {
	s := valid()
	s.Certificates = []Certificate{{ARN: "c", Chain: "chain", Key: "key"}, {ARN: "d", Chain: "chain", Key: "key"}}
	s.TrustStores = []TrustStore{{ARN: "store", Bundle: "bundle"}}
	l := &s.LoadBalancers[0].Listeners[0]
	l.Protocol = ProtocolHTTPS
	l.TLS = &TLS{
		Policy: "ELBSecurityPolicy-2016-08", Certificates: []string{"c", "d"},
		Mutual: &MutualAuth{Mode: MutualVerify, TrustStore: "store", IgnoreExpiry: true, AdvertiseCAs: true},
	}
	l.Attributes.RequestHeaders = []Header{{"X-Amzn-Mtls-Clientcert-Leaf", "X-Leaf"}}
	s.TargetGroups[0].Protocol, s.TargetGroups[0].HealthCheck.Protocol = ProtocolHTTPS, ProtocolHTTPS
	s.Doors[0].Protocol = ProtocolHTTPS
	return s
}

func TestValidateTLS(t *testing.T) {
	if err := secure().Validate(); err != nil {
		t.Fatal(err)
	}
	tls := func(s *Snapshot) *TLS { return s.LoadBalancers[0].Listeners[0].TLS }
	for _, c := range []struct {
		want   string
		change func(*Snapshot)
	}{
		{"do not go together", func(s *Snapshot) { s.LoadBalancers[0].Listeners[0].TLS = nil }},
		{"do not go together", func(s *Snapshot) { s.LoadBalancers[0].Listeners[0].Protocol = ProtocolHTTP }},
		{"missing or repeated ARN", func(s *Snapshot) { s.Certificates[1].ARN = "c" }},
		{"no chain or no key", func(s *Snapshot) { s.Certificates[1].Key = "" }},
		{"missing or repeated ARN", func(s *Snapshot) { s.TrustStores[0].ARN = "" }},
		{"no bundle", func(s *Snapshot) { s.TrustStores[0].Bundle = "" }},
		{"security policy", func(s *Snapshot) { tls(s).Policy = "ELBSecurityPolicy-none" }},
		{"security policy", func(s *Snapshot) { tls(s).Policy = "ELBSecurityPolicy-2015-05" }},
		{"no certificate", func(s *Snapshot) { tls(s).Certificates = nil }},
		{"unknown certificate", func(s *Snapshot) { tls(s).Certificates[1] = "e" }},
		{"ALPN policy", func(s *Snapshot) { tls(s).ALPN = ALPNHTTP2Only }},
		{"unknown trust store", func(s *Snapshot) { tls(s).Mutual.TrustStore = "other" }},
		{"mutual TLS of mode", func(s *Snapshot) { tls(s).Mutual.Mode = "off" }},
		{"mutual TLS of mode", func(s *Snapshot) { tls(s).Mutual.Mode = MutualPassthrough }},
		{"cannot be renamed", func(s *Snapshot) { s.LoadBalancers[0].Listeners[0].Attributes.RequestHeaders[0].Name = "Host" }},
		{"bad request header name", func(s *Snapshot) { s.LoadBalancers[0].Listeners[0].Attributes.RequestHeaders[0].Value = "a b" }},
	} {
		s := secure()
		c.change(s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want an error with %q, got %v", c.want, err)
		}
	}
}
