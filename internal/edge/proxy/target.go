package proxy

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/neargate/neargate/internal/edge/drain"
)

// TargetKey is a target's identity across snapshots.
type TargetKey struct {
	Group string // ARN
	ID    string
	Port  int
}

// dialect is how a target is spoken to.
type dialect struct {
	secure bool // with TLS
	http2  bool
}

// target is one address requests go to. It lives as long as a snapshot names it; its connections may live a little longer.
type target struct {
	key     TargetKey
	address netip.AddrPort
	dialect
	digest uint64 // what cookies know it by
	zone   string // guarded by Engine.mu

	// What every request looks at stands together.
	near    atomic.Pointer[endpoint] // that of the node that asked first: with a thousand targets every look-up is a cold one
	warming atomic.Int64             // since when its share grows (Unix time); 0: it does not
	healthy atomic.Bool
	retired atomic.Bool   // no snapshot names it any more
	tickets drain.Tickets // of requests in flight

	issues issues // cookies that bind to it

	counters targetCounters
}

// endpoint is a target as seen from one node: the connections between the two.
type endpoint struct {
	target *target
	node   *node

	mu     sync.Mutex
	idle   []*upstream // the most recently used last
	active upstream    // sentinel of a ring

	channels channels // to a target that speaks HTTP/2
}

func newEndpoint(t *target, n *node) *endpoint {
	e := &endpoint{target: t, node: n}
	e.active.prev, e.active.next = &e.active, &e.active
	return e
}

// maxIdle is how many idle connections a node keeps to one target.
const maxIdle = 512

// upstream is a connection to a target, idle or in use by one request.
type upstream struct {
	*socket
	endpoint   *endpoint
	prev, next *upstream // of endpoint.active
	uses       int
}

// take returns an idle connection, or nil. With checked, one whose other side has closed by now is not returned: for
// requests that cannot be repeated if it has.
func (e *endpoint) take(checked bool) *upstream {
	for {
		e.mu.Lock()
		n := len(e.idle)
		if n == 0 {
			e.mu.Unlock()
			return nil
		}
		u := e.idle[n-1]
		e.idle[n-1] = nil
		e.idle = e.idle[:n-1]
		e.activate(u)
		e.mu.Unlock()
		u.state.Store(busy)
		if checked && u.spent() {
			e.discard(u)
			continue
		}
		return u
	}
}

func (e *endpoint) activate(u *upstream) {
	u.next, u.prev = &e.active, e.active.prev
	u.prev.next, u.next.prev = u, u
}

// open connects to the target, with TLS if its group has it.
func (e *endpoint) open() (*upstream, error) {
	s, err := e.node.reach(e.node.engine.ctx, e.target)
	if err != nil {
		return nil, err
	}
	return e.adopt(s), nil
}

// adopt starts using a connection that has just been opened.
func (e *endpoint) adopt(s *socket) *upstream {
	u := &upstream{socket: s, endpoint: e}
	s.idle = func() { e.evict(u) }
	e.target.counters.connections.Add(1)
	e.target.counters.opened.Add(1)
	e.mu.Lock()
	e.activate(u)
	e.mu.Unlock()
	if e.target.tickets.Over() {
		u.breakOff(cutOff)
	}
	return u
}

// put keeps a connection for the next request, for at most keep.
func (e *endpoint) put(u *upstream, keep time.Duration) {
	u.uses++
	u.alone = false // until the next one says so
	u.within(keep)
	clean := u.secure == nil || !u.secure.pending()
	e.mu.Lock()
	u.prev.next, u.next.prev = u.next, u.prev
	u.prev, u.next = nil, nil
	keepIt := clean && !e.target.tickets.Draining() && !e.node.gone.Load() && len(e.idle) < maxIdle && u.interrupt.Load() == 0
	if keepIt {
		u.state.Store(idleTarget)
		e.idle = append(e.idle, u)
	}
	e.mu.Unlock()
	if !keepIt {
		e.close(u)
	}
}

// discard closes a connection in use. Doing so twice does no harm.
func (e *endpoint) discard(u *upstream) {
	e.mu.Lock()
	if u.next == nil {
		e.mu.Unlock()
		return
	}
	u.prev.next, u.next.prev = u.next, u.prev
	u.prev, u.next = nil, nil
	e.mu.Unlock()
	e.close(u)
}

func (e *endpoint) close(u *upstream) {
	u.Close()
	e.target.counters.connections.Add(-1)
}

// evict closes a connection if it is idle.
func (e *endpoint) evict(u *upstream) {
	e.mu.Lock()
	found := false
	for i, other := range e.idle {
		if other == u {
			e.idle = append(e.idle[:i], e.idle[i+1:]...)
			found = true
			break
		}
	}
	e.mu.Unlock()
	if found {
		e.close(u)
	}
}

// clear closes the idle connections. Those in use are not kept afterwards if the target is draining or the node gone.
func (e *endpoint) clear() {
	e.mu.Lock()
	idle := e.idle
	e.idle = nil
	e.mu.Unlock()
	e.channels.closeIdle()
	for _, u := range idle {
		e.close(u)
	}
}

// cut breaks off the connections in use.
func (e *endpoint) cut() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for u := e.active.next; u != &e.active; u = u.next {
		u.breakOff(cutOff)
	}
}
