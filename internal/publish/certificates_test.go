package publish_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/balance/balancetest"
	"github.com/neargate/neargate/internal/cert"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/publish"
	"github.com/neargate/neargate/internal/state"
)

// A certificate that is renewed or imported anew reaches edge by itself; one that no listener has does not.
func TestCertificates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := balancetest.New(t)
		lb := g.LoadBalancer(t, "web")
		put := func(c *cert.Certificate) {
			g.Do(t, func(tx *state.Tx) error { g.Certificates.Certificates.Put(tx, c); return nil })
		}
		put(&cert.Certificate{ARN: "first", Material: cert.Material{Body: "leaf\n", Chain: "root\n", Key: "key"}})
		put(&cert.Certificate{ARN: "unused", Material: cert.Material{Body: "other\n", Key: "key"}})
		g.Do(t, func(tx *state.Tx) error {
			_, err := g.Balance.CreateListener(tx, balancetest.Scope, balance.ListenerSpec{
				LoadBalancerARN: lb.ARN, Port: 443, Protocol: "HTTPS", Now: time.Now(),
				TLS:    &balance.TLS{Policy: "ELBSecurityPolicy-2016-08", Certificates: []string{"first", "gone"}, Mutual: balance.Mutual{Mode: balance.MutualOff}},
				Action: balance.Action{FixedResponse: &balance.FixedResponse{StatusCode: 200}},
			})
			return err
		})
		e := newEdge()
		e.lenient = true // these are no certificates
		start(t, g, e)
		settle()
		want := []edgeapi.Certificate{{ARN: "first", Chain: "leaf\nroot\n", Key: "key"}}
		if diff := cmp.Diff(want, e.last().Certificates); diff != "" {
			t.Errorf("certificates (-want +got):\n%s", diff)
		}
		if got := e.last().LoadBalancers[0].Listeners[0].TLS.Certificates; !slices.Equal(got, []string{"first"}) {
			t.Errorf("the listener has %v", got)
		}

		before := e.puts()
		put(&cert.Certificate{ARN: "unused", Material: cert.Material{Body: "newer\n", Key: "key"}})
		put(&cert.Certificate{ARN: "first", Material: cert.Material{Body: "leaf\n", Chain: "root\n", Key: "key"}, Tags: map[string]string{"a": "b"}})
		settle()
		if n := e.puts() - before; n != 0 {
			t.Errorf("%d snapshots without a reason", n)
		}
		put(&cert.Certificate{ARN: "first", Material: cert.Material{Body: "renewed\n", Chain: "root\n", Key: "another"}})
		settle()
		want = []edgeapi.Certificate{{ARN: "first", Chain: "renewed\nroot\n", Key: "another"}}
		if diff := cmp.Diff(want, e.last().Certificates); diff != "" || e.puts() != before+1 {
			t.Errorf("after renewal, %d snapshots later (-want +got):\n%s", e.puts()-before, diff)
		}
	})
}

// A listener goes on presenting the key pair it was given when that is renamed, whoever has its former name then.
func TestCertificateRenamed(t *testing.T) {
	g := balancetest.New(t)
	engine := cert.New(cert.Config{Store: g.Store, Tables: g.Certificates, Users: g.Balance})
	p := &publish.Publisher{Store: g.Store, Balance: g.Balance, Network: g.Network, Certificates: g.Certificates}
	lb := g.LoadBalancer(t, "web")
	const former, now, other = "arn:aws:iam::1:server-certificate/web", "arn:aws:iam::1:server-certificate/old-web", "arn:aws:iam::1:server-certificate/other"
	server := func(id, arn string) *cert.Server {
		return &cert.Server{ID: id, Account: "1", ARN: arn, Material: cert.Material{Body: id, Key: "key of " + id}}
	}
	var listener *balance.Listener
	g.Do(t, func(tx *state.Tx) (err error) {
		g.Certificates.Servers.Put(tx, server("one", former))
		g.Certificates.Servers.Put(tx, server("two", other))
		listener, err = g.Balance.CreateListener(tx, balancetest.Scope, balance.ListenerSpec{
			LoadBalancerARN: lb.ARN, Port: 443, Protocol: "HTTPS", Now: time.Now(),
			TLS:    &balance.TLS{Policy: "ELBSecurityPolicy-2016-08", Certificates: []string{other, former}, Mutual: balance.Mutual{Mode: balance.MutualOff}},
			Action: balance.Action{FixedResponse: &balance.FixedResponse{StatusCode: 200}},
		})
		return err
	})
	presented := func() (keys []string) {
		s := p.Build(g.Store.View())
		for _, arn := range s.LoadBalancers[0].Listeners[0].TLS.Certificates {
			for _, c := range s.Certificates {
				if c.ARN == arn {
					keys = append(keys, c.Key)
				}
			}
		}
		return keys
	}
	g.Do(t, func(tx *state.Tx) error {
		engine.RenameServer(tx, server("one", former), now)
		g.Certificates.Servers.Put(tx, server("three", former))
		return nil
	})
	if got := presented(); !slices.Equal(got, []string{"key of two", "key of one"}) {
		t.Errorf("after the renaming %v are presented", got)
	}
	g.Do(t, func(tx *state.Tx) error {
		_, err := g.Balance.ModifyListener(tx, balancetest.Scope, listener.ARN, balance.ListenerChange{Certificate: former})
		return err
	})
	if got := presented(); !slices.Equal(got, []string{"key of three", "key of one"}) {
		t.Errorf("after a change on purpose %v are presented", got)
	}
	if got := g.Balance.CertificateUsers(g.Store.View(), now); !slices.Equal(got, []string{lb.ARN}) {
		t.Errorf("used by %v", got)
	}
}
