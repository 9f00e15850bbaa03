package elbv2

import (
	"context"
	"errors"
	"net/netip"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// CreateLoadBalancer makes an Application or a Network Load Balancer.
func (s *Service) CreateLoadBalancer(ctx context.Context, in *elbv2api.CreateLoadBalancerInput) (*elbv2api.CreateLoadBalancerOutput, error) {
	if err := checkCreateLoadBalancer(in); err != nil {
		return nil, err
	}
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	spec := balance.LoadBalancerSpec{
		Name: *in.Name, Type: balance.TypeApplication, Scheme: balance.SchemeInternetFacing, SecurityGroups: in.SecurityGroups, Tags: tags,
		Now: aws.From(ctx).Now,
	}
	if in.Type != nil {
		spec.Type = *in.Type
	}
	if in.Scheme != nil {
		spec.Scheme = *in.Scheme
	}
	if spec.Placements, err = placements(spec.Type, spec.Scheme, in.Subnets, in.SubnetMappings); err != nil {
		return nil, err
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.CreateLoadBalancerOutput, error) {
		spec.Scope = scope
		lb, err := s.balance.CreateLoadBalancer(tx, spec)
		if err != nil {
			return nil, err
		}
		return &elbv2api.CreateLoadBalancerOutput{LoadBalancers: []elbv2api.LoadBalancer{s.loadBalancer(tx, lb)}}, s.served(tx, lb.ARN)
	})
}

func checkCreateLoadBalancer(in *elbv2api.CreateLoadBalancerInput) error {
	if kind := aws.Val(in.Type); kind == elbv2api.LoadBalancerTypeEnumGateway {
		return awserr.NotImplemented("load balancers of type gateway")
	}
	if err := checkIPAddressType(in.IpAddressType); err != nil {
		return err
	}
	switch {
	case in.CustomerOwnedIpv4Pool != nil:
		return awserr.NotImplemented("CustomerOwnedIpv4Pool")
	case in.IpamPools != nil:
		return awserr.NotImplemented("IpamPools")
	case aws.Val(in.EnablePrefixForIpv6SourceNat) == elbv2api.EnablePrefixForIpv6SourceNatEnumOn:
		return awserr.NotImplemented("EnablePrefixForIpv6SourceNat")
	}
	return checkLoadBalancerName(*in.Name)
}

func checkIPAddressType(t *string) error {
	if t != nil && *t != elbv2api.IpAddressTypeIpv4 {
		return awserr.NotImplemented("IP address type " + *t)
	}
	return nil
}

// placements are where a request wants nodes, said one way or the other.
func placements(kind, scheme string, ids []string, mappings []elbv2api.SubnetMapping) ([]balance.Placement, error) {
	if len(ids) > 0 && len(mappings) > 0 {
		return nil, invalid("You must specify either subnets or subnet mappings, but not both")
	}
	list := balance.Placements(ids...)
	bad := balance.ErrInvalidConfiguration.New
	for _, m := range mappings {
		p := balance.Placement{SubnetID: aws.Val(m.SubnetId), AllocationID: aws.Val(m.AllocationId)}
		switch application := kind == balance.TypeApplication; {
		case m.SubnetId == nil:
			return nil, invalid("A subnet ID must be specified")
		case application && m.AllocationId != nil:
			return nil, bad("Elastic IP addresses are not supported for load balancers with type 'application'")
		case application && m.PrivateIPv4Address != nil:
			return nil, bad("Private IPv4 addresses are not supported for load balancers with type 'application'")
		case m.AllocationId != nil && scheme == balance.SchemeInternal:
			return nil, bad("Elastic IP addresses are not supported for load balancers with scheme 'internal'")
		case m.PrivateIPv4Address != nil && scheme == balance.SchemeInternetFacing:
			return nil, bad("Private IPv4 addresses are not supported for load balancers with scheme 'internet-facing'")
		case m.IPv6Address != nil:
			return nil, bad("IPv6 addresses are not supported for load balancers with IP address type 'ipv4'")
		case m.SourceNatIpv6Prefix != nil:
			return nil, bad("Source NAT prefixes are not supported for load balancers with IP address type 'ipv4'")
		}
		if m.PrivateIPv4Address != nil {
			a, err := netip.ParseAddr(*m.PrivateIPv4Address)
			if err != nil || !a.Is4() {
				return nil, invalid("The private IPv4 address '%s' is not valid", *m.PrivateIPv4Address)
			}
			p.PrivateIP = a
		}
		list = append(list, p)
	}
	if kind == balance.TypeNetwork && len(mappings) > 0 {
		return list, allOrNone(list)
	}
	return list, nil
}

