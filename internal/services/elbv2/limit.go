package elbv2

import (
	"context"
	"strconv"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/balance"
)

// limits are the quotas that hold here, under the names the API has for them.
var limits = []struct {
	name string
	max  int
}{
	{"application-load-balancers", balance.MaxLoadBalancers},
	{"certificates-per-application-load-balancer", balance.MaxCertificates},
	{"condition-values-per-alb-rule", balance.MaxConditionValues},
	{"condition-wildcards-per-alb-rule", balance.MaxWildcards},
	{"certificates-per-network-load-balancer", balance.MaxCertificates},
	{"listeners-per-application-load-balancer", balance.MaxListeners},
	{"listeners-per-network-load-balancer", balance.MaxListeners},
	{"network-load-balancers", balance.MaxLoadBalancers},
	{"rules-per-application-load-balancer", balance.MaxRules},
	{"target-groups", balance.MaxTargetGroups},
	{"target-groups-per-action-on-application-load-balancer", balance.MaxGroupsPerAction},
	{"target-groups-per-application-load-balancer", balance.MaxGroupsPerLoadBalancer},
	{"target-groups-per-action-on-network-load-balancer", balance.MaxGroupsPerAction},
	{"targets-per-application-load-balancer", balance.MaxTargetsPerLoadBalancer},
	{"targets-per-availability-zone-per-network-load-balancer", balance.MaxTargetsPerZone},
	{"targets-per-network-load-balancer", balance.MaxTargetsPerNetwork},
	{"targets-per-target-group", balance.MaxTargets},
}

// DescribeAccountLimits lists the quotas.
func (s *Service) DescribeAccountLimits(_ context.Context, in *elbv2api.DescribeAccountLimitsInput) (*elbv2api.DescribeAccountLimitsOutput, error) {
	var list []elbv2api.Limit
	for _, l := range limits {
		list = append(list, elbv2api.Limit{Name: new(l.name), Max: new(strconv.Itoa(l.max))})
	}
	list, next, err := paged(list, func(l elbv2api.Limit) string { return *l.Name }, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	return &elbv2api.DescribeAccountLimitsOutput{Limits: list, NextMarker: next}, nil
}
