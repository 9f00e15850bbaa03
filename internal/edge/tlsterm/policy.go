package tlsterm

import (
	"crypto/tls"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/edge/edgeapi/sslpolicy"
)

// policy is a security policy in crypto/tls's terms.
type policy struct {
	min, max uint16
	suites   []uint16 // of TLS 1.2 and before, in order of preference
	suites13 []uint16
	curves   []tls.CurveID
}

// suiteIDs are the cipher suites of policies that crypto/tls has. Those it lacks are ECDHE-*-AES256-SHA384 and AES256-SHA256; every policy
// that has them has others a client of those would also know.
var suiteIDs = map[string]uint16{
	"TLS_AES_128_GCM_SHA256":        tls.TLS_AES_128_GCM_SHA256,
	"TLS_AES_256_GCM_SHA384":        tls.TLS_AES_256_GCM_SHA384,
	"TLS_CHACHA20_POLY1305_SHA256":  tls.TLS_CHACHA20_POLY1305_SHA256,
	"ECDHE-ECDSA-AES128-GCM-SHA256": tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	"ECDHE-RSA-AES128-GCM-SHA256":   tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	"ECDHE-ECDSA-AES128-SHA256":     tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256,
	"ECDHE-RSA-AES128-SHA256":       tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
	"ECDHE-ECDSA-AES128-SHA":        tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
	"ECDHE-RSA-AES128-SHA":          tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
	"ECDHE-ECDSA-AES256-GCM-SHA384": tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	"ECDHE-RSA-AES256-GCM-SHA384":   tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	"ECDHE-ECDSA-AES256-SHA":        tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
	"ECDHE-RSA-AES256-SHA":          tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
	"AES128-GCM-SHA256":             tls.TLS_RSA_WITH_AES_128_GCM_SHA256,
	"AES128-SHA256":                 tls.TLS_RSA_WITH_AES_128_CBC_SHA256,
	"AES128-SHA":                    tls.TLS_RSA_WITH_AES_128_CBC_SHA,
	"AES256-GCM-SHA384":             tls.TLS_RSA_WITH_AES_256_GCM_SHA384,
	"AES256-SHA":                    tls.TLS_RSA_WITH_AES_256_CBC_SHA,
	"DES-CBC3-SHA":                  tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA,
}

var (
	suiteNames   = invert(suiteIDs)
	versionIDs   = map[string]uint16{"TLSv1.3": tls.VersionTLS13, "TLSv1.2": tls.VersionTLS12, "TLSv1.1": tls.VersionTLS11, "TLSv1": tls.VersionTLS10}
	versionNames = invert(versionIDs)
)

func invert(m map[string]uint16) map[uint16]string {
	out := make(map[uint16]string, len(m))
	for name, id := range m {
		out[id] = name
	}
	return out
}

func newPolicy(p *sslpolicy.Policy) *policy {
	out := &policy{min: versionIDs[p.Versions[len(p.Versions)-1]], max: versionIDs[p.Versions[0]]}
	for _, name := range p.Ciphers {
		id, known := suiteIDs[name]
		switch {
		case !known:
		case strings.HasPrefix(name, "TLS_"):
			out.suites13 = append(out.suites13, id)
		default:
			out.suites = append(out.suites, id)
		}
	}
	if p.PostQuantum {
		out.curves = append(out.curves, tls.X25519MLKEM768, tls.SecP256r1MLKEM768, tls.SecP384r1MLKEM1024)
	}
	if !strings.Contains(p.Name, "FIPS") {
		out.curves = append(out.curves, tls.X25519)
	}
	out.curves = append(out.curves, tls.CurveP256, tls.CurveP384, tls.CurveP521)
	return out
}

// version is the one to be spoken with a client that offers some; 0 if there is none.
func (p *policy) version(offered []uint16) uint16 {
	for v := p.max; v >= p.min; v-- {
		if slices.Contains(offered, v) {
			return v
		}
	}
	return 0
}

// usable reports whether a suite of TLS 1.2 or before goes with the rest of what a client offers and a certificate's kind of key.
func (p *policy) usable(suite, version uint16, ecdsa bool, hello *tls.ClientHelloInfo) bool {
	if !slices.Contains(hello.CipherSuites, suite) {
		return false
	}
	name := suiteNames[suite]
	if version < tls.VersionTLS12 && !strings.HasSuffix(name, "-SHA") {
		return false
	}
	exchange, found := strings.CutPrefix(name, "ECDHE-")
	if !found {
		return !ecdsa
	}
	return strings.HasPrefix(exchange, "ECDSA-") == ecdsa &&
		slices.ContainsFunc(hello.SupportedCurves, func(c tls.CurveID) bool { return slices.Contains(p.curves, c) })
}

// suite is the first of the policy's suites of TLS 1.2 and before that a client can use; 0 if there is none.
func (p *policy) suite(version uint16, ecdsa bool, hello *tls.ClientHelloInfo) uint16 {
	for _, s := range p.suites {
		if p.usable(s, version, ecdsa, hello) {
			return s
		}
	}
	return 0
}

// has reports whether a suite is the policy's.
func (p *policy) has(suite uint16) bool {
	return slices.Contains(p.suites13, suite) || slices.Contains(p.suites, suite)
}

// misled reports whether crypto/tls would choose ChaCha20 with TLS 1.3 although the policy does not have it: it offers no way to leave a
// suite of TLS 1.3 out, and follows clients that put ChaCha20 before AES.
func (p *policy) misled(offered []uint16) bool {
	if slices.Contains(p.suites13, tls.TLS_CHACHA20_POLY1305_SHA256) || !slices.Contains(offered, tls.TLS_CHACHA20_POLY1305_SHA256) {
		return false
	}
	for _, s := range offered {
		switch s {
		case tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384:
			return false
		case tls.TLS_CHACHA20_POLY1305_SHA256:
			return true
		}
	}
	return false
}
