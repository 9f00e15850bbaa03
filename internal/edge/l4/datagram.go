package l4

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// datagrams is a listener's socket for UDP at one node, and the flows that came by it. With several loops each has a socket of its own, and
// the kernel gives all datagrams of a flow to the same one.
type datagrams struct {
	loop   *loop
	server *server
	fd     int
	place  int32
	flows  map[uint64]*flow // by the client's address and port
}

// flow is one client's address and port, as one target knows it.
type flow struct {
	port     *datagrams
	place    int32
	fd       int // connected to the target
	listener *listener
	group    *group
	to       *target
	client   unix.RawSockaddrInet4
	header   []byte // of the PROXY protocol, before every datagram
	last     int64
}

const datagramBuffer = 4 << 20 // of the kernel, for bursts

func (s *server) openDatagrams() error {
	ns, err := s.node.namespace.Namespace()
	if err != nil {
		return err
	}
	var opened []*datagrams
	for _, l := range s.node.engine.loops {
		fd, err := ns.Bound(unix.SOCK_DGRAM, s.address(), func(fd int) error {
			if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, datagramBuffer) != nil {
				_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, datagramBuffer)
			}
			if len(s.node.engine.loops) == 1 {
				return nil
			}
			return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		})
		if err != nil {
			for _, p := range opened {
				unix.Close(p.fd)
			}
			return fmt.Errorf("receive datagrams on %w", err)
		}
		opened = append(opened, &datagrams{loop: l, server: s, fd: fd, flows: map[uint64]*flow{}})
	}
	s.ports = opened
	for _, p := range opened {
		p.loop.do(p.open)
	}
	return nil
}

func (s *server) closeDatagrams() {
	for _, p := range s.ports {
		p.loop.do(p.close)
	}
	s.ports = nil
}

func (p *datagrams) open() {
	l := p.loop
	if l.batch == nil {
		l.batch = newBatch()
	}
	p.place = l.enter(p)
	l.ports[p] = struct{}{}
	if err := l.add(p.place, 0, p.fd, unix.EPOLLIN); err != nil {
		l.engine.log.Error("socket is not listened to", "address", p.server.address(), "err", err)
	}
}

// close ends the socket and its flows.
func (p *datagrams) close() {
	if _, open := p.loop.ports[p]; !open {
		return
	}
	for _, f := range p.flows {
		f.end()
	}
	p.loop.leave(p.place)
	delete(p.loop.ports, p)
	unix.Close(p.fd)
}

// event carries what clients have sent to targets. Runs of datagrams of the same flow are sent together. Epoll reports again what is left.
func (p *datagrams) event(int, uint32) {
	b := p.loop.batch
	n, err := b.receive(p.fd)
	if err != nil {
		return
	}
	for i := 0; i < n; {
		f := p.flowOf(&b.from[i])
		j := i + 1
		for j < n && sameAddress(&b.from[j], &b.from[i]) {
			j++
		}
		if f != nil {
			f.forward(b, i, j)
		}
		i = j
	}
}

func sameAddress(a, b *unix.RawSockaddrInet4) bool { return a.Addr == b.Addr && a.Port == b.Port }

// flowOf finds or begins the flow of a client.
func (p *datagrams) flowOf(from *unix.RawSockaddrInet4) *flow {
	key := number(addrPort(from))
	f := p.flows[key]
	if f != nil {
		return f
	}
	l := p.loop
	v := l.engine.listener(p.server)
	if v == nil {
		return nil
	}
	if l.engine.flows.Add(1) > l.engine.maxFlows {
		l.engine.flows.Add(-1)
		v.udp.rejected.Add(1)
		return nil
	}
	f = &flow{port: p, listener: v, client: *from, last: l.now()}
	if err := f.begin(); err != nil {
		l.engine.flows.Add(-1)
		return nil
	}
	p.flows[key] = f
	l.live.Add(1)
	v.udp.flows.Add(1)
	v.udp.active.Add(1)
	f.to.counters.flows.Add(1)
	if f.to.unwell.Load() {
		v.udp.unhealthy.Add(1)
	}
	return f
}

var errNoTarget = errors.New("no target")

func (f *flow) begin() error {
	l := f.port.loop
	from := addrPort(&f.client)
	for {
		t := l.engine.table.Load()
		f.group, f.to = f.listener.choose(protocolUDP, from, 0, nil)
		if f.to != nil {
			break
		}
		if l.engine.table.Load() == t {
			if f.group != nil {
				f.group.shared.unroutable.Add(1)
			}
			return errNoTarget
		}
		if f.listener = l.engine.listener(f.port.server); f.listener == nil {
			return errNoTarget
		}
	}
	err := f.dial()
	if err != nil {
		f.to.counters.errors.Add(1)
		f.to.tickets.Return()
		return err
	}
	if f.group.ProxyProtocol {
		f.header = appendProxyHeader(nil, protocolUDP, from, f.listener.nodeLocal)
	}
	return nil
}

// dial makes the flow's socket and connects it to the target.
func (f *flow) dial() error {
	l := f.port.loop
	fd, err := l.socket(f.port.server.node, unix.SOCK_DGRAM)
	if err != nil {
		return err
	}
	if f.group.PreserveClientIP {
		if err = impersonate(fd, &f.client); err != nil {
			f.listener.udp.ports.Add(1)
		}
	}
	if err == nil {
		to := rawAddress(f.to.address)
		err = connect(fd, &to)
	}
	if err == nil {
		f.place = l.enter(f)
		if err = l.add(f.place, 0, fd, unix.EPOLLIN); err != nil {
			l.leave(f.place)
		}
	}
	if err != nil {
		unix.Close(fd)
		return err
	}
	f.fd = fd
	return nil
}

// forward sends the datagrams from the i-th up to the j-th to the target.
func (f *flow) forward(b *batch, i, j int) {
	octets := b.send(f.fd, i, j, f.header, nil)
	f.last = f.port.loop.now()
	f.listener.udp.bytes.Add(octets)
	f.listener.udp.packets.Add(uint64(j - i))
	f.to.counters.out.Add(octets)
}

// event carries what the target has sent to the client.
func (f *flow) event(int, uint32) {
	b := f.port.loop.batch
	n, err := b.receive(f.fd)
	if err != nil {
		if err != unix.EAGAIN { // nobody listens there; with that the error is taken, and the flow lives on
			f.to.counters.errors.Add(1)
		}
		return
	}
	octets := b.send(f.port.fd, 0, n, nil, &f.client)
	f.last = f.port.loop.now()
	f.listener.udp.bytes.Add(octets)
	f.listener.udp.packets.Add(uint64(n))
	f.to.counters.in.Add(octets)
}

// end forgets the flow. The client's next datagram begins another one.
func (f *flow) end() {
	l, key := f.port.loop, number(addrPort(&f.client))
	if f.port.flows[key] != f {
		return // has ended
	}
	delete(f.port.flows, key)
	l.leave(f.place)
	unix.Close(f.fd)
	f.to.tickets.Return()
	f.listener.udp.active.Add(-1)
	l.live.Add(-1)
	l.engine.flows.Add(-1)
}

// sweep ends the flows that were silent for too long.
func (p *datagrams) sweep(now int64) {
	for _, f := range p.flows {
		if now-f.last >= ticks(udpIdle) {
			f.end()
		}
	}
}
