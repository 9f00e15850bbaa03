package publish

import (
	"maps"
	"slices"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/state"
)

// Serves is whether edge can serve a load balancer and its listeners as the rows say. Edge refuses whole snapshots, so whoever writes rows
// asks before they are committed. Nodes, targets and rules other than default ones are left out.
func (p *Publisher) Serves(tx *state.Tx, loadBalancerARN string) error {
	lb, ok := p.Balance.LoadBalancers.Get(tx, loadBalancerARN)
	if !ok {
		return nil
	}
	return p.draft(tx, lb, nil, nil).Validate()
}

// ServesRule is the same of a rule.
func (p *Publisher) ServesRule(tx *state.Tx, ruleARN string) error {
	r, ok := p.Balance.Rules.Get(tx, ruleARN)
	if !ok {
		return nil
	}
	lb, ok := p.Balance.LoadBalancers.Get(tx, r.LoadBalancerARN)
	if !ok {
		return nil
	}
	return p.draft(tx, lb, r, nil).Validate()
}

// ServesGroup is the same of a target group, with the load balancer that uses it if there is one.
func (p *Publisher) ServesGroup(tx *state.Tx, targetGroupARN string) error {
	g, ok := p.Balance.TargetGroups.Get(tx, targetGroupARN)
	if !ok {
		return nil
	}
	if lb, ok := p.Balance.LoadBalancerOf(tx, targetGroupARN); ok {
		return p.draft(tx, lb, nil, g).Validate()
	}
	s := &edgeapi.Snapshot{Generation: 1, TargetGroups: []edgeapi.TargetGroup{p.targetGroup(tx, g, nil)}}
	return s.Validate()
}

// draft is a snapshot of a load balancer with its listeners' default rules, and a rule and a group besides.
func (p *Publisher) draft(tx *state.Tx, lb *balance.LoadBalancer, also *balance.Rule, group *balance.TargetGroup) *edgeapi.Snapshot {
	s := &edgeapi.Snapshot{Generation: 1}
	groups := map[string]bool{}
	if group != nil {
		groups[group.ARN] = true
	}
	addresses := p.addresses(tx, lb)
	entry := loadBalancer(lb)
	for _, l := range p.Balance.ListenersOf(tx, lb.ARN) {
		rules := []*balance.Rule{p.Balance.DefaultRule(tx, l.ARN)}
		if also != nil && also.ListenerARN == l.ARN && !also.Default() {
			rules = []*balance.Rule{also, rules[0]}
		}
		for _, r := range rules {
			for _, arn := range r.Action.TargetGroups() {
				groups[arn] = true
			}
		}
		entry.Listeners = append(entry.Listeners, listener(l, rules))
		if d, ok := door(lb, l, addresses); ok {
			s.Doors = append(s.Doors, d)
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
	return s
}
