package l4

import (
	"net/netip"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/edge/drain"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/tlsterm"
)

// Apply makes s what is served from now on: the network load balancers of a valid snapshot with their nodes and groups. terminators are
// those of its TLS listeners, by ARN. When it returns no new flow sees what was served before, and none is given to a target that s drains or
// does not name. healthy tells whether targets unknown so far are to be routed to.
func (e *Engine) Apply(s *edgeapi.Snapshot, terminators map[string]*tlsterm.Server, healthy func(TargetKey) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := &table{groups: make(map[string]*group, len(s.TargetGroups))}
	named := make(map[TargetKey]*target, len(e.targets))
	for i := range s.TargetGroups {
		t.groups[s.TargetGroups[i].ARN] = e.buildGroup(&s.TargetGroups[i], named, healthy)
	}
	gone := e.buildNodes(s, terminators, t)
	old := e.targets
	e.targets, e.snapshot = named, s

	// Flags are lowered before the swap and raised after it: see drain.Tickets.
	e.eachTarget(s, func(x *edgeapi.Target, t *target) {
		if !x.Draining {
			t.tickets.Revive()
		}
	})
	e.table.Store(t)
	e.eachTarget(s, func(x *edgeapi.Target, t *target) {
		if x.Draining {
			e.drain(t, x.DrainUntil)
		}
	})
	for key, x := range old {
		if named[key] != x {
			e.retire(x)
		}
	}
	for _, n := range gone {
		n.shut()
	}
	e.ledger.prune(s)
	if complete, _ := e.ensure(); !complete {
		e.missing.Raise()
	}
}

func (e *Engine) eachTarget(s *edgeapi.Snapshot, f func(*edgeapi.Target, *target)) {
	for i := range s.TargetGroups {
		g := &s.TargetGroups[i]
		for j := range g.Targets {
			x := &g.Targets[j]
			f(x, e.targets[TargetKey{g.ARN, x.ID, x.Port}])
		}
	}
}

// buildGroup makes a generation's view of a group, creating the targets that are new.
func (e *Engine) buildGroup(in *edgeapi.TargetGroup, named map[TargetKey]*target, healthy func(TargetKey) bool) *group {
	g := &group{
		TargetGroup: *in, sticky: in.Stickiness != nil, shared: e.ledger.group(in.ARN), views: map[string]*view{},
		backTLS: in.Protocol == edgeapi.ProtocolTLS,
	}
	// "Client IP preservation is always enabled" for a load balancer as target.
	g.PreserveClientIP = in.PreserveClientIP || in.Type == edgeapi.TargetALB
	for i := range in.Targets {
		x := &in.Targets[i]
		key := TargetKey{in.ARN, x.ID, x.Port}
		address := netip.AddrPortFrom(x.Address, uint16(x.Port))
		t := e.targets[key]
		if t == nil || t.address != address {
			t = &target{key: key, address: address, name: nameHash(x.ID, x.Port), healthy: healthy(key), tickets: drain.Tickets{Drained: e.changed}}
			t.unwell.Store(!t.healthy)
		}
		named[key] = t
		if !x.Draining {
			g.targets = append(g.targets, t)
			g.zones = append(g.zones, x.AvailabilityZone)
		}
	}
	return g
}

