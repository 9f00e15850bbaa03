package cert

import (
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/internal/state"
)

func TestReplaceable(t *testing.T) {
	key, large, rsa := elliptical(t, elliptic.P256()), elliptical(t, elliptic.P384()), rsaKey(t, 2048)
	server := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	both := append(server, x509.ExtKeyUsageClientAuth)
	full := x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	plain := func(usage x509.KeyUsage, purposes ...x509.ExtKeyUsage) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.KeyUsage, c.ExtKeyUsage = usage, purposes }
	}
	for _, c := range []struct {
		name          string
		before, after signed
		want          string
	}{
		{"the same again", sign(t, nil, key, nil), sign(t, nil, key, nil), ""},
		{"another name", sign(t, nil, key, nil), sign(t, nil, key, func(c *x509.Certificate) { c.Subject.CommonName = "a.example.org" }), ""},
		{"more usages", sign(t, nil, rsa, plain(x509.KeyUsageDigitalSignature, server...)), sign(t, nil, rsa, plain(full, both...)), ""},
		{"no client", sign(t, nil, rsa, plain(full, both...)), sign(t, nil, rsa, plain(full, server...)), ""},
		{"elliptic key without encipherment", sign(t, nil, key, plain(full)), sign(t, nil, key, plain(x509.KeyUsageDigitalSignature)), ""},
		{"another curve", sign(t, nil, key, nil), sign(t, nil, large, nil), "key type and size"},
		{"another kind of key", sign(t, nil, key, nil), sign(t, nil, rsa, nil), "key type and size"},
		{"no name", sign(t, nil, key, nil), sign(t, nil, key, func(c *x509.Certificate) { c.Subject.CommonName = "me" }), "domain names"},
		{"less usages", sign(t, nil, rsa, plain(full)), sign(t, nil, rsa, plain(x509.KeyUsageDigitalSignature)), "Key Usage"},
		{"usages where there were none", sign(t, nil, key, nil), sign(t, nil, key, plain(full)), "Key Usage"},
		{"less purposes", sign(t, nil, key, plain(0, both...)), sign(t, nil, key, plain(0, x509.ExtKeyUsageClientAuth)), "Extended Key Usage"},
		{"purposes where there were none", sign(t, nil, key, nil), sign(t, nil, key, plain(0, server...)), "Extended Key Usage"},
	} {
		m, leaf, err := Parse([]byte(c.before.body()), []byte(c.before.private(t)), nil, time.Now())
		if err != nil {
			t.Fatal(c.name, err)
		}
		var old Certificate
		old.fill(m, leaf, time.Now())
		if m, leaf, err = Parse([]byte(c.after.body()), []byte(c.after.private(t)), nil, time.Now()); err != nil {
			t.Fatal(c.name, err)
		}
		if got := Replaceable(&old, m, leaf); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestImport(t *testing.T) {
	schema := state.NewSchema()
	tables := NewTables(schema)
	store, err := state.Open(t.Context(), schema, state.Memory())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	e := New(Config{Store: store, Tables: tables})
	s := sign(t, nil, elliptical(t, elliptic.P256()), func(c *x509.Certificate) {
		c.DNSNames = []string{"www.example.com", "api.example.com"}
		c.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 2, 3}}
		c.Subject = pkix.Name{Country: []string{"DE"}, Organization: []string{"Acme"}, CommonName: "www.example.com"}
	})
	m, leaf, err := Parse([]byte(s.body()), []byte(s.private(t)), nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var c *Certificate
	err = store.Update(t.Context(), func(tx *state.Tx) error {
		c = e.Import(tx, "1", "us-east-1", m, leaf, nil, time.Now())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Domain != "www.example.com" || !slices.Equal(c.Names, []string{"www.example.com", "api.example.com"}) || c.KeyAlgorithm != P256 {
		t.Errorf("%s %v %s", c.Domain, c.Names, c.KeyAlgorithm)
	}
	got, ok := c.Detail()
	want := Detail{
		Serial: got.Serial, Subject: "C=DE, O=Acme, CN=www.example.com", Issuer: "Acme", SignatureAlgorithm: "SHA256WITHECDSA",
		KeyUsages:         []string{"DIGITAL_SIGNATURE", "KEY_ENCIPHERMENT"},
		ExtendedKeyUsages: []ExtendedKeyUsage{{"TLS_WEB_SERVER_AUTHENTICATION", "1.3.6.1.5.5.7.3.1"}, {"CUSTOM", "1.2.3"}},
	}
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Error(diff)
	}
	if strings.Count(got.Serial, ":") != len(leaf.SerialNumber.Bytes())-1 {
		t.Errorf("serial %s", got.Serial)
	}
}
