package cert

import (
	"crypto/x509"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/state"
)

// Import makes a row for a certificate that Parse has read.
func (e *Engine) Import(tx *state.Tx, account, region string, m *Material, leaf *x509.Certificate, tags map[string]string, now time.Time) *Certificate {
	c := &Certificate{ARN: newARN(account, region), Account: account, Region: region, Type: Imported, CreatedAt: now.UTC(), Tags: tags}
	c.fill(m, leaf, now)
	e.Certificates.Put(tx, c)
	return c
}

// Reimport puts another certificate in the place of an imported one, for all its users.
func (e *Engine) Reimport(tx *state.Tx, old *Certificate, m *Material, leaf *x509.Certificate, now time.Time) *Certificate {
	c := *old
	c.fill(m, leaf, now)
	e.Certificates.Put(tx, &c)
	return &c
}

func (c *Certificate) fill(m *Material, leaf *x509.Certificate, now time.Time) {
	c.Material = *m
	c.NotBefore, c.NotAfter, c.ImportedAt = leaf.NotBefore.UTC(), leaf.NotAfter.UTC(), now.UTC()
	c.Names, c.KeyAlgorithm, c.Domain = names(leaf), algorithmOf(leaf.PublicKey), ""
	if len(c.Names) > 0 {
		c.Domain = c.Names[0]
	}
}

// Replaceable says why a certificate can't take an imported one's place; empty where it can ("Reimport a certificate").
func Replaceable(old *Certificate, m *Material, leaf *x509.Certificate) string {
	before, _ := old.Detail()
	after, _ := m.Detail()
	switch {
	case algorithmOf(leaf.PublicKey) != old.KeyAlgorithm:
		return "The key type and size of a certificate cannot be changed when it is reimported."
	case len(old.Names) > 0 && len(names(leaf)) == 0:
		return "All domain names cannot be removed from a certificate when it is reimported."
	case lost(before.KeyUsages, after.KeyUsages, exemptUsage(old.KeyAlgorithm)):
		return "Key Usage values cannot be removed from a certificate, or first be added to it, when it is reimported."
	case lost(purposes(before), purposes(after), clientPurpose):
		return "Extended Key Usage values cannot be removed from a certificate, or first be added to it, when it is reimported."
	}
	return ""
}

// clientPurpose may go from certificates: public authorities no longer issue such.
var clientPurpose = extendedKeyUsageNames[x509.ExtKeyUsageClientAuth].OID

// lost is whether a value of before but for one is not in after. ANY and NONE stand for an extension that is not there, which must
// stay so.
func lost(before, after []string, exempt string) bool {
	return slices.ContainsFunc(before, func(v string) bool { return v != exempt && !slices.Contains(after, v) })
}

// exemptUsage may go from certificates with elliptic keys, where it has no meaning (RFC 5480, section 3).
func exemptUsage(algorithm string) string {
	if algorithm == P256 || algorithm == P384 || algorithm == P521 {
		return "KEY_ENCIPHERMENT"
	}
	return ""
}

func purposes(d Detail) []string {
	var list []string
	for _, u := range d.ExtendedKeyUsages {
		if u.OID == "" {
			list = append(list, u.Name)
		} else {
			list = append(list, u.OID)
		}
	}
	return list
}
