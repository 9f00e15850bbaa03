package elbv2

import (
	"context"
	"maps"
	"strings"
	"time"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

type tgAttributes = balance.TargetGroupAttributes

const week = 604800

// targetGroupAttributes are those of a target group of an Application Load Balancer: Elastic Load Balancing API Reference,
// "TargetGroupAttribute".
var targetGroupAttributes = []attribute[tgAttributes]{
	notYet[tgAttributes]("stickiness.enabled", "false", boolean),
	seconds("deregistration_delay.timeout_seconds", 300, 0, 3600, func(a *tgAttributes) *time.Duration { return &a.DeregistrationDelay }),
	kept("stickiness.type", "lb_cookie", oneOf("lb_cookie", "app_cookie"), nil),
	kept("stickiness.lb_cookie.duration_seconds", "86400", within(1, week), nil),
	kept("stickiness.app_cookie.cookie_name", "", cookieName, nil),
	kept("stickiness.app_cookie.duration_seconds", "86400", within(1, week), nil),
	notYet[tgAttributes]("slow_start.duration_seconds", "0", within(30, 900)),
	notYet[tgAttributes]("load_balancing.algorithm.type", "round_robin", oneOf("least_outstanding_requests", "weighted_random")),
	notYet[tgAttributes]("load_balancing.algorithm.anomaly_mitigation", "off", oneOf("on")),
	// Application Load Balancers cross zones unless a group says otherwise, so true says what the default does.
	kept("load_balancing.cross_zone.enabled", "use_load_balancer_configuration", boolean, oneOf("true")),
	notYet[tgAttributes]("target_group_health.dns_failover.minimum_healthy_targets.count", "1", either(oneOf("off"), within(1, balance.MaxTargets))),
	notYet[tgAttributes]("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off", within(1, 100)),
	notYet[tgAttributes]("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1", within(1, balance.MaxTargets)),
	notYet[tgAttributes]("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off", within(1, 100)),
}

// kept is an attribute that means nothing as long as another is off, and is shown as it was set.
func kept(key, unset string, check, inert func(string) bool) attribute[tgAttributes] {
	return attribute[tgAttributes]{
		key: key, unset: unset, check: check, inert: inert,
		get: func(a *tgAttributes) string {
			if v, ok := a.Kept[key]; ok {
				return v
			}
			return unset
		},
		set: func(a *tgAttributes, v string) {
			if v == unset {
				delete(a.Kept, key)
				return
			}
			a.Kept[key] = v
		},
	}
}

// cookieName refuses the names that the load balancer's own cookies have.
func cookieName(v string) bool {
	return v != "" && !strings.HasPrefix(v, "AWSALB") && !strings.ContainsFunc(v, otherThanTokens)
}

// DescribeTargetGroupAttributes lists a target group's attributes.
func (s *Service) DescribeTargetGroupAttributes(ctx context.Context, in *elbv2api.DescribeTargetGroupAttributesInput) (*elbv2api.DescribeTargetGroupAttributesOutput, error) {
	if err := checkARN("targetgroup", *in.TargetGroupArn); err != nil {
		return nil, err
	}
	tx, scope := s.view(ctx)
	g, err := s.balance.TargetGroup(tx, scope, *in.TargetGroupArn)
	if err != nil {
		return nil, err
	}
	return &elbv2api.DescribeTargetGroupAttributesOutput{Attributes: describedTargetGroup(g)}, nil
}

// ModifyTargetGroupAttributes changes attributes of a target group.
func (s *Service) ModifyTargetGroupAttributes(ctx context.Context, in *elbv2api.ModifyTargetGroupAttributesInput) (*elbv2api.ModifyTargetGroupAttributesOutput, error) {
	if err := checkARN("targetgroup", *in.TargetGroupArn); err != nil {
		return nil, err
	}
	var pairs []pair
	for _, a := range in.Attributes {
		pairs = append(pairs, pairOf(a.Key, a.Value))
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.ModifyTargetGroupAttributesOutput, error) {
		g, err := s.balance.TargetGroup(tx, scope, *in.TargetGroupArn)
		if err != nil {
			return nil, err
		}
		a := g.Attributes
		if a.Kept = maps.Clone(a.Kept); a.Kept == nil {
			a.Kept = map[string]string{}
		}
		if err := modify("Target group", targetGroupAttributes, &a, pairs); err != nil {
			return nil, err
		}
		g = s.balance.SetTargetGroupAttributes(tx, g, a)
		return &elbv2api.ModifyTargetGroupAttributesOutput{Attributes: describedTargetGroup(g)}, nil
	})
}

func describedTargetGroup(g *balance.TargetGroup) []elbv2api.TargetGroupAttribute {
	var out []elbv2api.TargetGroupAttribute
	for _, p := range describe(targetGroupAttributes, &g.Attributes) {
		out = append(out, elbv2api.TargetGroupAttribute{Key: new(p.key), Value: new(p.value)})
	}
	return out
}
