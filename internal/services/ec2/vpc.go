package ec2

import (
	"context"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/network"
)

func (c caller) vpc(v *network.VPC) ec2api.Vpc {
	out := ec2api.Vpc{
		VpcId: new(v.ID), OwnerId: new(v.Account), State: new("available"), CidrBlock: new(v.CIDR().String()),
		InstanceTenancy: new("default"), IsDefault: new(v.Default), DhcpOptionsId: new(v.DHCPOptionsID), Tags: c.tagsOf(v.ID),
		BlockPublicAccessStates: &ec2api.BlockPublicAccessStates{InternetGatewayBlockMode: new("off")},
	}
	for _, b := range v.Blocks {
		out.CidrBlockAssociationSet = append(out.CidrBlockAssociationSet, block(b, "associated"))
	}
	return out
}

func block(b network.VPCBlock, state string) ec2api.VpcCidrBlockAssociation {
	return ec2api.VpcCidrBlockAssociation{
		AssociationId: new(b.AssociationID), CidrBlock: new(b.CIDR.String()), CidrBlockState: &ec2api.VpcCidrBlockState{State: &state},
	}
}

// CreateVpc makes a VPC with one IPv4 block.
func (s *Service) CreateVpc(ctx context.Context, in *ec2api.CreateVpcInput) (*ec2api.CreateVpcOutput, error) {
	if err := refuse("CreateVpc", has("Ipv6Pool", in.Ipv6Pool), has("Ipv6CidrBlock", in.Ipv6CidrBlock), has("Ipv4IpamPoolId", in.Ipv4IpamPoolId),
		has("Ipv4NetmaskLength", in.Ipv4NetmaskLength), has("Ipv6IpamPoolId", in.Ipv6IpamPoolId), has("Ipv6NetmaskLength", in.Ipv6NetmaskLength),
		has("Ipv6CidrBlockNetworkBorderGroup", in.Ipv6CidrBlockNetworkBorderGroup), given("VpcEncryptionControl", in.VpcEncryptionControl),
		has("AmazonProvidedIpv6CidrBlock", in.AmazonProvidedIpv6CidrBlock)); err != nil {
		return nil, err
	}
	if t := aws.Val(in.InstanceTenancy); t != "" && t != "default" {
		return nil, refuse("CreateVpc", field{"InstanceTenancy " + t, true})
	}
	if in.CidrBlock == nil {
		return nil, missing("cidrBlock")
	}
	cidr, err := network.ParseCIDR(*in.CidrBlock, "cidrBlock")
	if err != nil {
		return nil, err
	}
	out := &ec2api.CreateVpcOutput{}
	return out, s.change(ctx, in.DryRun, func(c caller) error {
		v, err := c.CreateVPC(c.tx, c.scope, cidr)
		if err != nil {
			return err
		}
		if err := c.created(in.TagSpecifications, "vpc", v.ID); err != nil {
			return err
		}
		out.Vpc = new(c.vpc(v))
		return nil
	})
}

// CreateDefaultVpc makes a default VPC again after the one that was there has been deleted.
func (s *Service) CreateDefaultVpc(ctx context.Context, in *ec2api.CreateDefaultVpcInput) (*ec2api.CreateDefaultVpcOutput, error) {
	out := &ec2api.CreateDefaultVpcOutput{}
	return out, s.change(ctx, in.DryRun, func(c caller) error {
		v, err := c.CreateDefaultVPC(c.tx, c.scope)
		if err != nil {
			return err
		}
		out.Vpc = new(c.vpc(v))
		return nil
	})
}

// DeleteVpc deletes a VPC that nothing depends on.
func (s *Service) DeleteVpc(ctx context.Context, in *ec2api.DeleteVpcInput) (*ec2api.DeleteVpcOutput, error) {
	return nil, s.change(ctx, in.DryRun, func(c caller) error { return c.DeleteVPC(c.tx, c.scope, *in.VpcId) })
}

