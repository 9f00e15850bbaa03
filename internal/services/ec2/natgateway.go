package ec2

import (
	"context"
	"net/netip"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/idem"
	"github.com/neargate/neargate/internal/network"
)

func (c caller) natGateway(g *network.NatGateway) ec2api.NatGateway {
	address := ec2api.NatGatewayAddress{AllocationId: new(g.AllocationID), IsPrimary: new(true), Status: new(addressStatus(g.State))}
	if g.InterfaceID != "" {
		address.NetworkInterfaceId, address.PrivateIp = new(g.InterfaceID), new(g.PrivateIP.String())
		address.PublicIp, address.AssociationId = new(g.PublicIP.String()), new(g.AssociationID)
	}
	out := ec2api.NatGateway{
		NatGatewayId: new(g.ID), SubnetId: new(g.SubnetID), VpcId: new(g.VPCID), State: new(g.State), CreateTime: new(g.Created),
		ConnectivityType: new("public"), AvailabilityMode: new("zonal"), NatGatewayAddresses: []ec2api.NatGatewayAddress{address}, Tags: c.tagsOf(g.ID),
	}
	if g.State == network.NatFailed {
		out.FailureCode, out.FailureMessage = new(g.FailureCode), new(g.FailureMessage)
	}
	if !g.Ended.IsZero() {
		out.DeleteTime = new(g.Ended)
	}
	return out
}

// addressStatus is the state of a gateway's address, given the gateway's.
func addressStatus(state string) string {
	switch state {
	case network.NatPending:
		return "associating"
	case network.NatAvailable:
		return "succeeded"
	case network.NatFailed:
		return "failed"
	}
	return "disassociating"
}

// optionalAddress reads an IPv4 address that may be absent.
func optionalAddress(s *string, parameter string) (netip.Addr, error) {
	if s == nil || *s == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(*s)
	if err != nil || !a.Is4() {
		return a, invalid("invalid value for parameter %s: %s", parameter, *s)
	}
	return a, nil
}

// CreateNatGateway makes a public NAT gateway in a subnet.
func (s *Service) CreateNatGateway(ctx context.Context, in *ec2api.CreateNatGatewayInput) (*ec2api.CreateNatGatewayOutput, error) {
	if t := aws.Val(in.ConnectivityType); t != "" && t != "public" {
		return nil, refuse("CreateNatGateway", field{"ConnectivityType " + t, true})
	}
	if m := aws.Val(in.AvailabilityMode); m != "" && m != "zonal" {
		return nil, refuse("CreateNatGateway", field{"AvailabilityMode " + m, true})
	}
	if err := refuse("CreateNatGateway", has("VpcId", in.VpcId), some("AvailabilityZoneAddresses", in.AvailabilityZoneAddresses),
		some("SecondaryAllocationIds", in.SecondaryAllocationIds), some("SecondaryPrivateIpAddresses", in.SecondaryPrivateIpAddresses),
		has("SecondaryPrivateIpAddressCount", in.SecondaryPrivateIpAddressCount)); err != nil {
		return nil, err
	}
	if in.SubnetId == nil {
		return nil, missing("subnetId")
	}
	if in.AllocationId == nil {
		return nil, missing("AllocationId")
	}
	private, err := optionalAddress(in.PrivateIpAddress, "privateIpAddress")
	if err != nil {
		return nil, err
	}
	var out *ec2api.CreateNatGatewayOutput
	err = s.change(ctx, in.DryRun, func(c caller) (err error) {
		out, err = idem.Do(c.tx, s.tokens, c.call, in.ClientToken, in, func() (*ec2api.CreateNatGatewayOutput, error) {
			g, err := c.CreateNatGateway(c.tx, c.scope, network.NatGatewaySpec{SubnetID: *in.SubnetId, AllocationID: *in.AllocationId, PrivateIP: private})
			if err != nil {
				return nil, err
			}
			if err := c.created(in.TagSpecifications, "natgateway", g.ID); err != nil {
				return nil, err
			}
			return &ec2api.CreateNatGatewayOutput{NatGateway: new(c.natGateway(g)), ClientToken: in.ClientToken}, nil
		})
		return err
	})
	return out, err
}

// DeleteNatGateway begins to delete a NAT gateway.
func (s *Service) DeleteNatGateway(ctx context.Context, in *ec2api.DeleteNatGatewayInput) (*ec2api.DeleteNatGatewayOutput, error) {
	return &ec2api.DeleteNatGatewayOutput{NatGatewayId: in.NatGatewayId}, s.change(ctx, in.DryRun, func(c caller) error {
		return c.DeleteNatGateway(c.tx, c.scope, *in.NatGatewayId)
	})
}

var natGatewayFilters = filters[*network.NatGateway]{
	"nat-gateway-id":    one(func(g *network.NatGateway) string { return g.ID }),
	"state":             one(func(g *network.NatGateway) string { return g.State }),
	"subnet-id":         one(func(g *network.NatGateway) string { return g.SubnetID }),
	"vpc-id":            one(func(g *network.NatGateway) string { return g.VPCID }),
	"connectivity-type": fixed[*network.NatGateway]("public"),
}

// DescribeNatGateways lists NAT gateways, among them those deleted or failed within the last hour.
func (s *Service) DescribeNatGateways(ctx context.Context, in *ec2api.DescribeNatGatewaysInput) (*ec2api.DescribeNatGatewaysOutput, error) {
	c, err := s.view(ctx, in.DryRun)
	if err != nil {
		return nil, err
	}
	rows, next, err := listing[*network.NatGateway]{
		all: c.NatGateways.By(c.tx, "scope", c.scope.Key()), filters: natGatewayFilters, tags: c.tagMap,
		id: func(g *network.NatGateway) string { return g.ID },
		get: func(id string) (*network.NatGateway, error) {
			g, err := c.NatGateway(c.tx, c.scope, id)
			if err != nil {
				return nil, network.ErrNatGatewayNotFound.New("NatGateway %s was not found", id)
			}
			return g, nil
		},
		ids: in.NatGatewayIds, with: in.Filter, token: in.NextToken, max: in.MaxResults,
	}.rows()
	if err != nil {
		return nil, err
	}
	out := &ec2api.DescribeNatGatewaysOutput{NatGateways: []ec2api.NatGateway{}, NextToken: next}
	for _, g := range rows {
		out.NatGateways = append(out.NatGateways, c.natGateway(g))
	}
	return out, nil
}
