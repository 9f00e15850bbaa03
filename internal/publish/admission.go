package publish

import (
	"maps"
	"slices"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/state"
)

// Serves is whether edge can serve a load balancer as the rows say. Edge refuses whole snapshots, so whoever writes rows asks before they
// are committed. Nodes and targets are left out.
func (p *Publisher) Serves(tx *state.Tx, loadBalancerARN string) error {
	lb, ok := p.Balance.LoadBalancers.Get(tx, loadBalancerARN)
	if !ok {
		return nil
	}
	s := &edgeapi.Snapshot{Generation: 1}
	entry := loadBalancer(lb)
	groups := map[string]bool{}
	for _, l := range p.Balance.ListenersOf(tx, lb.ARN) {
		entry.Listeners = append(entry.Listeners, p.listener(tx, l))
		if d, ok := door(lb, l, p.addresses(tx, lb)); ok {
			s.Doors = append(s.Doors, d)
		}
		for _, r := range p.Balance.RulesOf(tx, l.ARN) {
			for _, arn := range r.Action.TargetGroups() {
				groups[arn] = true
			}
		}
	}
	s.LoadBalancers = []edgeapi.LoadBalancer{entry}
	for _, arn := range slices.Sorted(maps.Keys(groups)) {
		if g, ok := p.Balance.TargetGroups.Get(tx, arn); ok {
			s.TargetGroups = append(s.TargetGroups, p.targetGroup(tx, g, nil))
		}
	}
	p.addCertificates(tx, s)
	s.TrustStores = p.trustStores(tx, s)
	return s.Validate()
}

// ServesGroup is the same of a target group, and of the load balancer that uses it.
func (p *Publisher) ServesGroup(tx *state.Tx, targetGroupARN string) error {
	if lb, ok := p.Balance.LoadBalancerOf(tx, targetGroupARN); ok {
		return p.Serves(tx, lb.ARN)
	}
	g, ok := p.Balance.TargetGroups.Get(tx, targetGroupARN)
	if !ok {
		return nil
	}
	s := &edgeapi.Snapshot{Generation: 1, TargetGroups: []edgeapi.TargetGroup{p.targetGroup(tx, g, nil)}}
	return s.Validate()
}