// allOrNone is whether addresses were asked for in all subnets or in none.
func allOrNone(list []balance.Placement) error {
	n := 0
	for _, p := range list {
		if p.AllocationID != "" {
			n++
		}
	}
	if n > 0 && n < len(list) {
		return balance.ErrInvalidConfiguration.New("You must specify an Elastic IP address for each subnet or for none of them")
	}
	return nil
}

// DescribeLoadBalancers lists load balancers: all, or those named.
func (s *Service) DescribeLoadBalancers(ctx context.Context, in *elbv2api.DescribeLoadBalancersInput) (*elbv2api.DescribeLoadBalancersOutput, error) {
	tx, scope := s.view(ctx)
	var list []*balance.LoadBalancer
	switch {
	case len(in.LoadBalancerArns) > 0 && len(in.Names) > 0:
		return nil, invalid("Load balancer names and load balancer ARNs cannot be specified at the same time")
	case len(in.LoadBalancerArns) > 0:
		var err error
		if list, err = described(tx, scope, "loadbalancer", in.LoadBalancerArns, s.balance.LoadBalancer); errors.Is(err, balance.ErrLoadBalancerNotFound) {
			return nil, balance.ErrLoadBalancerNotFound.New("One or more load balancers not found")
		} else if err != nil {
			return nil, err
		}
	case len(in.Names) > 0:
		if err := checkDescribed("loadbalancer", len(in.Names)); err != nil {
			return nil, err
		}
		for _, name := range in.Names {
			lb, ok := s.balance.LoadBalancerNamed(tx, scope, name)
			if !ok {
				return nil, balance.ErrLoadBalancerNotFound.New("Load balancers '[%s]' not found", name)
			}
			list = append(list, lb)
		}
	default:
		list = s.balance.LoadBalancersOf(tx, scope)
	}
	list, next, err := paged(list, func(l *balance.LoadBalancer) string { return l.ARN }, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	out := &elbv2api.DescribeLoadBalancersOutput{LoadBalancers: []elbv2api.LoadBalancer{}, NextMarker: next}
	for _, lb := range list {
		out.LoadBalancers = append(out.LoadBalancers, s.loadBalancer(tx, lb))
	}
	return out, nil
}

// DeleteLoadBalancer deletes a load balancer with its listeners.
func (s *Service) DeleteLoadBalancer(ctx context.Context, in *elbv2api.DeleteLoadBalancerInput) (*elbv2api.DeleteLoadBalancerOutput, error) {
	if err := checkARN("loadbalancer", *in.LoadBalancerArn); err != nil {
		return nil, err
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.DeleteLoadBalancerOutput, error) {
		return nil, s.balance.DeleteLoadBalancer(tx, scope, *in.LoadBalancerArn)
	})
}

// SetSecurityGroups replaces a load balancer's security groups.
func (s *Service) SetSecurityGroups(ctx context.Context, in *elbv2api.SetSecurityGroupsInput) (*elbv2api.SetSecurityGroupsOutput, error) {
	if err := checkARN("loadbalancer", *in.LoadBalancerArn); err != nil {
		return nil, err
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.SetSecurityGroupsOutput, error) {
		lb, err := s.balance.LoadBalancer(tx, scope, *in.LoadBalancerArn)
		if err != nil {
			return nil, err
		}
		enforce := in.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic
		if enforce != nil && !lb.Network() {
			return nil, balance.ErrInvalidConfiguration.New("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic is not supported for load balancers with type 'application'")
		}
		if len(in.SecurityGroups) == 0 {
			return nil, invalid("At least one security group must be specified")
		}
		if lb, err = s.balance.SetSecurityGroups(tx, scope, lb.ARN, in.SecurityGroups, aws.Val(enforce)); err != nil {
			return nil, err
		}
		return &elbv2api.SetSecurityGroupsOutput{
			SecurityGroupIds: lb.SecurityGroups, EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic: optional(lb.EnforceOnPrivateLink),
		}, nil
	})
}

