package cert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	root := sign(t, nil, elliptical(t, elliptic.P256()), authority("root"))
	middle := sign(t, &root, elliptical(t, elliptic.P256()), authority("middle"))
	leaf := sign(t, &middle, elliptical(t, elliptic.P384()), nil)
	own := sign(t, nil, rsaKey(t, 2048), nil)
	small := sign(t, nil, elliptical(t, elliptic.P224()), nil)
	edwards := sign(t, nil, edwards(t), nil)
	body, key := leaf.body(), leaf.private(t)
	sec1, sec1Err := x509.MarshalECPrivateKey(leaf.key.(*ecdsa.PrivateKey))
	ecKey := encode("EC PRIVATE KEY", sec1, sec1Err)
	pkcs1 := encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(own.key.(*rsa.PrivateKey)), nil)
	parameters := "-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n"
	past := sign(t, nil, own.key, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	future := sign(t, nil, own.key, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) })
	ocsp := sign(t, nil, own.key, func(c *x509.Certificate) { c.OCSPServer = []string{"http://" + strings.Repeat("a", maxOCSP)} })

	for _, c := range []struct {
		name             string
		body, key, chain string
		want             Fault
	}{
		{"signs itself", own.body(), own.private(t), "", 0},
		{"key of old", own.body(), pkcs1, "", 0},
		{"elliptic key of old", body, ecKey, "", 0},
		{"with its parameters", body, parameters + ecKey, "", 0},
		{"without its chain", body, key, "", 0},
		{"with its chain", body, key, middle.body() + root.body(), 0},
		{"with a part of its chain", body, key, middle.body(), 0},
		{"of Windows", "\r\n" + strings.ReplaceAll(body, "\n", "\r\n"), strings.ReplaceAll(key, "\n", "\r\n"), strings.ReplaceAll(middle.body(), "\n", "\r\n"), 0},

		{"no PEM", "x", key, "", BadCertificate},
		{"a key in its place", key, key, "", BadCertificate},
		{"text before", "Subject: x\n" + body, key, "", BadCertificate},
		{"text behind", body + "x", key, "", BadCertificate},
		{"cut off", body[:len(body)-10], key, "", BadCertificate},
		{"broken one before", strings.Replace(body, "M", "!", 1) + body, key, "", BadCertificate},
		{"no certificate in PEM", encode("CERTIFICATE", []byte("x"), nil), key, "", BadCertificate},
		{"bundle", body + middle.body(), key, "", SeveralCertificates},
		{"OCSP", ocsp.body(), pkcs1, "", LongOCSP},
		{"curve", small.body(), small.private(t), "", UnsupportedLength},
		{"Edwards curve", edwards.body(), edwards.private(t), "", UnsupportedKey},
		{"Edwards curve's key", body, edwards.private(t), "", UnsupportedKey},
		{"no key", body, "x", "", BadKey},
		{"certificate for a key", body, body, "", BadKey},
		{"two keys", body, key + key, "", BadKey},
		{"key in the wrong form", body, strings.ReplaceAll(key, "PRIVATE", "EC PRIVATE"), "", BadKey},
		{"encrypted", body, strings.ReplaceAll(key, "PRIVATE", "ENCRYPTED PRIVATE"), "", EncryptedKey},
		{"encrypted of old", own.body(), strings.Replace(pkcs1, "-----\n", "-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1), "", EncryptedKey},
		{"key of another", body, middle.private(t), "", WrongKey},
		{"key of another kind", body, pkcs1, "", WrongKey},
		{"chain is no PEM", body, key, "x", BadChain},
		{"chain of white space", body, key, "\n", BadChain},
		{"key in the chain", body, key, middle.body() + key, BadChain},
		{"itself in the chain", body, key, body + middle.body(), WrongChain},
		{"chain in the wrong order", body, key, root.body() + middle.body(), WrongChain},
		{"gap in the chain", body, key, middle.body() + own.body(), BrokenChain},
		{"too late", past.body(), pkcs1, "", Overdue},
		{"too early", future.body(), pkcs1, "", NotYetValid},
	} {
		m, got, err := Parse([]byte(c.body), []byte(c.key), []byte(c.chain), time.Now())
		var f *FaultError
		errors.As(err, &f)
		switch {
		case c.want != 0 && (f == nil || f.Fault != c.want):
			t.Errorf("%s: %v, want fault %d", c.name, err, c.want)
		case c.want == 0 && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want == 0:
			if _, err := tls.X509KeyPair([]byte(m.FullChain()), []byte(m.Key)); err != nil || len(got.Raw) == 0 {
				t.Errorf("%s: cannot be presented: %v", c.name, err)
			}
		}
	}
}

// FuzzParse: whatever is accepted can be presented, and is accepted again as it was stored.
func FuzzParse(f *testing.F) {
	root := sign(f, nil, elliptical(f, elliptic.P256()), authority("root"))
	leaf := sign(f, &root, elliptical(f, elliptic.P256()), nil)
	f.Add([]byte(leaf.body()), []byte(leaf.private(f)), []byte(root.body()))
	own := sign(f, nil, rsaKey(f, 2048), nil)
	f.Add([]byte(own.body()), encodeRSA(own), []byte{})
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n"), []byte("-----BEGIN EC PARAMETERS-----\n-----END EC PARAMETERS-----\n"), []byte("\n"))
	now := time.Now()
	f.Fuzz(func(t *testing.T, body, key, chain []byte) {
		m, _, err := Parse(body, key, chain, now)
		if err != nil {
			var fault *FaultError
			if !errors.As(err, &fault) || err.Error() == "" {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		if _, err := tls.X509KeyPair([]byte(m.FullChain()), []byte(m.Key)); err != nil {
			t.Fatalf("accepted, but: %v", err)
		}
		if again, _, err := Parse([]byte(m.Body), []byte(m.Key), []byte(m.Chain), now); err != nil || *again != *m {
			t.Fatalf("accepted once only: %v", err)
		}
		if _, ok := m.Detail(); !ok {
			t.Fatal("no detail")
		}
	})
}

func encodeRSA(s signed) []byte {
	return []byte(encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(s.key.(*rsa.PrivateKey)), nil))
}
