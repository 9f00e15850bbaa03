package tlsterm

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// certificate is one that listeners present.
type certificate struct {
	tls.Certificate
	arn   string
	names []string // in lower case; a first label * matches any one label
	ecdsa bool
	bits  int
}

func parseCertificate(source *edgeapi.Certificate) (*certificate, error) {
	pair, err := tls.X509KeyPair([]byte(source.Chain), []byte(source.Key))
	if err != nil {
		return nil, err
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return nil, err
		}
	}
	c := &certificate{Certificate: pair, arn: source.ARN}
	switch k := pair.Leaf.PublicKey.(type) {
	case *ecdsa.PublicKey:
		c.ecdsa, c.bits = true, k.Params().BitSize
	case *rsa.PublicKey:
		c.bits = k.N.BitLen()
	default:
		return nil, errors.New("the key is neither RSA nor ECDSA")
	}
	for _, name := range append(pair.Leaf.DNSNames, pair.Leaf.Subject.CommonName) {
		if name = strings.ToLower(strings.TrimSuffix(name, ".")); strings.Contains(name, ".") || name == "localhost" {
			c.names = append(c.names, name)
		}
	}
	return c, nil
}

// preferred orders certificates for the same name, the better one first: key algorithm, not expired, hash, key length, validity
// ("How SNI is used with your listener": smart selection).
func preferred(a, b *certificate, now time.Time) int {
	rank := func(yes bool) int {
		if yes {
			return 0
		}
		return 1
	}
	current := func(c *certificate) int { return rank(!now.After(c.Leaf.NotAfter) && !now.Before(c.Leaf.NotBefore)) }
	return cmp.Or(
		cmp.Compare(rank(a.ecdsa), rank(b.ecdsa)),
		cmp.Compare(current(a), current(b)),
		cmp.Compare(rank(strongHash(a)), rank(strongHash(b))),
		-cmp.Compare(a.bits, b.bits),
		-a.Leaf.NotAfter.Compare(b.Leaf.NotAfter),
	)
}

func strongHash(c *certificate) bool {
	switch c.Leaf.SignatureAlgorithm {
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.MD5WithRSA, x509.MD2WithRSA:
		return false
	}
	return true
}

// shelf finds certificates by server name.
type shelf struct {
	standard *certificate // presented when nothing matches
	byName   map[string][]*certificate
}

func newShelf(certificates []*certificate) *shelf {
	s := &shelf{standard: certificates[0], byName: map[string][]*certificate{}}
	for _, c := range certificates {
		for _, name := range c.names {
			if list := s.byName[name]; len(list) == 0 || list[len(list)-1] != c {
				s.byName[name] = append(list, c)
			}
		}
	}
	return s
}

// matching are the certificates for a server name: those with the name itself, else those with a wildcard in place of its first label.
func (s *shelf) matching(name string) []*certificate {
	name = strings.ToLower(name)
	if list := s.byName[name]; list != nil {
		return list
	}
	if _, domain, found := strings.Cut(name, "."); found {
		return s.byName["*."+domain]
	}
	return nil
}

// choose picks the certificate for a client: of those for the name it wants the best one it can use.
func (s *shelf) choose(name string, now time.Time, usable func(*certificate) bool) *certificate {
	list := s.matching(name)
	switch len(list) {
	case 0:
		return s.standard
	case 1:
		return list[0]
	}
	var best *certificate
	for _, c := range list {
		if usable(c) && (best == nil || preferred(c, best, now) < 0) {
			best = c
		}
	}
	if best == nil {
		return s.standard
	}
	return best
}
