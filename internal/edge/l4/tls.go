package l4

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/edge/accesslog"
	"github.com/neargate/neargate/internal/edge/tlsterm"
)

// handshakeTimeout is how long a client, or a target, may take to agree on TLS.
const handshakeTimeout = 10 * time.Second

// tlsPort is the socket of a TLS listener at one node. Its flows have goroutines: what they cost is cryptography.
type tlsPort struct{ listener *net.TCPListener }

func (s *server) openTLS() error {
	ns, err := s.node.namespace.Namespace()
	if err != nil {
		return err
	}
	l, err := ns.ListenTCP(s.address())
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.address(), err)
	}
	s.tls = &tlsPort{l}
	e := s.node.engine
	e.serving.Go(func() {
		for {
			c, err := l.AcceptTCP()
			switch {
			case errors.Is(err, net.ErrClosed):
				return
			case err != nil:
				e.complain(s, err)
				select {
				case <-e.ctx.Done():
					return
				case <-time.After(50 * time.Millisecond):
				}
				continue
			}
			e.serving.Go(func() { s.serveTLS(c) })
		}
	})
	return nil
}

// closeTLS closes the socket. Its flows go on.
func (s *server) closeTLS() {
	if s.tls != nil {
		s.tls.listener.Close()
		s.tls = nil
	}
}

// tlsFlow is one connection of a client to a TLS listener.
type tlsFlow struct {
	server   *server
	listener *listener
	client   *net.TCPConn
	from     netip.AddrPort
	to       atomic.Pointer[target]
	last     atomic.Int64 // tick at which octets last moved
	began    time.Time
	session  tlsterm.Session
	agreed   bool   // with the client on TLS
	alpn     string // negotiated with the target

	mu       sync.Mutex
	upstream *net.TCPConn
	over     bool

	received, sent int64
}

func (s *server) serveTLS(c *net.TCPConn) {
	e := s.node.engine
	defer c.Close()
	v := e.listener(s)
	if v == nil || v.terminator == nil {
		c.SetLinger(0)
		return
	}
	if e.flows.Add(1) > e.maxFlows {
		e.flows.Add(-1)
		v.tcp.rejected.Add(1)
		c.SetLinger(0)
		return
	}
	defer e.flows.Add(-1)
	f := &tlsFlow{server: s, listener: v, client: c, began: time.Now()}
	from := c.RemoteAddr().(*net.TCPAddr).AddrPort()
	f.from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	f.last.Store(e.clock.now.Load())
	v.tcp.flows.Add(1)
	v.tcp.active.Add(1)
	defer v.tcp.active.Add(-1)
	if !e.enrol(f) {
		return
	}
	defer e.strike(f)
	defer f.log()

	c.SetDeadline(time.Now().Add(handshakeTimeout))
	front, session, err := v.terminator.Handshake(c)
	f.session = session
	if err != nil {
		v.tcp.clientTLS.Add(1)
		e.log.Debug("tls handshake", "client", f.from, "address", s.address(), "err", err)
		return
	}
	f.agreed = true
	c.SetDeadline(time.Time{})
	back := f.dial(e)
	if back == nil {
		if f.cut() {
			v.tcp.resets.Add(1)
		}
		return
	}
	defer f.to.Load().tickets.Return()
	f.carry(front, back)
}

// enrol makes the flow known to those who end flows. It reports whether it may begin.
func (e *Engine) enrol(f *tlsFlow) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closing {
		return false
	}
	e.tls[f] = struct{}{}
	return true
}

func (e *Engine) strike(f *tlsFlow) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.tls, f)
}

// connection is either side of a flow.
type connection interface {
	net.Conn
	CloseWrite() error
}

// dial connects to a target, whose ticket the flow has then; nil if there is none to be reached.
func (f *tlsFlow) dial(e *Engine) connection {
	var failed *target
	for range maxTries {
		v, g, to := f.choose(e, failed)
		if to == nil {
			if g != nil && failed == nil {
				g.shared.unroutable.Add(1)
			}
			return nil
		}
		back, err := f.reach(e, v, g, to)
		if err == nil {
			to.counters.flows.Add(1)
			if to.unwell.Load() {
				v.tcp.unhealthy.Add(1)
			}
			return back
		}
		to.tickets.Return()
		if f.isOver() { // which is why, and no fault of the target
			return nil
		}
		to.counters.errors.Add(1)
		failed = to
		if g.sticky {
			return nil
		}
	}
	return nil
}

// choose picks a target and takes its ticket. Nobody ends the target's flows meanwhile and misses this one.
func (f *tlsFlow) choose(e *Engine, not *target) (v *listener, g *group, to *target) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v = e.listener(f.server); v != nil {
		g, to = v.choose(protocolTCP, f.from, uint32(f.session.Began.UnixNano()), not)
	}
	f.to.Store(to)
	return v, g, to
}

