package elbv2

import (
	"context"
	"slices"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/balance"
)

// suite is a cipher with the classes of policies that have it.
type suite struct {
	name  string
	class ciphers
}

// ciphers are classes of cipher suites, from which policies are composed.
type ciphers int

const (
	tls13  ciphers = 1 << iota
	gcm            // ephemeral keys, GCM
	cbc            // ephemeral keys, CBC with SHA-2
	sha1           // ephemeral keys, CBC with SHA-1
	rsa            // RSA key exchange, SHA-2
	rsaSHA         // RSA key exchange, SHA-1
)

// suites are all cipher suites in the order of preference that every policy has them in.
var suites = []suite{
	{"TLS_AES_128_GCM_SHA256", tls13},
	{"TLS_AES_256_GCM_SHA384", tls13},
	{"TLS_CHACHA20_POLY1305_SHA256", tls13},
	{"ECDHE-ECDSA-AES128-GCM-SHA256", gcm},
	{"ECDHE-RSA-AES128-GCM-SHA256", gcm},
	{"ECDHE-ECDSA-AES128-SHA256", cbc},
	{"ECDHE-RSA-AES128-SHA256", cbc},
	{"ECDHE-ECDSA-AES128-SHA", sha1},
	{"ECDHE-RSA-AES128-SHA", sha1},
	{"ECDHE-ECDSA-AES256-GCM-SHA384", gcm},
	{"ECDHE-RSA-AES256-GCM-SHA384", gcm},
	{"ECDHE-ECDSA-AES256-SHA384", cbc},
	{"ECDHE-RSA-AES256-SHA384", cbc},
	{"ECDHE-ECDSA-AES256-SHA", sha1},
	{"ECDHE-RSA-AES256-SHA", sha1},
	{"AES128-GCM-SHA256", rsa},
	{"AES128-SHA256", rsa},
	{"AES128-SHA", rsaSHA},
	{"AES256-GCM-SHA384", rsa},
	{"AES256-SHA256", rsa},
	{"AES256-SHA", rsaSHA},
}

const (
	ephemeral = gcm | cbc
	all12     = ephemeral | sha1 | rsa | rsaSHA
)

// versions are TLS versions, newest first; a policy has an uninterrupted run of them.
var versions = []string{"TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1"}

// policies are the security policies of HTTPS listeners: User Guide for Application Load Balancers, "Security policies". Which exist is
// told; there is no listener to use one with yet.
var policies = []struct {
	name        string
	first, last int // of versions
	ciphers     ciphers
}{
	{"ELBSecurityPolicy-TLS13-1-3-2021-06", 0, 0, tls13},
	{"ELBSecurityPolicy-TLS13-1-2-2021-06", 0, 1, tls13 | ephemeral},
	{"ELBSecurityPolicy-TLS13-1-2-Res-2021-06", 0, 1, tls13 | gcm},
	{"ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06", 0, 1, tls13 | ephemeral | rsa},
	{"ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06", 0, 1, tls13 | all12},
	{"ELBSecurityPolicy-TLS13-1-1-2021-06", 0, 2, tls13 | all12},
	{"ELBSecurityPolicy-TLS13-1-0-2021-06", 0, 3, tls13 | all12},
	{"ELBSecurityPolicy-TLS-1-2-Ext-2018-06", 1, 1, all12},
	{"ELBSecurityPolicy-TLS-1-2-2017-01", 1, 1, ephemeral | rsa},
	{"ELBSecurityPolicy-TLS-1-1-2017-01", 1, 2, all12},
	{"ELBSecurityPolicy-2016-08", 1, 3, all12},
}

// DescribeSSLPolicies lists security policies.
func (s *Service) DescribeSSLPolicies(_ context.Context, in *elbv2api.DescribeSSLPoliciesInput) (*elbv2api.DescribeSSLPoliciesOutput, error) {
	var list []elbv2api.SslPolicy
	for i := range policies {
		if p := &policies[i]; len(in.Names) == 0 || slices.Contains(in.Names, p.name) {
			list = append(list, elbv2api.SslPolicy{
				Name: new(p.name), SslProtocols: versions[p.first : p.last+1], Ciphers: ciphersOf(p.ciphers),
				SupportedLoadBalancerTypes: []string{elbv2api.LoadBalancerTypeEnumApplication, elbv2api.LoadBalancerTypeEnumNetwork},
			})
		}
	}
	if len(list) < len(slices.Compact(slices.Sorted(slices.Values(in.Names)))) {
		return nil, elbv2api.ErrSSLPolicyNotFoundException.New("One or more SSL policies not found")
	}
	if aws.Val(in.LoadBalancerType) == elbv2api.LoadBalancerTypeEnumGateway {
		return nil, balance.ErrValidation.New("SSL policies are not supported for load balancers with type 'gateway'")
	}
	list, next, err := paged(list, func(p elbv2api.SslPolicy) string { return *p.Name }, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	return &elbv2api.DescribeSSLPoliciesOutput{SslPolicies: list, NextMarker: next}, nil
}

func ciphersOf(class ciphers) []elbv2api.Cipher {
	var list []elbv2api.Cipher
	for _, s := range suites {
		if s.class&class != 0 {
			list = append(list, elbv2api.Cipher{Name: new(s.name), Priority: new(int32(len(list) + 1))})
		}
	}
	return list
}