// buildNodes updates nodes and servers to s and fills in the table's listeners. It returns the nodes that are gone.
func (e *Engine) buildNodes(s *edgeapi.Snapshot, terminators map[string]*tlsterm.Server, t *table) (gone []*node) {
	balancers := make(map[string]*edgeapi.LoadBalancer, len(s.LoadBalancers))
	for i := range s.LoadBalancers {
		balancers[s.LoadBalancers[i].ARN] = &s.LoadBalancers[i]
	}
	nodes := make(map[string]*node, len(s.Nodes))
	zones := map[string][]string{} // of each load balancer
	for _, n := range s.Nodes {
		if !slices.Contains(zones[n.LoadBalancer], n.AvailabilityZone) {
			zones[n.LoadBalancer] = append(zones[n.LoadBalancer], n.AvailabilityZone)
			slices.Sort(zones[n.LoadBalancer])
		}
	}
	for _, want := range s.Nodes {
		n := e.nodes[want.ID]
		if n == nil || n.Node != want {
			n = &node{Node: want, engine: e, namespace: e.opener.Mount(want.Namespace), servers: map[int]*server{}}
		}
		nodes[want.ID] = n
		lb := balancers[want.LoadBalancer]
		ports := make(map[int]bool)
		for i := range lb.Listeners {
			l := &lb.Listeners[i]
			ports[l.Port] = true
			srv := n.servers[l.Port]
			if srv == nil {
				srv = &server{node: n, port: l.Port, slot: e.slots, stream: -1}
				e.slots++
				n.servers[l.Port] = srv
			}
			srv.protocol = l.Protocol
			t.set(srv.slot, e.newListener(lb, l, n, zones[lb.ARN], terminators[l.ARN], t.groups))
		}
		for port, srv := range n.servers {
			if !ports[port] {
				srv.close()
				e.endFlows(srv)
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

// endFlows resets the connections of a listener that was deleted.
func (e *Engine) endFlows(s *server) {
	e.cut(func(by *server, _ *target) bool { return by == s })
}

// cut resets the flows for which f holds, soon. Engine.mu is held.
func (e *Engine) cut(f func(*server, *target) bool) {
	for _, l := range e.loops {
		l.do(func() {
			l.each(func(s *stream) {
				if f(s.server, s.to) {
					s.cut()
				}
			})
			for p := range l.ports {
				for _, u := range p.flows {
					if f(p.server, u.to) {
						u.end()
					}
				}
			}
		})
	}
	for t := range e.tls {
		if f(t.server, t.to.Load()) && t.cut() {
			t.listener.tcp.resets.Add(1)
		}
	}
}

// endTarget resets the flows of a target.
func (e *Engine) endTarget(t *target) {
	e.cut(func(_ *server, to *target) bool { return to == t })
}

// drain keeps a target from further flows. Those it has live on, unless they are to end with the deregistration delay.
func (e *Engine) drain(t *target, until time.Time) {
	if t.tickets.Drain(&e.mu, until, func() { e.expire(t) }) {
		t.forgive()
	}
}

// expire is the end of a target's deregistration delay.
func (e *Engine) expire(t *target) {
	if e.table.Load().groups[t.key.Group].TerminateDeregistered {
		e.endTarget(t)
	} else {
		e.changed() // it is drained, whatever it has
	}
}

// retire is the end of a target no snapshot names. Flows it still has may live on.
func (e *Engine) retire(t *target) {
	t.tickets.Retire()
	t.forgive()
	e.ledger.group(t.key.Group).gone.Add(t.counters.read())
}

// SetHealth says whether a target is to be routed to. One that is not any more loses its flows, at once or after a while, if the group says so
// and does not fail open.
func (e *Engine) SetHealth(key TargetKey, healthy bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.targets[key]
	if t == nil || t.healthy == healthy {
		return
	}
	t.healthy = healthy
	t.unwell.Store(!healthy)
	g := e.table.Load().groups[key.Group]
	g.refresh()
	t.forgive()
	switch {
	case healthy || t.tickets.Draining():
	case g.TerminateUnhealthy:
		e.endUnlessOpen(t)
	case g.UnhealthyDrain > 0:
		t.sufferance = time.Now().Add(g.UnhealthyDrain)
		t.unhealthy = time.AfterFunc(g.UnhealthyDrain, func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			if e.targets[key] == t && !t.healthy && !t.sufferance.IsZero() {
				t.forgive()
				e.endUnlessOpen(t)
				e.changed()
			}
		})
	}
}

func (e *Engine) endUnlessOpen(t *target) {
	if !e.table.Load().groups[t.key.Group].failsOpen(t) {
		e.endTarget(t)
	}
}
