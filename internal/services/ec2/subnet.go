package ec2

import (
	"context"
	"strconv"
	"strings"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/network"
)

func joined(names []string) string { return strings.Join(names, ", ") }

func (c caller) subnet(s *network.Subnet) ec2api.Subnet {
	return ec2api.Subnet{
		SubnetId: new(s.ID), SubnetArn: new(s.ARN()), VpcId: new(s.VPCID), OwnerId: new(s.Account), State: new("available"),
		CidrBlock: new(s.CIDR.String()), AvailableIpAddressCount: new(int32(c.FreeAddresses(c.tx, s))),
		AvailabilityZone: new(s.Zone), AvailabilityZoneId: new(s.ZoneID), DefaultForAz: new(s.Default), MapPublicIpOnLaunch: new(s.PublicIP),
		Ipv6CidrBlockAssociationSet: []ec2api.SubnetIpv6CidrBlockAssociation{}, AssignIpv6AddressOnCreation: new(false), EnableDns64: new(false), Ipv6Native: new(false), MapCustomerOwnedIpOnLaunch: new(false),
		PrivateDnsNameOptionsOnLaunch: &ec2api.PrivateDnsNameOptionsOnLaunch{
			HostnameType: new(s.HostnameType), EnableResourceNameDnsARecord: new(s.ResourceNameA), EnableResourceNameDnsAAAARecord: new(false),
		},
		BlockPublicAccessStates: &ec2api.BlockPublicAccessStates{InternetGatewayBlockMode: new("off")},
		Tags:                    c.tagsOf(s.ID),
	}
}

// CreateSubnet makes a subnet of a VPC.
func (s *Service) CreateSubnet(ctx context.Context, in *ec2api.CreateSubnetInput) (*ec2api.CreateSubnetOutput, error) {
	if err := refuse("CreateSubnet", has("Ipv6CidrBlock", in.Ipv6CidrBlock), has("OutpostArn", in.OutpostArn), has("Ipv6Native", in.Ipv6Native),
		has("Ipv4IpamPoolId", in.Ipv4IpamPoolId), has("Ipv4NetmaskLength", in.Ipv4NetmaskLength), has("Ipv6IpamPoolId", in.Ipv6IpamPoolId),
		has("Ipv6NetmaskLength", in.Ipv6NetmaskLength)); err != nil {
		return nil, err
	}
	if in.CidrBlock == nil {
		return nil, missing("cidrBlock")
	}
	cidr, err := network.ParseCIDR(*in.CidrBlock, "cidrBlock")
	if err != nil {
		return nil, err
	}
	out := &ec2api.CreateSubnetOutput{}
	return out, s.change(ctx, in.DryRun, func(c caller) error {
		n, err := c.CreateSubnet(c.tx, c.scope, network.SubnetSpec{
			VPCID: *in.VpcId, CIDR: cidr, Zone: aws.Val(in.AvailabilityZone), ZoneID: aws.Val(in.AvailabilityZoneId),
		})
		if err != nil {
			return err
		}
		if err := c.created(in.TagSpecifications, "subnet", n.ID); err != nil {
			return err
		}
		out.Subnet = new(c.subnet(n))
		return nil
	})
}

// CreateDefaultSubnet makes a zone's default subnet again after it has been deleted.
func (s *Service) CreateDefaultSubnet(ctx context.Context, in *ec2api.CreateDefaultSubnetInput) (*ec2api.CreateDefaultSubnetOutput, error) {
	if err := refuse("CreateDefaultSubnet", has("Ipv6Native", in.Ipv6Native)); err != nil {
		return nil, err
	}
	zone := aws.Val(in.AvailabilityZone) + aws.Val(in.AvailabilityZoneId)
	if zone == "" {
		return nil, missing("availabilityZone")
	}
	out := &ec2api.CreateDefaultSubnetOutput{}
	return out, s.change(ctx, in.DryRun, func(c caller) error {
		n, err := c.CreateDefaultSubnet(c.tx, c.scope, zone)
		if err != nil {
			return err
		}
		out.Subnet = new(c.subnet(n))
		return nil
	})
}

// DeleteSubnet deletes a subnet that has no interfaces.
func (s *Service) DeleteSubnet(ctx context.Context, in *ec2api.DeleteSubnetInput) (*ec2api.DeleteSubnetOutput, error) {
	return nil, s.change(ctx, in.DryRun, func(c caller) error { return c.DeleteSubnet(c.tx, c.scope, *in.SubnetId) })
}

