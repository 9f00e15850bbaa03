package tlsterm

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

func (a *authority) revoke(t testing.TB, serials ...int64) string {
	t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}
	for _, n := range serials {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(n), RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.certificate, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}))
}

// TestVerify has clients at a listener that verifies them.
func TestVerify(t *testing.T) {
	root, stranger := newAuthority(t, "root", nil), newAuthority(t, "root", nil)
	second := newAuthority(t, "second", root)
	third := newAuthority(t, "third", second)
	fourth := newAuthority(t, "fourth", third)
	key := ecdsaKey(t)
	client := func(a *authority, change func(*x509.Certificate)) *tls.Certificate {
		c := pair(t, a.issue(t, "client", "client.example.com", key, change))
		return &c
	}
	with := func(key crypto.Signer) *tls.Certificate {
		c := pair(t, root.issue(t, "client", "client.example.com", key, nil))
		return &c
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("no small keys:", err)
	}
	p224, _ := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	huge := func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Value: make([]byte, 65<<10)}}
	}
	old := func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	}
	serial := func(n int64) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.SerialNumber = big.NewInt(n) }
	}
	lenient := func(m *edgeapi.MutualAuth) { m.IgnoreExpiry = true }
	crl := []string{root.revoke(t, 100), second.revoke(t, 200), stranger.revoke(t, 7)}
	for _, c := range []struct {
		name   string
		own    *tls.Certificate
		change func(*edgeapi.MutualAuth)
		bundle string
		crl    []string
		want   string // code; empty: accepted
	}{
		{name: "good", own: client(root, nil)},
		{name: "none", want: Unmapped},
		{name: "stranger", own: client(stranger, nil), want: Untrusted},
		{name: "by way of another", own: client(second, nil)},
		{name: "a chain of four", own: client(third, nil)},
		{name: "a chain of five", own: client(fourth, nil), want: ChainTooDeep},
		{name: "an anchor that is not a root", own: client(fourth, nil), bundle: encode(third.certificate.Raw)},
		{name: "expired", own: client(root, old), want: Expired},
		{name: "expired, ignored", own: client(root, old), change: lenient},
		{name: "expired stranger, ignored", own: client(stranger, old), change: lenient, want: Untrusted},
		{name: "not yet", own: client(root, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }), want: NotYetValid},
		{name: "of a server", own: client(root, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }), want: BadPurpose},
		{name: "of any use", own: client(root, func(c *x509.Certificate) { c.ExtKeyUsage = nil })},
		{name: "RSA", own: with(rsaKey())},
		{name: "small RSA", own: with(small), want: TypeUnsupported},
		{name: "P-224", own: with(p224), want: TypeUnsupported},
		{name: "Ed25519", own: with(ed), want: TypeUnsupported},
		{name: "huge", own: client(root, huge), want: TooLarge},
		{name: "revoked", own: client(root, serial(100)), crl: crl, want: Revoked},
		{name: "revoked below", own: client(second, serial(200)), crl: crl, want: Revoked},
		{name: "revoked elsewhere", own: client(second, serial(100)), crl: crl},
		{name: "revoked by a namesake", own: client(root, serial(7)), crl: crl},
		{name: "CAs named", own: client(root, nil), change: func(m *edgeapi.MutualAuth) { m.AdvertiseCAs = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := snapshotOf("ELBSecurityPolicy-TLS13-1-2-2021-06", root.issue(t, "c", "lb.localhost", key, nil))
			m := &edgeapi.MutualAuth{Mode: edgeapi.MutualVerify, TrustStore: "store"}
			if c.change != nil {
				c.change(m)
			}
			if c.bundle == "" {
				c.bundle = encode(root.certificate.Raw)
			}
			s.TrustStores = []edgeapi.TrustStore{{ARN: "store", Bundle: c.bundle, Revocations: c.crl}}
			s.LoadBalancers[0].Listeners[0].TLS.Mutual = m
			server := load(t, NewServers(), s)
			for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
				var named [][]byte
				o := shake(t, server, &tls.Config{
					MaxVersion: version,
					GetClientCertificate: func(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
						named = request.AcceptableCAs
						if c.own == nil {
							return &tls.Certificate{}, nil
						}
						return c.own, nil
					},
				})
				want := "Success"
				if c.want != "" {
					want = "Failed:" + c.want
				}
				if o.session.Verification != want || (o.serverErr == nil) != (c.want == "") || (o.clientErr == nil) != (c.want == "") {
					t.Errorf("%x: %s instead of %s: %v, %v", version, o.session.Verification, want, o.serverErr, o.clientErr)
				}
				var rejected *Rejection
				if c.own != nil && errors.As(o.serverErr, &rejected) != (c.want != "") {
					t.Errorf("%v is no rejection", o.serverErr)
				}
				if m.AdvertiseCAs != (len(named) == 1) {
					t.Errorf("%d authorities named", len(named))
				}
			}
		})
	}
}

// TestReplacement has a trust store whose bundle is replaced.
func TestReplacement(t *testing.T) {
	one, two := newAuthority(t, "one", nil), newAuthority(t, "two", nil)
	s := snapshotOf("ELBSecurityPolicy-TLS13-1-2-2021-06", one.issue(t, "c", "lb.localhost", ecdsaKey(t), nil))
	s.TrustStores = []edgeapi.TrustStore{{ARN: "store", Bundle: encode(one.certificate.Raw)}}
	s.LoadBalancers[0].Listeners[0].TLS.Mutual = &edgeapi.MutualAuth{Mode: edgeapi.MutualVerify, TrustStore: "store"}
	servers := NewServers()
	own := pair(t, two.issue(t, "client", "client", ecdsaKey(t), nil))
	for i, want := range []string{"Failed:" + Untrusted, "Success"} {
		if i == 1 {
			s.TrustStores = []edgeapi.TrustStore{{ARN: "store", Bundle: encode(two.certificate.Raw)}}
		}
		if o := shake(t, load(t, servers, s), &tls.Config{Certificates: []tls.Certificate{own}}); o.session.Verification != want {
			t.Errorf("%s instead of %s: %v", o.session.Verification, want, o.serverErr)
		}
	}
}

// TestUnreadable has snapshots that cannot be served.
func TestUnreadable(t *testing.T) {
	a := newAuthority(t, "root", nil)
	for want, change := range map[string]func(*edgeapi.Snapshot){
		"certificate c: ":             func(s *edgeapi.Snapshot) { s.Certificates[0].Chain = "x" },
		"tls: private key does not":   func(s *edgeapi.Snapshot) { s.Certificates[0].Key = a.issue(t, "", "b", ecdsaKey(t), nil).Key },
		"trust store store: the bund": func(s *edgeapi.Snapshot) { s.TrustStores = []edgeapi.TrustStore{{ARN: "store", Bundle: "x"}} },
		"store: revocation list 1": func(s *edgeapi.Snapshot) {
			s.TrustStores = []edgeapi.TrustStore{{ARN: "store", Bundle: encode(a.certificate.Raw), Revocations: []string{encode([]byte("x"))}}}
		},
		"the bundle has a PRIVATE KEY": func(s *edgeapi.Snapshot) {
			s.TrustStores = []edgeapi.TrustStore{{ARN: "store", Bundle: s.Certificates[0].Key}}
		},
	} {
		s := snapshotOf("ELBSecurityPolicy-2016-08", a.issue(t, "c", "lb.localhost", ecdsaKey(t), nil))
		change(s)
		if _, err := NewServers().Load(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v instead of %s", err, want)
		}
	}
}
