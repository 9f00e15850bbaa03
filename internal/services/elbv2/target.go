package elbv2

import (
	"context"
	"strconv"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// RegisterTargets puts targets in service.
func (s *Service) RegisterTargets(ctx context.Context, in *elbv2api.RegisterTargetsInput) (*elbv2api.RegisterTargetsOutput, error) {
	specs, err := targetsOf(*in.TargetGroupArn, in.Targets)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.RegisterTargetsOutput, error) {
		if _, err := s.balance.TargetGroup(tx, scope, *in.TargetGroupArn); err != nil {
			return nil, err
		}
		return nil, s.balance.Register(tx, *in.TargetGroupArn, specs)
	})
}

// DeregisterTargets takes targets out of service.
func (s *Service) DeregisterTargets(ctx context.Context, in *elbv2api.DeregisterTargetsInput) (*elbv2api.DeregisterTargetsOutput, error) {
	specs, err := targetsOf(*in.TargetGroupArn, in.Targets)
	if err != nil {
		return nil, err
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.DeregisterTargetsOutput, error) {
		if _, err := s.balance.TargetGroup(tx, scope, *in.TargetGroupArn); err != nil {
			return nil, err
		}
		return nil, s.balance.Deregister(tx, *in.TargetGroupArn, specs)
	})
}

func targetsOf(group string, in []elbv2api.TargetDescription) ([]balance.TargetSpec, error) {
	if err := checkARN("targetgroup", group); err != nil {
		return nil, err
	}
	if len(in) == 0 {
		return nil, invalid("At least one target must be specified")
	}
	var specs []balance.TargetSpec
	for _, t := range in {
		if t.QuicServerId != nil {
			return nil, invalid("The QUIC server ID can only be specified for target groups with protocol 'QUIC' or 'TCP_QUIC'")
		}
		specs = append(specs, balance.TargetSpec{ID: *t.Id, Port: int(aws.Val(t.Port)), Zone: aws.Val(t.AvailabilityZone)})
	}
	return specs, nil
}

// DescribeTargetHealth tells the health of a group's targets, or of those named whether they are registered or not.
func (s *Service) DescribeTargetHealth(ctx context.Context, in *elbv2api.DescribeTargetHealthInput) (*elbv2api.DescribeTargetHealthOutput, error) {
	if err := checkARN("targetgroup", *in.TargetGroupArn); err != nil {
		return nil, err
	}
	if len(in.Include) > 0 {
		return nil, awserr.NotImplemented("anomaly detection (Include)")
	}
	tx, scope := s.view(ctx)
	g, err := s.balance.TargetGroup(tx, scope, *in.TargetGroupArn)
	if err != nil {
		return nil, err
	}
	targets := s.balance.TargetsOf(tx, g.ARN)
	if len(in.Targets) > 0 {
		targets = nil
		for _, t := range in.Targets {
			targets = append(targets, s.named(tx, g, t))
		}
	}
	out := &elbv2api.DescribeTargetHealthOutput{TargetHealthDescriptions: []elbv2api.TargetHealthDescription{}}
	for _, t := range targets {
		out.TargetHealthDescriptions = append(out.TargetHealthDescriptions, s.health(tx, g, t))
	}
	return out, nil
}

// named is a target that a request names; one that is not registered is made up for the answer.
func (s *Service) named(tx *state.Tx, g *balance.TargetGroup, in elbv2api.TargetDescription) *balance.Target {
	port := int(aws.Val(in.Port))
	if port == 0 {
		port = g.Port
	}
	if t, ok := s.balance.Target(tx, g.ARN, *in.Id, port); ok {
		return t
	}
	return &balance.Target{TargetGroupARN: g.ARN, ID: *in.Id, Port: port, Zone: aws.Val(in.AvailabilityZone)}
}

func (s *Service) health(tx *state.Tx, g *balance.TargetGroup, t *balance.Target) elbv2api.TargetHealthDescription {
	d := elbv2api.TargetHealthDescription{Target: &elbv2api.TargetDescription{Id: new(t.ID), Port: new(int32(t.Port))}}
	if t.Zone != "" && g.Type != balance.TargetALB {
		d.Target.AvailabilityZone = new(t.Zone)
	}
	v := s.balance.Verdict(tx, g.ARN, t.ID, t.Port)
	d.TargetHealth = &elbv2api.TargetHealth{State: new(v.State)}
	if v.Reason != "" {
		d.TargetHealth.Reason, d.TargetHealth.Description = new(v.Reason), new(v.Description)
	}
	if v.Reason != balance.ReasonNotRegistered {
		d.HealthCheckPort = new(g.HealthCheck.Port)
		if g.HealthCheck.Port == balance.PortTraffic {
			d.HealthCheckPort = new(strconv.Itoa(t.Port))
		}
	}
	return d
}
