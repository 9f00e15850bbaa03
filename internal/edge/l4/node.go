package l4

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/netns"
	"github.com/neargate/neargate/internal/edge/retry"
)

// node is one load balancer node: its namespace and the sockets listening there.
type node struct {
	edgeapi.Node
	engine    *Engine
	namespace *netns.Mount
	servers   map[int]*server // by port; guarded by Engine.mu
}

// ensure opens what the node should have open and is not, and closes what it should not. It reports whether everything is open and
// whether anything changed. Engine.mu is held.
func (n *node) ensure() (complete, changed bool) {
	complete, changed = n.namespace.Ensure(n.lost)
	if !complete {
		return false, changed
	}
	for _, s := range n.servers {
		acted, err := s.ensure()
		complete = complete && err == nil
		changed = changed || acted || (s.problem != nil || err != nil) && retry.News(s.problem, err)
		s.problem = err
	}
	return complete, changed
}

// lost closes what was in a namespace that has gone.
func (n *node) lost() {
	n.engine.log.Info("namespace of load balancer node has gone", "node", n.ID, "path", n.Namespace)
	n.close()
}

// shut lets go of the node's namespace and closes what is in it.
func (n *node) shut() {
	n.namespace.Close()
	n.close()
}

// close closes the node's sockets and ends its flows: they belong to an interface that is no more.
func (n *node) close() {
	for _, s := range n.servers {
		s.close()
	}
	n.engine.cut(func(by *server, _ *target) bool { return by.node == n })
	for _, l := range n.engine.loops {
		l.do(func() { l.dropPools(n) })
	}
}

// server is the sockets of one listener at one node: one for connections, which all loops accept from, and one for datagrams for each loop. It
// outlives snapshots that keep its node and port.
type server struct {
	node *node
	port int
	slot int

	// Guarded by Engine.mu.
	protocol string
	problem  error // why not all are open
	ports    []*datagrams
	tls      *tlsPort

	mu     sync.RWMutex // held while accepting, so that a closed descriptor's number is not mistaken
	stream int          // -1: closed
	places []int32      // of the server in each loop
}

func (s *server) address() netip.AddrPort { return netip.AddrPortFrom(s.node.Address, uint16(s.port)) }

// ensure makes the sockets those the protocol needs. Engine.mu is held.
func (s *server) ensure() (changed bool, err error) {
	loops := takesStreams(s.protocol) && s.protocol != edgeapi.ProtocolTLS
	if !loops && s.stream >= 0 {
		s.closeStream()
		changed = true
	}
	if s.protocol != edgeapi.ProtocolTLS && s.tls != nil {
		s.closeTLS()
		changed = true
	}
	if !takesDatagrams(s.protocol) && s.ports != nil {
		s.closeDatagrams()
		changed = true
	}
	if loops && s.stream < 0 {
		if err := s.openStream(); err != nil {
			return changed, err
		}
		changed = true
	}
	if s.protocol == edgeapi.ProtocolTLS && s.tls == nil {
		if err := s.openTLS(); err != nil {
			return changed, err
		}
		changed = true
	}
	if takesDatagrams(s.protocol) && s.ports == nil {
		if err := s.openDatagrams(); err != nil {
			return changed, err
		}
		changed = true
	}
	return changed, nil
}

// open reports whether all sockets are open.
func (s *server) open() bool {
	return (s.stream >= 0 || s.tls != nil) == takesStreams(s.protocol) && (s.ports != nil) == takesDatagrams(s.protocol)
}

func (s *server) openStream() error {
	ns, err := s.node.namespace.Namespace()
	if err != nil {
		return err
	}
	fd, err := ns.Listening(s.address())
	if err != nil {
		return fmt.Errorf("listen on %w", err)
	}
	s.mu.Lock()
	s.stream = fd
	for len(s.places) < len(s.node.engine.loops) {
		s.places = append(s.places, -1)
	}
	s.mu.Unlock()
	for _, l := range s.node.engine.loops {
		l.do(func() { l.listen(s, fd) })
	}
	return nil
}

// listen has the loop accept connections from a server's socket, if that is still the one.
func (l *loop) listen(s *server, fd int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.stream != fd {
		return
	}
	place := l.enter(&listening{l, s})
	if err := l.add(place, 0, fd, listeningFor); err != nil {
		l.engine.log.Error("socket is not listened to", "address", s.address(), "err", err)
		l.leave(place)
		return
	}
	s.places[l.index] = place
}

// closeStream closes the socket; the kernel takes it out of the loops' epolls by itself.
func (s *server) closeStream() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream < 0 {
		return
	}
	unix.Close(s.stream)
	s.stream = -1
	for i, l := range s.node.engine.loops {
		place := &s.places[i]
		l.do(func() {
			if *place >= 0 {
				l.leave(*place)
				*place = -1
			}
		})
	}
}

// close closes all sockets. Flows that came by them go on.
func (s *server) close() {
	s.closeStream()
	s.closeDatagrams()
	s.closeTLS()
}

// listening is a server at one loop.
type listening struct {
	loop   *loop
	server *server
}

// listeningFor is what epoll tells of a listening socket: one of the loops, for as long as somebody waits.
const listeningFor = unix.EPOLLIN | unix.EPOLLEXCLUSIVE

// pause stops accepting for a moment, because trying again at once would be all the loop does. The server's lock is held.
func (a *listening) pause() {
	fd := a.server.stream
	if unix.EpollCtl(a.loop.epoll, unix.EPOLL_CTL_DEL, fd, nil) != nil {
		return
	}
	time.AfterFunc(50*time.Millisecond, func() { a.loop.do(func() { a.resume(fd) }) })
}

// resume begins to accept again, if the socket is still the one.
func (a *listening) resume(fd int) {
	s := a.server
	s.mu.RLock()
	defer s.mu.RUnlock()
	if place := s.places[a.loop.index]; s.stream == fd && place >= 0 {
		if err := a.loop.add(place, 0, fd, listeningFor); err != nil {
			a.loop.engine.log.Error("socket is not listened to", "address", s.address(), "err", err)
		}
	}
}

// maxAccept is how many connections are accepted before others get their turn.
const maxAccept = 64

func (a *listening) event(int, uint32) {
	s := a.server
	s.mu.RLock()
	defer s.mu.RUnlock()
	for range maxAccept {
		if s.stream < 0 {
			return
		}
		fd, err := accept(s.stream, &a.loop.peer)
		if err == unix.EAGAIN {
			return
		}
		if err != nil { // out of files or memory: the connections wait in the queue
			a.loop.engine.complain(s, err)
			a.pause()
			return
		}
		a.loop.admit(s, fd, &a.loop.peer)
	}
}
