package tlsterm

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// authority issues certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	above       *authority
}

// newAuthority makes an authority below another one, or for nil one of its own.
func newAuthority(t testing.TB, name string, above *authority) *authority {
	t.Helper()
	a := &authority{key: ecdsaKey(t), above: above}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	parent, signer := template, a.key
	if above != nil {
		parent, signer = above.certificate, above.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &a.key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	if a.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

// chain is what an authority's certificates are sent with: those between them and the topmost.
func (a *authority) chain() string {
	if a.above == nil {
		return ""
	}
	return encode(a.certificate.Raw) + a.above.chain()
}

func encode(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// issue makes a certificate for a name; change may alter what it says.
func (a *authority) issue(t testing.TB, arn, name string, key crypto.Signer, change func(*x509.Certificate)) edgeapi.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return edgeapi.Certificate{
		ARN: arn, Chain: encode(der) + a.chain(), Key: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})),
	}
}

func ecdsaKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func pair(t testing.TB, c edgeapi.Certificate) tls.Certificate {
	t.Helper()
	p, err := tls.X509KeyPair([]byte(c.Chain), []byte(c.Key))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// snapshotOf has one HTTPS listener, called listener.
func snapshotOf(policy string, certificates ...edgeapi.Certificate) *edgeapi.Snapshot {
	s := &edgeapi.Snapshot{Generation: 1, Certificates: certificates}
	l := edgeapi.Listener{ARN: "listener", Port: 443, Protocol: edgeapi.ProtocolHTTPS, TLS: &edgeapi.TLS{Policy: policy}}
	for _, c := range certificates {
		l.TLS.Certificates = append(l.TLS.Certificates, c.ARN)
	}
	s.LoadBalancers = []edgeapi.LoadBalancer{{
		ARN: "lb", Type: edgeapi.TypeApplication, Attributes: edgeapi.DefaultAttributes(), Listeners: []edgeapi.Listener{l},
	}}
	return s
}

func load(t testing.TB, servers *Servers, s *edgeapi.Snapshot) *Server {
	t.Helper()
	made, err := servers.Load(s)
	if err != nil {
		t.Fatal(err)
	}
	return made["listener"]
}

// outcome is what both sides of a handshake have seen.
type outcome struct {
	client    tls.ConnectionState
	clientErr error
	session   Session
	serverErr error
}

// shake lets a client connect. It reads an octet, as a client of TLS 1.3 learns only then that its certificate was refused.
func shake(t testing.TB, s *Server, config *tls.Config) (o outcome) {
	t.Helper()
	near, far := connected(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer far.Close()
		var c *tls.Conn
		c, o.session, o.serverErr = s.Handshake(far)
		if o.serverErr == nil {
			c.Write([]byte("x"))
			c.Close()
		}
	}()
	if config.RootCAs == nil {
		config = config.Clone()
		config.InsecureSkipVerify = true
	}
	c := tls.Client(near, config)
	if o.clientErr = c.Handshake(); o.clientErr == nil {
		var n int
		if n, o.clientErr = c.Read(make([]byte, 1)); n == 1 {
			o.clientErr = nil
		}
		o.client = c.ConnectionState()
	}
	near.Close()
	<-done
	return o
}

func connected(t testing.TB) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return near, far
}
