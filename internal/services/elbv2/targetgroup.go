package elbv2

import (
	"context"
	"slices"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// CreateTargetGroup makes a target group.
func (s *Service) CreateTargetGroup(ctx context.Context, in *elbv2api.CreateTargetGroupInput) (*elbv2api.CreateTargetGroupOutput, error) {
	g, err := targetGroupOf(in)
	if err != nil {
		return nil, err
	}
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	g.CreatedAt = aws.From(ctx).Now
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.CreateTargetGroupOutput, error) {
		g.Scope = scope
		made, err := s.balance.CreateTargetGroup(tx, g, tags)
		if err != nil {
			return nil, err
		}
		return &elbv2api.CreateTargetGroupOutput{TargetGroups: []elbv2api.TargetGroup{s.targetGroup(tx, made)}}, s.servedGroup(tx, made)
	})
}

// targetGroupOf is the group a request asks for.
func targetGroupOf(in *elbv2api.CreateTargetGroupInput) (g balance.TargetGroup, err error) {
	g = balance.TargetGroup{
		Name: *in.Name, Type: balance.TargetInstance, Protocol: aws.Val(in.Protocol), Port: int(aws.Val(in.Port)), VPCID: aws.Val(in.VpcId),
	}
	if in.TargetType != nil {
		g.Type = *in.TargetType
	}
	if err := checkTargetGroupName(g.Name); err != nil {
		return g, err
	}
	switch {
	case g.Type == elbv2api.TargetTypeEnumLambda:
		return g, awserr.NotImplemented("target type " + g.Type)
	case in.Protocol == nil:
		return g, invalid("A protocol must be specified")
	case slices.Contains([]string{elbv2api.ProtocolEnumGeneve, elbv2api.ProtocolEnumQuic, elbv2api.ProtocolEnumTcpQuic}, g.Protocol):
		return g, awserr.NotImplemented("target group protocol " + g.Protocol)
	case g.Type == balance.TargetALB && g.Protocol != balance.ProtocolTCP:
		return g, invalid("Protocol '%s' is not supported for target groups with target type 'alb'", g.Protocol)
	case in.Port == nil:
		return g, invalid("A port must be specified")
	case in.VpcId == nil:
		return g, invalid("A VPC ID must be specified")
	case aws.Val(in.IpAddressType) == elbv2api.TargetGroupIpAddressTypeEnumIpv6:
		return g, awserr.NotImplemented("target group IP address type ipv6")
	case in.TargetControlPort != nil:
		return g, awserr.NotImplemented("TargetControlPort")
	}
	if g.ProtocolVersion, err = protocolVersion(g.Protocol, in.ProtocolVersion); err != nil {
		return g, err
	}
	g.HealthCheck, err = healthCheck{
		protocol: in.HealthCheckProtocol, port: in.HealthCheckPort, path: in.HealthCheckPath, enabled: in.HealthCheckEnabled,
		interval: in.HealthCheckIntervalSeconds, timeout: in.HealthCheckTimeoutSeconds,
		healthy: in.HealthyThresholdCount, unhealthy: in.UnhealthyThresholdCount, matcher: in.Matcher,
	}.change(balance.DefaultHealthCheck(&g, aws.Val(in.HealthCheckProtocol)), &g)
	return g, err
}

func protocolVersion(protocol string, asked *string) (string, error) {
	switch v := aws.Val(asked); {
	case !balance.Web(protocol) && v != "":
		return "", invalid("Protocol version cannot be specified for target groups with protocol '%s'", protocol)
	case !balance.Web(protocol):
		return "", nil
	case v == "":
		return balance.VersionHTTP1, nil
	case v == balance.VersionHTTP1 || v == balance.VersionHTTP2 || v == balance.VersionGRPC:
		return v, nil
	default:
		return "", invalid("The protocol version '%s' must be one of 'GRPC, HTTP1, HTTP2'", v)
	}
}

