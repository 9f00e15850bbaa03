package tlsterm

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// TestResumption has sessions that go on: at other nodes, with a new certificate and under another policy, but not at another listener, not
// with mutual TLS and not once their key is forgotten.
func TestResumption(t *testing.T) {
	a := newAuthority(t, "root", nil)
	first, second := a.issue(t, "c", "lb.localhost", ecdsaKey(t), nil), a.issue(t, "c", "lb.localhost", rsaKey(), nil)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		servers := NewServers()
		s := snapshotOf("ELBSecurityPolicy-TLS13-1-2-2021-06", first)
		client := &tls.Config{ServerName: "lb.localhost", MaxVersion: version, ClientSessionCache: tls.NewLRUClientSessionCache(4)}
		resumed := func(server *Server) bool {
			t.Helper()
			o := shake(t, server, client)
			if o.serverErr != nil || o.clientErr != nil {
				t.Fatal(o.serverErr, o.clientErr)
			}
			if o.session.Resumed != o.client.DidResume {
				t.Error("the two sides see different sessions")
			}
			return o.session.Resumed
		}
		server := load(t, servers, s)
		if resumed(server) || !resumed(server) {
			t.Errorf("%x: not resumed", version)
		}
		if again := load(t, servers, s); again != server {
			t.Error("made anew for the same snapshot")
		}
		s.Certificates[0] = second
		if server = load(t, servers, s); version == tls.VersionTLS13 && !resumed(server) {
			t.Error("not resumed with a new certificate")
		}
		s.LoadBalancers[0].Listeners[0].ARN = "other"
		made, err := servers.Load(s)
		if err != nil {
			t.Fatal(err)
		}
		if resumed(made["other"]) {
			t.Error("resumed at another listener")
		}
		for range ticketKeys - 1 {
			servers.tickets.since = time.Now().Add(-ticketPeriod)
			if !resumed(made["other"]) {
				t.Errorf("%x: not resumed after a change of keys", version)
			}
		}
		servers.tickets.since = time.Now().Add(-ticketPeriod)
		resumed(made["other"])
		for range ticketKeys {
			servers.tickets.since = time.Now().Add(-ticketPeriod)
			servers.tickets.current(time.Now())
		}
		if resumed(made["other"]) {
			t.Errorf("%x: resumed with a key that is forgotten", version)
		}
		s.LoadBalancers[0].Listeners[0].ARN = "listener"
		s.LoadBalancers[0].Listeners[0].TLS.Mutual = &edgeapi.MutualAuth{Mode: edgeapi.MutualPassthrough}
		server = load(t, servers, s)
		for range 2 { // the second could have a ticket of the first
			if resumed(server) {
				t.Error("resumed with mutual TLS")
			}
		}
	}
}
