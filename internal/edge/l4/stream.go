package l4

import (
	"encoding/binary"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// connectTimeout is how long a target may take to accept.
	connectTimeout = 10 * time.Second
	// maxTries is how many targets are tried while the client waits. It stands in for the passive health checks of AWS: a target that
	// refuses is left out before health checks have found it unhealthy.
	maxTries = 3
	// turns is how often one direction of a flow may move octets before others get their turn.
	turns = 16
	// leastBulk is how many octets must move at a time for the kernel's way to pay.
	leastBulk = 16 << 10
)

// stream is one TCP connection of a client and the one to its target.
type stream struct {
	loop     *loop
	place    int32
	server   *server
	listener *listener
	group    *group
	to       *target
	from     unix.RawSockaddrInet4 // the client
	ends     [2]end

	connecting bool
	closed     bool
	queued     bool // in loop.ready
	tries      int
	deadline   int64 // of connecting
	last       int64 // tick at which octets last moved
}

const (
	client = iota
	upstream
)

// end is one of a stream's sockets, with what is to be written to it.
type end struct {
	fd                 int
	readable, writable bool
	hung               bool // the other side has closed or broken off: reading goes on until that is found
	ended              bool // its end has been read
	shut               bool // the end of the other has been passed on to it
	bulk               bool // what is written to it comes through a pipe
	watched            bool // by epoll
	heeded             bool // for being writable, too: from when it first was not
	muted              bool // not for being readable: what comes could not be passed on now

	pending []byte
	through pipe // in which piped octets are
	piped   int
}

// interest is what epoll is to watch an end for. It always tells of an end that has hung up.
func (e *end) interest() uint32 {
	what := uint32(unix.EPOLLRDHUP | unix.EPOLLET)
	if !e.muted {
		what |= unix.EPOLLIN
	}
	if e.heeded {
		what |= unix.EPOLLOUT
	}
	return what
}

// admit begins a flow with a connection that was just accepted.
func (l *loop) admit(s *server, fd int, from *unix.RawSockaddrInet4) {
	v := l.engine.listener(s)
	if v == nil {
		reset(fd)
		return
	}
	if l.engine.flows.Add(1) > l.engine.maxFlows {
		l.engine.flows.Add(-1)
		v.tcp.rejected.Add(1)
		reset(fd)
		return
	}
	v.tcp.flows.Add(1)
	v.tcp.active.Add(1)
	l.live.Add(1)
	f := &stream{loop: l, server: s, listener: v, from: *from, last: l.now()}
	f.ends[client] = end{fd: fd, readable: true, writable: true}
	f.ends[upstream].fd = -1
	f.place = l.enter(f)
	l.streams[f] = struct{}{}
	f.dial()
}

// dial picks a target and begins to connect to it.
func (f *stream) dial() {
	l := f.loop
	for f.tries < maxTries {
		failed := f.release()
		t := l.engine.table.Load()
		v := l.engine.listener(f.server)
		if v == nil {
			break
		}
		g, to := v.choose(protocolTCP, addrPort(&f.from), l.next(), failed)
		if to == nil {
			if l.engine.table.Load() != t {
				continue // all targets were drained by a newer table
			}
			if g != nil && failed == nil {
				g.shared.unroutable.Add(1)
			}
			break
		}
		f.tries++
		f.group, f.to = g, to
		if err := f.connect(); err != nil {
			to.counters.errors.Add(1)
			continue
		}
		return
	}
	f.listener.tcp.resets.Add(1)
	f.abort()
}

// release gives back the ticket of a target that could not be reached, and says which it was.
func (f *stream) release() *target {
	t := f.to
	if t != nil {
		t.tickets.Return()
		f.to = nil
	}
	return t
}

func (f *stream) connect() error {
	l := f.loop
	fd, err := l.socket(f.server.node, unix.SOCK_STREAM)
	if err != nil {
		return err
	}
	if f.group.PreserveClientIP {
		err = impersonate(fd, &f.from)
		if err != nil {
			f.listener.tcp.ports.Add(1)
		}
	}
	if err == nil {
		_ = option(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY)
		to := rawAddress(f.to.address)
		if err = connect(fd, &to); err == unix.EINPROGRESS {
			err = nil
		} else if err == unix.EADDRNOTAVAIL {
			f.listener.tcp.ports.Add(1)
		}
	}
	u := end{fd: fd, watched: true, heeded: true}
	if err == nil {
		// Only now: epoll reports an unconnected socket as hung up.
		err = l.add(f.place, upstream, fd, u.interest())
	}
	if err != nil {
		closeSocket(fd)
		return err
	}
	f.ends[upstream] = u
	f.connecting = true
	f.deadline = l.now() + ticks(connectTimeout)
	return nil
}