// DescribeTargetGroups lists target groups: all, those of a load balancer, or those named.
func (s *Service) DescribeTargetGroups(ctx context.Context, in *elbv2api.DescribeTargetGroupsInput) (*elbv2api.DescribeTargetGroupsOutput, error) {
	tx, scope := s.view(ctx)
	list, err := s.selected(tx, scope, in)
	if err != nil {
		return nil, err
	}
	list, next, err := paged(list, func(g *balance.TargetGroup) string { return g.ARN }, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	out := &elbv2api.DescribeTargetGroupsOutput{TargetGroups: []elbv2api.TargetGroup{}, NextMarker: next}
	for _, g := range list {
		out.TargetGroups = append(out.TargetGroups, s.targetGroup(tx, g))
	}
	return out, nil
}

func (s *Service) selected(tx *state.Tx, scope network.Scope, in *elbv2api.DescribeTargetGroupsInput) (list []*balance.TargetGroup, err error) {
	switch {
	case len(in.Names) > 0 && len(in.TargetGroupArns) > 0:
		return nil, invalid("Target group names and target group ARNs cannot be specified at the same time")
	case in.LoadBalancerArn != nil && len(in.Names)+len(in.TargetGroupArns) > 0:
		return nil, invalid("Target groups and a load balancer ARN cannot be specified at the same time")
	case in.LoadBalancerArn != nil:
		if err := checkARN("loadbalancer", *in.LoadBalancerArn); err != nil {
			return nil, err
		}
		lb, err := s.balance.LoadBalancer(tx, scope, *in.LoadBalancerArn)
		if err != nil {
			return nil, err
		}
		return s.balance.TargetGroupsBehind(tx, lb), nil
	case len(in.Names) > 0:
		if err := checkDescribed("targetgroup", len(in.Names)); err != nil {
			return nil, err
		}
		for _, name := range in.Names {
			g, ok := s.balance.TargetGroupNamed(tx, scope, name)
			if !ok {
				return nil, balance.ErrTargetGroupNotFound.New("One or more target groups not found")
			}
			list = append(list, g)
		}
		return list, nil
	case len(in.TargetGroupArns) > 0:
		return described(tx, scope, "targetgroup", in.TargetGroupArns, s.balance.TargetGroup)
	}
	return s.balance.TargetGroupsOf(tx, scope), nil
}

// ModifyTargetGroup changes a group's health check.
func (s *Service) ModifyTargetGroup(ctx context.Context, in *elbv2api.ModifyTargetGroupInput) (*elbv2api.ModifyTargetGroupOutput, error) {
	if err := checkARN("targetgroup", *in.TargetGroupArn); err != nil {
		return nil, err
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.ModifyTargetGroupOutput, error) {
		g, err := s.balance.TargetGroup(tx, scope, *in.TargetGroupArn)
		if err != nil {
			return nil, err
		}
		h, err := healthCheck{
			protocol: in.HealthCheckProtocol, port: in.HealthCheckPort, path: in.HealthCheckPath, enabled: in.HealthCheckEnabled,
			interval: in.HealthCheckIntervalSeconds, timeout: in.HealthCheckTimeoutSeconds,
			healthy: in.HealthyThresholdCount, unhealthy: in.UnhealthyThresholdCount, matcher: in.Matcher,
		}.change(g.HealthCheck, g)
		if err != nil {
			return nil, err
		}
		g = s.balance.SetHealthCheck(tx, g, h)
		return &elbv2api.ModifyTargetGroupOutput{TargetGroups: []elbv2api.TargetGroup{s.targetGroup(tx, g)}}, s.servedGroup(tx, g)
	})
}

// DeleteTargetGroup deletes a target group that nothing forwards to.
func (s *Service) DeleteTargetGroup(ctx context.Context, in *elbv2api.DeleteTargetGroupInput) (*elbv2api.DeleteTargetGroupOutput, error) {
	if err := checkARN("targetgroup", *in.TargetGroupArn); err != nil {
		return nil, err
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.DeleteTargetGroupOutput, error) {
		return nil, s.balance.DeleteTargetGroup(tx, scope, *in.TargetGroupArn)
	})
}

func (s *Service) targetGroup(tx *state.Tx, g *balance.TargetGroup) elbv2api.TargetGroup {
	h := g.HealthCheck
	out := elbv2api.TargetGroup{
		TargetGroupArn: new(g.ARN), TargetGroupName: new(g.Name), Protocol: new(g.Protocol), ProtocolVersion: optional(g.ProtocolVersion),
		Port: new(int32(g.Port)), VpcId: new(g.VPCID), TargetType: new(g.Type), IpAddressType: new(elbv2api.TargetGroupIpAddressTypeEnumIpv4),
		HealthCheckEnabled: new(true), HealthCheckProtocol: new(h.Protocol), HealthCheckPort: new(h.Port), HealthCheckPath: optional(h.Path),
		HealthCheckIntervalSeconds: new(int32(h.Interval.Seconds())), HealthCheckTimeoutSeconds: new(int32(h.Timeout.Seconds())),
		HealthyThresholdCount: new(int32(h.Healthy)), UnhealthyThresholdCount: new(int32(h.Unhealthy)), LoadBalancerArns: []string{},
	}
	switch {
	case g.ProtocolVersion == balance.VersionGRPC:
		out.Matcher = &elbv2api.Matcher{GrpcCode: new(h.Matcher)}
	case h.Matcher != "":
		out.Matcher = &elbv2api.Matcher{HttpCode: new(h.Matcher)}
	}
	if lb, ok := s.balance.LoadBalancerOf(tx, g.ARN); ok {
		out.LoadBalancerArns = append(out.LoadBalancerArns, lb.ARN)
	}
	return out
}
