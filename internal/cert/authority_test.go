package cert

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func open(t testing.TB, dir string) *Authority {
	t.Helper()
	a, err := OpenAuthority(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAuthorityStays(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ca")
	a := open(t, dir)
	if b := open(t, dir); b.PEM() != a.PEM() || !b.key.Equal(a.key) {
		t.Error("another authority the second time")
	}
	if text, err := ReadRoot(dir); err != nil || text != a.PEM() || strings.Contains(text, "PRIVATE") {
		t.Errorf("root: %v\n%s", err, text)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("files: %v %v", files, err)
	}
	if info, err := os.Stat(filepath.Join(dir, rootFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: %v %v", info.Mode(), err)
	}
	if other := open(t, t.TempDir()); other.root.Subject.CommonName == a.root.Subject.CommonName {
		t.Error("two authorities have one name")
	}
}

func TestAuthorityBroken(t *testing.T) {
	good, other := t.TempDir(), t.TempDir()
	open(t, good)
	open(t, other)
	one, _ := os.ReadFile(filepath.Join(good, rootFile))
	two, _ := os.ReadFile(filepath.Join(other, rootFile))
	cut := strings.Index(string(one), "-----BEGIN PRIVATE")
	for name, content := range map[string]string{
		"empty": "", "no key": string(one[:cut]), "no certificate": string(one[cut:]), "another's key": string(one[:cut]) + string(two[strings.Index(string(two), "-----BEGIN PRIVATE"):]),
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, rootFile), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenAuthority(dir, time.Now()); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

func TestIssue(t *testing.T) {
	a := open(t, t.TempDir())
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(a.PEM()))
	now := time.Now()
	for _, algorithm := range []string{RSA2048, P256, P384} {
		m, from, until, err := a.issue("example.com", []string{"example.com", "*.example.com"}, algorithm, now)
		if err != nil {
			t.Fatal(err)
		}
		leaf := leafOf(t, &m)
		if got := algorithmOf(leaf.PublicKey); got != algorithm || !leaf.NotBefore.Equal(from) || !leaf.NotAfter.Equal(until) {
			t.Errorf("%s: %s from %v to %v", algorithm, got, leaf.NotBefore, leaf.NotAfter)
		}
		if until.Sub(from) != 198*24*time.Hour-time.Second || from.Hour() != 0 {
			t.Errorf("%s: good from %v to %v", algorithm, from, until)
		}
		for name, good := range map[string]bool{"example.com": true, "a.example.com": true, "a.b.example.com": false, "example.org": false} {
			_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name})
			if (err == nil) != good {
				t.Errorf("%s for %s: %v", algorithm, name, err)
			}
		}
		if _, _, err := Parse([]byte(m.Body), []byte(m.Key), []byte(m.Chain), now); err != nil {
			t.Errorf("%s: could not be imported: %v", algorithm, err)
		}
	}
	if _, _, _, err := a.issue("example.com", nil, RSA4096, now); err == nil {
		t.Error("a key of another algorithm")
	}
}

// TestConstraints: what the root may not vouch for, even when its key signs it.
func TestConstraints(t *testing.T) {
	a := open(t, t.TempDir())
	roots := x509.NewCertPool()
	roots.AddCert(a.root)
	by := &signed{a.root, a.key}
	key := elliptical(t, a.key.Curve)
	server := func(c *x509.Certificate) {
		c.DNSNames, c.ExtKeyUsage = []string{"example.com"}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	for _, c := range []struct {
		name   string
		change func(*x509.Certificate)
		option x509.VerifyOptions
		good   bool
	}{
		{"a server", server, x509.VerifyOptions{DNSName: "example.com"}, true},
		{"an address", func(c *x509.Certificate) { server(c); c.IPAddresses = []net.IP{{192, 0, 2, 1}} }, x509.VerifyOptions{}, false},
		{"a client", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, x509.VerifyOptions{KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, false},
	} {
		leaf := sign(t, by, key, c.change)
		c.option.Roots = roots
		if _, err := leaf.certificate.Verify(c.option); (err == nil) != c.good {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	middle := sign(t, by, key, authority("middle"))
	leaf := sign(t, &middle, elliptical(t, a.key.Curve), server)
	between := x509.NewCertPool()
	between.AddCert(middle.certificate)
	if _, err := leaf.certificate.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between}); err == nil {
		t.Error("made another authority")
	}
}

func leafOf(t testing.TB, m *Material) *x509.Certificate {
	t.Helper()
	b, _ := pem.Decode([]byte(m.Body))
	if b == nil {
		t.Fatalf("no PEM: %q", m.Body)
	}
	c, err := x509.ParseCertificate(b.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