// AssociateVpcCidrBlock gives a VPC another IPv4 block.
func (s *Service) AssociateVpcCidrBlock(ctx context.Context, in *ec2api.AssociateVpcCidrBlockInput) (*ec2api.AssociateVpcCidrBlockOutput, error) {
	if err := refuse("AssociateVpcCidrBlock", has("Ipv6CidrBlockNetworkBorderGroup", in.Ipv6CidrBlockNetworkBorderGroup), has("Ipv6Pool", in.Ipv6Pool),
		has("Ipv6CidrBlock", in.Ipv6CidrBlock), has("Ipv4IpamPoolId", in.Ipv4IpamPoolId), has("Ipv4NetmaskLength", in.Ipv4NetmaskLength),
		has("Ipv6IpamPoolId", in.Ipv6IpamPoolId), has("Ipv6NetmaskLength", in.Ipv6NetmaskLength),
		has("AmazonProvidedIpv6CidrBlock", in.AmazonProvidedIpv6CidrBlock)); err != nil {
		return nil, err
	}
	if in.CidrBlock == nil {
		return nil, missing("cidrBlock")
	}
	cidr, err := network.ParseCIDR(*in.CidrBlock, "cidrBlock")
	if err != nil {
		return nil, err
	}
	out := &ec2api.AssociateVpcCidrBlockOutput{VpcId: in.VpcId}
	return out, s.change(ctx, nil, func(c caller) error {
		b, err := c.AddBlock(c.tx, c.scope, *in.VpcId, cidr)
		out.CidrBlockAssociation = new(block(b, "associated"))
		return err
	})
}

// DisassociateVpcCidrBlock takes a block from its VPC that no subnet lies in.
func (s *Service) DisassociateVpcCidrBlock(ctx context.Context, in *ec2api.DisassociateVpcCidrBlockInput) (*ec2api.DisassociateVpcCidrBlockOutput, error) {
	out := &ec2api.DisassociateVpcCidrBlockOutput{}
	return out, s.change(ctx, nil, func(c caller) error {
		v, b, err := c.RemoveBlock(c.tx, c.scope, *in.AssociationId)
		if err != nil {
			return err
		}
		out.VpcId, out.CidrBlockAssociation = new(v.ID), new(block(b, "disassociated"))
		return nil
	})
}

var vpcFilters = filters[*network.VPC]{
	"vpc-id":          one(func(v *network.VPC) string { return v.ID }),
	"cidr":            one(func(v *network.VPC) string { return v.CIDR().String() }),
	"cidr-block":      one(func(v *network.VPC) string { return v.CIDR().String() }),
	"dhcp-options-id": one(func(v *network.VPC) string { return v.DHCPOptionsID }),
	"is-default":      yes(func(v *network.VPC) bool { return v.Default }),
	"isDefault":       yes(func(v *network.VPC) bool { return v.Default }),
	"owner-id":        one(func(v *network.VPC) string { return v.Account }),
	"state":           fixed[*network.VPC]("available"),
	"cidr-block-association.cidr-block": func(v *network.VPC) (out []string) {
		for _, b := range v.Blocks {
			out = append(out, b.CIDR.String())
		}
		return out
	},
	"cidr-block-association.association-id": func(v *network.VPC) (out []string) {
		for _, b := range v.Blocks {
			out = append(out, b.AssociationID)
		}
		return out
	},
	"cidr-block-association.state":                fixed[*network.VPC]("associated"),
	"ipv6-cidr-block-association.ipv6-cidr-block": none[*network.VPC],
	"ipv6-cidr-block-association.ipv6-pool":       none[*network.VPC],
	"ipv6-cidr-block-association.association-id":  none[*network.VPC],
	"ipv6-cidr-block-association.state":           none[*network.VPC],
}

