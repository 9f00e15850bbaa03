package proxy

import (
	"encoding/hex"
	"math/rand/v2"
	"time"

	"github.com/neargate/neargate/internal/edge/accesslog"
	"github.com/neargate/neargate/internal/edge/tlsterm"
)

// newTrace is a name for a connection in logs.
func newTrace() string {
	var random [16]byte
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	return "TID_" + hex.EncodeToString(random[:])
}

// logConnection writes the line of a connection whose handshake has come to an end, or that has none.
func (v *listener) logConnection(p *peer, s *tlsterm.Session) {
	if v.connections == nil {
		return
	}
	line := &accesslog.Connection{
		Time: time.Now(), Client: p.address, Port: uint16(v.port), Trace: p.trace, LoadBalancer: v.balancer, Node: v.node.Address,
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
