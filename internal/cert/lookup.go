package cert

import (
	"iter"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/state"
)

// Certificate finds an ACM certificate of an account and Region.
func (t *Tables) Certificate(tx *state.Tx, account, region, arn string) (*Certificate, bool) {
	c, ok := t.Certificates.Get(tx, arn)
	if !ok || c.Account != account || c.Region != region {
		return nil, false
	}
	return c, true
}

// CertificatesOf are an account's ACM certificates of one Region.
func (t *Tables) CertificatesOf(tx *state.Tx, account, region string) iter.Seq[*Certificate] {
	return t.Certificates.By(tx, byScope, Key(account, region))
}

// Server finds a server certificate by name, in any case.
func (t *Tables) Server(tx *state.Tx, account, name string) (*Server, bool) {
	for s := range t.Servers.By(tx, byFolded, folded(account, name)) {
		return s, true
	}
	return nil, false
}

// ServersOf are an account's server certificates.
func (t *Tables) ServersOf(tx *state.Tx, account string) iter.Seq[*Server] {
	return t.Servers.By(tx, byAccount, account)
}

func (t *Tables) server(tx *state.Tx, arn string) (*Server, bool) {
	for s := range t.Servers.By(tx, byARN, arn) {
		return s, true
	}
	return nil, false
}

// Usable tells a load balancer of an account and Region about a certificate of ACM or IAM: whether there is one (else
// CertificateNotFound), whether it can be used (else UnsupportedCertificate: it is not issued, or for no name), and the algorithm of
// its key, as ACM names it.
func (t *Tables) Usable(tx *state.Tx, account, region, certificateARN string) (keyAlgorithm string, usable, found bool) {
	if isServer(certificateARN) {
		s, ok := t.server(tx, certificateARN)
		if !ok || s.Account != account {
			return "", false, false
		}
		return s.KeyAlgorithm, true, true
	}
	c, ok := t.Certificate(tx, account, region, certificateARN)
	if !ok {
		return "", false, false
	}
	return c.KeyAlgorithm, c.Body != "" && len(c.Names) > 0, true
}

// KeyPair is what presents a certificate of ACM or IAM: the PEM of the certificate followed by its issuers, and that of the key.
func (t *Tables) KeyPair(tx *state.Tx, certificateARN string) (chain, key string, ok bool) {
	var m *Material
	if s, found := t.server(tx, certificateARN); found {
		m = &s.Material
	} else if c, found := t.Certificates.Get(tx, certificateARN); found {
		m = &c.Material
	}
	if m == nil || m.Body == "" {
		return "", "", false
	}
	return m.FullChain(), m.Key, true
}

// Changing are the tables whose changes may change what KeyPair answers.
func (t *Tables) Changing() []state.AnyTable { return []state.AnyTable{t.Certificates, t.Servers} }

func isServer(s string) bool {
	a, err := arn.Parse(s)
	return err == nil && a.Service == "iam"
}

// Users are what uses certificates. Load balancers do.
type Users interface {
	// CertificateUsers are the ARNs of the load balancers that have a listener with the certificate.
	CertificateUsers(tx *state.Tx, certificateARN string) []string
	// CertificateRenamed lets every listener with the certificate know it by another ARN.
	CertificateRenamed(tx *state.Tx, from, to string)
}
