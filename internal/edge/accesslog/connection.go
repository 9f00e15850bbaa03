package accesslog

import (
	"net/netip"
	"time"
)

// Connection is one connection as an Application Load Balancer logs it ("Connection log entries").
type Connection struct {
	Time         time.Time // when it was established, or failed to be
	Client       netip.AddrPort
	Port         uint16        // the listener's
	TLSProtocol  string        // TLSv1.2
	Cipher       string        // as OpenSSL names it
	Handshake    time.Duration // 0: it did not succeed
	Subject      string        // of the client's leaf certificate
	NotBefore    time.Time     // its validity
	NotAfter     time.Time
	Serial       string // in hex
	VerifyStatus string // "Success", or "Failed:" and an error reason code ("Connection log: error reason codes")
	Trace        string // TID_ and 32 hex digits
	KeyExchange  string // name of the group
	LoadBalancer string // app/name/id
	Node         netip.Addr
}

// AppendLine appends the connection in ELB's format.
func (c *Connection) AppendLine(b []byte) []byte {
	b = append(appendTime(b, c.Time), ' ')
	if c.Client.IsValid() {
		b = c.Client.Addr().AppendTo(b)
		b = append(integer(append(b, ' '), int64(c.Client.Port())), ' ')
	} else {
		b = append(b, "- - "...)
	}
	b = append(integer(b, int64(c.Port)), ' ')
	b = append(word(b, c.TLSProtocol), ' ')
	b = append(word(b, c.Cipher), ' ')
	if c.Handshake == 0 {
		b = append(b, "- "...)
	} else {
		b = append(seconds(b, c.Handshake), ' ')
	}
	b = append(quoted(b, c.Subject), ' ')
	if c.NotAfter.IsZero() {
		b = append(b, "- "...)
	} else {
		b = c.NotBefore.UTC().AppendFormat(append(b, "NotBefore="...), wholeSeconds)
		b = append(c.NotAfter.UTC().AppendFormat(append(b, ";NotAfter="...), wholeSeconds), ' ')
	}
	b = append(word(b, c.Serial), ' ')
	b = append(word(b, c.VerifyStatus), ' ')
	b = append(word(b, c.Trace), ' ')
	b = append(word(b, c.KeyExchange), ' ')
	b = append(word(b, c.LoadBalancer), ' ')
	if !c.Node.IsValid() {
		return append(b, '-')
	}
	return c.Node.AppendTo(b)
}

// TLSConnection is one connection to a TLS listener as a Network Load Balancer logs it ("Access log entries").
type TLSConnection struct {
	Time         time.Time // when it ended
	LoadBalancer string    // net/name/id
	Listener     string    // the listener's id
	Client       netip.AddrPort
	Destination  netip.AddrPort // the listener's address
	Connected    time.Duration  // from start to end
	Handshake    time.Duration
	Received     int64 // from the client, decrypted
	Sent         int64
	Alert        string // integer value of a TLS alert that the load balancer received
	Certificate  string // ARN of the one presented
	Cipher       string // as OpenSSL names it
	TLSProtocol  string // tlsv12
	ServerName   string // of the client's SNI
	ALPNFront    string // negotiated with the client
	ALPNBack     string // negotiated with the target
	ALPNClient   []string
	Created      time.Time
}

// maxProtocols is where the client's list of protocols is cut.
const maxProtocols = 256

// AppendLine appends the connection in ELB's format, version 2.0.
func (c *TLSConnection) AppendLine(b []byte) []byte {
	b = c.Time.UTC().AppendFormat(append(b, "tls 2.0 "...), noZone)
	b = append(word(append(b, ' '), c.LoadBalancer), ' ')
	b = append(word(b, c.Listener), ' ')
	b = append(address(b, c.Client), ' ')
	b = append(address(b, c.Destination), ' ')
	b = append(integer(b, c.Connected.Milliseconds()), ' ')
	if c.Handshake == NotApplicable {
		b = append(b, "- "...)
	} else {
		b = append(integer(b, c.Handshake.Milliseconds()), ' ')
	}
	b = append(integer(b, c.Received), ' ')
	b = append(integer(b, c.Sent), ' ')
	b = append(word(b, c.Alert), ' ')
	b = append(word(b, c.Certificate), ' ')
	b = append(b, "- "...) // the certificate's serial: a field that ELB keeps for nothing
	b = append(word(b, c.Cipher), ' ')
	b = append(word(b, c.TLSProtocol), ' ')
	b = append(b, "- "...) // the named group: likewise
	b = append(word(b, c.ServerName), ' ')
	b = append(word(b, c.ALPNFront), ' ')
	b = append(word(b, c.ALPNBack), ' ')
	b = append(c.protocols(b), ' ')
	return c.Created.UTC().AppendFormat(b, noZone)
}

func (c *TLSConnection) protocols(b []byte) []byte {
	if len(c.ALPNClient) == 0 {
		return append(b, '-')
	}
	start := len(b)
	for i, p := range c.ALPNClient {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(escape(append(b, '"'), p), '"')
	}
	return b[:min(len(b), start+maxProtocols)]
}
