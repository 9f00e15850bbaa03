package tlsterm

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Codes of rejections ("Connection logs for your Application Load Balancer": error reason codes).
const (
	ChainTooDeep    = "ClientCertMaxChainDepthExceeded"
	TooLarge        = "ClientCertMaxSizeExceeded"
	Revoked         = "ClientCertCrlHit"
	Untrusted       = "ClientCertUntrusted"
	NotYetValid     = "ClientCertNotYetValid"
	Expired         = "ClientCertExpired"
	TypeUnsupported = "ClientCertTypeUnsupported"
	Invalid         = "ClientCertInvalid"
	BadPurpose      = "ClientCertPurposeInvalid"
	Unmapped        = "UnmappedConnectionError"
)

// Rejection is why a client's certificate was not accepted.
type Rejection struct {
	Code string
	Err  error
}

func (r *Rejection) Error() string {
	if r.Err == nil {
		return "client certificate: " + r.Code
	}
	return fmt.Sprintf("client certificate: %s: %v", r.Code, r.Err)
}

func (r *Rejection) Unwrap() error { return r.Err }

// Limits of client certificates ("Quotas for your Application Load Balancers": certificates).
const (
	maxChain  = 4
	maxOctets = 64 << 10
)

// trust is a trust store.
type trust struct {
	anchors *x509.CertPool
	count   int
	revoked map[string][]*revocations // by the issuer's subject
	checked sync.Map                  // signature → bool: whether an issuer has signed a list
}

// revocations is one certificate revocation list.
type revocations struct {
	list    *x509.RevocationList
	serials map[string]struct{}
}

type signature struct {
	list   *revocations
	issuer string // the certificate
}

// parseTrust reads a bundle of CA certificates and revocation lists.
func parseTrust(bundle string, lists []string) (*trust, error) {
	t := &trust{anchors: x509.NewCertPool(), revoked: map[string][]*revocations{}}
	for rest := []byte(bundle); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("the bundle has a %s", block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("the bundle's certificate %d: %w", t.count+1, err)
		}
		t.anchors.AddCert(c)
		t.count++
	}
	if t.count == 0 {
		return nil, errors.New("the bundle has no certificate")
	}
	for i, content := range lists {
		for rest := []byte(content); ; {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				break
			}
			if err := t.revoke(block.Bytes); err != nil {
				return nil, fmt.Errorf("revocation list %d: %w", i+1, err)
			}
		}
	}
	return t, nil
}

func (t *trust) revoke(der []byte) error {
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return err
	}
	r := &revocations{list: list, serials: make(map[string]struct{}, len(list.RevokedCertificateEntries))}
	for i := range list.RevokedCertificateEntries {
		r.serials[string(list.RevokedCertificateEntries[i].SerialNumber.Bytes())] = struct{}{}
	}
	//lint:ignore SA1019 it has the entries a second time, which are not to be kept
	r.list.RevokedCertificateEntries, r.list.RevokedCertificates = nil, nil
	issuer := string(list.RawIssuer)
	t.revoked[issuer] = append(t.revoked[issuer], r)
	return nil
}

// verify decides about the chain a client has sent, which is not oversized, the leaf first. The error is a *Rejection.
func (t *trust) verify(sent []*x509.Certificate, now time.Time, ignoreExpiry bool) error {
	leaf := sent[0]
	if len(sent) > maxChain {
		return &Rejection{Code: ChainTooDeep}
	}
	if err := supported(leaf); err != nil {
		return &Rejection{TypeUnsupported, err}
	}
	at := now
	switch {
	case now.Before(leaf.NotBefore):
		return &Rejection{Code: NotYetValid}
	case now.After(leaf.NotAfter) && !ignoreExpiry:
		return &Rejection{Code: Expired}
	case now.After(leaf.NotAfter):
		at = leaf.NotAfter
	}
	between := x509.NewCertPool()
	for _, c := range sent[1:] {
		between.AddCert(c)
	}
	chains, err := leaf.Verify(x509.VerifyOptions{
		Roots: t.anchors, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return &Rejection{codeOf(err), err}
	}
	return t.accept(chains)
}

// oversized reports whether certificates are larger than those of clients may be.
func oversized(sent []*x509.Certificate) bool {
	size := 0
	for _, c := range sent {
		size += len(c.Raw)
	}
	return size > maxOctets
}

// accept wants one chain that is short enough and has nothing revoked.
func (t *trust) accept(chains [][]*x509.Certificate) error {
	why := &Rejection{Code: ChainTooDeep}
	for _, chain := range chains {
		if len(chain) > maxChain {
			continue
		}
		code := t.revocation(chain)
		if code == "" {
			return nil
		}
		why = &Rejection{Code: code}
	}
	return why
}

// revocation is the code of a chain with a certificate that its issuer has revoked; empty if there is none.
func (t *trust) revocation(chain []*x509.Certificate) string {
	for i, c := range chain[:len(chain)-1] {
		issuer := chain[i+1]
		for _, r := range t.revoked[string(issuer.RawSubject)] {
			if !t.signed(r, issuer) {
				continue // of another authority by that name
			}
			if _, hit := r.serials[string(c.SerialNumber.Bytes())]; hit {
				return Revoked
			}
		}
	}
	return ""
}

func (t *trust) signed(r *revocations, issuer *x509.Certificate) bool {
	key := signature{r, string(issuer.Raw)}
	if known, ok := t.checked.Load(key); ok {
		return known.(bool)
	}
	ok := r.list.CheckSignatureFrom(issuer) == nil
	t.checked.Store(key, ok)
	return ok
}

// supported reports what is wrong with a client certificate's kind ("Mutual authentication with TLS": requirements for certificates).
func supported(c *x509.Certificate) error {
	if c.Version != 3 {
		return fmt.Errorf("X.509 version %d", c.Version)
	}
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if n := k.N.BitLen(); n < 2048 || n > 8192 {
			return fmt.Errorf("RSA key of %d bits", n)
		}
	case *ecdsa.PublicKey:
		if n := k.Params().BitSize; !slices.Contains([]int{256, 384, 521}, n) {
			return fmt.Errorf("ECDSA key of %d bits", n)
		}
	default:
		return fmt.Errorf("%v key", c.PublicKeyAlgorithm)
	}
	switch c.SignatureAlgorithm {
	case x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA, x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS,
		x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512:
		return nil
	}
	return fmt.Errorf("signature by %v", c.SignatureAlgorithm)
}

func codeOf(err error) string {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unknown):
		return Untrusted
	case errors.As(err, &invalid):
		switch invalid.Reason {
		case x509.Expired:
			return Expired
		case x509.IncompatibleUsage:
			return BadPurpose
		case x509.TooManyIntermediates:
			return ChainTooDeep
		}
	}
	return Invalid
}