// DescribeVpcs lists VPCs.
func (s *Service) DescribeVpcs(ctx context.Context, in *ec2api.DescribeVpcsInput) (*ec2api.DescribeVpcsOutput, error) {
	c, err := s.view(ctx, in.DryRun)
	if err != nil {
		return nil, err
	}
	rows, next, err := listing[*network.VPC]{
		all: c.VPCs.By(c.tx, "scope", c.scope.Key()), filters: vpcFilters, tags: c.tagMap, id: func(v *network.VPC) string { return v.ID },
		get: func(id string) (*network.VPC, error) { return c.VPC(c.tx, c.scope, id) },
		ids: in.VpcIds, parameter: "vpcIds", with: in.Filters, token: in.NextToken, max: in.MaxResults,
	}.rows()
	if err != nil {
		return nil, err
	}
	out := &ec2api.DescribeVpcsOutput{Vpcs: []ec2api.Vpc{}, NextToken: next}
	for _, v := range rows {
		out.Vpcs = append(out.Vpcs, c.vpc(v))
	}
	return out, nil
}

// DescribeVpcAttribute tells one attribute of a VPC.
func (s *Service) DescribeVpcAttribute(ctx context.Context, in *ec2api.DescribeVpcAttributeInput) (*ec2api.DescribeVpcAttributeOutput, error) {
	c, err := s.view(ctx, in.DryRun)
	if err != nil {
		return nil, err
	}
	v, err := c.VPC(c.tx, c.scope, *in.VpcId)
	if err != nil {
		return nil, err
	}
	out := &ec2api.DescribeVpcAttributeOutput{VpcId: in.VpcId}
	switch *in.Attribute {
	case ec2api.VpcAttributeNameEnableDnsSupport:
		out.EnableDnsSupport = &ec2api.AttributeBooleanValue{Value: new(v.DNSSupport)}
	case ec2api.VpcAttributeNameEnableDnsHostnames:
		out.EnableDnsHostnames = &ec2api.AttributeBooleanValue{Value: new(v.DNSHostnames)}
	case ec2api.VpcAttributeNameEnableNetworkAddressUsageMetrics:
		out.EnableNetworkAddressUsageMetrics = &ec2api.AttributeBooleanValue{Value: new(v.AddressMetrics)}
	default:
		return nil, invalid("Value (%s) for parameter attribute is invalid. Unknown attribute.", *in.Attribute)
	}
	return out, nil
}

// ModifyVpcAttribute changes one attribute of a VPC.
func (s *Service) ModifyVpcAttribute(ctx context.Context, in *ec2api.ModifyVpcAttributeInput) (*ec2api.ModifyVpcAttributeOutput, error) {
	if err := onlyOne(given("enableDnsSupport", in.EnableDnsSupport), given("enableDnsHostnames", in.EnableDnsHostnames),
		given("enableNetworkAddressUsageMetrics", in.EnableNetworkAddressUsageMetrics)); err != nil {
		return nil, err
	}
	return nil, s.change(ctx, nil, func(c caller) error {
		v, err := c.VPC(c.tx, c.scope, *in.VpcId)
		if err != nil {
			return err
		}
		changed := *v
		set(&changed.DNSSupport, in.EnableDnsSupport)
		set(&changed.DNSHostnames, in.EnableDnsHostnames)
		set(&changed.AddressMetrics, in.EnableNetworkAddressUsageMetrics)
		c.VPCs.Put(c.tx, &changed)
		return nil
	})
}

// set takes over a boolean attribute that is there.
func set(to *bool, value *ec2api.AttributeBooleanValue) {
	if value != nil {
		*to = aws.Val(value.Value)
	}
}

// onlyOne holds that exactly one attribute is to be changed.
func onlyOne(fields ...field) error {
	var names []string
	for _, f := range fields {
		if f.set {
			names = append(names, f.name)
		}
	}
	switch len(names) {
	case 0:
		return network.ErrCombination.New("No attributes specified.")
	case 1:
		return nil
	}
	return network.ErrCombination.New("Fields for multiple attribute types specified: %s", joined(names))
}
