package tlsterm

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/edgeapi/sslpolicy"
)

// TestPolicies has, for every policy, clients that offer one version each and clients that offer one cipher suite each: what is accepted is
// what the table says, but for the suites crypto/tls lacks.
func TestPolicies(t *testing.T) {
	a := newAuthority(t, "root", nil)
	both := []edgeapi.Certificate{
		a.issue(t, "rsa", "lb.localhost", rsaKey(), nil), a.issue(t, "ecdsa", "lb.localhost", ecdsaKey(t), nil),
	}
	for _, p := range sslpolicy.All() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			s := snapshotOf(p.Name, both...)
			s.LoadBalancers[0].Type = edgeapi.TypeNetwork // which has all policies
			server := load(t, NewServers(), s)
			var every []uint16
			for _, id := range suiteIDs {
				every = append(every, id)
			}
			for name, version := range versionIDs {
				o := shake(t, server, &tls.Config{ServerName: "lb.localhost", MinVersion: version, MaxVersion: version, CipherSuites: every})
				want := slices.Contains(p.Versions, name)
				if got := o.clientErr == nil && o.serverErr == nil; got != want {
					t.Errorf("%s: accepted %v: %v, %v", name, got, o.clientErr, o.serverErr)
				}
				if want && (o.session.Version != name || !slices.Contains(p.Ciphers, o.session.Cipher)) {
					t.Errorf("%s: %+v", name, o.session)
				}
				if !want && o.session.Cipher != "" {
					t.Errorf("%s: refused with %s", name, o.session.Cipher)
				}
			}
			if p.Versions[len(p.Versions)-1] == "TLSv1.3" {
				return
			}
			for name, id := range suiteIDs {
				if strings.HasPrefix(name, "TLS_") {
					continue
				}
				o := shake(t, server, &tls.Config{ServerName: "lb.localhost", MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{id}})
				want := slices.Contains(p.Ciphers, name)
				if got := o.clientErr == nil && o.serverErr == nil; got != want || got && o.session.Cipher != name {
					t.Errorf("%s: accepted %v: %v, %+v", name, got, o.serverErr, o.session)
				}
			}
			// A client that knows everything gets the policy's first suite, whatever it would like.
			slices.SortFunc(every, func(a, b uint16) int { return strings.Compare(suiteNames[b], suiteNames[a]) })
			o := shake(t, server, &tls.Config{ServerName: "lb.localhost", MaxVersion: tls.VersionTLS12, CipherSuites: every})
			first := p.Ciphers[slices.IndexFunc(p.Ciphers, func(name string) bool { return !strings.HasPrefix(name, "TLS_") })]
			if o.session.Cipher != first {
				t.Errorf("%s instead of %s", o.session.Cipher, first)
			}
		})
	}
}

// TestGroups has clients that offer one group each.
func TestGroups(t *testing.T) {
	a := newAuthority(t, "root", nil)
	c := a.issue(t, "ecdsa", "lb.localhost", ecdsaKey(t), nil)
	classical := []tls.CurveID{tls.CurveP256, tls.CurveP384, tls.CurveP521}
	hybrid := []tls.CurveID{tls.X25519MLKEM768, tls.SecP256r1MLKEM768, tls.SecP384r1MLKEM1024}
	for name, want := range map[string][]tls.CurveID{
		"ELBSecurityPolicy-TLS13-1-2-2021-06":         append([]tls.CurveID{tls.X25519}, classical...),
		"ELBSecurityPolicy-TLS13-1-2-FIPS-2023-04":    classical,
		"ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09":  slices.Concat(hybrid, []tls.CurveID{tls.X25519}, classical),
		"ELBSecurityPolicy-TLS13-1-3-FIPS-PQ-2025-09": slices.Concat(hybrid, classical),
	} {
		server := load(t, NewServers(), snapshotOf(name, c))
		for _, curve := range slices.Concat(hybrid, []tls.CurveID{tls.X25519}, classical) {
			o := shake(t, server, &tls.Config{ServerName: "lb.localhost", CurvePreferences: []tls.CurveID{curve}})
			if got := o.serverErr == nil; got != slices.Contains(want, curve) || got && o.session.KeyExchange != curveName(curve) {
				t.Errorf("%s: %v: %v %+v", name, curve, o.serverErr, o.session)
			}
		}
	}
}

// TestMisled has a client that puts ChaCha20 first, at policies without it.
func TestMisled(t *testing.T) {
	chachaFirst := []uint16{tls.TLS_CHACHA20_POLY1305_SHA256, tls.TLS_AES_128_GCM_SHA256}
	for name, want := range map[string]bool{
		"ELBSecurityPolicy-TLS13-1-2-2021-06": false, "ELBSecurityPolicy-TLS13-1-2-FIPS-2023-04": true,
	} {
		p := newPolicy(sslpolicy.Find(name))
		if p.misled(chachaFirst) != want || p.misled(chachaFirst[1:]) {
			t.Errorf("%s: misled by %v: %v", name, chachaFirst, !want)
		}
	}
}

func TestTargetPolicy(t *testing.T) {
	for _, c := range []struct {
		want      string
		listeners []string
	}{
		{"2016-08", nil},
		{"2016-08", []string{"FS-1-2-Res-2020-10"}},
		{"TLS13-1-0-2021-06", []string{"2016-08", "TLS13-1-2-Res-2021-06"}},
		{"TLS13-1-0-FIPS-2023-04", []string{"TLS13-1-2-FIPS-2023-04", "TLS13-1-2-2021-06"}},
		{"TLS13-1-0-PQ-2025-09", []string{"TLS13-1-3-PQ-2025-09"}},
		{"TLS13-1-0-FIPS-PQ-2025-09", []string{"TLS13-1-3-FIPS-PQ-2025-09"}},
	} {
		lb := &edgeapi.LoadBalancer{Listeners: []edgeapi.Listener{{Protocol: edgeapi.ProtocolHTTP}}}
		for _, p := range c.listeners {
			lb.Listeners = append(lb.Listeners, edgeapi.Listener{TLS: &edgeapi.TLS{Policy: "ELBSecurityPolicy-" + p}})
		}
		if got := TargetPolicy(lb); got != "ELBSecurityPolicy-"+c.want || sslpolicy.Find(got) == nil {
			t.Errorf("%v: %s", c.listeners, got)
		}
	}
}
