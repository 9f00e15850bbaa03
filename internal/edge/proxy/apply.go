package proxy

import (
	"bytes"
	"net/netip"
	"time"

	"github.com/neargate/neargate/internal/edge/drain"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/tlsterm"
)

// Apply makes s, which must be valid, what is served from now on. When it returns no new request sees what was served
// before, and no request is given to a target that s drains or does not name. healthy tells whether targets unknown so far
// are to be routed to.
func (e *Engine) Apply(s *edgeapi.Snapshot, healthy func(TargetKey) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sealer == nil || !bytes.Equal(e.snapshot.CookieKey, s.CookieKey) {
		e.sealer = newSealer(s.CookieKey)
	}
	t := &table{generation: s.Generation, sealer: e.sealer, groups: make(map[string]*group, len(s.TargetGroups))}
	named := make(map[TargetKey]*target, len(e.targets))
	for i := range s.TargetGroups {
		t.groups[s.TargetGroups[i].ARN] = e.buildGroup(&s.TargetGroups[i], named, healthy)
	}
	gone := e.buildNodes(s, t)
	old := e.targets
	e.targets, e.snapshot = named, s

	// Flags are lowered before the swap and raised after it: see drain.Tickets.
	for i := range s.TargetGroups {
		g := &s.TargetGroups[i]
		for j := range g.Targets {
			if !g.Targets[j].Draining {
				named[TargetKey{g.ARN, g.Targets[j].ID, g.Targets[j].Port}].tickets.Revive()
			}
		}
	}
	e.table.Store(t)
	for i := range s.TargetGroups {
		g := &s.TargetGroups[i]
		for j := range g.Targets {
			if x := &g.Targets[j]; x.Draining {
				e.drain(named[TargetKey{g.ARN, x.ID, x.Port}], x.DrainUntil)
			}
		}
	}
	for key, x := range old {
		if named[key] != x {
			e.retire(x)
		}
	}
	for _, n := range gone {
		n.gone.Store(true)
		n.shut()
		n.clear()
	}
	e.closeOrphans()
	e.ledger.prune(s)
	if complete, _ := e.ensure(); !complete {
		e.missing.Raise()
	}
}

// buildGroup makes a generation's view of a group, creating the targets that are new.
func (e *Engine) buildGroup(in *edgeapi.TargetGroup, named map[TargetKey]*target, healthy func(TargetKey) bool) *group {
	targets := make([]*target, 0, len(in.Targets))
	for i := range in.Targets {
		x := &in.Targets[i]
		key := TargetKey{in.ARN, x.ID, x.Port}
		address := netip.AddrPortFrom(x.Address, uint16(x.Port))
		t := e.targets[key]
		speaks := dialect{secure: in.Protocol == edgeapi.ProtocolHTTPS, http2: in.ProtocolVersion != edgeapi.VersionHTTP1}
		if t == nil || t.address != address || t.dialect != speaks {
			t = &target{key: key, address: address, dialect: speaks, digest: digestOf(key), tickets: drain.Tickets{Drained: e.changed}}
			t.healthy.Store(healthy(key))
		}
		t.zone = x.AvailabilityZone
		named[key] = t
		if !x.Draining {
			targets = append(targets, t)
		}
	}
	return newGroup(in, targets, e.ledger.group(in.ARN))
}

// buildNodes updates nodes and servers to s and fills in the table's listeners. It returns the nodes that are gone.
func (e *Engine) buildNodes(s *edgeapi.Snapshot, t *table) (gone []*node) {
	balancers := make(map[string]*edgeapi.LoadBalancer, len(s.LoadBalancers))
	for i := range s.LoadBalancers {
		balancers[s.LoadBalancers[i].ARN] = &s.LoadBalancers[i]
	}
	nodes := make(map[string]*node, len(s.Nodes))
	for _, want := range s.Nodes {
		n := e.nodes[want.ID]
		if n == nil || n.Node != want {
			n = &node{Node: want, engine: e, namespace: e.opener.Mount(want.Namespace), servers: map[int]*server{}}
		}
		nodes[want.ID] = n
		if policy := tlsterm.TargetPolicy(balancers[want.LoadBalancer]); n.policy != policy {
			n.policy = policy
			n.targetTLS.Store(&targetTLS{http1: tlsterm.Client(policy), http2: tlsterm.Client(policy, "h2")})
		}
		ports := make(map[int]bool)
		for i := range balancers[want.LoadBalancer].Listeners {
			l := &balancers[want.LoadBalancer].Listeners[i]
			ports[l.Port] = true
			srv := n.servers[l.Port]
			if srv == nil {
				srv = &server{node: n, port: l.Port, slot: e.slots}
				e.slots++
				n.servers[l.Port] = srv
			}
			t.set(srv.slot, e.newListener(balancers[want.LoadBalancer], l, n, t.groups))
		}
		for port, srv := range n.servers {
			if !ports[port] {
				srv.gone.Store(true)
				srv.close()
				delete(n.servers, port)
			}
		}
	}
	for id, n := range e.nodes {
		if nodes[id] != n {
			gone = append(gone, n)
		}
	}
	e.nodes = nodes
	return gone
}

func (t *table) set(slot int, l *listener) {
	if grow := slot + 1 - len(t.listeners); grow > 0 {
		t.listeners = append(t.listeners, make([]*listener, grow)...)
	}
	t.listeners[slot] = l
}

// closeOrphans closes idle clients of servers that are gone; the busy ones find out after their request.
func (e *Engine) closeOrphans() {
	e.sweeper.closeIdle(func(s *socket) bool { return s.server != nil && s.server.isGone() })
}

// each calls f for every endpoint of a target.
func (e *Engine) each(t *target, f func(*endpoint)) {
	for _, n := range e.nodes {
		if ep, ok := n.endpoints.Load(t); ok {
			f(ep.(*endpoint))
		}
	}
}

// drain keeps a target from further requests and cuts those it has at the end of the deregistration delay.
func (e *Engine) drain(t *target, until time.Time) {
	if t.tickets.Drain(&e.mu, until, func() { e.each(t, (*endpoint).cut) }) {
		e.each(t, (*endpoint).clear)
	}
}

// retire is the end of a target no snapshot names. Requests it still has may end.
func (e *Engine) retire(t *target) {
	t.tickets.Retire()
	t.retired.Store(true)
	for _, n := range e.nodes {
		if ep, ok := n.endpoints.LoadAndDelete(t); ok {
			ep.(*endpoint).clear()
		}
	}
	c := &e.ledger.group(t.key.Group).counters
	c.leaving = append(c.leaving, t)
	c.settle()
}
