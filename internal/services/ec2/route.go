package ec2

import (
	"context"
	"strings"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
	"github.com/neargate/neargate/internal/network"
)

func (c caller) route(rt *network.RouteTable, r network.TableRoute) ec2api.Route {
	out := ec2api.Route{Origin: new(r.Origin), State: new("active")}
	if r.PrefixListID != "" {
		out.DestinationPrefixListId = new(r.PrefixListID)
	} else {
		out.DestinationCidrBlock = new(r.CIDR.String())
	}
	switch kind, _, _ := strings.Cut(r.Target, "-"); kind {
	case "nat":
		out.NatGatewayId = new(r.Target)
	case "eni":
		out.NetworkInterfaceId = new(r.Target)
	default:
		out.GatewayId = new(r.Target)
	}
	if c.Blackhole(c.tx, rt, r) {
		out.State = new("blackhole")
	}
	return out
}

// destination reads where a route leads to: an IPv4 block or a prefix list.
func destination(cidr, prefixList *string) (network.TableRoute, error) {
	switch {
	case cidr != nil && prefixList != nil:
		return network.TableRoute{}, network.ErrCombination.New("The parameter destinationCidrBlock cannot be used with the parameter destinationPrefixListId")
	case prefixList != nil:
		return network.TableRoute{PrefixListID: *prefixList}, nil
	case cidr != nil:
		p, err := network.ParseCIDR(*cidr, "destinationCidrBlock")
		return network.TableRoute{CIDR: p}, err
	}
	return network.TableRoute{}, missing("destinationCidrBlock")
}

// target is the one thing that a route leads to.
func target(candidates ...*string) (string, error) {
	var found string
	for _, t := range candidates {
		if t == nil || *t == "" {
			continue
		}
		if found != "" {
			return "", network.ErrCombination.New("You may specify only one of the following parameters: gatewayId, natGatewayId, networkInterfaceId")
		}
		found = *t
	}
	if found == "" {
		return "", missing("gatewayId")
	}
	return found, nil
}

// CreateRoute adds a route to a table.
func (s *Service) CreateRoute(ctx context.Context, in *ec2api.CreateRouteInput) (*ec2api.CreateRouteOutput, error) {
	if err := refuse("CreateRoute", has("DestinationIpv6CidrBlock", in.DestinationIpv6CidrBlock), has("VpcEndpointId", in.VpcEndpointId),
		has("TransitGatewayId", in.TransitGatewayId), has("LocalGatewayId", in.LocalGatewayId), has("CarrierGatewayId", in.CarrierGatewayId),
		has("CoreNetworkArn", in.CoreNetworkArn), has("OdbNetworkArn", in.OdbNetworkArn), has("EgressOnlyInternetGatewayId", in.EgressOnlyInternetGatewayId),
		has("VpcPeeringConnectionId", in.VpcPeeringConnectionId)); err != nil {
		return nil, err
	}
	if in.InstanceId != nil {
		return nil, noInstance(*in.InstanceId)
	}
	r, err := destination(in.DestinationCidrBlock, in.DestinationPrefixListId)
	if err != nil {
		return nil, err
	}
	if r.Target, err = target(in.GatewayId, in.NatGatewayId, in.NetworkInterfaceId); err != nil {
		return nil, err
	}
	return &ec2api.CreateRouteOutput{Return: new(true)}, s.change(ctx, in.DryRun, func(c caller) error {
		return c.CreateRoute(c.tx, c.scope, *in.RouteTableId, r)
	})
}

// ReplaceRoute gives a destination another target.
func (s *Service) ReplaceRoute(ctx context.Context, in *ec2api.ReplaceRouteInput) (*ec2api.ReplaceRouteOutput, error) {
	if err := refuse("ReplaceRoute", has("DestinationIpv6CidrBlock", in.DestinationIpv6CidrBlock), has("VpcEndpointId", in.VpcEndpointId),
		has("TransitGatewayId", in.TransitGatewayId), has("LocalGatewayId", in.LocalGatewayId), has("CarrierGatewayId", in.CarrierGatewayId),
		has("CoreNetworkArn", in.CoreNetworkArn), has("OdbNetworkArn", in.OdbNetworkArn), has("EgressOnlyInternetGatewayId", in.EgressOnlyInternetGatewayId),
		has("VpcPeeringConnectionId", in.VpcPeeringConnectionId)); err != nil {
		return nil, err
	}
	if in.InstanceId != nil {
		return nil, noInstance(*in.InstanceId)
	}
	r, err := destination(in.DestinationCidrBlock, in.DestinationPrefixListId)
	if err != nil {
		return nil, err
	}
	var local *string
	if in.LocalTarget != nil && *in.LocalTarget {
		local = new("local")
	}
	if r.Target, err = target(in.GatewayId, in.NatGatewayId, in.NetworkInterfaceId, local); err != nil {
		return nil, err
	}
	return nil, s.change(ctx, in.DryRun, func(c caller) error { return c.ReplaceRoute(c.tx, c.scope, *in.RouteTableId, r) })
}

// DeleteRoute removes a route from a table.
func (s *Service) DeleteRoute(ctx context.Context, in *ec2api.DeleteRouteInput) (*ec2api.DeleteRouteOutput, error) {
	if err := refuse("DeleteRoute", has("DestinationIpv6CidrBlock", in.DestinationIpv6CidrBlock)); err != nil {
		return nil, err
	}
	r, err := destination(in.DestinationCidrBlock, in.DestinationPrefixListId)
	if err != nil {
		return nil, err
	}
	return nil, s.change(ctx, in.DryRun, func(c caller) error { return c.DeleteRoute(c.tx, c.scope, *in.RouteTableId, r) })
}
