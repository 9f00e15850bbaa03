package elbv2

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

type tgAttributes = balance.TargetGroupAttributes

const week = 604800

// targetGroupAttributes are those of a target group: Elastic Load Balancing API Reference, "TargetGroupAttribute".
func targetGroupAttributes(g *balance.TargetGroup) []attribute[tgAttributes] {
	if balance.Web(g.Protocol) {
		return slices.Concat(commonAttributes, webAttributes)
	}
	unset := balance.DefaultTargetGroupAttributes(g)
	datagrams := g.Protocol == balance.ProtocolUDP || g.Protocol == balance.ProtocolTCPUDP
	preserved := boolean
	if datagrams {
		preserved = oneOf("true")
	}
	terminated := boolean
	if datagrams {
		terminated = oneOf("false")
	}
	list := append(slices.Clone(commonAttributes),
		text("stickiness.type", balance.StickySourceIP, oneOf(balance.StickySourceIP), func(a *tgAttributes) *string { return &a.Stickiness.Type }),
		flag("deregistration_delay.connection_termination.enabled", unset.TerminateDeregistered, func(a *tgAttributes) *bool { return &a.TerminateDeregistered }),
		checked(preserved, flag("preserve_client_ip.enabled", unset.PreserveClientIP, func(a *tgAttributes) *bool { return &a.PreserveClientIP })),
		flag("proxy_protocol_v2.enabled", false, func(a *tgAttributes) *bool { return &a.ProxyProtocol }),
		checked(terminated, flag("target_health_state.unhealthy.connection_termination.enabled", unset.TerminateUnhealthy, func(a *tgAttributes) *bool { return &a.TerminateUnhealthy })),
		seconds("target_health_state.unhealthy.draining_interval_seconds", 0, 0, 360000, func(a *tgAttributes) *time.Duration { return &a.UnhealthyDrain }),
	)
	if g.Type == balance.TargetALB { // these keep their defaults: User Guide for Network Load Balancers, "Target group attributes"
		for i := range list {
			list[i].check = oneOf()
		}
	}
	return list
}

// checked is an attribute with another check.
func checked(check func(string) bool, d attribute[tgAttributes]) attribute[tgAttributes] {
	d.check = check
	return d
}

// count and percentage are checks of what can be off, too.
var (
	count      = within(1, balance.MaxTargets)
	percentage = either(oneOf("off"), within(1, 100))
)

// commonAttributes are those of all target groups.
var commonAttributes = []attribute[tgAttributes]{
	flag("stickiness.enabled", false, func(a *tgAttributes) *bool { return &a.Stickiness.Enabled }),
	seconds("deregistration_delay.timeout_seconds", 300, 0, 3600, func(a *tgAttributes) *time.Duration { return &a.DeregistrationDelay }),
	text("load_balancing.cross_zone.enabled", balance.CrossZoneInherited, boolean, func(a *tgAttributes) *string { return &a.CrossZone }),
	amount("target_group_health.dns_failover.minimum_healthy_targets.count", "1", either(oneOf("off"), count), func(a *tgAttributes) *int { return &a.DNS.Count }),
	amount("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off", percentage, func(a *tgAttributes) *int { return &a.DNS.Percent }),
	amount("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1", count, func(a *tgAttributes) *int { return &a.Routing.Count }),
	amount("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off", percentage, func(a *tgAttributes) *int { return &a.Routing.Percent }),
}

// webAttributes are those of target groups of Application Load Balancers.
var webAttributes = []attribute[tgAttributes]{
	text("stickiness.type", balance.StickyLBCookie, oneOf(balance.StickyLBCookie, balance.StickyAppCookie), func(a *tgAttributes) *string { return &a.Stickiness.Type }),
	seconds("stickiness.lb_cookie.duration_seconds", 86400, 1, week, func(a *tgAttributes) *time.Duration { return &a.Stickiness.LBDuration }),
	text("stickiness.app_cookie.cookie_name", "", cookieName, func(a *tgAttributes) *string { return &a.Stickiness.Cookie }),
	seconds("stickiness.app_cookie.duration_seconds", 86400, 1, week, func(a *tgAttributes) *time.Duration { return &a.Stickiness.AppDuration }),
	seconds("slow_start.duration_seconds", 0, 30, 900, func(a *tgAttributes) *time.Duration { return &a.SlowStart }),
	text("load_balancing.algorithm.type", balance.AlgorithmRoundRobin,
		oneOf(balance.AlgorithmRoundRobin, balance.AlgorithmLeastOutstanding, balance.AlgorithmWeightedRandom), func(a *tgAttributes) *string { return &a.Algorithm }),
	text("load_balancing.algorithm.anomaly_mitigation", "off", oneOf("on", "off"), func(a *tgAttributes) *string { return &a.AnomalyMitigation }),
}

// cookieName refuses the names that the load balancer's own cookies have.
func cookieName(v string) bool {
	return v != "" && !strings.HasPrefix(v, "AWSALB") && !strings.ContainsFunc(v, otherThanTokens)
}

// checkTogether is whether attributes go together.
func checkTogether(a *tgAttributes) error {
	bad := balance.ErrInvalidConfiguration.New
	switch {
	case a.Stickiness.Enabled && a.Stickiness.Type == balance.StickyAppCookie && a.Stickiness.Cookie == "":
		return bad("You must specify a cookie name when stickiness type is 'app_cookie'")
	case a.SlowStart > 0 && a.Algorithm != balance.AlgorithmRoundRobin:
		return bad("You cannot enable slow start duration when the load balancing algorithm type is '%s'", a.Algorithm)
	case a.AnomalyMitigation == "on" && a.Algorithm != balance.AlgorithmWeightedRandom:
		return bad("You cannot enable anomaly mitigation when the load balancing algorithm type is '%s'", a.Algorithm)
	case a.UnhealthyDrain > 0 && a.TerminateUnhealthy:
		return bad("You cannot set 'target_health_state.unhealthy.draining_interval_seconds' to '%s' when unhealthy connection termination is enabled", strconv.Itoa(int(a.UnhealthyDrain.Seconds())))
	}
	return nil
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
		if err := modify("Target group", targetGroupAttributes(g), &a, pairs); err != nil {
			return nil, err
		}
		if err := checkTogether(&a); err != nil {
			return nil, err
		}
		g = s.balance.SetTargetGroupAttributes(tx, g, a)
		return &elbv2api.ModifyTargetGroupAttributesOutput{Attributes: describedTargetGroup(g)}, s.servedGroup(tx, g)
	})
}

func describedTargetGroup(g *balance.TargetGroup) []elbv2api.TargetGroupAttribute {
	var out []elbv2api.TargetGroupAttribute
	for _, p := range describe(targetGroupAttributes(g), &g.Attributes) {
		out = append(out, elbv2api.TargetGroupAttribute{Key: new(p.key), Value: new(p.value)})
	}
	return out
}
