// Package certtest makes certificates and an engine for tests.
package certtest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/cert"
	"github.com/neargate/neargate/internal/state"
)

// Users says what uses certificates: load balancers by certificate.
type Users map[string][]string

// CertificateUsers is cert.Users.
func (u Users) CertificateUsers(_ *state.Tx, arn string) []string { return u[arn] }

// CertificateRenamed is cert.Users.
func (u Users) CertificateRenamed(_ *state.Tx, from, to string) {
	if list, ok := u[from]; ok {
		u[to] = append(u[to], list...)
		delete(u, from)
	}
}

// Engine is an engine over the store whose loop runs until the test ends.
func Engine(t testing.TB, store *state.Store, tables *cert.Tables, users Users) *cert.Engine {
	t.Helper()
	authority, err := cert.OpenAuthority(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	e := cert.New(cert.Config{Store: store, Tables: tables, Authority: authority, Users: users, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { _ = e.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return e
}

// Pair is a certificate and its key.
type Pair struct {
	Certificate *x509.Certificate
	Private     crypto.Signer
}

// Body is the certificate's PEM.
func (p Pair) Body() string { return block("CERTIFICATE", p.Certificate.Raw) }

// Key is the key's PEM.
func (p Pair) Key() string {
	der, err := x509.MarshalPKCS8PrivateKey(p.Private)
	if err != nil {
		panic(err) // there is no such key
	}
	return block("PRIVATE KEY", der)
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// SelfSigned makes a certificate for names, good for an hour.
func SelfSigned(t testing.TB, names ...string) Pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return Pair{c, key}
}
