package edge

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/health"
	"github.com/neargate/neargate/internal/edge/l4"
	"github.com/neargate/neargate/internal/edge/netns"
	"github.com/neargate/neargate/internal/edge/proxy"
)

// split parts a snapshot between the two data planes: application is proxy's, network l4's. Each gets the load balancers of its type with
// their nodes, and the target groups such can forward to.
func split(s *edgeapi.Snapshot) (application, network *edgeapi.Snapshot) {
	application, network = new(*s), new(*s)
	for _, half := range []*edgeapi.Snapshot{application, network} {
		half.LoadBalancers, half.Nodes, half.TargetGroups = nil, nil, nil
	}
	owner := map[string]*edgeapi.Snapshot{}
	for i := range s.LoadBalancers {
		half := application
		if s.LoadBalancers[i].Type == edgeapi.TypeNetwork {
			half = network
		}
		half.LoadBalancers = append(half.LoadBalancers, s.LoadBalancers[i])
		owner[s.LoadBalancers[i].ARN] = half
	}
	for _, n := range s.Nodes {
		half := owner[n.LoadBalancer]
		half.Nodes = append(half.Nodes, n)
	}
	for i := range s.TargetGroups {
		half := application
		if s.TargetGroups[i].Network() {
			half = network
		}
		half.TargetGroups = append(half.TargetGroups, s.TargetGroups[i])
	}
	return application, network
}

// setHealth tells the data plane that has the target.
func (e *process) setHealth(k health.Key, healthy bool) {
	e.proxy.SetHealth(proxy.TargetKey(k), healthy)
	e.l4.SetHealth(l4.TargetKey(k), healthy)
}

// inFlight is what a target is busy with: requests, or flows.
func (e *process) inFlight(g *edgeapi.TargetGroup, k health.Key) (n int64, drained bool) {
	if g.Network() {
		return e.l4.Flows(l4.TargetKey(k))
	}
	return e.proxy.InFlight(proxy.TargetKey(k))
}

// counters are those of both data planes.
func (e *process) counters() *edgeapi.Counters {
	c := e.proxy.Counters()
	balancers, groups := e.l4.Counters()
	c.LoadBalancers = append(c.LoadBalancers, balancers...)
	c.TargetGroups = append(c.TargetGroups, groups...)
	return c
}

// dial connects to a target from the first of the nodes that is there, whichever data plane has it.
func (e *process) dial(ctx context.Context, nodes []string, to netip.AddrPort) (net.Conn, error) {
	for _, id := range nodes {
		for _, find := range []func(string) (*netns.Namespace, error){e.proxy.Namespace, e.l4.Namespace} {
			if ns, err := find(id); err == nil {
				return ns.DialTCP(ctx, to, nil)
			}
		}
	}
	return nil, netns.ErrAbsent
}

func noNamespace(err error) bool { return errors.Is(err, netns.ErrAbsent) }
