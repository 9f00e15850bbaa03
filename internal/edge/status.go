package edge

import (
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/health"
	"github.com/neargate/neargate/internal/edge/l4"
)

// status puts together what the parts observe. seq was read before, so a change while it is put together is seen at least
// by the next call.
func (e *process) status(seq uint64) *edgeapi.Status {
	e.mu.Lock()
	s := e.snapshot
	e.mu.Unlock()
	out := &edgeapi.Status{Seq: seq, Nodes: append(e.proxy.Sockets(), e.l4.Sockets()...), Zones: e.dns.Sockets(), Doors: e.doors.Sockets()}
	if s == nil {
		return out
	}
	out.Generation = s.Generation
	used := users(s)
	for i := range s.TargetGroups {
		g := &s.TargetGroups[i]
		for j := range g.Targets {
			out.Targets = append(out.Targets, e.targetStatus(s, g, &g.Targets[j], used[g.ARN]))
		}
	}
	return out
}

func (e *process) targetStatus(s *edgeapi.Snapshot, g *edgeapi.TargetGroup, t *edgeapi.Target, balancers map[string]bool) edgeapi.TargetStatus {
	key := health.Key{Group: g.ARN, ID: t.ID, Port: t.Port}
	out := edgeapi.TargetStatus{Group: g.ARN, Target: t.ID, Port: t.Port}
	var drained bool
	out.InFlight, drained = e.inFlight(g, key)
	switch {
	case t.Draining:
		out.State, out.Reason = edgeapi.TargetDraining, edgeapi.ReasonDeregistrationInProgress
		out.Description = "Target deregistration is in progress"
		out.Drained = drained
	case len(balancers) == 0:
		out.State, out.Reason = edgeapi.TargetUnused, edgeapi.ReasonNotInUse
		out.Description = "Target group is not configured to receive traffic from the load balancer"
	case !covered(s, g, balancers, t):
		out.State, out.Reason = edgeapi.TargetUnused, edgeapi.ReasonNotInUse
		out.Description = "Target is in an Availability Zone that is not enabled for the load balancer"
	default:
		h, _ := e.health.Of(key)
		out.State, out.Reason, out.Description, out.Code = h.State, h.Reason, h.Description, h.Code
		if h.State == edgeapi.TargetUnhealthy && e.l4.Sparing(l4.TargetKey(key)) {
			out.State = edgeapi.TargetUnhealthyDraining
		}
	}
	return out
}
