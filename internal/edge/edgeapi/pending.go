package edgeapi

import "fmt"

// pending refuses what the contract can say and edge does not do yet: a field that were ignored would serve something else than what
// was meant. Whoever makes edge act on a field removes its line here and checks its values in Validate.
func (s *Snapshot) pending() error {
	for i := range s.TargetGroups {
		if what := s.TargetGroups[i].pending(); what != "" {
			return fmt.Errorf("target group %s: %s is not supported", s.TargetGroups[i].ARN, what)
		}
	}
	for i := range s.LoadBalancers {
		if what := s.LoadBalancers[i].pending(); what != "" {
			return fmt.Errorf("load balancer %s: %s is not supported", s.LoadBalancers[i].ARN, what)
		}
	}
	return nil
}

// first is the first of the features that is wanted.
func first(wanted []feature) string {
	for _, f := range wanted {
		if f.wanted {
			return f.name
		}
	}
	return ""
}

type feature struct {
	name   string
	wanted bool
}

func (g *TargetGroup) pending() string {
	return first([]feature{
		{"anomaly mitigation", g.AnomalyMitigation},
	})
}

func (lb *LoadBalancer) pending() string {
	for i := range lb.Listeners {
		l := &lb.Listeners[i]
		what := first([]feature{
			{"an idle timeout of TCP", l.Attributes.TCPIdle != 0 && lb.Type != TypeNetwork},
		})
		if what != "" {
			return what
		}
	}
	return ""
}
