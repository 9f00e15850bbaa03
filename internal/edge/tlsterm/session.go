package tlsterm

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"reflect"
	"strconv"
	"time"
)

// Session is what a handshake came to. Of a failed one it has what was settled by then.
type Session struct {
	Version     string // TLSv1.3, TLSv1.2, TLSv1.1 or TLSv1; empty: not settled
	Cipher      string // by OpenSSL's name
	KeyExchange string // name of the group; empty for RSA key exchange and resumed sessions of TLS 1.2
	ServerName  string
	Protocol    string // by ALPN; empty: none
	Resumed     bool
	Began       time.Time
	Took        time.Duration
	Certificate string              // ARN of the one presented
	Offered     []string            // the protocols the client offered by ALPN
	Alert       string              // number of the TLS alert by which the client ended a handshake; empty: none
	Client      []*x509.Certificate // the client's, the leaf first
	// Verification is what became of the connection, as connection logs have it (tls_verify_status): Verified or Failed:<code>.
	Verification string
}

func (s *Session) read(state *tls.ConnectionState) {
	s.Version = versionNames[state.Version]
	s.Cipher = suiteNames[state.CipherSuite]
	if state.CurveID != 0 {
		s.KeyExchange = curveName(state.CurveID)
	}
	s.ServerName, s.Protocol, s.Resumed = state.ServerName, state.NegotiatedProtocol, state.DidResume
	s.Client = state.PeerCertificates
}

// noting lets the configuration chosen for a client say so in the client's session.
type noting struct {
	net.Conn
	session *Session // of the handshake under way
}

// received is the number of the alert that is the reason for an error; empty if the other side has sent none. crypto/tls does not export the
// type that alerts have.
func received(err error) string {
	var remote *net.OpError
	if errors.As(err, &remote) && remote.Op == "remote error" {
		if v := reflect.ValueOf(remote.Err); v.Kind() == reflect.Uint8 {
			return strconv.FormatUint(v.Uint(), 10)
		}
	}
	return ""
}

// curveName is a group's name as logs have it.
func curveName(id tls.CurveID) string {
	switch id {
	case tls.CurveP256:
		return "secp256r1"
	case tls.CurveP384:
		return "secp384r1"
	case tls.CurveP521:
		return "secp521r1"
	case tls.X25519:
		return "x25519"
	}
	return id.String()
}

// Verified is the Verification of a handshake that succeeded.
const Verified = "Success"

func verified(err error) string {
	var r *Rejection
	switch {
	case err == nil:
		return Verified
	case errors.As(err, &r):
		return "Failed:" + r.Code
	}
	return "Failed:" + Unmapped
}
