package proxy

import (
	"math/rand/v2"
	"time"

	"github.com/neargate/neargate/internal/edge/accesslog"
	"github.com/neargate/neargate/internal/edge/tlsterm"
)

// traced is what logs call the connection: TID_ and 32 hex digits. The first line makes it, whenever logs are turned on; requests of one
// connection may ask at the same time.
func (p *peer) traced() string {
	if p.trace.Load() == nil {
		id := string(appendHex(appendHex([]byte("TID_"), rand.Uint64(), 16), rand.Uint64(), 16))
		p.trace.CompareAndSwap(nil, &id)
	}
	return *p.trace.Load()
}

// logConnection writes the line of a connection whose handshake has come to an end, or that has none.
func (v *listener) logConnection(p *peer, s *tlsterm.Session) {
	if v.connections == nil {
		return
	}
	line := &accesslog.Connection{
		Time: time.Now(), Client: p.address, Port: uint16(v.port), Trace: p.traced(), LoadBalancer: v.balancer, Node: v.node.Address,
	}
	if s != nil {
		line.TLSProtocol, line.Cipher, line.KeyExchange, line.VerifyStatus = s.Version, s.Cipher, s.KeyExchange, s.Verification
		if s.Verification == tlsterm.Verified {
			line.Handshake = s.Took
		}
		if len(s.Client) > 0 {
			leaf := s.Client[0]
			line.Subject, line.Serial, line.NotBefore, line.NotAfter = tlsterm.Subject(leaf), tlsterm.SerialNumber(leaf), leaf.NotBefore, leaf.NotAfter
		}
	}
	v.connections.Write(line)
}
