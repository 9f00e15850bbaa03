package cert

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"time"
)

// Fault is what is wrong with a certificate that is to be taken in.
type Fault int

// Faults, in the order they are looked for.
const (
	BadCertificate Fault = iota + 1
	SeveralCertificates
	BadVersion
	NoIssuer
	LongOCSP
	UnsupportedKey
	UnsupportedLength
	BadKey
	EncryptedKey
	WrongKey
	BadChain
	WrongChain
	BrokenChain
	NotYetValid
	Overdue
)

// maxOCSP is the length of the longest OCSP URL (ACM API Reference, ImportCertificate).
const maxOCSP = 1000

// FaultError says it in AWS's words.
type FaultError struct {
	Fault Fault
	Index int // of the chain's certificate, where the chain is broken
}

func fault(f Fault) error { return &FaultError{Fault: f} }

func (e *FaultError) Error() string {
	switch e.Fault {
	case BadCertificate:
		return "Unable to parse certificate. Please ensure the certificate is in PEM format."
	case SeveralCertificates:
		return "The certificate field contains more than one certificate. You can specify only one certificate in this field."
	case BadVersion:
		return "The certificate must be an X.509 version 3 certificate."
	case NoIssuer:
		return "The certificate's issuer must not be empty."
	case LongOCSP:
		return fmt.Sprintf("The certificate's OCSP authority URL must not exceed %d characters.", maxOCSP)
	case UnsupportedKey:
		return "The private key is not supported."
	case UnsupportedLength:
		return "The private key length is not supported for key algorithm."
	case BadKey:
		return "Passed PEM was not a private key."
	case EncryptedKey:
		return "Your private key should not be encrypted."
	case WrongKey:
		return "The private key does not match the certificate's public key."
	case BadChain:
		return "The certificate chain provided is not in a valid PEM format."
	case WrongChain:
		return "Could not validate the certificate with the certificate chain."
	case BrokenChain:
		return fmt.Sprintf("Unable to validate certificate chain. The certificate chain must start with the immediate signing certificate, "+
			"followed by any intermediaries in order. The index within the chain of the invalid certificate is: %d", e.Index)
	case NotYetValid:
		return "The certificate is not valid yet."
	default:
		return "The certificate has expired."
	}
}

// Parse reads a certificate, its key and its chain, which may be empty, and holds them against the rules of ACM ("Prerequisites for
// importing ACM certificates"). What it returns is in normal form. Every error is a FaultError.
func Parse(body, key, chain []byte, now time.Time) (*Material, *x509.Certificate, error) {
	leaf, err := parseLeaf(body)
	if err != nil {
		return nil, nil, err
	}
	private, err := parseKey(key)
	if err != nil {
		return nil, nil, err
	}
	if !private.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(leaf.PublicKey) {
		return nil, nil, fault(WrongKey)
	}
	issuers, err := parseChain(chain)
	if err != nil {
		return nil, nil, err
	}
	if err := checkChain(leaf, issuers); err != nil {
		return nil, nil, err
	}
	switch {
	case now.Before(leaf.NotBefore):
		return nil, nil, fault(NotYetValid)
	case now.After(leaf.NotAfter):
		return nil, nil, fault(Overdue)
	}
	m := &Material{Body: certificatePEM(leaf.Raw)}
	for _, c := range issuers {
		m.Chain += certificatePEM(c.Raw)
	}
	if m.Key, err = keyPEM(private); err != nil {
		return nil, nil, fault(UnsupportedKey)
	}
	return m, leaf, nil
}

// blocks reads PEM blocks with nothing but white space around them.
func blocks(data []byte) ([]*pem.Block, bool) {
	var list []*pem.Block
	for data = bytes.TrimSpace(data); len(data) > 0; data = bytes.TrimSpace(data) {
		if !bytes.HasPrefix(data, []byte("-----BEGIN ")) {
			return nil, false
		}
		b, rest := pem.Decode(data)
		// Decode skips what it cannot read: then there is more than one beginning in what it took.
		if b == nil || bytes.Count(data[:len(data)-len(rest)], []byte("-----BEGIN ")) != 1 {
			return nil, false
		}
		list, data = append(list, b), rest
	}
	return list, len(list) > 0
}

func parseLeaf(data []byte) (*x509.Certificate, error) {
	list, ok := blocks(data)
	if !ok || list[0].Type != "CERTIFICATE" {
		return nil, fault(BadCertificate)
	}
	if len(list) > 1 {
		return nil, fault(SeveralCertificates)
	}
	leaf, err := x509.ParseCertificate(list[0].Bytes)
	if err != nil {
		return nil, fault(BadCertificate)
	}
	switch {
	case leaf.Version != 3:
		return nil, fault(BadVersion)
	case len(leaf.Issuer.Names) == 0:
		return nil, fault(NoIssuer)
	case algorithmOf(leaf.PublicKey) == "":
		switch leaf.PublicKey.(type) {
		case *rsa.PublicKey, *ecdsa.PublicKey:
			return nil, fault(UnsupportedLength)
		}
		return nil, fault(UnsupportedKey)
	}
	for _, url := range leaf.OCSPServer {
		if len(url) > maxOCSP {
			return nil, fault(LongOCSP)
		}
	}
	return leaf, nil
}

// parseKey reads a key in PKCS #8, or in the forms of old of RSA and elliptic curves; the latter may follow its parameters.
func parseKey(data []byte) (crypto.Signer, error) {
	list, ok := blocks(data)
	if ok && len(list) == 2 && list[0].Type == "EC PARAMETERS" && list[1].Type == "EC PRIVATE KEY" {
		list = list[1:]
	}
	if !ok || len(list) != 1 {
		return nil, fault(BadKey)
	}
	var key any
	var err error
	switch b := list[0]; {
	case b.Type == "ENCRYPTED PRIVATE KEY" || b.Headers["DEK-Info"] != "":
		return nil, fault(EncryptedKey)
	case b.Type == "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(b.Bytes)
	case b.Type == "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(b.Bytes)
	case b.Type == "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(b.Bytes)
	default:
		return nil, fault(BadKey)
	}
	if err != nil {
		return nil, fault(BadKey)
	}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return k, nil
	case *ecdsa.PrivateKey:
		return k, nil
	}
	return nil, fault(UnsupportedKey)
}

func parseChain(data []byte) ([]*x509.Certificate, error) {
	if len(data) == 0 {
		return nil, nil
	}
	list, ok := blocks(data)
	if !ok {
		return nil, fault(BadChain)
	}
	var chain []*x509.Certificate
	for _, b := range list {
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil || b.Type != "CERTIFICATE" {
			return nil, fault(BadChain)
		}
		chain = append(chain, c)
	}
	return chain, nil
}

// checkChain wants each certificate signed by the next. The last one's signer may be missing: it need not be a root.
func checkChain(leaf *x509.Certificate, issuers []*x509.Certificate) error {
	for i, issuer := range issuers {
		signed := leaf
		if i > 0 {
			signed = issuers[i-1]
		}
		if !bytes.Equal(signed.RawIssuer, issuer.RawSubject) || signed.CheckSignatureFrom(issuer) != nil {
			if i == 0 {
				return fault(WrongChain)
			}
			return &FaultError{BrokenChain, i}
		}
	}
	return nil
}
