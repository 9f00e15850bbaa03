package proxy

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"

	"github.com/neargate/neargate/internal/edge/edgeapi"
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

// Dial connects to an address from one of the nodes, the first that can.
func (e *Engine) Dial(ctx context.Context, nodes []string, to netip.AddrPort) (net.Conn, error) {
	err := errNoNamespace
	for _, id := range nodes {
		e.mu.Lock()
		n := e.nodes[id]
		e.mu.Unlock()
		if n == nil || n.namespace.Load() == nil {
			continue
		}
		return n.dial(ctx, to)
	}
	return nil, err
}

// NoNamespace reports whether a Dial failed because no node was there to dial from.
func NoNamespace(err error) bool { return errors.Is(err, errNoNamespace) }

// InFlight is how many requests a target has. drained is true when it is draining and has none; no later request will be
// given to it then.
func (e *Engine) InFlight(key TargetKey) (n int64, drained bool) {
	e.mu.Lock()
	t := e.targets[key]
	e.mu.Unlock()
	if t == nil {
		return 0, true
	}
	draining := t.draining.Load()
	n = t.inFlight.Load()
	return max(n, 0), draining && n == 0
}

// Sockets reports on every listening socket there should be.
func (e *Engine) Sockets() []edgeapi.SocketStatus {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []edgeapi.SocketStatus
	for _, n := range e.nodes {
		for _, s := range n.servers {
			st := edgeapi.SocketStatus{ID: n.ID, Address: s.address().String(), Open: s.socket != nil}
			if err := errors.Join(n.problem, s.problem); err != nil && !st.Open {
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
