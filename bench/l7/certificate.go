package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// certificate is what all contestants present: ECDSA on P-256, signed by itself.
type certificate struct {
	chain, key         string // PEM
	chainFile, keyFile string
	bothFile           string // chain and key, as HAProxy wants them
}

func newCertificate(dir string) (*certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	leaf, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	c := &certificate{
		chain:     string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf})),
		key:       string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})),
		chainFile: filepath.Join(dir, "chain.pem"), keyFile: filepath.Join(dir, "key.pem"), bothFile: filepath.Join(dir, "both.pem"),
	}
	for file, content := range map[string]string{c.chainFile: c.chain, c.keyFile: c.key, c.bothFile: c.chain + c.key} {
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil { // a key of an hour, for strangers to read
			return nil, err
		}
	}
	return c, nil
}
