package tlsterm

import (
	"fmt"
	"slices"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/edgeapi/sslpolicy"
)

// Servers makes the Server of each listener. From one snapshot to the next it keeps what has not changed, so a snapshot costs nothing that
// its TLS does not ask for, and tickets go on. It is not for use by several goroutines at once; what it makes is.
type Servers struct {
	tickets      tickets
	certificates map[edgeapi.Certificate]*certificate
	stores       map[string]*store // by ARN
	made         map[string]*made  // by listener ARN
}

type store struct {
	source *edgeapi.TrustStore
	trust  *trust
}

// made is a server with what it was made from.
type made struct {
	listener     listener
	certificates []*certificate
	trust        *trust
	server       *Server
}

// listener is a listener as far as TLS is concerned.
type listener struct {
	arn  string
	tls  *edgeapi.TLS
	alpn []string
}

// NewServers makes a Servers that has made nothing yet.
func NewServers() *Servers {
	return &Servers{certificates: map[edgeapi.Certificate]*certificate{}, stores: map[string]*store{}, made: map[string]*made{}}
}

// Load makes the servers of all listeners of a valid snapshot that have TLS, and returns them by listener ARN. After an error, which is that of
// a certificate or a trust store that cannot be read, it is as if Load had not been called.
func (s *Servers) Load(snapshot *edgeapi.Snapshot) (map[string]*Server, error) {
	next := Servers{certificates: map[edgeapi.Certificate]*certificate{}, stores: map[string]*store{}, made: map[string]*made{}}
	byARN := make(map[string]*certificate, len(snapshot.Certificates))
	for i := range snapshot.Certificates {
		source := snapshot.Certificates[i]
		c := s.certificates[source]
		if c == nil {
			var err error
			if c, err = parseCertificate(&source); err != nil {
				return nil, fmt.Errorf("certificate %s: %w", source.ARN, err)
			}
		}
		next.certificates[source], byARN[source.ARN] = c, c
	}
	for i := range snapshot.TrustStores {
		source := &snapshot.TrustStores[i]
		if old := s.stores[source.ARN]; old != nil && old.source.Bundle == source.Bundle && slices.Equal(old.source.Revocations, source.Revocations) {
			next.stores[source.ARN] = old
			continue
		}
		t, err := parseTrust(source.Bundle, source.Revocations)
		if err != nil {
			return nil, fmt.Errorf("trust store %s: %w", source.ARN, err)
		}
		next.stores[source.ARN] = &store{source, t}
	}
	out := map[string]*Server{}
	for i := range snapshot.LoadBalancers {
		lb := &snapshot.LoadBalancers[i]
		for j := range lb.Listeners {
			l := &lb.Listeners[j]
			if l.TLS == nil {
				continue
			}
			m, err := s.make(listener{l.ARN, l.TLS, protocols(lb, l)}, byARN, next.stores)
			if err != nil {
				return nil, fmt.Errorf("listener %s: %w", l.ARN, err)
			}
			next.made[l.ARN], out[l.ARN] = m, m.server
		}
	}
	s.certificates, s.stores, s.made = next.certificates, next.stores, next.made
	return out, nil
}

// Of is the server of a listener of the snapshot loaded last; nil if the listener has no TLS.
func (s *Servers) Of(listener string) *Server {
	if m := s.made[listener]; m != nil {
		return m.server
	}
	return nil
}

// make returns what was made for the listener before, if it is still what is wanted.
func (s *Servers) make(l listener, byARN map[string]*certificate, stores map[string]*store) (*made, error) {
	m := &made{listener: l}
	for _, arn := range l.tls.Certificates {
		c := byARN[arn]
		if c == nil {
			return nil, fmt.Errorf("unknown certificate %q", arn)
		}
		m.certificates = append(m.certificates, c)
	}
	if len(m.certificates) == 0 {
		return nil, fmt.Errorf("no certificate")
	}
	if mutual := l.tls.Mutual; mutual != nil && mutual.Mode == edgeapi.MutualVerify {
		st := stores[mutual.TrustStore]
		if st == nil {
			return nil, fmt.Errorf("unknown trust store %q", mutual.TrustStore)
		}
		m.trust = st.trust
	}
	if old := s.made[l.arn]; old != nil && old.same(m) {
		return old, nil
	}
	p := sslpolicy.Find(l.tls.Policy)
	if p == nil {
		return nil, fmt.Errorf("unknown security policy %q", l.tls.Policy)
	}
	m.server = newServer(newPolicy(p), m.certificates, &l, m.trust, &s.tickets)
	return m, nil
}

func (m *made) same(other *made) bool {
	a, b := m.listener.tls, other.listener.tls
	return a.Policy == b.Policy && slices.Equal(m.listener.alpn, other.listener.alpn) && slices.Equal(m.certificates, other.certificates) &&
		m.trust == other.trust && (a.Mutual == nil) == (b.Mutual == nil) && (a.Mutual == nil || *a.Mutual == *b.Mutual)
}

// protocols are those a listener offers by ALPN, in order of preference.
func protocols(lb *edgeapi.LoadBalancer, l *edgeapi.Listener) []string {
	if lb.Type == edgeapi.TypeNetwork {
		return alpnPolicies[l.TLS.ALPN]
	}
	if lb.Attributes.HTTP2 {
		return []string{"h2", "http/1.1"}
	}
	return []string{"http/1.1"}
}

// alpnPolicies are those of Network Load Balancers ("ALPN policies").
var alpnPolicies = map[string][]string{
	edgeapi.ALPNHTTP1Only:      {"http/1.1", "http/1.0"},
	edgeapi.ALPNHTTP2Only:      {"h2"},
	edgeapi.ALPNHTTP2Optional:  {"http/1.1", "http/1.0", "h2"},
	edgeapi.ALPNHTTP2Preferred: {"h2", "http/1.1", "http/1.0"},
}
