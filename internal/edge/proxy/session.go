package proxy

import (
	"errors"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/neargate/neargate/internal/edge/http2"
)

// session is a client's connection that speaks HTTP/2. Its goroutine reads; each request has one of its own.
//
// The socket's deadline is that of an idle connection. While there are requests, they have deadlines, and the sweeper pushes
// the connection's on.
type session struct {
	*client
	http2   *http2.Connection
	writing atomic.Int64 // tick since which a write is under way; 0: none is
}

// serveHTTP2 serves the connection from its first octet on as HTTP/2, until it is to be closed.
func (c *client) serveHTTP2() {
	v := c.engine.listener(c.server)
	if v == nil {
		return
	}
	c.idleTimeout, c.lifetime = v.settings.IdleTimeout, v.settings.ClientKeepAlive
	s := &session{client: c}
	s.http2 = http2.NewConnection(s, http2.Config{
		Serve: s.stream, Crew: c.engine.streams, Last: s.last, Now: c.sweeper.now, Interrupt: func() { c.breakOff(shutdown) },
	})
	c.alone = true // writers end before Serve does, and it is closed after that
	c.beat = s.beat
	c.state.Store(multiplexed)
	err := s.http2.Serve()
	c.state.Store(busy)
	var broken *http2.ConnectionError
	if errors.As(err, &broken) && c.interrupt.Load() == 0 {
		c.w = takeWork()
		c.linger() // or the reason might not reach the client
	}
}

// last reports whether a request that has just arrived shall be the connection's last.
func (s *session) last() bool {
	v := s.engine.listener(s.server)
	if v == nil {
		return true
	}
	s.lifetime = v.settings.ClientKeepAlive
	return s.outlived()
}

// outlived reports whether the connection should not take further requests.
func (s *session) outlived() bool {
	return s.engine.closing.Load() || s.server.isGone() || s.sweeper.now()-s.opened >= int64(s.lifetime/tick)
}

// beat is called by the sweeper with every tick.
func (s *session) beat(now int64) {
	if s.http2.Sweep(now) {
		s.breakOff(shutdown)
		return
	}
	if s.engine.closing.Load() || s.server.isGone() {
		s.http2.Leave()
	}
	if s.http2.Streams() > 0 {
		s.within(s.idleTimeout)
	}
	if since := s.writing.Load(); since != 0 && now-since > int64(s.idleTimeout/tick) {
		s.breakOff(shutdown)
	}
}

// Read reads what there is.
func (s *session) Read(p []byte) (int, error) {
	s.within(s.idleTimeout)
	return s.socket.Read(p)
}

// ReadLazily is Read into a buffer borrowed when there is something to read.
func (s *session) ReadLazily(borrow func() []byte, lend func()) (int, error) {
	s.within(s.idleTimeout)
	n, err := s.readLazily(borrow, lend)
	if err == errTimeout && s.interrupt.Load() == 0 {
		s.within(time.Second)
		s.http2.Leave()
	}
	return n, err
}

// Write writes all of p.
func (s *session) Write(p []byte) (int, error) {
	s.within(s.idleTimeout)
	s.writing.Store(s.sweeper.now())
	defer s.writing.Store(0)
	return s.socket.Write(p)
}

// stream serves one request.
func (s *session) stream(in *http2.Stream) {
	x := takeStream(s, in)
	defer x.survive()
	x.serve()
	x.giveBack()
}

// survive ends a request over which the proxy itself fell, instead of ending all others with it.
func (x *stream) survive() {
	if r := recover(); r != nil {
		x.engine.log.Error("request dropped by a defect", "client", x.address, "err", r, "stack", string(debug.Stack()))
		x.in.WhenGone(nil)
		x.in.Reset(http2.InternalError)
		if x.upload != nil {
			x.upload.stop()
		}
		if x.up != nil {
			x.endpoint.discard(x.up)
		}
	}
}
