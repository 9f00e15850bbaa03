package proxy

import (
	"errors"
	"io"
	"net/netip"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/http1"
	"github.com/neargate/neargate/internal/edge/rules"
)

// headTimeout is how long a request head may take from its first octet to its last, however steadily it trickles in.
const headTimeout = 60 * time.Second

// client is a connection a client has opened, with its goroutine.
type client struct {
	*socket
	peer
	engine   *Engine
	server   *server
	counters *listenerCounters // where it counts as active
	opened   int64             // tick
	fresh    bool              // no request has been answered yet
	entry    *logEntry         // of the request under way

	idleTimeout time.Duration // of the load balancer, when the current request began
	lifetime    time.Duration // likewise: the client keep-alive duration
	w           *work         // nil while idle
	take        func() []byte // sets w
	back        func()
	x           exchange
}

// admit starts serving a connection, unless there are too many.
func (e *Engine) admit(s *server, conn connection, from netip.AddrPort) {
	v := e.listener(s)
	if v == nil {
		conn.Close()
		return
	}
	if e.clients.Add(1) > e.maxClients {
		e.clients.Add(-1)
		v.counters.rejected.Add(1)
		conn.Close()
		return
	}
	v.counters.connections.Add(1)
	v.counters.active.Add(1)
	c := &client{socket: newSocket(conn, from, e.sweeper), engine: e, server: s, opened: e.sweeper.now()}
	c.socket.server = s
	c.address = from
	c.text = c.address.Addr().String()
	c.take = func() []byte { c.w = takeWork(); return c.w.in }
	c.back = func() { works.Put(c.w); c.w = nil }
	c.counters, c.fresh, c.eager = v.counters, true, true
	e.serving.Add(1)
	if v.tls != nil {
		e.porters.employ(c)
		return
	}
	v.logConnection(&c.peer, nil)
	e.crew.employ(c)
}

// attend serves the connection to its end.
func (c *client) attend() {
	defer c.end()
	defer c.survive()
	if c.session != nil && c.session.Protocol == "h2" {
		c.serveHTTP2()
	} else {
		c.serve()
	}
	if c.w != nil {
		c.w.giveBack()
	}
}

func (c *client) end() {
	c.Close()
	c.engine.clients.Add(-1)
	c.counters.active.Add(-1)
	c.engine.serving.Done()
}

// survive ends a connection on which the proxy itself fell over, instead of ending all others with it.
func (c *client) survive() {
	if r := recover(); r != nil {
		c.engine.log.Error("connection dropped by a defect", "client", c.address, "err", r, "stack", string(debug.Stack()))
		if u := c.x.up; u != nil {
			u.endpoint.discard(u)
		}
	}
}

// listener is what the current table has for a server; nil when the server is gone.
func (e *Engine) listener(s *server) *listener {
	t := e.table.Load()
	if s.slot >= len(t.listeners) {
		return nil
	}
	return t.listeners[s.slot]
}

// serve answers requests until the connection is to be closed.
func (c *client) serve() {
	for {
		v := c.engine.listener(c.server)
		if v == nil || c.engine.closing.Load() && c.w == nil {
			return
		}
		c.idleTimeout, c.lifetime = v.settings.IdleTimeout, v.settings.ClientKeepAlive
		c.alone = true
		if c.await() != nil || !c.head(v) {
			return
		}
		if !c.request() {
			return
		}
		c.fresh = false
		c.w.request.Reset()
		if len(c.w.unread()) == 0 {
			c.w.giveBack()
			c.w = nil
		}
	}
}

// await waits for the first octets of the next request. While it does, the connection holds no buffers.
func (c *client) await() error {
	if c.w != nil {
		return nil // pipelined
	}
	c.within(c.idleTimeout)
	if c.secure != nil {
		return c.awaitSecure()
	}
	c.state.Store(idleClient)
	if !c.fresh { // whoever connects has something to say
		runtime.Gosched() // as in Engine.giveWay
	}
	n, err := c.readLazily(c.take, c.back)
	c.state.Store(busy)
	if err == nil {
		c.w.to = n
	}
	return err
}

// awaitSecure is await with TLS, which borrows its own buffer first.
func (c *client) awaitSecure() error {
	c.state.Store(idleClient)
	runtime.Gosched()
	err := c.secure.await()
	c.state.Store(busy)
	if err != nil {
		return err
	}
	c.w = takeWork()
	c.w.to, err = c.Read(c.w.in)
	return err
}

// head reads the rest of the request head. If there is none to be had it has answered what is to be answered.
func (c *client) head(v *listener) bool {
	w := c.w
	slow := false
	for {
		n, err := w.request.Parse(w.unread())
		if err != nil {
			c.refuse(v, err)
			return false
		}
		if n > 0 {
			w.from += n
			if slow {
				c.w = w.complete()
			}
			return true
		}
		if !slow {
			c.within(min(headTimeout, c.idleTimeout))
			w, slow = w.slow(), true
			c.w = w
		}
		w.makeRoom()
		n, err = c.Read(w.in[w.to:])
		if err != nil {
			if err == errTimeout && c.interrupt.Load() == 0 {
				c.giveUp(v, 408, "")
			}
			return false
		}
		w.to += n
	}
}