// impersonate gives a socket the client's address and port.
func impersonate(fd int, from *unix.RawSockaddrInet4) error {
	if err := option(fd, unix.SOL_IP, unix.IP_TRANSPARENT); err != nil {
		return err
	}
	// One client may reach several targets from one port.
	if err := option(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR); err != nil {
		return err
	}
	return bind(fd, from)
}

func (f *stream) event(side int, what uint32) {
	e := &f.ends[side]
	if what&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		e.hung = true
	}
	e.readable = e.readable || e.hung || what&unix.EPOLLIN != 0
	e.writable = e.writable || what&unix.EPOLLOUT != 0
	switch {
	case f.connecting:
		f.connected(what)
	case e.ended && what&unix.EPOLLERR != 0: // a reset after the end, which reading would not show
		f.broken(side, unix.ECONNRESET)
	default:
		f.move()
	}
}

// connected finds out how connecting went.
func (f *stream) connected(what uint32) {
	e := &f.ends[upstream]
	if what&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
		code, err := unix.GetsockoptInt(e.fd, unix.SOL_SOCKET, unix.SO_ERROR)
		if err != nil || code != 0 {
			if unix.Errno(code) == unix.ECONNREFUSED {
				f.listener.tcp.targetResets.Add(1)
			}
			f.failed()
			return
		}
	}
	if what&unix.EPOLLOUT == 0 {
		return
	}
	f.connecting = false
	f.to.counters.flows.Add(1)
	if f.to.unwell.Load() {
		f.listener.tcp.unhealthy.Add(1)
	}
	if f.group.ProxyProtocol {
		e.pending = appendProxyHeader(nil, protocolTCP, addrPort(&f.from), f.listener.nodeLocal)
	}
	if !f.step() {
		return
	}
	// What the client had sent has been read by now, so watching it begins without an event for that; nor is there one for being writable
	// unless it was not before, which most clients always are.
	c := &f.ends[client]
	if err := f.loop.add(f.place, client, c.fd, c.interest()); err != nil {
		f.abort()
		return
	}
	c.watched = true
}

// failed tries another target after one that can not be reached.
func (f *stream) failed() {
	f.to.counters.errors.Add(1)
	closeSocket(f.ends[upstream].fd)
	f.ends[upstream] = end{fd: -1}
	f.connecting = false
	f.loop.leave(f.place) // events of the closed socket might still be on their way
	f.place = f.loop.enter(f)
	if f.group.sticky {
		f.tries = maxTries // "not supported for target groups with stickiness turned on"
	}
	f.dial()
}

// move carries octets both ways, as far as that goes at once.
func (f *stream) move() { f.step() }

// step is move; it reports whether the flow goes on.
func (f *stream) step() bool {
	if !f.relay(client, upstream) || !f.relay(upstream, client) {
		return false
	}
	c, u := &f.ends[client], &f.ends[upstream]
	if c.shut && u.shut {
		f.end()
		closeSocket(c.fd)
		closeSocket(u.fd)
		return false
	}
	return true
}

// relay carries octets one way. It reports whether the flow goes on.
func (f *stream) relay(from, to int) bool {
	src, dst := &f.ends[from], &f.ends[to]
	for range turns {
		if len(dst.pending) > 0 || dst.piped > 0 {
			if !dst.writable {
				f.mute(src)
				return true
			}
			if err := f.flush(dst); err != nil {
				return f.broken(to, err)
			}
			continue
		}
		if src.ended {
			if !dst.shut {
				dst.shut = true
				if other := &f.ends[from]; !other.shut { // when both are, closing says it
					endWriting(dst.fd)
				}
			}
			return true
		}
		if !src.readable || !dst.writable {
			return true
		}
		var n int
		var err error
		if dst.bulk {
			n, err = f.pump(src, dst)
		} else {
			n, err = f.copy(src, dst)
		}
		if err == unix.EAGAIN {
			src.readable, src.hung = false, false
		} else if err != nil {
			return f.broken(from, err)
		}
		if !src.readable {
			f.unmute(src)
		}
		if err != nil {
			return true
		}
		if n == 0 {
			src.ended = true
			continue
		}
		f.count(from, n)
	}
	if !f.queued {
		f.queued = true
		f.loop.ready = append(f.loop.ready, f)
	}
	return true
}

// count takes note of octets that came from an end.
func (f *stream) count(from, n int) {
	f.last = f.loop.now()
	f.listener.tcp.bytes.Add(uint64(n))
	if from == client {
		f.to.counters.out.Add(uint64(n))
	} else {
		f.to.counters.in.Add(uint64(n))
	}
}

