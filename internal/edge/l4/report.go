package l4

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/netns"
)

// Namespace is where a node is, or netns.ErrAbsent: for probes, which go the way of flows.
func (e *Engine) Namespace(node string) (*netns.Namespace, error) {
	e.mu.Lock()
	n := e.nodes[node]
	e.mu.Unlock()
	if n == nil {
		return nil, netns.ErrAbsent
	}
	return n.namespace.Namespace()
}

// Flows is how many flows a target has. drained is true when it is draining and has none, or may keep those it has because its
// deregistration delay is over; no later flow will be given to it then.
func (e *Engine) Flows(key TargetKey) (n int64, drained bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.targets[key]
	if t == nil {
		return 0, true
	}
	drained = t.tickets.Empty() || t.tickets.Over() && !e.table.Load().groups[key.Group].TerminateDeregistered
	return max(t.tickets.Out(), 0), drained
}

// Sparing reports whether a target is unhealthy and keeps its flows for a while ("unhealthy.draining").
func (e *Engine) Sparing(key TargetKey) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.targets[key]
	return t != nil && !t.healthy && time.Now().Before(t.sufferance)
}

// Sockets reports on every listener of every node.
func (e *Engine) Sockets() []edgeapi.SocketStatus {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []edgeapi.SocketStatus
	for _, n := range e.nodes {
		for _, s := range n.servers {
			st := edgeapi.SocketStatus{ID: n.ID, Address: s.address().String(), Open: s.open()}
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

// Counters reads all counters.
func (e *Engine) Counters() (balancers []edgeapi.LoadBalancerCounters, groups []edgeapi.TargetGroupCounters) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.snapshot.LoadBalancers {
		lb := edgeapi.LoadBalancerCounters{ARN: e.snapshot.LoadBalancers[i].ARN}
		for k, c := range e.ledger.flows {
			if k.balancer != lb.ARN {
				continue
			}
			f := c.read()
			f.Protocol, f.AvailabilityZone = k.protocol, k.zone
			lb.Flows = append(lb.Flows, f)
		}
		slices.SortFunc(lb.Flows, func(a, b edgeapi.FlowCounters) int {
			return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.AvailabilityZone, b.AvailabilityZone))
		})
		balancers = append(balancers, lb)
	}
	for i := range e.snapshot.TargetGroups {
		groups = append(groups, e.countGroup(&e.snapshot.TargetGroups[i]))
	}
	return balancers, groups
}

func (e *Engine) countGroup(g *edgeapi.TargetGroup) edgeapi.TargetGroupCounters {
	shared := e.ledger.group(g.ARN)
	out := edgeapi.TargetGroupCounters{ARN: g.ARN, Unroutable: shared.unroutable.Load()}
	out.BackCounters.Add(shared.gone)
	for i := range g.Targets {
		x := &g.Targets[i]
		t := e.targets[TargetKey{g.ARN, x.ID, x.Port}]
		c := edgeapi.TargetCounters{Target: x.ID, Port: x.Port, BackCounters: t.counters.read()}
		c.Active = max(t.tickets.Out(), 0)
		c.Connections = c.Active
		out.BackCounters.Add(c.BackCounters)
		out.Targets = append(out.Targets, c)
	}
	return out
}