// SetSubnets replaces a load balancer's subnets.
func (s *Service) SetSubnets(ctx context.Context, in *elbv2api.SetSubnetsInput) (*elbv2api.SetSubnetsOutput, error) {
	if err := checkARN("loadbalancer", *in.LoadBalancerArn); err != nil {
		return nil, err
	}
	if err := checkIPAddressType(in.IpAddressType); err != nil {
		return nil, err
	}
	if aws.Val(in.EnablePrefixForIpv6SourceNat) == elbv2api.EnablePrefixForIpv6SourceNatEnumOn {
		return nil, awserr.NotImplemented("EnablePrefixForIpv6SourceNat")
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.SetSubnetsOutput, error) {
		lb, err := s.balance.LoadBalancer(tx, scope, *in.LoadBalancerArn)
		if err != nil {
			return nil, err
		}
		where, err := placements(lb.Type, lb.Scheme, in.Subnets, in.SubnetMappings)
		if err != nil {
			return nil, err
		}
		if lb, err = s.balance.SetSubnets(tx, scope, lb.ARN, where); err != nil {
			return nil, err
		}
		return &elbv2api.SetSubnetsOutput{AvailabilityZones: s.zones(tx, lb), IpAddressType: new(elbv2api.IpAddressTypeIpv4)}, nil
	})
}

// SetIpAddressType keeps the one type there is.
func (s *Service) SetIpAddressType(ctx context.Context, in *elbv2api.SetIpAddressTypeInput) (*elbv2api.SetIpAddressTypeOutput, error) {
	if err := checkARN("loadbalancer", *in.LoadBalancerArn); err != nil {
		return nil, err
	}
	tx, scope := s.view(ctx)
	if _, err := s.balance.LoadBalancer(tx, scope, *in.LoadBalancerArn); err != nil {
		return nil, err
	}
	if err := checkIPAddressType(in.IpAddressType); err != nil {
		return nil, err
	}
	return &elbv2api.SetIpAddressTypeOutput{IpAddressType: in.IpAddressType}, nil
}

// DescribeCapacityReservation tells that none was made: there is no operation to make one with.
func (s *Service) DescribeCapacityReservation(ctx context.Context, in *elbv2api.DescribeCapacityReservationInput) (*elbv2api.DescribeCapacityReservationOutput, error) {
	if err := checkARN("loadbalancer", *in.LoadBalancerArn); err != nil {
		return nil, err
	}
	tx, scope := s.view(ctx)
	lb, err := s.balance.LoadBalancer(tx, scope, *in.LoadBalancerArn)
	if err != nil {
		return nil, err
	}
	return &elbv2api.DescribeCapacityReservationOutput{
		LastModifiedTime: new(lb.CreatedAt), DecreaseRequestsRemaining: new(int32(decreasesPerDay)),
		CapacityReservationState: []elbv2api.ZonalCapacityReservationState{},
	}, nil
}

// decreasesPerDay is how often a capacity reservation may be lowered in a day: Elastic Load Balancing, "Capacity reservations".
const decreasesPerDay = 2

func (s *Service) loadBalancer(tx *state.Tx, lb *balance.LoadBalancer) elbv2api.LoadBalancer {
	out := elbv2api.LoadBalancer{
		LoadBalancerArn: new(lb.ARN), LoadBalancerName: new(lb.Name), DNSName: new(lb.DNSName), CanonicalHostedZoneId: new(zoneID(lb)),
		CreatedTime: new(lb.CreatedAt), Scheme: new(lb.Scheme), VpcId: new(lb.VPCID), Type: new(lb.Type),
		State: &elbv2api.LoadBalancerState{Code: new(lb.State)}, AvailabilityZones: s.zones(tx, lb), SecurityGroups: lb.SecurityGroups,
		IpAddressType: new(elbv2api.IpAddressTypeIpv4), EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic: optional(lb.EnforceOnPrivateLink),
	}
	return out
}

// zones are a load balancer's zones with the addresses that were asked for there.
func (s *Service) zones(tx *state.Tx, lb *balance.LoadBalancer) []elbv2api.AvailabilityZone {
	var list []elbv2api.AvailabilityZone
	for _, n := range lb.Nodes {
		z := elbv2api.AvailabilityZone{ZoneName: new(n.Zone), SubnetId: new(n.SubnetID), LoadBalancerAddresses: []elbv2api.LoadBalancerAddress{}}
		if n.AllocationID != "" {
			z.LoadBalancerAddresses = append(z.LoadBalancerAddresses, elbv2api.LoadBalancerAddress{
				IpAddress: optional(s.balance.PublicAddress(tx, n)), AllocationId: new(n.AllocationID),
			})
		}
		if n.PrivateIP.IsValid() {
			z.LoadBalancerAddresses = append(z.LoadBalancerAddresses, elbv2api.LoadBalancerAddress{PrivateIPv4Address: new(n.PrivateIP.String())})
		}
		list = append(list, z)
	}
	return list
}

// optional is a member that is left out when it is empty.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
