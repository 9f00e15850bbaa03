package tlsterm

import (
	"crypto/tls"
	"errors"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// Server terminates TLS for one listener. It is immutable but for its ticket keys: connections that were accepted with it go on when a
// snapshot brings another one.
type Server struct {
	base    *tls.Config // what every handshake begins with; has the ticket keys
	policy  *policy
	shelf   *shelf
	mutual  *edgeapi.MutualAuth
	trust   *trust // of mode verify
	alpn    []string
	scope   string
	tickets *tickets
	turn    atomic.Uint64 // of tickets, at which base got its keys

	variants sync.Map // variant → *tls.Config
}

// variant is what of a configuration depends on the client.
type variant struct {
	certificate *certificate
	version     uint16 // the newest to be spoken
	suite       uint16 // the only one of TLS 1.2 and before; 0: any of the policy's
	alpn        int    // first protocol of Server.alpn offered; len: none
}

func newServer(p *policy, certificates []*certificate, l *listener, t *trust, tickets *tickets) *Server {
	s := &Server{
		policy: p, shelf: newShelf(certificates), mutual: l.tls.Mutual, trust: t, alpn: l.alpn, scope: l.arn, tickets: tickets,
	}
	s.base = s.config(variant{version: p.max, alpn: len(s.alpn)})
	s.base.GetConfigForClient = s.forClient
	return s
}

// Names are those on the certificates, in lower case; a first label * stands for any one label.
func (s *Server) Names() []string { return slices.Sorted(maps.Keys(s.shelf.byName)) }

// Handshake makes a TLS connection of one just accepted. Deadlines are conn's. The connection returned is conn's only user from then on; after
// an error, which the client has been told of where it can be, conn is to be closed. A client certificate that is refused is a *Rejection.
func (s *Server) Handshake(conn net.Conn) (*tls.Conn, Session, error) {
	session := Session{Began: time.Now()}
	if turn := s.tickets.current(session.Began); s.turn.Load() != turn && !s.base.SessionTicketsDisabled {
		s.base.SetSessionTicketKeys(s.tickets.keys(s.scope))
		s.turn.Store(turn)
	}
	noted := &noting{conn, &session}
	c := tls.Server(noted, s.base)
	err := c.Handshake()
	noted.session = nil
	session.Alert = received(err)
	session.Took = time.Since(session.Began)
	state := c.ConnectionState()
	session.read(&state)
	session.Verification = verified(err)
	return c, session, err
}

// config makes the configuration of a variant.
func (s *Server) config(v variant) *tls.Config {
	c := &tls.Config{
		MinVersion: s.policy.min, MaxVersion: v.version, CipherSuites: s.policy.suites, CurvePreferences: s.policy.curves,
		VerifyConnection:            s.verify,
		DynamicRecordSizingDisabled: true, // records of one size are what costs least; a proxy's answers are not waited for octet by octet
	}
	if v.suite != 0 {
		c.CipherSuites = []uint16{v.suite}
	}
	if v.certificate != nil {
		c.Certificates = []tls.Certificate{v.certificate.Certificate}
	}
	if v.alpn < len(s.alpn) {
		c.NextProtos = s.alpn[v.alpn:]
	}
	if s.mutual != nil {
		// "Session resumption is not supported while using mutual TLS passthrough or verify modes".
		c.SessionTicketsDisabled = true
		c.ClientAuth = tls.RequestClientCert
		if s.mutual.Mode == edgeapi.MutualVerify {
			c.ClientAuth = tls.RequireAnyClientCert
			if s.mutual.AdvertiseCAs {
				c.ClientCAs = s.trust.anchors
			}
		}
	}
	return c
}

var errNothingShared = errors.New("the client shares no protocol version or cipher suite with the security policy")

// forClient finds the configuration for a client.
func (s *Server) forClient(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	v := variant{version: s.policy.version(hello.SupportedVersions)}
	if v.version == tls.VersionTLS13 && s.policy.misled(hello.CipherSuites) {
		older := slices.DeleteFunc(slices.Clone(hello.SupportedVersions), func(o uint16) bool { return o == tls.VersionTLS13 })
		v.version = s.policy.version(older)
	}
	if v.version == 0 {
		if len(s.policy.suites13) > 0 && s.policy.misled(hello.CipherSuites) {
			return nil, errNothingShared
		}
		return nil, nil // crypto/tls knows which alert that is
	}
	v.certificate = s.shelf.choose(hello.ServerName, time.Now(), func(c *certificate) bool { return s.serves(c, v.version, hello) })
	if v.version < tls.VersionTLS13 {
		v.suite = s.policy.suite(v.version, v.certificate.ecdsa, hello)
	}
	v.alpn = s.firstProtocol(hello.SupportedProtos, v)
	if noted, ok := hello.Conn.(*noting); ok && noted.session != nil {
		noted.session.Certificate, noted.session.Offered = v.certificate.arn, hello.SupportedProtos
	}
	if c, ok := s.variants.Load(v); ok {
		return c.(*tls.Config), nil
	}
	c, _ := s.variants.LoadOrStore(v, s.config(v))
	return c.(*tls.Config), nil
}

// serves reports whether a client can use a certificate.
func (s *Server) serves(c *certificate, version uint16, hello *tls.ClientHelloInfo) bool {
	if version < tls.VersionTLS13 && s.policy.suite(version, c.ecdsa, hello) == 0 {
		return false
	}
	anonymous := *hello
	anonymous.ServerName = "" // whose name it is has been decided, by older rules than crypto/x509's
	return anonymous.SupportsCertificate(&c.Certificate) == nil
}

// firstProtocol is where the protocols offered to a client begin. HTTP/2 is not offered with cipher suites that RFC 9113 forbids. A client
// that wants none of them goes on without, which crypto/tls would refuse.
func (s *Server) firstProtocol(wanted []string, v variant) int {
	for i, protocol := range s.alpn {
		if protocol == "h2" && v.suite != 0 && !slices.Contains(modern, v.suite) {
			continue
		}
		if slices.Contains(wanted, protocol) {
			return i
		}
	}
	return len(s.alpn)
}

// modern are the suites of TLS 1.2 that go with HTTP/2.
var modern = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
}

// verify has the last word on a handshake, resumed ones included.
func (s *Server) verify(state tls.ConnectionState) error {
	if !s.policy.has(state.CipherSuite) {
		return errNothingShared
	}
	if oversized(state.PeerCertificates) {
		return &Rejection{Code: TooLarge}
	}
	if s.trust == nil {
		return nil
	}
	return s.trust.verify(state.PeerCertificates, time.Now(), s.mutual.IgnoreExpiry)
}
