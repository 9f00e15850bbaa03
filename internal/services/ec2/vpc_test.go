package ec2

import (
	"testing"
	"testing/synctest"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
	"github.com/neargate/neargate/internal/network"
)

// TestDefaultVPC has what the VPC User Guide lists under "Default VPC components".
func TestDefaultVPC(t *testing.T) {
	f := open(t)
	vpcs := do(f, f.DescribeVpcs, &ec2api.DescribeVpcsInput{}).Vpcs
	if len(vpcs) != 1 || !*vpcs[0].IsDefault || *vpcs[0].CidrBlock != "172.31.0.0/16" {
		t.Fatalf("%+v", vpcs)
	}
	vpc := *vpcs[0].VpcId
	subnets := do(f, f.DescribeSubnets, &ec2api.DescribeSubnetsInput{Filters: filter("default-for-az", "true")}).Subnets
	if len(subnets) != 6 {
		t.Errorf("%d subnets", len(subnets))
	}
	for _, s := range subnets {
		if !*s.MapPublicIpOnLaunch || *s.AvailableIpAddressCount != 4091 {
			t.Errorf("%+v", s)
		}
	}
	routes := do(f, f.DescribeRouteTables, &ec2api.DescribeRouteTablesInput{Filters: filter("vpc-id", vpc)}).RouteTables[0].Routes
	if len(routes) != 2 || *routes[1].DestinationCidrBlock != "0.0.0.0/0" || *routes[1].State != "active" {
		t.Errorf("%+v", routes)
	}

	// Deleted, it stays deleted until it is asked for.
	for _, s := range subnets {
		do(f, f.DeleteSubnet, &ec2api.DeleteSubnetInput{SubnetId: s.SubnetId})
	}
	gateway := do(f, f.DescribeInternetGateways, &ec2api.DescribeInternetGatewaysInput{Filters: filter("attachment.vpc-id", vpc)}).InternetGateways[0].InternetGatewayId
	do(f, f.DetachInternetGateway, &ec2api.DetachInternetGatewayInput{InternetGatewayId: gateway, VpcId: &vpc})
	do(f, f.DeleteVpc, &ec2api.DeleteVpcInput{VpcId: &vpc})
	if left := do(f, f.DescribeVpcs, &ec2api.DescribeVpcsInput{}).Vpcs; len(left) != 0 {
		t.Errorf("%+v", left)
	}
	fails(f, f.CreateSecurityGroup, &ec2api.CreateSecurityGroupInput{GroupName: new("x"), Description: new("x")}, "VPCIdNotSpecified", "")
	fails(f, f.CreateDefaultSubnet, &ec2api.CreateDefaultSubnetInput{AvailabilityZone: new("us-east-1a")}, "DefaultVpcDoesNotExist", "")
	if !*do(f, f.CreateDefaultVpc, &ec2api.CreateDefaultVpcInput{}).Vpc.IsDefault {
		t.Error("not the default one")
	}
	fails(f, f.CreateDefaultSubnet, &ec2api.CreateDefaultSubnetInput{AvailabilityZone: new("us-east-1a")}, "DefaultSubnetAlreadyExistsInAvailabilityZone", "")
}

func TestVPCLeavesNothingBehind(t *testing.T) {
	f := open(t)
	f.vpc("10.0.0.0/16") // so that the home is there
	before := f.rows()
	vpc := f.vpc("10.0.0.0/16")
	do(f, f.CreateTags, &ec2api.CreateTagsInput{Resources: []string{vpc}, Tags: []ec2api.Tag{{Key: new("a")}}})
	subnet, group := f.subnet(vpc, "10.0.0.0/24"), f.group(vpc, "web")
	do(f, f.DeleteNetworkInterface, &ec2api.DeleteNetworkInterfaceInput{NetworkInterfaceId: new(f.eni(subnet, group))})
	do(f, f.DeleteSubnet, &ec2api.DeleteSubnetInput{SubnetId: &subnet})
	do(f, f.DeleteSecurityGroup, &ec2api.DeleteSecurityGroupInput{GroupId: &group})
	do(f, f.DeleteVpc, &ec2api.DeleteVpcInput{VpcId: &vpc})
	if after := f.rows(); after != before {
		t.Errorf("rows: %+v, before: %+v", after, before)
	}
}

