package elbv2

import (
	"context"
	"slices"
	"strconv"
	"time"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

type lbAttributes = balance.Attributes

// loadBalancerAttributes are those of a load balancer: Elastic Load Balancing API Reference, "LoadBalancerAttribute".
func loadBalancerAttributes(lb *balance.LoadBalancer) []attribute[lbAttributes] {
	common := slices.Concat(
		logTarget("access_logs", func(a *lbAttributes) *balance.LogTarget { return &a.AccessLogs }),
		[]attribute[lbAttributes]{
			flag("deletion_protection.enabled", false, func(a *lbAttributes) *bool { return &a.DeletionProtection }),
			notYet[lbAttributes]("ipv6.deny_all_igw_traffic", strconv.FormatBool(lb.Scheme == balance.SchemeInternal), boolean),
			notYet[lbAttributes]("zonal_shift.config.enabled", "false", boolean),
		})
	if lb.Network() {
		return append(common,
			flag("load_balancing.cross_zone.enabled", false, func(a *lbAttributes) *bool { return &a.CrossZone }),
			notYet[lbAttributes]("dns_record.client_routing_policy", "any_availability_zone", oneOf("availability_zone_affinity", "partial_availability_zone_affinity")),
			notYet[lbAttributes]("secondary_ips.auto_assigned.per_subnet", "0", within(0, 7)),
		)
	}
	return slices.Concat(common, applicationAttributes, logTarget("connection_logs", func(a *lbAttributes) *balance.LogTarget { return &a.ConnectionLogs }))
}

// applicationAttributes are those that only Application Load Balancers have.
var applicationAttributes = []attribute[lbAttributes]{
	seconds("idle_timeout.timeout_seconds", 60, 1, 4000, func(a *lbAttributes) *time.Duration { return &a.IdleTimeout }),
	flag("routing.http2.enabled", true, func(a *lbAttributes) *bool { return &a.HTTP2 }),
	flag("routing.http.drop_invalid_header_fields.enabled", false, func(a *lbAttributes) *bool { return &a.DropInvalidHeaders }),
	flag("routing.http.xff_client_port.enabled", false, func(a *lbAttributes) *bool { return &a.ForwardedForClientPort }),
	flag("routing.http.preserve_host_header.enabled", false, func(a *lbAttributes) *bool { return &a.PreserveHost }),
	text("routing.http.xff_header_processing.mode", balance.ForwardedForAppend, oneOf("append", "preserve", "remove"),
		func(a *lbAttributes) *string { return &a.ForwardedFor }),
	notYet[lbAttributes]("load_balancing.cross_zone.enabled", "true", oneOf("true")),
	text("routing.http.desync_mitigation_mode", balance.DesyncDefensive, oneOf("monitor", "defensive", "strictest"),
		func(a *lbAttributes) *string { return &a.Desync }),
	seconds("client_keep_alive.seconds", 3600, 60, 604800, func(a *lbAttributes) *time.Duration { return &a.ClientKeepAlive }),
	notYet[lbAttributes]("waf.fail_open.enabled", "false", boolean),
	flag("routing.http.x_amzn_tls_version_and_cipher_suite.enabled", false, func(a *lbAttributes) *bool { return &a.TLSHeaders }),
	notYet[lbAttributes]("health_check_logs.s3.enabled", "false", boolean),
	notYet[lbAttributes]("health_check_logs.s3.bucket", "", anything),
	notYet[lbAttributes]("health_check_logs.s3.prefix", "", anything),
}

// logTarget are the attributes of one log.
func logTarget(log string, field func(*lbAttributes) *balance.LogTarget) []attribute[lbAttributes] {
	return []attribute[lbAttributes]{
		flag(log+".s3.enabled", false, func(a *lbAttributes) *bool { return &field(a).Enabled }),
		text(log+".s3.bucket", "", anything, func(a *lbAttributes) *string { return &field(a).Bucket }),
		text(log+".s3.prefix", "", anything, func(a *lbAttributes) *string { return &field(a).Prefix }),
	}
}

// DescribeLoadBalancerAttributes lists a load balancer's attributes.
func (s *Service) DescribeLoadBalancerAttributes(ctx context.Context, in *elbv2api.DescribeLoadBalancerAttributesInput) (*elbv2api.DescribeLoadBalancerAttributesOutput, error) {
	if err := checkARN("loadbalancer", *in.LoadBalancerArn); err != nil {
		return nil, err
	}
	tx, scope := s.view(ctx)
	lb, err := s.balance.LoadBalancer(tx, scope, *in.LoadBalancerArn)
	if err != nil {
		return nil, err
	}
	return &elbv2api.DescribeLoadBalancerAttributesOutput{Attributes: describedLoadBalancer(lb)}, nil
}

// ModifyLoadBalancerAttributes changes attributes of a load balancer.
func (s *Service) ModifyLoadBalancerAttributes(ctx context.Context, in *elbv2api.ModifyLoadBalancerAttributesInput) (*elbv2api.ModifyLoadBalancerAttributesOutput, error) {
	if err := checkARN("loadbalancer", *in.LoadBalancerArn); err != nil {
		return nil, err
	}
	var pairs []pair
	for _, a := range in.Attributes {
		pairs = append(pairs, pairOf(a.Key, a.Value))
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.ModifyLoadBalancerAttributesOutput, error) {
		lb, err := s.balance.LoadBalancer(tx, scope, *in.LoadBalancerArn)
		if err != nil {
			return nil, err
		}
		a := lb.Attributes
		if err := modify("Load balancer", loadBalancerAttributes(lb), &a, pairs); err != nil {
			return nil, err
		}
		for _, log := range []struct{ had, has balance.LogTarget }{{lb.Attributes.AccessLogs, a.AccessLogs}, {lb.Attributes.ConnectionLogs, a.ConnectionLogs}} {
			if log.has.Enabled && log.has != log.had {
				if err := s.checkBucket(tx, lb.ARN, log.has); err != nil {
					return nil, err
				}
			}
		}
		lb = s.balance.SetAttributes(tx, lb, a)
		return &elbv2api.ModifyLoadBalancerAttributesOutput{Attributes: describedLoadBalancer(lb)}, s.served(tx, lb.ARN)
	})
}

// checkBucket is whether a log can be written where it is to go.
func (s *Service) checkBucket(tx *state.Tx, loadBalancerARN string, to balance.LogTarget) error {
	if to.Bucket == "" {
		return balance.ErrInvalidConfiguration.New("An S3 bucket must be specified when logs are enabled")
	}
	if s.buckets == nil {
		return awserr.NotImplemented("logs in S3")
	}
	return s.buckets.Check(tx, loadBalancerARN, to.Bucket, to.Prefix)
}

func describedLoadBalancer(lb *balance.LoadBalancer) []elbv2api.LoadBalancerAttribute {
	var out []elbv2api.LoadBalancerAttribute
	for _, p := range describe(loadBalancerAttributes(lb), &lb.Attributes) {
		out = append(out, elbv2api.LoadBalancerAttribute{Key: new(p.key), Value: new(p.value)})
	}
	return out
}
