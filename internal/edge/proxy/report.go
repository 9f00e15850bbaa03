package proxy

import (
	"cmp"
	"errors"
	"slices"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/netns"
)

// SetHealth says whether a target is to be routed to.
func (e *Engine) SetHealth(key TargetKey, healthy bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.targets[key]
	if t == nil || t.healthy.Load() == healthy {
		return
	}
	g, now := e.table.Load().groups[key.Group], e.sweeper.unix.Load()
	t.warming.Store(0)
	if healthy && g.slowStart > 0 && g.settled(now) {
		t.warming.Store(now)
	}
	t.healthy.Store(healthy)
	g.refresh()
}

// Namespace is where a node is, or netns.ErrAbsent: for probes, which go the way of requests.
func (e *Engine) Namespace(node string) (*netns.Namespace, error) {
	e.mu.Lock()
	n := e.nodes[node]
	e.mu.Unlock()
	if n == nil {
		return nil, netns.ErrAbsent
	}
	return n.namespace.Namespace()
}

// InFlight is how many requests a target has. drained is true when it is draining and has none; no later request will be
// given to it then.
func (e *Engine) InFlight(key TargetKey) (n int64, drained bool) {
	e.mu.Lock()
	t := e.targets[key]
	e.mu.Unlock()
	if t == nil {
		return 0, true
	}
	drained = t.tickets.Empty()
	return max(t.tickets.Out(), 0), drained
}

// Sockets reports on every listening socket there should be.
func (e *Engine) Sockets() []edgeapi.SocketStatus {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []edgeapi.SocketStatus
	for _, n := range e.nodes {
		for _, s := range n.servers {
			st := edgeapi.SocketStatus{ID: n.ID, Address: s.address().String(), Open: s.socket != nil}
			if err := errors.Join(n.namespace.Problem(), s.problem); err != nil && !st.Open {
				st.Error = err.Error()
			}
			out = append(out, st)
		}
	}
	slices.SortFunc(out, func(a, b edgeapi.SocketStatus) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Address, b.Address))
	})
	return out
}
