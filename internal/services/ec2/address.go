package ec2

import (
	"context"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/page"
	"github.com/neargate/neargate/internal/network"
)

// amazonPool is the name of the pool all public addresses come from.
const amazonPool = "amazon"

func (c caller) address(a *network.Address) ec2api.Address {
	out := ec2api.Address{
		AllocationId: new(a.ID), PublicIp: new(a.PublicIP.String()), Domain: new("vpc"), PublicIpv4Pool: new(amazonPool),
		NetworkBorderGroup: new(a.Region), Tags: c.tagsOf(a.ID),
	}
	if a.AssociationID != "" {
		out.AssociationId, out.NetworkInterfaceId = new(a.AssociationID), new(a.InterfaceID)
		out.NetworkInterfaceOwnerId, out.PrivateIpAddress = new(a.Account), new(a.PrivateIP.String())
	}
	return out
}

// AllocateAddress takes an Elastic IP address from the platform's pool.
func (s *Service) AllocateAddress(ctx context.Context, in *ec2api.AllocateAddressInput) (*ec2api.AllocateAddressOutput, error) {
	if err := refuse("AllocateAddress", has("Address", in.Address), has("CustomerOwnedIpv4Pool", in.CustomerOwnedIpv4Pool),
		has("IpamPoolId", in.IpamPoolId)); err != nil {
		return nil, err
	}
	if d := aws.Val(in.Domain); d != "" && d != "vpc" {
		return nil, invalid("Invalid value '%s' for domain. EC2-Classic addresses are not supported.", d)
	}
	if p := aws.Val(in.PublicIpv4Pool); p != "" && p != amazonPool {
		return nil, refuse("AllocateAddress", field{"PublicIpv4Pool " + p, true})
	}
	out := &ec2api.AllocateAddressOutput{}
	return out, s.change(ctx, in.DryRun, func(c caller) error {
		if g := aws.Val(in.NetworkBorderGroup); g != "" && g != c.scope.Region {
			return invalid("Invalid value '%s' for networkBorderGroup.", g)
		}
		a, err := c.AllocateAddress(c.tx, c.scope)
		if err != nil {
			return err
		}
		if err := c.created(in.TagSpecifications, "elastic-ip", a.ID); err != nil {
			return err
		}
		*out = ec2api.AllocateAddressOutput{
			AllocationId: new(a.ID), PublicIp: new(a.PublicIP.String()), Domain: new("vpc"),
			PublicIpv4Pool: new(amazonPool), NetworkBorderGroup: new(a.Region),
		}
		return nil
	})
}

// allocation finds an Elastic IP address by its id, or else by the address.
func (c caller) allocation(id, ip *string) (*network.Address, error) {
	switch {
	case id != nil:
		return c.Allocation(c.tx, c.scope, *id)
	case ip != nil:
		return c.AddressByIP(c.tx, c.scope, *ip)
	}
	return nil, missing("AllocationId")
}

// ReleaseAddress gives an Elastic IP address back.
func (s *Service) ReleaseAddress(ctx context.Context, in *ec2api.ReleaseAddressInput) (*ec2api.ReleaseAddressOutput, error) {
	return nil, s.change(ctx, in.DryRun, func(c caller) error {
		if g := aws.Val(in.NetworkBorderGroup); g != "" && g != c.scope.Region {
			return invalid("Invalid value '%s' for networkBorderGroup.", g)
		}
		a, err := c.allocation(in.AllocationId, in.PublicIp)
		if err != nil {
			return err
		}
		return c.ReleaseAddress(c.tx, c.scope, a.ID)
	})
}

// AssociateAddress maps an Elastic IP address to a network interface.
func (s *Service) AssociateAddress(ctx context.Context, in *ec2api.AssociateAddressInput) (*ec2api.AssociateAddressOutput, error) {
	if in.InstanceId != nil {
		return nil, noInstance(*in.InstanceId)
	}
	if in.NetworkInterfaceId == nil {
		return nil, network.ErrMissing.New("Either instance ID or network interface id must be specified")
	}
	private, err := optionalAddress(in.PrivateIpAddress, "privateIpAddress")
	if err != nil {
		return nil, err
	}
	out := &ec2api.AssociateAddressOutput{}
	return out, s.change(ctx, in.DryRun, func(c caller) error {
		a, err := c.allocation(in.AllocationId, in.PublicIp)
		if err != nil {
			return err
		}
		a, err = c.AssociateAddress(c.tx, c.scope, network.AddressAssociation{
			AllocationID: a.ID, InterfaceID: *in.NetworkInterfaceId, PrivateIP: private,
			Reassociate: in.AllowReassociation == nil || *in.AllowReassociation,
		})
		if err != nil {
			return err
		}
		out.AssociationId = new(a.AssociationID)
		return nil
	})
}

