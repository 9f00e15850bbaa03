package cert

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"strings"
)

// Detail is what ACM shows of a certificate's content.
type Detail struct {
	Serial             string // octets in hex with colons between
	Subject            string
	Issuer             string
	SignatureAlgorithm string
	KeyUsages          []string
	ExtendedKeyUsages  []ExtendedKeyUsage
}

// ExtendedKeyUsage is a purpose of a certificate.
type ExtendedKeyUsage struct{ Name, OID string }

// Detail reads the certificate; ok is false before it is issued.
func (m *Material) Detail() (d Detail, ok bool) {
	b, _ := pem.Decode([]byte(m.Body))
	if b == nil {
		return d, false
	}
	c, err := x509.ParseCertificate(b.Bytes)
	if err != nil {
		return d, false
	}
	return Detail{
		Serial: serial(c), Subject: distinguished(c.Subject), Issuer: issuer(c.Issuer), SignatureAlgorithm: signature(c.SignatureAlgorithm),
		KeyUsages: keyUsages(c), ExtendedKeyUsages: extendedKeyUsages(c),
	}, true
}

// Names are the DNS names of a certificate, the one ACM calls its domain name first: the common name, or the first alternative name.
func names(c *x509.Certificate) []string {
	var list []string
	for _, name := range append([]string{c.Subject.CommonName}, c.DNSNames...) {
		if isDomain(name) && !containsFold(list, name) {
			list = append(list, name)
		}
	}
	return list
}

func containsFold(list []string, name string) bool {
	for _, n := range list {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

func serial(c *x509.Certificate) string {
	octets := c.SerialNumber.Bytes()
	if len(octets) == 0 {
		octets = []byte{0}
	}
	var parts []string
	for _, o := range octets {
		parts = append(parts, hex.EncodeToString([]byte{o}))
	}
	return strings.Join(parts, ":")
}

// attributes are the short names of what distinguished names are made of.
var attributes = map[string]string{
	"2.5.4.3": "CN", "2.5.4.5": "SERIALNUMBER", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "STREET", "2.5.4.10": "O",
	"2.5.4.11": "OU", "2.5.4.17": "POSTALCODE", "0.9.2342.19200300.100.1.25": "DC", "1.2.840.113549.1.9.1": "EMAILADDRESS",
}

// distinguished is a name as ACM writes it, in the certificate's order.
func distinguished(n pkix.Name) string {
	var parts []string
	for _, a := range n.Names {
		key, ok := attributes[a.Type.String()]
		if !ok {
			key = a.Type.String()
		}
		if value, ok := a.Value.(string); ok {
			parts = append(parts, key+"="+value)
		}
	}
	return strings.Join(parts, ", ")
}

// issuer is the name of the organization that issued a certificate: "Amazon" on AWS.
func issuer(n pkix.Name) string {
	if len(n.Organization) > 0 {
		return n.Organization[0]
	}
	return n.CommonName
}

// signature is the name of an algorithm as Java has it: SHA256WITHRSA of SHA256-RSA.
func signature(a x509.SignatureAlgorithm) string {
	if hash, key, ok := strings.Cut(a.String(), "-"); ok {
		if hash == "ECDSA" {
			hash, key = key, hash
		}
		return hash + "WITH" + key
	}
	return a.String()
}

var keyUsageNames = []struct {
	usage x509.KeyUsage
	name  string
}{
	{x509.KeyUsageDigitalSignature, "DIGITAL_SIGNATURE"},
	{x509.KeyUsageContentCommitment, "NON_REPUDIATION"},
	{x509.KeyUsageKeyEncipherment, "KEY_ENCIPHERMENT"},
	{x509.KeyUsageDataEncipherment, "DATA_ENCIPHERMENT"},
	{x509.KeyUsageKeyAgreement, "KEY_AGREEMENT"},
	{x509.KeyUsageCertSign, "CERTIFICATE_SIGNING"},
	{x509.KeyUsageCRLSign, "CRL_SIGNING"},
	{x509.KeyUsageEncipherOnly, "ENCIPHER_ONLY"},
	{x509.KeyUsageDecipherOnly, "DECIPHER_ONLY"},
}

// keyUsages are ANY where the certificate does not say.
func keyUsages(c *x509.Certificate) []string {
	var list []string
	for _, u := range keyUsageNames {
		if c.KeyUsage&u.usage != 0 {
			list = append(list, u.name)
		}
	}
	if list == nil {
		return []string{"ANY"}
	}
	return list
}

var extendedKeyUsageNames = map[x509.ExtKeyUsage]ExtendedKeyUsage{
	x509.ExtKeyUsageAny:             {"ANY", "2.5.29.37.0"},
	x509.ExtKeyUsageServerAuth:      {"TLS_WEB_SERVER_AUTHENTICATION", "1.3.6.1.5.5.7.3.1"},
	x509.ExtKeyUsageClientAuth:      {"TLS_WEB_CLIENT_AUTHENTICATION", "1.3.6.1.5.5.7.3.2"},
	x509.ExtKeyUsageCodeSigning:     {"CODE_SIGNING", "1.3.6.1.5.5.7.3.3"},
	x509.ExtKeyUsageEmailProtection: {"EMAIL_PROTECTION", "1.3.6.1.5.5.7.3.4"},
	x509.ExtKeyUsageIPSECEndSystem:  {"IPSEC_END_SYSTEM", "1.3.6.1.5.5.7.3.5"},
	x509.ExtKeyUsageIPSECTunnel:     {"IPSEC_TUNNEL", "1.3.6.1.5.5.7.3.6"},
	x509.ExtKeyUsageIPSECUser:       {"IPSEC_USER", "1.3.6.1.5.5.7.3.7"},
	x509.ExtKeyUsageTimeStamping:    {"TIME_STAMPING", "1.3.6.1.5.5.7.3.8"},
	x509.ExtKeyUsageOCSPSigning:     {"OCSP_SIGNING", "1.3.6.1.5.5.7.3.9"},
}

// extendedKeyUsages are NONE where the certificate does not say.
func extendedKeyUsages(c *x509.Certificate) []ExtendedKeyUsage {
	var list []ExtendedKeyUsage
	for _, u := range c.ExtKeyUsage {
		if named, ok := extendedKeyUsageNames[u]; ok {
			list = append(list, named)
		} else {
			list = append(list, ExtendedKeyUsage{Name: "CUSTOM"})
		}
	}
	for _, oid := range c.UnknownExtKeyUsage {
		list = append(list, ExtendedKeyUsage{"CUSTOM", oid.String()})
	}
	if list == nil {
		return []ExtendedKeyUsage{{Name: "NONE"}}
	}
	return list
}
