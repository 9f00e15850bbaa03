package balance

import (
	"slices"

	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// Rule is a listener's rule: requests for which all conditions hold get its action. A listener's rules are tried in order of
// priority; the default rule, the one without a priority, comes last and has no conditions.
type Rule struct {
	network.Scope
	ARN             string
	ListenerARN     string
	LoadBalancerARN string
	Priority        int // 1–50000; 0 is the default rule
	Conditions      []Condition
	Transforms      []Transform `json:",omitempty"`
	Action          Action
}

// Default is whether the rule is its listener's default rule.
func (r *Rule) Default() bool { return r.Priority == 0 }

// RuleSpec is a rule to be created.
type RuleSpec struct {
	ListenerARN string
	Priority    int
	Conditions  []Condition
	Transforms  []Transform
	Action      Action
	Tags        map[string]string
}

// Rule finds a rule of the scope.
func (t *Tables) Rule(tx *state.Tx, scope network.Scope, arn string) (*Rule, error) {
	r, ok := t.Rules.Get(tx, arn)
	if !ok || r.Scope != scope {
		return nil, ErrRuleNotFound.New("One or more rules not found")
	}
	return r, nil
}

// RulesOf are a listener's rules in the order they are tried, the default rule last.
func (t *Tables) RulesOf(tx *state.Tx, listenerARN string) []*Rule {
	list := slices.Collect(t.Rules.By(tx, "listener", listenerARN))
	slices.SortFunc(list, func(a, b *Rule) int { return a.place() - b.place() })
	return list
}

func (r *Rule) place() int {
	if r.Default() {
		return 1 << 30
	}
	return r.Priority
}

// DefaultRule is a listener's default rule. Every listener has one.
func (t *Tables) DefaultRule(tx *state.Tx, listenerARN string) *Rule {
	for r := range t.Rules.By(tx, "listener", listenerARN) {
		if r.Default() {
			return r
		}
	}
	return nil
}

// CreateRule makes a rule.
//
// Errors: ListenerNotFound, PriorityInUse, TooManyRules, ValidationError, TargetGroupNotFound, TargetGroupAssociationLimit,
// InvalidConfigurationRequest, InvalidLoadBalancerAction.
func (b *Balance) CreateRule(tx *state.Tx, scope network.Scope, s RuleSpec) (*Rule, error) {
	l, err := b.Listener(tx, scope, s.ListenerARN)
	if err != nil {
		return nil, err
	}
	lb, err := b.LoadBalancer(tx, scope, l.LoadBalancerARN)
	if err != nil {
		return nil, err
	}
	if lb.Network() {
		return nil, ErrInvalidConfiguration.New("Rules are not supported for listeners of load balancers with type 'network'")
	}
	if err := b.priorityFree(tx, l.ARN, s.Priority); err != nil {
		return nil, err
	}
	if b.ruleCount(tx, lb.ARN) >= MaxRules {
		return nil, ErrTooManyRules.New("The maximum number of rules per load balancer has been reached: '%d'", MaxRules)
	}
	if err := checkSize(s.Conditions); err != nil {
		return nil, err
	}
	if err := b.checkAction(tx, lb, l, s.Action); err != nil {
		return nil, err
	}
	r := &Rule{
		Scope: scope, ARN: ruleARN(l.ARN, newID()), ListenerARN: l.ARN, LoadBalancerARN: lb.ARN,
		Priority: s.Priority, Conditions: s.Conditions, Transforms: s.Transforms, Action: s.Action,
	}
	b.Rules.Put(tx, r)
	return r, b.SetTags(tx, r.ARN, s.Tags)
}

// RuleChange is what may change of a rule; nil leaves it. No transforms at all are an empty list.
type RuleChange struct {
	Conditions []Condition
	Transforms []Transform
	Action     *Action
}

// ModifyRule changes a rule. The default rule's action is the listener's to change.
func (b *Balance) ModifyRule(tx *state.Tx, scope network.Scope, arn string, change RuleChange) (*Rule, error) {
	r, err := b.Rule(tx, scope, arn)
	if err != nil {
		return nil, err
	}
	if r.Default() {
		return nil, ErrNotPermitted.New("Default rule '%s' cannot be modified", arn)
	}
	l, err := b.Listener(tx, scope, r.ListenerARN)
	if err != nil {
		return nil, err
	}
	lb, err := b.LoadBalancer(tx, scope, r.LoadBalancerARN)
	if err != nil {
		return nil, err
	}
	c := *r
	if change.Conditions != nil {
		if err := checkSize(change.Conditions); err != nil {
			return nil, err
		}
		c.Conditions = change.Conditions
	}
	if change.Transforms != nil {
		c.Transforms = change.Transforms
	}
	if change.Action != nil {
		if err := b.checkAction(tx, lb, l, *change.Action); err != nil {
			return nil, err
		}
		c.Action = *change.Action
	}
	b.Rules.Put(tx, &c)
	return &c, nil
}

// DeleteRule deletes a rule that is not a default rule.
func (b *Balance) DeleteRule(tx *state.Tx, scope network.Scope, arn string) error {
	r, err := b.Rule(tx, scope, arn)
	if err != nil {
		return err
	}
	if r.Default() {
		return ErrNotPermitted.New("Default rule '%s' cannot be deleted", arn)
	}
	b.Rules.Delete(tx, arn)
	b.Tags.Delete(tx, arn)
	return nil
}

// SetPriorities moves rules to new places, all at once: two rules may change places.
func (b *Balance) SetPriorities(tx *state.Tx, scope network.Scope, priorities map[string]int) ([]*Rule, error) {
	var moved []*Rule
	for arn, priority := range priorities {
		r, err := b.Rule(tx, scope, arn)
		if err != nil {
			return nil, err
		}
		if r.Default() {
			return nil, ErrNotPermitted.New("Default rule '%s' cannot be modified", arn)
		}
		c := *r
		c.Priority = priority
		b.Rules.Put(tx, &c)
		moved = append(moved, &c)
	}
	slices.SortFunc(moved, func(a, b *Rule) int { return a.Priority - b.Priority })
	for _, r := range moved {
		for other := range b.Rules.By(tx, "listener", r.ListenerARN) {
			if other.ARN != r.ARN && other.Priority == r.Priority {
				return nil, ErrPriorityInUse.New("Priority '%d' is currently in use", r.Priority)
			}
		}
	}
	return moved, nil
}

func (b *Balance) priorityFree(tx *state.Tx, listenerARN string, priority int) error {
	for r := range b.Rules.By(tx, "listener", listenerARN) {
		if r.Priority == priority {
			return ErrPriorityInUse.New("Priority '%d' is currently in use", priority)
		}
	}
	return nil
}

// ruleCount is the number of rules of a load balancer that count against its limit.
func (b *Balance) ruleCount(tx *state.Tx, loadBalancerARN string) (n int) {
	for r := range b.Rules.By(tx, "loadbalancer", loadBalancerARN) {
		if !r.Default() {
			n++
		}
	}
	return n
}

func checkSize(conditions []Condition) error {
	values, wildcards := 0, 0
	for _, c := range conditions {
		values += c.size()
		wildcards += c.wildcards()
	}
	if values > MaxConditionValues {
		return ErrValidation.New("A rule can only have '%d' condition values", MaxConditionValues)
	}
	if wildcards > MaxWildcards {
		return ErrValidation.New("A rule can only have '%d' wildcards", MaxWildcards)
	}
	return nil
}
