package tlsterm

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// This file writes client certificates as targets get them in header fields: "HTTP headers and mutual TLS".

// SerialNumber is in hexadecimal.
func SerialNumber(c *x509.Certificate) string {
	b := c.SerialNumber.Bytes()
	if len(b) == 0 {
		b = []byte{0}
	}
	return strings.ToUpper(hex.EncodeToString(b))
}

// Validity is NotBefore=…;NotAfter=….
func Validity(c *x509.Certificate) string {
	return "NotBefore=" + c.NotBefore.UTC().Format(time.RFC3339) + ";NotAfter=" + c.NotAfter.UTC().Format(time.RFC3339)
}

// Subject is the subject's distinguished name by RFC 2253.
func Subject(c *x509.Certificate) string { return distinguished(c.RawSubject, c.Subject) }

// Issuer is the issuer's.
func Issuer(c *x509.Certificate) string { return distinguished(c.RawIssuer, c.Issuer) }

// Encoded is certificates in PEM, URL-encoded but for "+=/".
func Encoded(chain ...*x509.Certificate) string {
	var b strings.Builder
	for _, c := range chain {
		for _, o := range pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}) {
			if 'a' <= o && o <= 'z' || 'A' <= o && o <= 'Z' || '0' <= o && o <= '9' || strings.IndexByte("-._~+=/", o) >= 0 {
				b.WriteByte(o)
			} else {
				fmt.Fprintf(&b, "%%%02X", o)
			}
		}
	}
	return b.String()
}

// attributes are the types that RFC 2253 and OpenSSL have names for.
var attributes = map[string]string{
	"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.9": "street",
	"2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.17": "postalCode", "2.5.4.42": "GN", "2.5.4.43": "initials", "2.5.4.46": "dnQualifier",
	"1.2.840.113549.1.9.1": "emailAddress", "0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC",
}

// distinguished writes a name by RFC 2253: the last relative name first. What cannot appear in a header field is escaped.
func distinguished(raw []byte, parsed pkix.Name) string {
	var sequence pkix.RDNSequence
	if rest, err := asn1.Unmarshal(raw, &sequence); err != nil || len(rest) > 0 {
		sequence = parsed.ToRDNSequence()
	}
	var b strings.Builder
	for i := len(sequence) - 1; i >= 0; i-- {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		for j, a := range sequence[i] {
			if j > 0 {
				b.WriteByte('+')
			}
			writeAttribute(&b, a)
		}
	}
	return b.String()
}

func writeAttribute(b *strings.Builder, a pkix.AttributeTypeAndValue) {
	oid := a.Type.String()
	name, known := attributes[oid]
	value, text := a.Value.(string)
	if !known || !text {
		if der, err := asn1.Marshal(a.Value); err == nil {
			fmt.Fprintf(b, "%s=#%X", oid, der)
			return
		}
		value = fmt.Sprint(a.Value)
	}
	if !known {
		name = oid
	}
	b.WriteString(name)
	b.WriteByte('=')
	for i := 0; i < len(value); {
		r, size := utf8.DecodeRuneInString(value[i:])
		octets := value[i : i+size]
		i += size
		switch {
		case r < 0x20 || r >= 0x7f:
			for k := range len(octets) {
				fmt.Fprintf(b, "\\%02X", octets[k])
			}
		case strings.ContainsRune(`,+"\<>;`, r), r == '#' && i == size, r == ' ' && (i == size || i == len(value)):
			b.WriteByte('\\')
			b.WriteString(octets)
		default:
			b.WriteString(octets)
		}
	}
}
