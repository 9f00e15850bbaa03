package deploy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// spread places the primary deployment's next tasks: the emptiest zone first, in it the emptiest subnet, and capacity providers by
// base and weight.
//
// AWS: "Amazon ECS service scheduler": Fargate spreads tasks over Availability Zones. "CapacityProviderStrategyItem".
type spread struct {
	p         *planning
	zones     map[string]int
	subnets   map[string]int
	providers map[string]int
}

func (p *planning) newSpread() *spread {
	s := &spread{p: p, zones: map[string]int{}, subnets: map[string]int{}, providers: map[string]int{}}
	for _, c := range remaining(p.current) {
		if c.health == unhealthy {
			continue // its replacement takes its place
		}
		s.zones[c.Zone]++
		s.subnets[c.Subnet]++
		s.providers[c.Provider]++
	}
	return s
}

func (s *spread) next(why StartReason) Start {
	subnets := s.order(func(Subnet) bool { return true })
	return s.place(subnets, why)
}

// order returns the subnets that pass, best first; one without free addresses comes last.
func (s *spread) order(pass func(Subnet) bool) []Subnet {
	var subnets []Subnet
	for _, n := range s.p.Subnets {
		if pass(n) {
			subnets = append(subnets, n)
		}
	}
	full := func(n Subnet) int {
		if s.p.Now.Before(s.p.primary.Exhausted[n.ID]) {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(subnets, func(a, b Subnet) int {
		return cmp.Or(cmp.Compare(full(a), full(b)), cmp.Compare(s.zones[a.Zone], s.zones[b.Zone]), cmp.Compare(s.subnets[a.ID], s.subnets[b.ID]))
	})
	return subnets
}

func (s *spread) place(subnets []Subnet, why StartReason) Start {
	start := Start{Deployment: s.p.primary.ID, Why: why, Provider: pick(s.p.primary.Revision.Strategy, s.providers)}
	s.providers[start.Provider]++
	for _, n := range subnets {
		start.Subnets = append(start.Subnets, n.ID)
	}
	if len(subnets) > 0 {
		start.Zone = subnets[0].Zone
		s.zones[start.Zone]++
		s.subnets[subnets[0].ID]++
	}
	return start
}

// pick chooses the provider of the next task: first the base is filled, then the task goes where it is furthest below its weight.
func pick(strategy []Capacity, have map[string]int) string {
	for _, c := range strategy {
		if have[c.Provider] < c.Base {
			return c.Provider
		}
	}
	best := ""
	var bestLoad float64
	for _, c := range strategy {
		if c.Weight <= 0 {
			continue
		}
		load := float64(have[c.Provider]-c.Base) / float64(c.Weight)
		if best == "" || load < bestLoad {
			best, bestLoad = c.Provider, load
		}
	}
	return best
}

// Share chooses the capacity providers of n tasks that are started at once.
func Share(strategy []Capacity, n int) []string {
	if len(strategy) == 0 {
		return nil
	}
	have := map[string]int{}
	out := make([]string, n)
	for i := range out {
		out[i] = pick(strategy, have)
		have[out[i]]++
	}
	return out
}

// rebalance evens zones out: one task starts in the emptiest zone; once it is healthy, releaseSurplus takes one from the fullest.
//
// AWS: "Amazon ECS service rebalancing".
func (p *planning) rebalance() {
	if p.closed || !p.service.Rebalancing || p.primary.Rollout != Completed {
		return
	}
	counts := map[string]int{}
	var names []string
	for _, n := range p.Subnets {
		if _, ok := counts[n.Zone]; !ok && n.Zone != "" {
			counts[n.Zone] = 0
			names = append(names, n.Zone)
		}
	}
	slices.Sort(names)
	stays := remaining(p.current)
	for _, c := range stays {
		if c.health != healthy {
			return // something is under way
		}
		if _, ok := counts[c.Zone]; !ok {
			return // placed by an earlier network configuration
		}
		counts[c.Zone]++
	}
	if len(names) < 2 || len(stays) != p.service.Desired || len(p.old) > 0 || len(p.starts) > 0 || p.freeing() {
		return
	}
	least := slices.MinFunc(names, func(a, b string) int { return cmp.Compare(counts[a], counts[b]) })
	most := slices.MaxFunc(names, func(a, b string) int { return cmp.Compare(counts[a], counts[b]) })
	if counts[most]-counts[least] < 2 {
		if p.service.Observed.Unbalanced {
			p.service.Observed.Unbalanced = false
			p.say("is AZ balanced with %s.", zoneCounts(names, counts))
		}
		return
	}
	if p.Now.Before(p.primary.RetryAt) {
		p.at(p.primary.RetryAt)
		return
	}
	s := p.newSpread()
	subnets := s.order(func(n Subnet) bool { return n.Zone == least && !p.Now.Before(p.primary.Exhausted[n.ID]) })
	if p.total >= p.service.ceiling() || len(subnets) == 0 {
		for _, until := range p.primary.Exhausted {
			if p.Now.Before(until) {
				p.at(until)
			}
		}
		return
	}
	if !p.service.Observed.Unbalanced {
		p.service.Observed.Unbalanced = true
		p.say("is not AZ balanced with %s. AZ Rebalancing in progress.", zoneCounts(names, counts))
	}
	p.start(s.place(subnets, StartBalance))
}

// zoneCounts is "2 tasks in us-east-1a and 0 tasks in us-east-1b" in AWS's form.
func zoneCounts(names []string, counts map[string]int) string {
	parts := make([]string, len(names))
	for i, n := range names {
		parts[i] = fmt.Sprintf("%d tasks in %s", counts[n], n)
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " and " + parts[last]
}
