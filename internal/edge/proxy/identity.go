package proxy

import (
	"strings"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/http1"
	"github.com/neargate/neargate/internal/edge/tlsterm"
)

// identity are the lines that tell a target about a client's TLS, as one listener writes them.
type identity struct {
	listener *listener
	lines    []byte
}

// identify returns the lines of the client's TLS. They are written once for each connection and table; requests of one connection may ask at
// the same time.
func (p *peer) identify(v *listener) []byte {
	if known := p.identity.Load(); known != nil && known.listener == v {
		return known.lines
	}
	i := &identity{listener: v, lines: v.identityLines(p.session)}
	p.identity.Store(i)
	return i.lines
}

// identityLines writes the fields of "HTTP headers and mutual TLS" and of
// routing.http.x_amzn_tls_version_and_cipher_suite.enabled.
func (v *listener) identityLines(s *tlsterm.Session) (b []byte) {
	field := func(name, value string) {
		b = append(b, v.fieldName(name)+": "+value+"\r\n"...)
	}
	if v.settings.TLSHeaders {
		field("X-Amzn-Tls-Version", s.Version)
		field("X-Amzn-Tls-Cipher-Suite", s.Cipher)
	}
	if v.mutual == nil || len(s.Client) == 0 {
		return b
	}
	leaf := s.Client[0]
	if v.mutual.Mode == edgeapi.MutualPassthrough {
		field("X-Amzn-Mtls-Clientcert", tlsterm.Encoded(s.Client...))
		return b
	}
	field("X-Amzn-Mtls-Clientcert-Serial-Number", tlsterm.SerialNumber(leaf))
	field("X-Amzn-Mtls-Clientcert-Issuer", tlsterm.Issuer(leaf))
	field("X-Amzn-Mtls-Clientcert-Subject", tlsterm.Subject(leaf))
	field("X-Amzn-Mtls-Clientcert-Validity", tlsterm.Validity(leaf))
	field("X-Amzn-Mtls-Clientcert-Leaf", tlsterm.Encoded(leaf))
	return b
}

// fieldName is what a request field that the load balancer writes is called on this listener.
func (v *listener) fieldName(usual string) string {
	for _, h := range v.attributes.RequestHeaders {
		if strings.EqualFold(h.Name, usual) {
			return h.Value
		}
	}
	return usual
}

// pretends reports whether a field of a request has one of the names that the load balancer's own were given. Its usual names are known to
// the parser.
func (v *listener) pretends(name []byte) bool {
	for _, h := range v.attributes.RequestHeaders {
		if http1.SameName(name, h.Value) {
			return true
		}
	}
	return false
}
