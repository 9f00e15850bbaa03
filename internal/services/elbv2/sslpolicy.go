package elbv2

import (
	"context"
	"slices"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/edge/edgeapi/sslpolicy"
)

// DescribeSSLPolicies lists security policies.
func (s *Service) DescribeSSLPolicies(_ context.Context, in *elbv2api.DescribeSSLPoliciesInput) (*elbv2api.DescribeSSLPoliciesOutput, error) {
	var list []elbv2api.SslPolicy
	for _, p := range sslpolicy.All() {
		if len(in.Names) == 0 || slices.Contains(in.Names, p.Name) {
			list = append(list, render(&p))
		}
	}
	if len(list) < len(slices.Compact(slices.Sorted(slices.Values(in.Names)))) {
		return nil, elbv2api.ErrSSLPolicyNotFoundException.New("One or more SSL policies not found")
	}
	if aws.Val(in.LoadBalancerType) == elbv2api.LoadBalancerTypeEnumGateway {
		return nil, balance.ErrValidation.New("SSL policies are not supported for load balancers with type 'gateway'")
	}
	list = slices.DeleteFunc(list, func(p elbv2api.SslPolicy) bool {
		return in.LoadBalancerType != nil && !slices.Contains(p.SupportedLoadBalancerTypes, *in.LoadBalancerType)
	})
	list, next, err := paged(list, func(p elbv2api.SslPolicy) string { return *p.Name }, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	return &elbv2api.DescribeSSLPoliciesOutput{SslPolicies: list, NextMarker: next}, nil
}

func render(p *sslpolicy.Policy) elbv2api.SslPolicy {
	out := elbv2api.SslPolicy{Name: new(p.Name), SslProtocols: p.Versions, SupportedLoadBalancerTypes: []string{elbv2api.LoadBalancerTypeEnumNetwork}}
	if !p.NetworkOnly {
		out.SupportedLoadBalancerTypes = []string{elbv2api.LoadBalancerTypeEnumApplication, elbv2api.LoadBalancerTypeEnumNetwork}
	}
	for i, name := range p.Ciphers {
		out.Ciphers = append(out.Ciphers, elbv2api.Cipher{Name: new(name), Priority: new(int32(i + 1))})
	}
	return out
}