// copy reads once into the loop's buffer and writes it. What the other end does not take is kept. A failure to write shows with the next
// flush.
func (f *stream) copy(src, dst *end) (int, error) {
	b := f.loop.buffer
	n, err := read(src.fd, b)
	if n <= 0 || err != nil {
		return n, err
	}
	if n < len(b) && !src.hung {
		src.readable = false // the next octets are an event
	}
	dst.bulk = n == len(b)
	m, err := write(dst.fd, b[:n])
	if err != nil && err != unix.EAGAIN {
		m = 0
	}
	if m < n {
		dst.pending = append(dst.pending[:0], b[m:n]...)
		if err == unix.EAGAIN {
			f.full(dst)
		}
	}
	return n, nil
}

// pump moves octets into a pipe, whence flush takes them.
func (f *stream) pump(src, dst *end) (int, error) {
	p, err := f.loop.takePipe()
	if err != nil { // out of files: as before
		dst.bulk = false
		return f.copy(src, dst)
	}
	n, err := splice(src.fd, p.in, pipeRoom)
	if n <= 0 || err != nil {
		f.loop.putPipe(p)
		return n, err
	}
	dst.bulk = n >= leastBulk
	dst.through, dst.piped = p, n
	return n, nil
}

// flush writes what is waiting to be written. Being unable to write more is no error.
func (f *stream) flush(dst *end) error {
	if dst.piped > 0 {
		n, err := splice(dst.through.out, dst.fd, dst.piped)
		if err == unix.EAGAIN {
			f.full(dst)
			return nil
		}
		if err != nil {
			return err
		}
		if dst.piped -= n; dst.piped == 0 {
			f.loop.putPipe(dst.through)
		}
		return nil
	}
	n, err := write(dst.fd, dst.pending)
	if err == unix.EAGAIN {
		f.full(dst)
		return nil
	}
	if err != nil {
		return err
	}
	if dst.pending = dst.pending[n:]; len(dst.pending) == 0 {
		dst.pending = nil
	}
	return nil
}

// full takes note that an end takes nothing more for now. There will be an event when it does.
func (f *stream) full(dst *end) {
	dst.writable = false
	if dst.heeded {
		return
	}
	dst.heeded = true
	f.watch(dst)
}

// mute spares the loop the events of what else arrives at an end while the other takes nothing. As long as it can be written to itself, there is
// nothing to be told about that either, and changing what epoll watches would be an event at once.
func (f *stream) mute(e *end) {
	if e.readable && !e.muted {
		e.muted, e.heeded = true, e.heeded && !e.writable
		f.watch(e)
	}
}

// unmute is for an end that has been read empty. What has arrived since is an event.
func (f *stream) unmute(e *end) {
	if e.muted {
		e.muted = false
		f.watch(e)
	}
}

// watch tells epoll of a changed interest in an end.
func (f *stream) watch(e *end) {
	if !e.watched {
		return
	}
	side := client
	if e == &f.ends[upstream] {
		side = upstream
	}
	f.loop.change(f.place, side, e.fd, e.interest())
}

// broken ends the flow because one end is: the other gets a reset too.
func (f *stream) broken(side int, err error) bool {
	if err == unix.ECONNRESET || err == unix.EPIPE {
		if side == client {
			f.listener.tcp.clientResets.Add(1)
		} else {
			f.listener.tcp.targetResets.Add(1)
		}
	}
	f.abort()
	return false
}

// cut resets the flow because the load balancer wants it to end.
func (f *stream) cut() {
	f.listener.tcp.resets.Add(1)
	f.abort()
}

// abort resets both connections.
func (f *stream) abort() {
	f.end()
	for i := range f.ends {
		if f.ends[i].fd >= 0 {
			reset(f.ends[i].fd)
		}
	}
}

// end lets go of everything but the sockets.
func (f *stream) end() {
	l := f.loop
	f.closed = true
	l.leave(f.place)
	delete(l.streams, f)
	for i := range f.ends {
		if e := &f.ends[i]; e.piped > 0 {
			e.through.close()
			e.piped = 0
		}
	}
	f.release()
	f.listener.tcp.active.Add(-1)
	l.live.Add(-1)
	l.engine.flows.Add(-1)
}

// check ends the flow if its time is over.
func (f *stream) check(now int64) {
	switch {
	case f.connecting && now >= f.deadline:
		f.failed()
	case !f.connecting && now-f.last >= f.listener.idle:
		f.end()
		forget(f.ends[client].fd)
		if f.group.PreserveClientIP { // nobody would answer the target later: a reset can not be sent from a foreign address without a socket
			reset(f.ends[upstream].fd)
		} else {
			forget(f.ends[upstream].fd)
		}
	}
}

func rawAddress(a netip.AddrPort) unix.RawSockaddrInet4 {
	r := unix.RawSockaddrInet4{Family: unix.AF_INET, Addr: a.Addr().As4()}
	binary.BigEndian.PutUint16(portOf(&r)[:], a.Port())
	return r
}

func addrPort(r *unix.RawSockaddrInet4) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4(r.Addr), binary.BigEndian.Uint16(portOf(r)[:]))
}