// refuse answers a request that is not understood, after which nothing more can be understood on the connection.
func (c *client) refuse(v *listener, err error) {
	v.counters.requests.Add(1)
	reason := severe(err)
	if reason != "" {
		v.counters.nonCompliant.Add(1)
	}
	c.giveUp(v, statusOf(err), reason)
	c.linger()
}

// giveUp answers a request whose head could not be read.
func (c *client) giveUp(v *listener, status int, severe http1.Reason) {
	if v.log != nil {
		c.entry = c.engine.newLogEntry(v, &c.peer)
		c.entry.Received = int64(len(c.w.unread()))
		if severe != "" {
			c.entry.Classification, c.entry.ClassificationReason = "Severe", string(severe)
		}
		defer c.endEntry(v)
	}
	c.page(v, status, false)
}

// statusOf is the status that answers a request the parser refused.
func statusOf(err error) int {
	var r *http1.Refusal
	if errors.As(err, &r) {
		return r.Status
	}
	return 400
}

// severe is the desync classification's reason for a request that the parser refused; empty if it was refused for another.
func severe(err error) http1.Reason {
	var r *http1.Refusal
	if errors.As(err, &r) {
		return r.Severe
	}
	return ""
}

// linger lets the client read an answer given before its request was read to the end: closing at once would reset the
// connection and could take the answer with it.
func (c *client) linger() {
	if c.closeWrite() != nil {
		return
	}
	c.within(2 * time.Second)
	for range 64 {
		if _, err := c.Read(c.w.in); err != nil {
			return
		}
	}
}

// request does what the rules say about the request that has been read. It reports whether the connection can go on.
func (c *client) request() bool {
	if v := c.engine.listener(c.server); v != nil && v.log != nil {
		c.entry = c.engine.newLogEntry(v, &c.peer)
		c.entry.request(&c.w.request)
		defer c.endEntry(v)
	}
	d := c.engine.route(c.server, &c.w.request, &c.peer)
	if c.entry != nil {
		c.entry.decided(&c.w.request, &d)
	}
	switch {
	case d.listener == nil:
		c.page(nil, d.refusal, false)
		return false
	case d.refusal != 0:
		c.page(d.listener, d.refusal, false)
		c.linger()
		return false
	case d.target == nil:
		return c.own(d.listener, d.action)
	}
	return c.exchange(&d)
}

// endEntry writes what has become of the request.
func (c *client) endEntry(v *listener) {
	r := c.entry
	c.entry = nil
	r.write(c.engine, v.log)
}

// exchange has a target, whose ticket it gives back, answer the request.
func (c *client) exchange(d *decision) bool {
	defer d.target.tickets.Return()
	c.x.reset(c, d)
	return c.x.run()
}

// own answers without a target.
func (c *client) own(v *listener, a *action) bool {
	keep := c.skipBody()
	switch {
	case a.fixed != nil:
		v.counters.fixed.Add(1)
		keep = c.answer(v, a.fixed.status, a.fixed.contentType, a.fixed.body, "", keep)
	case a.redirect != nil:
		v.counters.redirects.Add(1)
		v.counters.answered(a.redirect.StatusCode)
		location := c.location(v, a.redirect)
		if c.entry != nil {
			c.entry.RedirectURL = location
		}
		keep = c.answer(v, titles[a.redirect.StatusCode], "text/html", pages[a.redirect.StatusCode], location, keep)
	default:
		keep = c.page(v, 503, keep)
	}
	if !keep {
		c.linger()
	}
	return keep
}

func (c *client) location(v *listener, r *edgeapi.Redirect) string {
	q := &c.w.request
	o := rules.Origin{Protocol: v.protocol, Host: q.Host, Port: v.port, Path: q.Path, Query: q.Query}
	if len(o.Host) == 0 {
		o.Host = []byte(v.node.Address.String())
	}
	return string(rules.AppendLocation(nil, r, &o))
}

// skipBody drops the body of a request that is not going to be forwarded, if all of it is here already. It reports whether
// the connection can go on after an answer.
func (c *client) skipBody() bool {
	w := c.w
	r := &w.request
	switch r.Framing {
	case http1.NoBody:
		return c.persists()
	case http1.Sized:
		if int64(len(w.unread())) >= r.Length {
			w.from += int(r.Length)
			c.received(int(r.Length))
			return c.persists()
		}
	}
	return false
}

// received counts octets of a body.
func (c *client) received(n int) {
	if c.entry != nil {
		c.entry.Received += int64(n)
	}
}

// persists reports whether the connection may be used for another request.
func (c *client) persists() bool {
	r := &c.w.request
	return r.KeepAlive && r.Tier != http1.Ambiguous && !c.engine.closing.Load() && !c.server.isGone() &&
		c.sweeper.now()-c.opened < int64(c.lifetime/tick)
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) }