type rows struct{ vpcs, subnets, tables, acls, groups, rules, interfaces, tags int }

func (f *front) rows() rows {
	tx := f.store.View()
	return rows{
		f.net.VPCs.Len(tx), f.net.Subnets.Len(tx), f.net.RouteTables.Len(tx), f.net.ACLs.Len(tx), f.net.Groups.Len(tx), f.net.Rules.Len(tx),
		f.net.Interfaces.Len(tx), f.net.Tags.Len(tx),
	}
}

func TestAttributes(t *testing.T) {
	f := open(t)
	vpc := f.vpc("10.0.0.0/16")
	subnet := f.subnet(vpc, "10.0.0.0/24")
	yes := &ec2api.AttributeBooleanValue{Value: new(true)}
	do(f, f.ModifyVpcAttribute, &ec2api.ModifyVpcAttributeInput{VpcId: &vpc, EnableDnsHostnames: yes})
	for name, want := range map[string]bool{"enableDnsSupport": true, "enableDnsHostnames": true, "enableNetworkAddressUsageMetrics": false} {
		out := do(f, f.DescribeVpcAttribute, &ec2api.DescribeVpcAttributeInput{VpcId: &vpc, Attribute: &name})
		for _, v := range []*ec2api.AttributeBooleanValue{out.EnableDnsSupport, out.EnableDnsHostnames, out.EnableNetworkAddressUsageMetrics} {
			if v != nil && *v.Value != want {
				t.Errorf("%s is %v", name, *v.Value)
			}
		}
	}
	do(f, f.ModifySubnetAttribute, &ec2api.ModifySubnetAttributeInput{SubnetId: &subnet, MapPublicIpOnLaunch: yes})
	fails(f, f.ModifySubnetAttribute, &ec2api.ModifySubnetAttributeInput{SubnetId: &subnet, AssignIpv6AddressOnCreation: yes}, "NotImplemented", "")
	do(f, f.ModifySubnetAttribute, &ec2api.ModifySubnetAttributeInput{SubnetId: &subnet, AssignIpv6AddressOnCreation: &ec2api.AttributeBooleanValue{Value: new(false)}})
	if s := do(f, f.DescribeSubnets, &ec2api.DescribeSubnetsInput{SubnetIds: []string{subnet}}).Subnets[0]; !*s.MapPublicIpOnLaunch {
		t.Errorf("%+v", s)
	}

	eni := f.eni(subnet)
	group := f.group(vpc, "web")
	do(f, f.ModifyNetworkInterfaceAttribute, &ec2api.ModifyNetworkInterfaceAttributeInput{NetworkInterfaceId: &eni, Groups: []string{group}})
	do(f, f.ModifyNetworkInterfaceAttribute, &ec2api.ModifyNetworkInterfaceAttributeInput{NetworkInterfaceId: &eni, SourceDestCheck: &ec2api.AttributeBooleanValue{Value: new(false)}})
	if a := do(f, f.DescribeNetworkInterfaceAttribute, &ec2api.DescribeNetworkInterfaceAttributeInput{NetworkInterfaceId: &eni, Attribute: new("groupSet")}); len(a.Groups) != 1 || *a.Groups[0].GroupId != group {
		t.Errorf("%+v", a)
	}
	if a := do(f, f.DescribeNetworkInterfaceAttribute, &ec2api.DescribeNetworkInterfaceAttributeInput{NetworkInterfaceId: &eni, Attribute: new("sourceDestCheck")}); *a.SourceDestCheck.Value {
		t.Errorf("%+v", a)
	}
	if i := do(f, f.DescribeNetworkInterfaces, &ec2api.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{eni}}).NetworkInterfaces[0]; *i.PrivateDnsName != "ip-10-0-0-4.ec2.internal" {
		t.Errorf("%+v", i)
	}
}

func TestNatGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t)
		f.run()
		vpc := f.vpc("10.0.0.0/16")
		subnet, gateway, table, address := f.subnet(vpc, "10.0.0.0/24"), f.gateway(vpc), f.table(vpc), f.address()
		nat := do(f, f.CreateNatGateway, &ec2api.CreateNatGatewayInput{SubnetId: &subnet, AllocationId: &address}).NatGateway
		if *nat.State != network.NatPending {
			t.Error(*nat.State)
		}
		synctest.Wait()
		*nat = do(f, f.DescribeNatGateways, &ec2api.DescribeNatGatewaysInput{NatGatewayIds: []string{*nat.NatGatewayId}}).NatGateways[0]
		if a := nat.NatGatewayAddresses[0]; *nat.State != network.NatAvailable || a.PublicIp == nil || *a.Status != "succeeded" {
			t.Errorf("%+v", nat)
		}
		do(f, f.CreateRoute, &ec2api.CreateRouteInput{RouteTableId: &table, DestinationCidrBlock: new("0.0.0.0/0"), NatGatewayId: nat.NatGatewayId})
		eni := do(f, f.DescribeNetworkInterfaces, &ec2api.DescribeNetworkInterfacesInput{Filters: filter("interface-type", "nat_gateway")}).NetworkInterfaces
		if len(eni) != 1 || *eni[0].Description != "Interface for NAT Gateway "+*nat.NatGatewayId || *eni[0].Status != "in-use" {
			t.Errorf("%+v", eni)
		}
		fails(f, f.DetachInternetGateway, &ec2api.DetachInternetGatewayInput{InternetGatewayId: &gateway, VpcId: &vpc}, "DependencyViolation", "")
		fails(f, f.DeleteSubnet, &ec2api.DeleteSubnetInput{SubnetId: &subnet}, "DependencyViolation", "")

		do(f, f.DeleteNatGateway, &ec2api.DeleteNatGatewayInput{NatGatewayId: nat.NatGatewayId})
		synctest.Wait()
		*nat = do(f, f.DescribeNatGateways, &ec2api.DescribeNatGatewaysInput{Filter: filter("state", "deleted")}).NatGateways[0]
		if nat.DeleteTime == nil {
			t.Errorf("%+v", nat)
		}
		routes := do(f, f.DescribeRouteTables, &ec2api.DescribeRouteTablesInput{RouteTableIds: []string{table}}).RouteTables[0].Routes
		if *routes[1].State != "blackhole" {
			t.Errorf("%+v", routes[1])
		}
		do(f, f.ReleaseAddress, &ec2api.ReleaseAddressInput{AllocationId: &address})
		do(f, f.DeleteSubnet, &ec2api.DeleteSubnetInput{SubnetId: &subnet})
		do(f, f.DetachInternetGateway, &ec2api.DetachInternetGatewayInput{InternetGatewayId: &gateway, VpcId: &vpc})
	})
}

