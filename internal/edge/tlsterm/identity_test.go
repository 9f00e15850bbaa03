package tlsterm

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestIdentity(t *testing.T) {
	a := newAuthority(t, "root", nil)
	c := pair(t, a.issue(t, "c", "x", ecdsaKey(t), func(c *x509.Certificate) {
		c.SerialNumber = new(big.Int).Lsh(big.NewInt(0x0f), 64)
		c.NotBefore, c.NotAfter = time.Date(2023, 9, 21, 1, 50, 17, 0, time.UTC), time.Date(2044, 9, 20, 1, 50, 17, 0, time.UTC)
		c.Subject = pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{
			{Type: asn1.ObjectIdentifier{2, 5, 4, 6}, Value: "US"},
			{Type: asn1.ObjectIdentifier{2, 5, 4, 8}, Value: "Washington"},
			{Type: asn1.ObjectIdentifier{2, 5, 4, 10}, Value: " Acme, \"Inc\" + Söhne; <x>\\ "},
			{Type: asn1.ObjectIdentifier{2, 5, 4, 11}, Value: "#client-3\r\nX-Evil: 1"},
			{Type: asn1.ObjectIdentifier{1, 2, 3, 4}, Value: "hi"},
			{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "client_.com"},
		}}
	})).Leaf
	for got, want := range map[string]string{
		SerialNumber(c): "0F0000000000000000",
		Validity(c):     "NotBefore=2023-09-21T01:50:17Z;NotAfter=2044-09-20T01:50:17Z",
		Issuer(c):       "CN=root",
		Subject(c): `CN=client_.com,1.2.3.4=#13026869,OU=\#client-3\0D\0AX-Evil: 1,` +
			`O=\ Acme\, \"Inc\" \+ S\C3\B6hne\; \<x\>\\\ ,ST=Washington,C=US`,
	} {
		if got != want {
			t.Errorf("%s\ninstead of %s", got, want)
		}
	}
	encoded := Encoded(c)
	if strings.ContainsAny(encoded, " \n\r") || !strings.HasPrefix(encoded, "-----BEGIN%20CERTIFICATE-----%0AMII") {
		t.Error(encoded)
	}
	if plain, err := url.PathUnescape(encoded); err != nil || plain != encode(c.Raw) {
		t.Errorf("%v %s", err, plain)
	}
}
