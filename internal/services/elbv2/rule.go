package elbv2

import (
	"context"
	"strconv"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// CreateRule makes a rule of a listener.
func (s *Service) CreateRule(ctx context.Context, in *elbv2api.CreateRuleInput) (*elbv2api.CreateRuleOutput, error) {
	if err := checkARN("listener", *in.ListenerArn); err != nil {
		return nil, err
	}
	conditions, err := conditionsOf(in.Conditions)
	if err != nil {
		return nil, err
	}
	transforms, err := transformsOf(in.Transforms)
	if err != nil {
		return nil, err
	}
	action, err := actionOf(in.Actions)
	if err != nil {
		return nil, err
	}
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	spec := balance.RuleSpec{ListenerARN: *in.ListenerArn, Priority: int(*in.Priority), Conditions: conditions, Transforms: transforms, Action: action, Tags: tags}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.CreateRuleOutput, error) {
		r, err := s.balance.CreateRule(tx, scope, spec)
		if err != nil {
			return nil, err
		}
		return &elbv2api.CreateRuleOutput{Rules: []elbv2api.Rule{rule(r)}}, s.servedRule(tx, r)
	})
}

// DescribeRules lists a listener's rules in the order they are tried, or those named.
func (s *Service) DescribeRules(ctx context.Context, in *elbv2api.DescribeRulesInput) (*elbv2api.DescribeRulesOutput, error) {
	tx, scope := s.view(ctx)
	var list []*balance.Rule
	switch {
	case in.ListenerArn == nil && len(in.RuleArns) == 0:
		return nil, invalid("You must specify either listener rule ARNs or a listener ARN")
	case in.ListenerArn != nil && len(in.RuleArns) > 0:
		return nil, invalid("Listener rule ARNs and a listener ARN cannot be specified at the same time")
	case in.ListenerArn != nil:
		if err := checkARN("listener", *in.ListenerArn); err != nil {
			return nil, err
		}
		if _, err := s.balance.Listener(tx, scope, *in.ListenerArn); err != nil {
			return nil, err
		}
		list = s.balance.RulesOf(tx, *in.ListenerArn)
	default:
		var err error
		if list, err = described(tx, scope, "listener-rule", in.RuleArns, s.balance.Rule); err != nil {
			return nil, err
		}
	}
	list, next, err := paged(list, func(r *balance.Rule) string { return r.ARN }, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	return &elbv2api.DescribeRulesOutput{Rules: rules(list), NextMarker: next}, nil
}

// ModifyRule replaces a rule's conditions, its transforms or its action.
func (s *Service) ModifyRule(ctx context.Context, in *elbv2api.ModifyRuleInput) (*elbv2api.ModifyRuleOutput, error) {
	if err := checkARN("listener-rule", *in.RuleArn); err != nil {
		return nil, err
	}
	change, err := ruleChangeOf(in)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.ModifyRuleOutput, error) {
		r, err := s.balance.ModifyRule(tx, scope, *in.RuleArn, change)
		if err != nil {
			return nil, err
		}
		return &elbv2api.ModifyRuleOutput{Rules: []elbv2api.Rule{rule(r)}}, s.servedRule(tx, r)
	})
}

func ruleChangeOf(in *elbv2api.ModifyRuleInput) (change balance.RuleChange, err error) {
	reset := aws.Val(in.ResetTransforms)
	switch {
	case in.Conditions == nil && in.Actions == nil && in.Transforms == nil && !reset:
		return change, invalid("Either conditions or actions must be specified")
	case in.Transforms != nil && reset:
		return change, invalid("You cannot specify both Transforms and ResetTransforms")
	case reset:
		change.Transforms = []balance.Transform{}
	}
	if in.Conditions != nil {
		if change.Conditions, err = conditionsOf(in.Conditions); err != nil {
			return change, err
		}
	}
	if in.Transforms != nil {
		if change.Transforms, err = transformsOf(in.Transforms); err != nil {
			return change, err
		}
	}
	if in.Actions != nil {
		action, err := actionOf(in.Actions)
		if err != nil {
			return change, err
		}
		change.Action = &action
	}
	return change, nil
}

// SetRulePriorities moves rules, all at once.
func (s *Service) SetRulePriorities(ctx context.Context, in *elbv2api.SetRulePrioritiesInput) (*elbv2api.SetRulePrioritiesOutput, error) {
	priorities, taken := map[string]int{}, map[int]bool{}
	for _, p := range in.RulePriorities {
		if p.RuleArn == nil || p.Priority == nil {
			return nil, invalid("A rule ARN and a priority must be specified")
		}
		if err := checkARN("listener-rule", *p.RuleArn); err != nil {
			return nil, err
		}
		priority := int(*p.Priority)
		if taken[priority] {
			return nil, invalid("Priority '%d' was provided multiple times", priority)
		}
		if _, twice := priorities[*p.RuleArn]; twice {
			return nil, invalid("Rule '%s' was provided multiple times", *p.RuleArn)
		}
		priorities[*p.RuleArn], taken[priority] = priority, true
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.SetRulePrioritiesOutput, error) {
		moved, err := s.balance.SetPriorities(tx, scope, priorities)
		if err != nil {
			return nil, err
		}
		return &elbv2api.SetRulePrioritiesOutput{Rules: rules(moved)}, nil
	})
}

// DeleteRule deletes a rule that is not a default rule.
func (s *Service) DeleteRule(ctx context.Context, in *elbv2api.DeleteRuleInput) (*elbv2api.DeleteRuleOutput, error) {
	if err := checkARN("listener-rule", *in.RuleArn); err != nil {
		return nil, err
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.DeleteRuleOutput, error) {
		return nil, s.balance.DeleteRule(tx, scope, *in.RuleArn)
	})
}

func rules(list []*balance.Rule) []elbv2api.Rule {
	out := []elbv2api.Rule{}
	for _, r := range list {
		out = append(out, rule(r))
	}
	return out
}

func rule(r *balance.Rule) elbv2api.Rule {
	priority := "default"
	if !r.Default() {
		priority = strconv.Itoa(r.Priority)
	}
	return elbv2api.Rule{
		RuleArn: new(r.ARN), Priority: new(priority), IsDefault: new(r.Default()),
		Conditions: conditions(r.Conditions), Actions: actions(r.Action), Transforms: transforms(r.Transforms),
	}
}