func TestPrefixListVersions(t *testing.T) {
	f := open(t)
	entry := func(cidr string) ec2api.AddPrefixListEntry { return ec2api.AddPrefixListEntry{Cidr: &cidr} }
	p := do(f, f.CreateManagedPrefixList, &ec2api.CreateManagedPrefixListInput{
		PrefixListName: new("office"), AddressFamily: new("IPv4"), MaxEntries: new(int32(2)), Entries: []ec2api.AddPrefixListEntry{entry("192.0.2.0/24")},
	}).PrefixList
	p = do(f, f.ModifyManagedPrefixList, &ec2api.ModifyManagedPrefixListInput{PrefixListId: p.PrefixListId, CurrentVersion: new(int64(1)), AddEntries: []ec2api.AddPrefixListEntry{entry("198.51.100.0/24")}}).PrefixList
	if *p.Version != 2 || *p.State != "modify-complete" {
		t.Errorf("%+v", p)
	}
	fails(f, f.ModifyManagedPrefixList, &ec2api.ModifyManagedPrefixListInput{PrefixListId: p.PrefixListId, CurrentVersion: new(int64(1)), AddEntries: []ec2api.AddPrefixListEntry{entry("203.0.113.0/24")}}, "PrefixListVersionMismatch", "")
	fails(f, f.ModifyManagedPrefixList, &ec2api.ModifyManagedPrefixListInput{PrefixListId: p.PrefixListId, CurrentVersion: new(int64(2)), AddEntries: []ec2api.AddPrefixListEntry{entry("203.0.113.0/24")}}, "PrefixListMaxEntriesExceeded", "")
	do(f, f.RestoreManagedPrefixListVersion, &ec2api.RestoreManagedPrefixListVersionInput{PrefixListId: p.PrefixListId, PreviousVersion: new(int64(1)), CurrentVersion: new(int64(2))})
	if e := do(f, f.GetManagedPrefixListEntries, &ec2api.GetManagedPrefixListEntriesInput{PrefixListId: p.PrefixListId}).Entries; len(e) != 1 {
		t.Errorf("%+v", e)
	}
	if e := do(f, f.GetManagedPrefixListEntries, &ec2api.GetManagedPrefixListEntriesInput{PrefixListId: p.PrefixListId, TargetVersion: new(int64(2))}).Entries; len(e) != 2 {
		t.Errorf("%+v", e)
	}
	s3 := do(f, f.DescribePrefixLists, &ec2api.DescribePrefixListsInput{Filters: filter("prefix-list-name", "com.amazonaws.us-east-1.s3")}).PrefixLists
	if len(s3) != 1 {
		t.Fatalf("%+v", s3)
	}
	fails(f, f.DeleteManagedPrefixList, &ec2api.DeleteManagedPrefixListInput{PrefixListId: s3[0].PrefixListId}, "AuthFailure", "")
}

func TestSecondBlock(t *testing.T) {
	f := open(t)
	vpc := f.vpc("10.0.0.0/16")
	add := func(cidr string) *ec2api.AssociateVpcCidrBlockInput {
		return &ec2api.AssociateVpcCidrBlockInput{VpcId: &vpc, CidrBlock: &cidr}
	}
	fails(f, f.AssociateVpcCidrBlock, add("10.0.4.0/24"), "InvalidVpc.Range", "")
	id := do(f, f.AssociateVpcCidrBlock, add("100.64.0.0/16")).CidrBlockAssociation.AssociationId
	subnet := f.subnet(vpc, "100.64.1.0/24")
	routes := do(f, f.DescribeRouteTables, &ec2api.DescribeRouteTablesInput{Filters: filter("vpc-id", vpc)}).RouteTables[0].Routes
	if len(routes) != 2 || *routes[1].DestinationCidrBlock != "100.64.0.0/16" || *routes[1].GatewayId != "local" {
		t.Errorf("%+v", routes)
	}
	remove := &ec2api.DisassociateVpcCidrBlockInput{AssociationId: id}
	fails(f, f.DisassociateVpcCidrBlock, remove, "InvalidCidr.InUse", "")
	do(f, f.DeleteSubnet, &ec2api.DeleteSubnetInput{SubnetId: &subnet})
	do(f, f.DisassociateVpcCidrBlock, remove)
	fails(f, f.DisassociateVpcCidrBlock, remove, "InvalidVpcCidrBlockAssociationID.NotFound", "")
	v := do(f, f.DescribeVpcs, &ec2api.DescribeVpcsInput{VpcIds: []string{vpc}}).Vpcs[0]
	if len(v.CidrBlockAssociationSet) != 1 {
		t.Errorf("%+v", v)
	}
	fails(f, f.DisassociateVpcCidrBlock, &ec2api.DisassociateVpcCidrBlockInput{AssociationId: v.CidrBlockAssociationSet[0].AssociationId}, "OperationNotPermitted", "")
}
