package l4

import (
	"sync/atomic"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// flowCounters are kept per load balancer, protocol and availability zone, for as long as the process lives.
type flowCounters struct {
	active                                                    atomic.Int64
	flows, bytes, packets, clientResets, targetResets, resets atomic.Uint64
	rejected, unhealthy, ports, clientTLS, targetTLS          atomic.Uint64
}

func (c *flowCounters) read() edgeapi.FlowCounters {
	return edgeapi.FlowCounters{
		Active: c.active.Load(), New: c.flows.Load(), Bytes: c.bytes.Load(), Packets: c.packets.Load(),
		ClientResets: c.clientResets.Load(), TargetResets: c.targetResets.Load(), Resets: c.resets.Load(),
		Rejected: c.rejected.Load(), Unhealthy: c.unhealthy.Load(), PortErrors: c.ports.Load(),
		ClientTLSErrors: c.clientTLS.Load(), TargetTLSErrors: c.targetTLS.Load(),
	}
}

// targetCounters are kept per target.
type targetCounters struct {
	flows, errors, in, out atomic.Uint64
}

func (c *targetCounters) read() edgeapi.BackCounters {
	return edgeapi.BackCounters{Requests: c.flows.Load(), ConnectionErrors: c.errors.Load(), BytesIn: c.in.Load(), BytesOut: c.out.Load()}
}

// groupCounters are kept per target group: what targets that are gone have left, and flows that found no target.
type groupCounters struct {
	unroutable atomic.Uint64
	gone       edgeapi.BackCounters // guarded by Engine.mu
}

// ledger finds counters by name, so that they go on across generations. Engine.mu guards it.
type ledger struct {
	flows  map[flowKey]*flowCounters
	groups map[string]*groupCounters
}

type flowKey struct{ balancer, protocol, zone string }

func newLedger() ledger { return ledger{map[flowKey]*flowCounters{}, map[string]*groupCounters{}} }

func (l *ledger) flow(balancer, protocol, zone string) *flowCounters {
	k := flowKey{balancer, protocol, zone}
	c := l.flows[k]
	if c == nil {
		c = &flowCounters{}
		l.flows[k] = c
	}
	return c
}

func (l *ledger) group(arn string) *groupCounters {
	g := l.groups[arn]
	if g == nil {
		g = &groupCounters{}
		l.groups[arn] = g
	}
	return g
}

// prune forgets what the snapshot no longer names.
func (l *ledger) prune(s *edgeapi.Snapshot) {
	balancers, groups := map[string]bool{}, map[string]bool{}
	for i := range s.LoadBalancers {
		balancers[s.LoadBalancers[i].ARN] = true
	}
	for i := range s.TargetGroups {
		groups[s.TargetGroups[i].ARN] = true
	}
	for k := range l.flows {
		if !balancers[k.balancer] {
			delete(l.flows, k)
		}
	}
	for arn := range l.groups {
		if !groups[arn] {
			delete(l.groups, arn)
		}
	}
}
