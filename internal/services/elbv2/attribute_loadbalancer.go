package elbv2

import (
	"context"
	"time"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

type lbAttributes = balance.Attributes

// loadBalancerAttributes are those of an Application Load Balancer: Elastic Load Balancing API Reference, "LoadBalancerAttribute".
// HTTP2 and the TLS headers are kept though they do nothing as long as there are no HTTPS listeners: AWS does the same.
var loadBalancerAttributes = []attribute[lbAttributes]{
	notYet[lbAttributes]("access_logs.s3.enabled", "false", boolean),
	notYet[lbAttributes]("access_logs.s3.bucket", "", anything),
	notYet[lbAttributes]("access_logs.s3.prefix", "", anything),
	seconds("idle_timeout.timeout_seconds", 60, 1, 4000, func(a *lbAttributes) *time.Duration { return &a.IdleTimeout }),
	flag("deletion_protection.enabled", false, func(a *lbAttributes) *bool { return &a.DeletionProtection }),
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
	notYet[lbAttributes]("zonal_shift.config.enabled", "false", boolean),
	notYet[lbAttributes]("connection_logs.s3.enabled", "false", boolean),
	notYet[lbAttributes]("connection_logs.s3.bucket", "", anything),
	notYet[lbAttributes]("connection_logs.s3.prefix", "", anything),
	notYet[lbAttributes]("health_check_logs.s3.enabled", "false", boolean),
	notYet[lbAttributes]("health_check_logs.s3.bucket", "", anything),
	notYet[lbAttributes]("health_check_logs.s3.prefix", "", anything),
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
		if err := modify("Load balancer", loadBalancerAttributes, &a, pairs); err != nil {
			return nil, err
		}
		lb = s.balance.SetAttributes(tx, lb, a)
		return &elbv2api.ModifyLoadBalancerAttributesOutput{Attributes: describedLoadBalancer(lb)}, nil
	})
}

func describedLoadBalancer(lb *balance.LoadBalancer) []elbv2api.LoadBalancerAttribute {
	var out []elbv2api.LoadBalancerAttribute
	for _, p := range describe(loadBalancerAttributes, &lb.Attributes) {
		out = append(out, elbv2api.LoadBalancerAttribute{Key: new(p.key), Value: new(p.value)})
	}
	return out
}
