package edge

import (
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/health"
	"github.com/neargate/neargate/internal/edge/tlsterm"
)

// users finds, for each target group some rule forwards to, the load balancers that use it.
func users(s *edgeapi.Snapshot) map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for i := range s.LoadBalancers {
		lb := &s.LoadBalancers[i]
		for j := range lb.Listeners {
			for k := range lb.Listeners[j].Rules {
				f := lb.Listeners[j].Rules[k].Action.Forward
				if f == nil {
					continue
				}
				for _, g := range f.Groups {
					if out[g.TargetGroup] == nil {
						out[g.TargetGroup] = map[string]bool{}
					}
					out[g.TargetGroup][lb.ARN] = true
				}
			}
		}
	}
	return out
}

// watched lists the targets to be probed: those of groups in use that are not on their way out. Probes come from a node in
// the target's availability zone if there is one.
func watched(s *edgeapi.Snapshot) []health.Target {
	used := users(s)
	policies := targetPolicies(s, used)
	var out []health.Target
	for i := range s.TargetGroups {
		g := &s.TargetGroups[i]
		if used[g.ARN] == nil {
			continue
		}
		byZone := map[string][]string{}
		for j := range g.Targets {
			t := &g.Targets[j]
			if t.Draining || !covered(s, g, used[g.ARN], t) {
				continue
			}
			nodes, ok := byZone[t.AvailabilityZone]
			if !ok {
				nodes = probers(s, used[g.ARN], t.AvailabilityZone)
				byZone[t.AvailabilityZone] = nodes
			}
			out = append(out, health.Target{
				Key: health.Key{Group: g.ARN, ID: t.ID, Port: t.Port}, Config: g.HealthCheck, Version: g.ProtocolVersion,
				Target: *t, Nodes: nodes, Policy: policies[g.ARN], Network: g.Network(),
			})
		}
	}
	return out
}

// targetPolicies finds, for each target group with HTTPS probes, the security policy of those: that of a load balancer which uses it.
func targetPolicies(s *edgeapi.Snapshot, used map[string]map[string]bool) map[string]string {
	out := map[string]string{}
	for i := range s.TargetGroups {
		g := &s.TargetGroups[i]
		if g.HealthCheck.Protocol != edgeapi.ProtocolHTTPS {
			continue
		}
		for j := range s.LoadBalancers {
			if lb := &s.LoadBalancers[j]; used[g.ARN][lb.ARN] {
				out[g.ARN] = tlsterm.TargetPolicy(lb)
			}
		}
	}
	return out
}

func probers(s *edgeapi.Snapshot, balancers map[string]bool, zone string) (near []string) {
	var far []string
	for i := range s.Nodes {
		n := &s.Nodes[i]
		switch {
		case !balancers[n.LoadBalancer]:
		case n.AvailabilityZone == zone:
			near = append(near, n.ID)
		default:
			far = append(far, n.ID)
		}
	}
	return append(near, far...)
}

// covered reports whether a target is in a zone of some load balancer that uses its group, or in none. A network load balancer does not
// use others.
func covered(s *edgeapi.Snapshot, g *edgeapi.TargetGroup, balancers map[string]bool, t *edgeapi.Target) bool {
	if !g.Network() || edgeapi.AnyZone(t.AvailabilityZone) {
		return true
	}
	for i := range s.Nodes {
		if n := &s.Nodes[i]; balancers[n.LoadBalancer] && n.AvailabilityZone == t.AvailabilityZone {
			return true
		}
	}
	return false
}

// unused lists the targets of groups no rule forwards to, and those in zones of no load balancer.
func unused(s *edgeapi.Snapshot) []health.Key {
	used := users(s)
	var out []health.Key
	for i := range s.TargetGroups {
		g := &s.TargetGroups[i]
		for j := range g.Targets {
			if used[g.ARN] != nil && covered(s, g, used[g.ARN], &g.Targets[j]) {
				continue
			}
			out = append(out, health.Key{Group: g.ARN, ID: g.Targets[j].ID, Port: g.Targets[j].Port})
		}
	}
	return out
}

// certified are the names on the certificates of each load balancer.
func certified(s *edgeapi.Snapshot, servers map[string]*tlsterm.Server) map[string][]string {
	out := map[string][]string{}
	for i := range s.LoadBalancers {
		lb := &s.LoadBalancers[i]
		for j := range lb.Listeners {
			if server := servers[lb.Listeners[j].ARN]; server != nil {
				out[lb.ARN] = append(out[lb.ARN], server.Names()...)
			}
		}
	}
	return out
}