func (c caller) subnetFilters() filters[*network.Subnet] {
	cidr := one(func(s *network.Subnet) string { return s.CIDR.String() })
	zone := one(func(s *network.Subnet) string { return s.Zone })
	zoneID := one(func(s *network.Subnet) string { return s.ZoneID })
	isDefault := yes(func(s *network.Subnet) bool { return s.Default })
	never := fixed[*network.Subnet]("false")
	return filters[*network.Subnet]{
		"subnet-id":                       one(func(s *network.Subnet) string { return s.ID }),
		"subnet-arn":                      one(func(s *network.Subnet) string { return s.ARN() }),
		"vpc-id":                          one(func(s *network.Subnet) string { return s.VPCID }),
		"owner-id":                        one(func(s *network.Subnet) string { return s.Account }),
		"cidr":                            cidr,
		"cidr-block":                      cidr,
		"cidrBlock":                       cidr,
		"availability-zone":               zone,
		"availabilityZone":                zone,
		"availability-zone-id":            zoneID,
		"availabilityZoneId":              zoneID,
		"default-for-az":                  isDefault,
		"defaultForAz":                    isDefault,
		"map-public-ip-on-launch":         yes(func(s *network.Subnet) bool { return s.PublicIP }),
		"state":                           fixed[*network.Subnet]("available"),
		"available-ip-address-count":      one(func(s *network.Subnet) string { return strconv.Itoa(c.FreeAddresses(c.tx, s)) }),
		"enable-dns64":                    never,
		"ipv6-native":                     never,
		"map-customer-owned-ip-on-launch": never,
		"enable-lni-at-device-index":      none[*network.Subnet],
		"customer-owned-ipv4-pool":        none[*network.Subnet],
		"outpost-arn":                     none[*network.Subnet],
		"ipv6-cidr-block-association.ipv6-cidr-block":                             none[*network.Subnet],
		"ipv6-cidr-block-association.association-id":                              none[*network.Subnet],
		"ipv6-cidr-block-association.state":                                       none[*network.Subnet],
		"private-dns-name-options-on-launch.hostname-type":                        one(func(s *network.Subnet) string { return s.HostnameType }),
		"private-dns-name-options-on-launch.enable-resource-name-dns-a-record":    yes(func(s *network.Subnet) bool { return s.ResourceNameA }),
		"private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record": never,
	}
}

// DescribeSubnets lists subnets.
func (s *Service) DescribeSubnets(ctx context.Context, in *ec2api.DescribeSubnetsInput) (*ec2api.DescribeSubnetsOutput, error) {
	c, err := s.view(ctx, in.DryRun)
	if err != nil {
		return nil, err
	}
	all := c.Subnets.By(c.tx, "scope", c.scope.Key())
	if vpc, ok := exact(in.Filters, "vpc-id"); ok {
		if _, err := c.VPC(c.tx, c.scope, vpc); err == nil {
			all = c.Subnets.By(c.tx, "vpc", vpc)
		}
	}
	rows, next, err := listing[*network.Subnet]{
		all: all, filters: c.subnetFilters(), tags: c.tagMap, id: func(s *network.Subnet) string { return s.ID },
		get: func(id string) (*network.Subnet, error) { return c.Subnet(c.tx, c.scope, id) },
		ids: in.SubnetIds, parameter: "subnetIds", with: in.Filters, token: in.NextToken, max: in.MaxResults,
	}.rows()
	if err != nil {
		return nil, err
	}
	out := &ec2api.DescribeSubnetsOutput{Subnets: []ec2api.Subnet{}, NextToken: next}
	for _, n := range rows {
		out.Subnets = append(out.Subnets, c.subnet(n))
	}
	return out, nil
}

// ModifySubnetAttribute changes one attribute of a subnet.
func (s *Service) ModifySubnetAttribute(ctx context.Context, in *ec2api.ModifySubnetAttributeInput) (*ec2api.ModifySubnetAttributeOutput, error) {
	on := func(name string, v *ec2api.AttributeBooleanValue) field {
		return field{name, v != nil && aws.Val(v.Value)}
	}
	if err := refuse("ModifySubnetAttribute", on("AssignIpv6AddressOnCreation", in.AssignIpv6AddressOnCreation),
		on("MapCustomerOwnedIpOnLaunch", in.MapCustomerOwnedIpOnLaunch), has("CustomerOwnedIpv4Pool", in.CustomerOwnedIpv4Pool),
		on("EnableDns64", in.EnableDns64), on("EnableResourceNameDnsAAAARecordOnLaunch", in.EnableResourceNameDnsAAAARecordOnLaunch),
		has("EnableLniAtDeviceIndex", in.EnableLniAtDeviceIndex)); err != nil {
		return nil, err
	}
	if err := onlyOne(given("assignIpv6AddressOnCreation", in.AssignIpv6AddressOnCreation), given("mapPublicIpOnLaunch", in.MapPublicIpOnLaunch),
		given("mapCustomerOwnedIpOnLaunch", in.MapCustomerOwnedIpOnLaunch), given("enableDns64", in.EnableDns64),
		given("privateDnsHostnameTypeOnLaunch", in.PrivateDnsHostnameTypeOnLaunch),
		given("enableResourceNameDnsARecordOnLaunch", in.EnableResourceNameDnsARecordOnLaunch),
		given("enableResourceNameDnsAAAARecordOnLaunch", in.EnableResourceNameDnsAAAARecordOnLaunch),
		given("disableLniAtDeviceIndex", in.DisableLniAtDeviceIndex)); err != nil {
		return nil, err
	}
	return nil, s.change(ctx, nil, func(c caller) error {
		n, err := c.Subnet(c.tx, c.scope, *in.SubnetId)
		if err != nil {
			return err
		}
		changed := *n
		set(&changed.PublicIP, in.MapPublicIpOnLaunch)
		set(&changed.ResourceNameA, in.EnableResourceNameDnsARecordOnLaunch)
		if in.PrivateDnsHostnameTypeOnLaunch != nil {
			changed.HostnameType = *in.PrivateDnsHostnameTypeOnLaunch
		}
		c.Subnets.Put(c.tx, &changed)
		return nil
	})
}