// DisassociateAddress takes an Elastic IP address from its interface.
func (s *Service) DisassociateAddress(ctx context.Context, in *ec2api.DisassociateAddressInput) (*ec2api.DisassociateAddressOutput, error) {
	return nil, s.change(ctx, in.DryRun, func(c caller) error {
		if in.AssociationId != nil {
			return c.DisassociateAddress(c.tx, c.scope, *in.AssociationId)
		}
		if in.PublicIp == nil {
			return missing("AssociationId")
		}
		a, err := c.AddressByIP(c.tx, c.scope, *in.PublicIp)
		if err != nil || a.AssociationID == "" {
			return err
		}
		return c.DisassociateAddress(c.tx, c.scope, a.AssociationID)
	})
}

var addressFilters = filters[*network.Address]{
	"allocation-id":        one(func(a *network.Address) string { return a.ID }),
	"association-id":       one(func(a *network.Address) string { return a.AssociationID }),
	"network-interface-id": one(func(a *network.Address) string { return a.InterfaceID }),
	"network-border-group": one(func(a *network.Address) string { return a.Region }),
	"network-interface-owner-id": one(func(a *network.Address) string {
		if a.InterfaceID == "" {
			return ""
		}
		return a.Account
	}),
	"private-ip-address": one(func(a *network.Address) string {
		if !a.PrivateIP.IsValid() {
			return ""
		}
		return a.PrivateIP.String()
	}),
	"public-ip":   one(func(a *network.Address) string { return a.PublicIP.String() }),
	"domain":      fixed[*network.Address]("vpc"),
	"instance-id": none[*network.Address],
}

// DescribeAddresses lists Elastic IP addresses.
func (s *Service) DescribeAddresses(ctx context.Context, in *ec2api.DescribeAddressesInput) (*ec2api.DescribeAddressesOutput, error) {
	c, err := s.view(ctx, in.DryRun)
	if err != nil {
		return nil, err
	}
	ids := in.AllocationIds
	for _, ip := range in.PublicIps {
		a, err := c.AddressByIP(c.tx, c.scope, ip)
		if err != nil {
			return nil, network.ErrAddressNotFound.New("Address '%s' not found.", ip)
		}
		ids = append(ids, a.ID)
	}
	rows, _, err := listing[*network.Address]{
		all: c.Addresses.By(c.tx, "scope", c.scope.Key()), filters: addressFilters, tags: c.tagMap, id: func(a *network.Address) string { return a.ID },
		get: func(id string) (*network.Address, error) { return c.Allocation(c.tx, c.scope, id) },
		ids: ids, with: in.Filters, max: nil,
	}.rows()
	if err != nil {
		return nil, err
	}
	out := &ec2api.DescribeAddressesOutput{Addresses: []ec2api.Address{}}
	for _, a := range rows {
		out.Addresses = append(out.Addresses, c.address(a))
	}
	return out, nil
}

// DescribeAddressesAttribute tells the reverse DNS names of Elastic IP addresses: none has any.
func (s *Service) DescribeAddressesAttribute(ctx context.Context, in *ec2api.DescribeAddressesAttributeInput) (*ec2api.DescribeAddressesAttributeOutput, error) {
	c, err := s.view(ctx, in.DryRun)
	if err != nil {
		return nil, err
	}
	var found []ec2api.AddressAttribute
	show := func(a *network.Address) {
		found = append(found, ec2api.AddressAttribute{AllocationId: new(a.ID), PublicIp: new(a.PublicIP.String())})
	}
	for _, id := range in.AllocationIds {
		a, err := c.Allocation(c.tx, c.scope, id)
		if err != nil {
			return nil, err
		}
		show(a)
	}
	if len(in.AllocationIds) == 0 {
		for a := range c.Addresses.By(c.tx, "scope", c.scope.Key()) {
			show(a)
		}
	}
	rows, next, err := page.Of(found, func(a ec2api.AddressAttribute) string { return *a.AllocationId }, in.NextToken, int(aws.Val(in.MaxResults)), 0, 1000)
	return &ec2api.DescribeAddressesAttributeOutput{Addresses: filled(rows), NextToken: next}, err
}
