package balance

import (
	"strings"

	"github.com/neargate/neargate/internal/state"
)

// States of a target's health and the reasons for them: Elastic Load Balancing API Reference, "TargetHealth".
const (
	Initial   = "initial"
	Healthy   = "healthy"
	Unhealthy = "unhealthy"
	Unused    = "unused"
	Draining  = "draining"

	UnhealthyDraining = "unhealthy.draining" // it gets no new flows, and keeps those it has for a while

	ReasonRegistration   = "Elb.RegistrationInProgress"
	ReasonNotRegistered  = "Target.NotRegistered"
	ReasonNotInUse       = "Target.NotInUse"
	ReasonIPUnusable     = "Target.IpUnusable"
	ReasonDeregistration = "Target.DeregistrationInProgress"
)

// Verdict is a target's health as the API tells it. A healthy target has neither reason nor description.
type Verdict struct{ State, Reason, Description string }

// Health is what edge last said about a target's health.
type Health struct {
	TargetGroupARN string
	ID             string
	Port           int
	Verdict
}

// Observation is what edge says about a target.
type Observation struct {
	TargetGroupARN string
	ID             string
	Port           int
	Verdict
	Drained bool // it is draining, and the last request has ended
}

// Verdict is the health of an address and port as a target of the group.
func (t *Tables) Verdict(tx *state.Tx, groupARN, id string, port int) Verdict {
	target, ok := t.Target(tx, groupARN, id, port)
	if !ok {
		return Verdict{Unused, ReasonNotRegistered, "Target is not registered to the target group"}
	}
	if target.Draining() {
		return Verdict{Draining, ReasonDeregistration, "Target deregistration is in progress"}
	}
	lb, ok := t.LoadBalancerOf(tx, groupARN)
	if !ok {
		return Verdict{Unused, ReasonNotInUse, "Target group is not configured to receive traffic from the load balancer"}
	}
	if !lb.serves(target.Zone) {
		return Verdict{Unused, ReasonNotInUse, "Target is in an Availability Zone that is not enabled for the load balancer"}
	}
	if h, ok := t.Healths.Get(tx, targetKey(groupARN, id, port)); ok {
		return h.Verdict
	}
	return Verdict{Initial, ReasonRegistration, "Target registration is in progress"}
}

// Healthy is whether edge last called a target healthy.
func (t *Tables) Healthy(tx *state.Tx, target *Target) bool {
	h, ok := t.Healths.Get(tx, targetKey(target.TargetGroupARN, target.ID, target.Port))
	return ok && h.State == Healthy
}

// serves is whether targets of a zone receive traffic: only those in zones where the load balancer has a node do.
func (l *LoadBalancer) serves(zone string) bool {
	if zone == AllZones {
		return true
	}
	for _, n := range l.Nodes {
		if n.Zone == zone {
			return true
		}
	}
	return false
}

// Serves is whether edge is to know the target: one that drains, or is in a zone of the group's load balancer.
func (t *Target) Serves(l *LoadBalancer) bool { return t.Draining() || l.serves(t.Zone) }

// Health is a registered target's state, for a deployment's purposes, and the description that goes with it; false when it is not registered.
func (t *Tables) Health(tx *state.Tx, groupARN, ip string, port int) (state, description string, ok bool) {
	if _, ok := t.Target(tx, groupARN, ip, port); !ok {
		return "", "", false
	}
	v := t.Verdict(tx, groupARN, ip, port)
	if v.State == UnhealthyDraining {
		v.State = Unhealthy
	}
	return v.State, v.Description, true
}

// Watched is the table whose rows change when health does; GroupOf is the target group a key of it is about.
func (t *Tables) Watched() state.AnyTable { return t.Healths }

// GroupOf is the target group of a key of Targets or Healths.
func (t *Tables) GroupOf(key string) string {
	group, _, _ := strings.Cut(key, "|")
	return group
}

// Observe writes down what edge says while it serves a generation of the snapshot. The observations are all there are: a target that
// is missing gets no requests and is not probed, because nothing forwards to its group any more, so its deregistration is over and
// nothing is known of its health. What a generation says about an earlier registration of a target counts for nothing.
func (b *Balance) Observe(tx *state.Tx, generation uint64, all []Observation) {
	told := make(map[string]bool, len(all))
	for i := range all {
		o := &all[i]
		key := targetKey(o.TargetGroupARN, o.ID, o.Port)
		t, ok := b.Targets.Get(tx, key)
		if !ok || generation < t.Ticket {
			continue
		}
		told[key] = true
		switch {
		case t.Draining():
			if o.Drained {
				b.remove(tx, t)
			}
		default:
			b.setHealth(tx, key, Health{TargetGroupARN: o.TargetGroupARN, ID: o.ID, Port: o.Port, Verdict: o.Verdict})
		}
	}
	for t := range b.Targets.By(tx, "draining", draining) {
		if !told[targetKey(t.TargetGroupARN, t.ID, t.Port)] && generation >= t.Ticket {
			b.remove(tx, t)
		}
	}
	for h := range b.Healths.All(tx, "") {
		key := targetKey(h.TargetGroupARN, h.ID, h.Port)
		if t, ok := b.Targets.Get(tx, key); !told[key] && (!ok || generation >= t.Ticket) {
			b.Healths.Delete(tx, key)
		}
	}
}

func (b *Balance) setHealth(tx *state.Tx, key string, h Health) {
	if have, ok := b.Healths.Get(tx, key); ok && *have == h {
		return
	}
	b.Healths.Put(tx, &h)
}
