package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/netns"
	"github.com/neargate/neargate/internal/edge/retry"
)

// connectTimeout is how long a target may take to accept ("Troubleshoot your Application Load Balancers: HTTP 504").
const connectTimeout = 10 * time.Second

// node is one load balancer node: its namespace, the sockets listening there and the connections to targets made from it.
type node struct {
	edgeapi.Node
	engine    *Engine
	namespace *netns.Mount
	servers   map[int]*server // by port; guarded by Engine.mu
	endpoints sync.Map        // *target → *endpoint
	gone      atomic.Bool     // no snapshot names it any more

	policy    string // of targetTLS; guarded by Engine.mu
	targetTLS atomic.Pointer[targetTLS]
}

// server is a listening socket. It outlives snapshots that keep its node and port.
type server struct {
	node    *node
	port    int
	slot    int
	problem error       // why socket is nil; guarded by Engine.mu
	socket  *os.File    // guarded by Engine.mu
	gone    atomic.Bool // no snapshot names it any more
}

// dial connects from the node to a target.
func (n *node) dial(ctx context.Context, to netip.AddrPort) (*net.TCPConn, error) {
	ns, err := n.namespace.Namespace()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	return ns.DialTCP(ctx, to, nil)
}

func (n *node) endpoint(t *target) *endpoint {
	near := t.near.Load()
	if near != nil && near.node == n {
		return near
	}
	e, ok := n.endpoints.Load(t)
	if !ok {
		e, _ = n.endpoints.LoadOrStore(t, newEndpoint(t, n))
		if t.retired.Load() { // and those who forget its endpoints might not have seen this one
			n.endpoints.Delete(t)
		}
	}
	if near == nil || near.node.gone.Load() {
		t.near.Store(e.(*endpoint))
	}
	return e.(*endpoint)
}

// ensure opens what the node should have open and is not: its namespace, if it has come or been replaced, and its sockets.
// It reports whether everything is open and whether anything changed. Engine.mu is held.
func (n *node) ensure() (complete, changed bool) {
	complete, changed = n.namespace.Ensure(n.lost)
	if !complete {
		return false, changed
	}
	for _, s := range n.servers {
		if s.socket != nil {
			continue
		}
		err := s.open()
		complete = complete && err == nil
		changed = changed || retry.News(s.problem, err)
		s.problem = err
	}
	return complete, changed
}

// lost closes the sockets of a namespace that has gone.
func (n *node) lost() {
	n.engine.log.Info("namespace of load balancer node has gone", "node", n.ID, "path", n.Namespace)
	n.close()
}

// shut lets go of the node's namespace and closes its sockets.
func (n *node) shut() {
	n.namespace.Close()
	n.close()
}

func (n *node) close() {
	for _, s := range n.servers {
		s.close()
	}
}

// clear closes the idle connections to all targets.
func (n *node) clear() {
	n.endpoints.Range(func(_, e any) bool {
		e.(*endpoint).clear()
		return true
	})
}

func (s *server) isGone() bool { return s.gone.Load() || s.node.gone.Load() }

func (s *server) address() netip.AddrPort {
	return netip.AddrPortFrom(s.node.Address, uint16(s.port))
}

// speechless is how long a connection may be without an octet of the client before it is accepted all the same, to be counted and held to
// the idle timeout: until then it is the kernel's, which spends next to nothing on it. With the first octet it is accepted at once.
const speechless = time.Second

func (s *server) open() error {
	ns, err := s.node.namespace.Namespace()
	if err != nil {
		return err
	}
	fd, err := ns.Listening(s.address())
	if err != nil {
		return fmt.Errorf("listen on %w", err)
	}
	file := os.NewFile(uintptr(fd), "listener")
	raw, err := file.SyscallConn()
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, int(speechless/time.Second))
	}
	if err != nil {
		file.Close()
		return fmt.Errorf("listen on %s: %w", s.address(), err)
	}
	s.socket = file
	s.node.engine.accepting.Add(1)
	go s.accept(raw)
	return nil
}

func (s *server) close() {
	if s.socket != nil {
		s.socket.Close()
		s.socket = nil
	}
}

// accept serves connections until the socket is closed.
func (s *server) accept(listener syscall.RawConn) {
	e := s.node.engine
	defer e.accepting.Done()
	var batch []arrival
	for {
		var err error
		batch, err = arrivals(listener, batch[:0])
		for _, a := range batch {
			e.admit(s, &guest{fd: a.fd}, a.from)
		}
		switch {
		case errors.Is(err, os.ErrClosed):
			return
		case err != nil:
			// Out of files or memory. The connections wait in the queue.
			e.log.Warn("accept", "address", s.address(), "err", err)
			select {
			case <-e.closed:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
}
