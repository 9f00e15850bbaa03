package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/neargate/neargate/internal/edge/tlsterm"
)

const (
	// clientHandshake is how long a client may take to agree on TLS, however steadily it trickles in.
	clientHandshake = 10 * time.Second
	// targetHandshake is likewise for targets ("HTTP 502": "SSL handshake timeout (10 seconds)").
	targetHandshake = 10 * time.Second
)

// greet agrees on TLS with a client that has just connected, and has it served. Whoever does so goes on to the next handshake, for which it
// has the stack that an idle connection should not keep.
func (c *client) greet() {
	agreed := false
	defer func() {
		if !agreed {
			c.end()
		}
	}()
	defer c.survive()
	if agreed = c.agree(); agreed {
		c.engine.crew.employ(c)
	}
}

// agree makes the handshake. It reports whether there is a session.
func (c *client) agree() bool {
	v := c.engine.listener(c.server)
	if v == nil || v.tls == nil {
		return false // not a listener of TLS any more
	}
	c.alone = true
	c.within(min(clientHandshake, v.settings.IdleTimeout))
	session := new(tlsterm.Session)
	err := c.encrypt(func(conn net.Conn) (t *tls.Conn, err error) {
		t, *session, err = v.tls.Handshake(conn)
		return t, err
	})
	c.alone = false // HTTP/2 has several goroutines write
	c.session = session
	if err == io.EOF && session.Version == "" {
		return false // a look whether the port is open, as health checks by TCP are
	}
	v.logConnection(&c.peer, session)
	if err != nil {
		c.counters.tlsErrors.Add(1)
		c.explain(v, err)
	}
	return err == nil
}

// explain answers a client whose handshake is a request without TLS.
func (c *client) explain(v *listener, err error) {
	var other tls.RecordHeaderError
	if !errors.As(err, &other) || other.Conn == nil || !startsRequest(other.RecordHeader[:]) {
		return
	}
	const title = "400 The plain HTTP request was sent to HTTPS port"
	c.w, c.idleTimeout = takeWork(), v.settings.IdleTimeout
	defer func() {
		c.w.giveBack()
		c.w = nil
	}()
	v.counters.answered(400)
	c.answer(v, titles[400], "text/html", "<html>\r\n<head><title>"+title+"</title></head>\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n"+
		"<center>The plain HTTP request was sent to HTTPS port</center>\r\n</body>\r\n</html>\r\n", "", false)
	c.linger()
}

// startsRequest reports whether octets are the beginning of a method.
func startsRequest(b []byte) bool {
	for i, o := range b {
		if o == ' ' && i > 2 {
			return true
		}
		if o < 'A' || o > 'Z' {
			return false
		}
	}
	return true
}

// targetTLS are the configurations for connections to targets, which keep their sessions.
type targetTLS struct{ http1, http2 *tls.Config }

// errNegotiation is wrapped by the failure of TLS with a target that has accepted the connection.
var errNegotiation = errors.New("TLS negotiation failed")

// reach connects from the node to a target, with TLS if its group has it.
func (n *node) reach(ctx context.Context, t *target) (*socket, error) {
	conn, err := n.dial(ctx, t.address)
	if err != nil {
		return nil, err
	}
	s := newSocket(conn, t.address, n.engine.sweeper)
	if !t.secure {
		return s, nil
	}
	s.within(targetHandshake)
	err = s.encrypt(func(conn net.Conn) (*tls.Conn, error) {
		config := n.targetTLS.Load().http1
		if t.http2 {
			config = n.targetTLS.Load().http2
		}
		c := tls.Client(conn, config)
		return c, c.Handshake()
	})
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("%w: %w", errNegotiation, err)
	}
	return s, nil
}
