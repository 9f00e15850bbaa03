package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBalancers makes one of everything that Terraform's AWS provider knows of load balancers: apply, an empty second plan, changes in
// place, an empty plan again, destroy.
func TestBalancers(t *testing.T) {
	terraform := client(t, "terraform")
	plugins := os.Getenv("NEARGATE_TF_PLUGIN_DIR")
	if plugins == "" {
		missing(t, "terraform", "NEARGATE_TF_PLUGIN_DIR does not name a folder with Terraform's AWS provider")
	}
	p := beside(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/balancers")); err != nil {
		t.Fatal(err)
	}
	writeCertificates(t, dir)
	env := p.environment("TF_IN_AUTOMATION=1", "TF_CLI_CONFIG_FILE="+os.DevNull, "CHECKPOINT_DISABLE=1")
	run := func(args ...string) string {
		t.Helper()
		return p.run(dir, env, terraform, append(args, "-no-color")...)
	}
	run("init", "-plugin-dir="+plugins)
	run("apply", "-auto-approve")
	run("plan", "-detailed-exitcode") // 2 would say that something differs

	changes := []string{"-var=green=30", "-var=idle=120", "-var=policy=ELBSecurityPolicy-TLS13-1-2-Res-2021-06"}
	if out := run(append([]string{"apply", "-auto-approve"}, changes...)...); !strings.Contains(out, "0 added, 7 changed, 0 destroyed") {
		t.Errorf("changes are not made in place:\n%s", out)
	}
	run(append([]string{"plan", "-detailed-exitcode"}, changes...)...)
	run("destroy", "-auto-approve")
	p.workloadGone("destroy")
}

// writeCertificates writes two certificates with their keys, and an authority with its revocation list.
func writeCertificates(t *testing.T, dir string) {
	t.Helper()
	write := func(name, kind string, der []byte, err error) {
		t.Helper()
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"one", "two", "ca"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name + ".example.com"}, DNSNames: []string{name + ".example.com"},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
			IsCA: name == "ca", BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature, SubjectKeyId: []byte(name),
		}
		if template.IsCA {
			template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		write(name+".pem", "CERTIFICATE", der, err)
		der, err = x509.MarshalPKCS8PrivateKey(key)
		write(name+".key", "PRIVATE KEY", der, err)
		if template.IsCA {
			der, err = x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}, template, key)
			write("crl.pem", "X509 CRL", der, err)
		}
	}
}
