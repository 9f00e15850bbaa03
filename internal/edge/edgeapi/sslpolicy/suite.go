package sslpolicy

// class is a family of cipher suites, from which policies are composed.
type class int

const (
	tls13  class = 1 << iota
	chacha       // of TLS 1.3
	gcm          // ephemeral keys, GCM
	cbc          // ephemeral keys, CBC with SHA-2
	sha1         // ephemeral keys, CBC with SHA-1
	rsa          // RSA key exchange, SHA-2
	rsaSHA       // RSA key exchange, SHA-1
	des          // RSA key exchange, triple DES
)

const (
	ephemeral = gcm | cbc
	forward   = ephemeral | sha1
	all12     = forward | rsa | rsaSHA
)

// suites are all cipher suites, by the names the API has for them, in the order of preference of the TLS policies.
var suites = []struct {
	name  string
	class class
}{
	{"TLS_AES_128_GCM_SHA256", tls13},
	{"TLS_AES_256_GCM_SHA384", tls13},
	{"TLS_CHACHA20_POLY1305_SHA256", chacha},
	{"ECDHE-ECDSA-AES128-GCM-SHA256", gcm},
	{"ECDHE-RSA-AES128-GCM-SHA256", gcm},
	{"ECDHE-ECDSA-AES128-SHA256", cbc},
	{"ECDHE-RSA-AES128-SHA256", cbc},
	{"ECDHE-ECDSA-AES128-SHA", sha1},
	{"ECDHE-RSA-AES128-SHA", sha1},
	{"ECDHE-ECDSA-AES256-GCM-SHA384", gcm},
	{"ECDHE-RSA-AES256-GCM-SHA384", gcm},
	{"ECDHE-ECDSA-AES256-SHA384", cbc},
	{"ECDHE-RSA-AES256-SHA384", cbc},
	{ecdsaSHA, sha1},
	{rsaLastSHA, sha1},
	{"AES128-GCM-SHA256", rsa},
	{"AES128-SHA256", rsa},
	{"AES128-SHA", rsaSHA},
	{"AES256-GCM-SHA384", rsa},
	{"AES256-SHA256", rsa},
	{"AES256-SHA", rsaSHA},
	{"DES-CBC3-SHA", des},
}

// These two stand the other way round in the FIPS and FS policies.
const (
	ecdsaSHA   = "ECDHE-ECDSA-AES256-SHA"
	rsaLastSHA = "ECDHE-RSA-AES256-SHA"
)

// ciphers lists the suites of some classes.
func ciphers(c class, swapped bool) []string {
	var out []string
	for _, s := range suites {
		if s.class&c == 0 {
			continue
		}
		name := s.name
		switch {
		case swapped && name == ecdsaSHA:
			name = rsaLastSHA
		case swapped && name == rsaLastSHA:
			name = ecdsaSHA
		}
		out = append(out, name)
	}
	return out
}
