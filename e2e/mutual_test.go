package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"
)

// issuer is an authority for clients' certificates.
type issuer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newIssuer(t *testing.T, name string) *issuer {
	i := &issuer{}
	i.certificate, i.key = i.sign(t, name)
	return i
}

// sign makes a certificate: the issuer's own one if it has none yet.
func (i *issuer) sign(t *testing.T, name string) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	parent, signer := i.certificate, i.key
	if parent == nil {
		template.IsCA, template.KeyUsage, template.ExtKeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign, nil
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c, key
}

// mutual TLS: a listener that verifies clients by a trust store, whose bundle is an object in S3.
func (f *fleet) mutual() {
	t := f.t
	trusted, other := newIssuer(t, "clients"), newIssuer(t, "others")
	f.s3(http.MethodPut, "/trust", nil)
	f.s3(http.MethodPut, "/trust/clients.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: trusted.certificate.Raw}))
	store := f.elb("CreateTrustStore", "Name", "clients", "CaCertificatesBundleS3Bucket", "trust", "CaCertificatesBundleS3Key", "clients.pem").
		get("TrustStores/member/TrustStoreArn")
	f.listener(&f.web, "HTTPS", 8443, f.groups["web"], "Certificates.member.1.CertificateArn", f.certificates[appDomain],
		"SslPolicy", "ELBSecurityPolicy-TLS13-1-2-2021-06", "MutualAuthentication.Mode", "verify", "MutualAuthentication.TrustStoreArn", store)
	ask := func(from *issuer) (seen, error) {
		over := f.transport("h2")
		defer over.CloseIdleConnections()
		if from != nil {
			c, key := from.sign(t, "somebody")
			over.TLSClientConfig.Certificates = []tls.Certificate{{Certificate: [][]byte{c.Raw}, PrivateKey: key}}
		}
		body, err := f.fetch(&http.Client{Transport: over, Timeout: loadPatience}, "https://"+appDomain+":8443/echo")
		if err != nil {
			return seen{}, err
		}
		return f.echoed(body), nil
	}
	var s seen
	f.eventually(patience, "a client whose issuer is in the trust store is served", func() (err error) {
		s, err = ask(trusted)
		return err
	})
	if h := s.Header; h.Get("X-Amzn-Mtls-Clientcert-Subject") != "CN=somebody" || h.Get("X-Amzn-Mtls-Clientcert-Issuer") != "CN=clients" ||
		!strings.Contains(h.Get("X-Amzn-Mtls-Clientcert-Leaf"), "BEGIN%20CERTIFICATE") || h.Get("X-Amzn-Mtls-Clientcert-Serial-Number") == "" ||
		!strings.Contains(h.Get("X-Amzn-Mtls-Clientcert-Validity"), "NotBefore=") {
		t.Errorf("the target is told %v", h)
	}
	for what, from := range map[string]*issuer{"without a certificate": nil, "of another issuer": other} {
		if s, err := ask(from); err == nil || s.Name != "" {
			t.Errorf("a client %s is served: %+v", what, s)
		}
	}
}
