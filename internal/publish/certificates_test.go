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
