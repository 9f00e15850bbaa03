package tlsterm

import (
	"crypto/tls"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/edgeapi/sslpolicy"
)

// sessionsKept is how many targets' sessions are kept for the next connection.
const sessionsKept = 1024

// Client is the configuration for connections to targets and their health checks, under the policy called name. "The load balancer
// establishes TLS connections with the targets using certificates that you install on the targets. The load balancer does not validate these
// certificates."
func Client(name string, protocols ...string) *tls.Config {
	p := newPolicy(sslpolicy.Find(name))
	return &tls.Config{
		MinVersion: p.min, MaxVersion: p.max, CipherSuites: p.suites, CurvePreferences: p.curves, NextProtos: protocols,
		InsecureSkipVerify:          true,
		ClientSessionCache:          tls.NewLRUClientSessionCache(sessionsKept),
		Renegotiation:               tls.RenegotiateFreelyAsClient, // "support SSL renegotiation for target connections only"
		DynamicRecordSizingDisabled: true,
	}
}

// TargetPolicy is the security policy for the targets of a load balancer. It follows from those of its listeners: post-quantum and TLS 1.3
// ones make the targets' one too, a FIPS one does so for the load balancer's sake.
func TargetPolicy(lb *edgeapi.LoadBalancer) string {
	best := sslpolicy.Find(sslpolicy.Default)
	for i := range lb.Listeners {
		if l := &lb.Listeners[i]; l.TLS != nil {
			if p := sslpolicy.Find(l.TLS.Policy); p != nil && demand(p) > demand(best) {
				best = p
			}
		}
	}
	return best.Target()
}

// demand orders policies by how much they ask of targets' connections.
func demand(p *sslpolicy.Policy) (n int) {
	if p.TLS13() {
		n++
	}
	if p.PostQuantum {
		n += 2
	}
	if p.FIPS() {
		n += 4
	}
	return n
}