// reach connects to the target, with all that comes before the client's octets.
func (f *tlsFlow) reach(e *Engine, v *listener, g *group, to *target) (connection, error) {
	ns, err := f.server.node.namespace.Namespace()
	if err != nil {
		return nil, err
	}
	var prepare func(int) error
	if g.PreserveClientIP {
		from := rawAddress(f.from)
		prepare = func(fd int) error { return impersonate(fd, &from) }
	}
	ctx, cancel := context.WithTimeout(e.ctx, connectTimeout)
	defer cancel()
	c, err := ns.DialTCP(ctx, to.address, prepare)
	if err != nil {
		if errors.Is(err, unix.EADDRINUSE) || errors.Is(err, unix.EADDRNOTAVAIL) {
			v.tcp.ports.Add(1)
		}
		return nil, err
	}
	if !f.attach(c) {
		return nil, net.ErrClosed
	}
	if g.ProxyProtocol {
		if _, err := c.Write(appendProxyHeader(nil, protocolTCP, f.from, v.nodeLocal)); err != nil {
			c.Close()
			return nil, err
		}
	}
	if !g.backTLS {
		return c, nil
	}
	config := v.targets
	if f.session.Protocol != "" {
		config = config.Clone()
		config.NextProtos = []string{f.session.Protocol}
	}
	c.SetDeadline(time.Now().Add(handshakeTimeout))
	back := tls.Client(c, config)
	if err := back.HandshakeContext(ctx); err != nil {
		if !f.isOver() {
			v.tcp.targetTLS.Add(1)
		}
		c.Close()
		return nil, err
	}
	c.SetDeadline(time.Time{})
	f.alpn = back.ConnectionState().NegotiatedProtocol
	return back, nil
}

// attach makes c the flow's connection to its target, unless the flow is over.
func (f *tlsFlow) attach(c *net.TCPConn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		c.Close()
		return false
	}
	f.upstream = c
	return true
}

// carry moves octets both ways until both have ended or one breaks.
func (f *tlsFlow) carry(front, back connection) {
	defer back.Close()
	var done sync.WaitGroup
	done.Go(func() { f.pour(front, back, &f.sent, &f.to.Load().counters.in) })
	f.pour(back, front, &f.received, &f.to.Load().counters.out)
	done.Wait()
}

var buffers = sync.Pool{New: func() any { return new([16 << 10]byte) }} // of one record

func (f *tlsFlow) pour(to, from connection, total *int64, count *atomic.Uint64) {
	b := buffers.Get().(*[16 << 10]byte)
	defer buffers.Put(b)
	for {
		n, err := from.Read(b[:])
		if n > 0 {
			f.last.Store(f.server.node.engine.clock.now.Load())
			f.listener.tcp.bytes.Add(uint64(n))
			count.Add(uint64(n))
			*total += int64(n)
			if _, werr := to.Write(b[:n]); werr != nil {
				f.broken(werr, to)
				return
			}
		}
		if err == io.EOF {
			to.CloseWrite()
			return
		}
		if err != nil {
			f.broken(err, from)
			return
		}
	}
}

// broken ends the flow because one side is: the other gets a reset too.
func (f *tlsFlow) broken(err error, side connection) {
	if f.cut() && (errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.EPIPE)) {
		if side.RemoteAddr().String() == f.from.String() {
			f.listener.tcp.clientResets.Add(1)
		} else {
			f.listener.tcp.targetResets.Add(1)
		}
	}
}

func (f *tlsFlow) isOver() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.over
}

// cut resets both connections. It reports false if that has been done.
func (f *tlsFlow) cut() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		return false
	}
	f.over = true
	for _, c := range []*net.TCPConn{f.client, f.upstream} {
		if c != nil {
			c.SetLinger(0)
			c.Close()
		}
	}
	return true
}

// check ends the flow if it was silent for too long.
func (f *tlsFlow) check(now int64) {
	if now-f.last.Load() >= f.listener.idle {
		f.cut()
	}
}

// log writes the flow's line: "Access logs for your Network Load Balancer".
func (f *tlsFlow) log() {
	v := f.listener
	if v.log == nil {
		return
	}
	now, handshake := time.Now(), f.session.Took
	if !f.agreed {
		handshake = accesslog.NotApplicable
	}
	v.log.Write(&accesslog.TLSConnection{
		Time: now, LoadBalancer: v.balancerName, Listener: v.name, Client: f.from, Destination: v.nodeLocal,
		Connected: now.Sub(f.began), Handshake: handshake, Received: f.received, Sent: f.sent, Certificate: f.session.Certificate, Alert: f.session.Alert,
		Cipher: f.session.Cipher, TLSProtocol: logVersions[f.session.Version], ServerName: f.session.ServerName,
		ALPNFront: f.session.Protocol, ALPNBack: f.alpn, Created: f.began,
	})
}

// logVersions are the names access logs of network load balancers have for versions.
var logVersions = map[string]string{"TLSv1": "tlsv1", "TLSv1.1": "tlsv11", "TLSv1.2": "tlsv12", "TLSv1.3": "tlsv13"}
