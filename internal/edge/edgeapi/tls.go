package edgeapi

import (
	"fmt"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/edge/edgeapi/sslpolicy"
)

// validateSecrets checks certificates and trust stores as far as their names go, and that listeners use those there are. Whether they can be
// read, only who parses them can tell.
func (s *Snapshot) validateSecrets() error {
	certificates, stores := map[string]bool{}, map[string]bool{}
	for i := range s.Certificates {
		c := &s.Certificates[i]
		if c.ARN == "" || certificates[c.ARN] {
			return fmt.Errorf("certificate %q: missing or repeated ARN", c.ARN)
		}
		if c.Chain == "" || c.Key == "" {
			return fmt.Errorf("certificate %s: no chain or no key", c.ARN)
		}
		certificates[c.ARN] = true
	}
	for i := range s.TrustStores {
		t := &s.TrustStores[i]
		if t.ARN == "" || stores[t.ARN] {
			return fmt.Errorf("trust store %q: missing or repeated ARN", t.ARN)
		}
		if t.Bundle == "" {
			return fmt.Errorf("trust store %s: no bundle", t.ARN)
		}
		stores[t.ARN] = true
	}
	for i := range s.LoadBalancers {
		lb := &s.LoadBalancers[i]
		for j := range lb.Listeners {
			if t := lb.Listeners[j].TLS; t != nil {
				if err := t.validate(lb.Type, certificates, stores); err != nil {
					return fmt.Errorf("load balancer %s: listener %s: %w", lb.ARN, lb.Listeners[j].ARN, err)
				}
			}
		}
	}
	return nil
}

func (t *TLS) validate(kind string, certificates, stores map[string]bool) error {
	p := sslpolicy.Find(t.Policy)
	if p == nil || p.NetworkOnly && kind != TypeNetwork {
		return fmt.Errorf("security policy %q is not supported", t.Policy)
	}
	if len(t.Certificates) == 0 {
		return fmt.Errorf("no certificate")
	}
	for _, c := range t.Certificates {
		if !certificates[c] {
			return fmt.Errorf("unknown certificate %q", c)
		}
	}
	alpn := []string{""}
	if kind == TypeNetwork {
		alpn = []string{"", ALPNNone, ALPNHTTP1Only, ALPNHTTP2Only, ALPNHTTP2Optional, ALPNHTTP2Preferred}
	}
	if !slices.Contains(alpn, t.ALPN) {
		return fmt.Errorf("ALPN policy %q is not supported", t.ALPN)
	}
	if t.Mutual == nil {
		return nil
	}
	switch m := t.Mutual; {
	case kind == TypeNetwork:
		return fmt.Errorf("mutual TLS is not supported")
	case m.Mode == MutualVerify && !stores[m.TrustStore]:
		return fmt.Errorf("unknown trust store %q", m.TrustStore)
	case m.Mode == MutualVerify, m.Mode == MutualPassthrough && *m == (MutualAuth{Mode: m.Mode}):
		return nil
	}
	return fmt.Errorf("mutual TLS of mode %q is not supported", t.Mutual.Mode)
}

// renamable are the request fields whose names a listener may change.
var renamable = []string{
	"X-Amzn-Mtls-Clientcert-Serial-Number", "X-Amzn-Mtls-Clientcert-Issuer", "X-Amzn-Mtls-Clientcert-Subject", "X-Amzn-Mtls-Clientcert-Validity",
	"X-Amzn-Mtls-Clientcert-Leaf", "X-Amzn-Mtls-Clientcert", "X-Amzn-Tls-Version", "X-Amzn-Tls-Cipher-Suite",
}

func validateRenames(list []Header) error {
	for _, h := range list {
		if !slices.ContainsFunc(renamable, func(name string) bool { return strings.EqualFold(name, h.Name) }) {
			return fmt.Errorf("request header %q cannot be renamed", h.Name)
		}
		if h.Value == "" || strings.ContainsFunc(h.Value, notToken) {
			return fmt.Errorf("bad request header name %q", h.Value)
		}
	}
	return nil
}
