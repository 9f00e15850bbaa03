package cert

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
)

// Key algorithms as ACM names them.
const (
	RSA1024 = "RSA_1024"
	RSA2048 = "RSA_2048"
	RSA3072 = "RSA_3072"
	RSA4096 = "RSA_4096"
	P256    = "EC_prime256v1"
	P384    = "EC_secp384r1"
	P521    = "EC_secp521r1"
)

// algorithmOf names the algorithm of a public key; empty for one that ACM does not know.
func algorithmOf(public crypto.PublicKey) string {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return map[int]string{1024: RSA1024, 2048: RSA2048, 3072: RSA3072, 4096: RSA4096}[k.N.BitLen()]
	case *ecdsa.PublicKey:
		return map[elliptic.Curve]string{elliptic.P256(): P256, elliptic.P384(): P384, elliptic.P521(): P521}[k.Curve]
	}
	return ""
}

// KeyAlgorithm names the algorithm of a certificate's key.
func KeyAlgorithm(c *x509.Certificate) string { return algorithmOf(c.PublicKey) }

// newKey makes a key of one of the algorithms that ACM issues certificates with.
func newKey(algorithm string) (crypto.Signer, error) {
	switch algorithm {
	case RSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case P256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case P384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	}
	return nil, fmt.Errorf("no certificates are issued with keys of %s", algorithm)
}

// usageOf is what the key of a TLS server is for: RSA keys encipher, in the key exchange of old (RFC 5480 forbids it to others).
func usageOf(public crypto.PublicKey) x509.KeyUsage {
	if _, ok := public.(*rsa.PublicKey); ok {
		return x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	}
	return x509.KeyUsageDigitalSignature
}
