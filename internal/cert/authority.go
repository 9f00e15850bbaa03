package cert

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	rootFile     = "root.pem"
	rootValidity = 20 * 365 * day
	day          = 24 * time.Hour
)

// Authority is the root that issues the certificates of one data directory. It is made once and outlives resets, so that whoever
// trusts it need not do so again.
//
// The root may vouch for any DNS name, because ACM's certificates are for production's; it may not for IP addresses, nor for anything
// but TLS servers, nor make other authorities (docs/adr/008).
type Authority struct {
	root *x509.Certificate
	key  *ecdsa.PrivateKey
}

// OpenAuthority reads the authority in a folder, or makes it there.
func OpenAuthority(dir string, now time.Time) (*Authority, error) {
	path := filepath.Join(dir, rootFile)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if content, err = newAuthority(now); err == nil {
			err = writeRoot(path, content)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	a, err := readAuthority(content)
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %s: %w", path, err)
	}
	return a, nil
}

// ReadRoot is the PEM of the root in a folder.
func ReadRoot(dir string) (string, error) {
	content, err := os.ReadFile(filepath.Join(dir, rootFile))
	if err != nil {
		return "", err
	}
	a, err := readAuthority(content)
	if err != nil {
		return "", fmt.Errorf("certificate authority: %s: %w", filepath.Join(dir, rootFile), err)
	}
	return a.PEM(), nil
}

// PEM is the root's certificate.
func (a *Authority) PEM() string { return certificatePEM(a.root.Raw) }

func newAuthority(now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	mark := make([]byte, 4)
	rand.Read(mark) // never fails: crypto/rand
	from := midnight(now).Add(-day)
	template := &x509.Certificate{
		// A name of its own: programs that look roots up by name can trust several.
		Subject:   pkix.Name{Organization: []string{"Neargate"}, CommonName: "Neargate local CA " + hex.EncodeToString(mark)},
		NotBefore: from, NotAfter: from.Add(rootValidity),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		ExcludedIPRanges: []*net.IPNet{
			{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}, {IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)},
		},
		PermittedDNSDomainsCritical: true, // the whole extension is
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := keyPEM(key)
	return append([]byte(certificatePEM(der)), private...), err
}

func readAuthority(content []byte) (*Authority, error) {
	certificate, rest := pem.Decode(content)
	key, _ := pem.Decode(rest)
	if certificate == nil || key == nil {
		return nil, errors.New("not a certificate and its key")
	}
	root, err := x509.ParseCertificate(certificate.Bytes)
	if err != nil {
		return nil, err
	}
	private, err := x509.ParsePKCS8PrivateKey(key.Bytes)
	if err != nil {
		return nil, err
	}
	k, ok := private.(*ecdsa.PrivateKey)
	if !ok || !k.PublicKey.Equal(root.PublicKey) {
		return nil, errors.New("the key is not the certificate's")
	}
	return &Authority{root, k}, nil
}

// writeRoot writes the root's file in one step. A power failure loses it whole or not at all.
func writeRoot(path string, content []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".root.*") // of mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	for _, folder := range []string{dir, filepath.Dir(dir)} {
		d, err := os.Open(folder)
		if err != nil {
			return err
		}
		if err := errors.Join(d.Sync(), d.Close()); err != nil {
			return err
		}
	}
	return nil
}

// issue signs a certificate for names with a new key. It takes as long as making the key does: tenths of a second for RSA.
func (a *Authority) issue(domain string, names []string, algorithm string, now time.Time) (Material, time.Time, time.Time, error) {
	key, err := newKey(algorithm)
	if err != nil {
		return Material{}, time.Time{}, time.Time{}, err
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: domain}, DNSNames: names,
		NotBefore: midnight(now), NotAfter: midnight(now).Add(Validity - time.Second),
		KeyUsage: usageOf(key.Public()), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.root, key.Public(), a.key)
	if err != nil {
		return Material{}, time.Time{}, time.Time{}, err
	}
	private, err := keyPEM(key)
	return Material{Body: certificatePEM(der), Chain: a.PEM(), Key: private}, template.NotBefore, template.NotAfter, err
}

func midnight(t time.Time) time.Time { return t.UTC().Truncate(day) }

func certificatePEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func keyPEM(key crypto.Signer) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}
