package ec2

import (
	"testing"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
)

// TestErrors wants EC2's codes and words. Each case stands alone in a world of one VPC with a subnet, a gateway, a group and an interface.
func TestErrors(t *testing.T) {
	type world struct {
		*front
		vpc, subnet, gateway, table, group, eni string
	}
	for name, check := range map[string]func(w world){
		"vpc too large": func(w world) {
			fails(w.front, w.CreateVpc, &ec2api.CreateVpcInput{CidrBlock: new("10.0.0.0/8")}, "InvalidVpc.Range", "The CIDR '10.0.0.0/8' is invalid.")
		},
		"vpc too small": func(w world) {
			fails(w.front, w.CreateVpc, &ec2api.CreateVpcInput{CidrBlock: new("10.0.0.0/29")}, "InvalidVpc.Range", "The CIDR '10.0.0.0/29' is invalid.")
		},
		"vpc of nonsense": func(w world) {
			fails(w.front, w.CreateVpc, &ec2api.CreateVpcInput{CidrBlock: new("10.0.0.0")}, "InvalidParameterValue",
				"Value (10.0.0.0) for parameter cidrBlock is invalid. This is not a valid CIDR block.")
		},
		"vpc in use": func(w world) {
			fails(w.front, w.DeleteVpc, &ec2api.DeleteVpcInput{VpcId: &w.vpc}, "DependencyViolation", "The vpc '"+w.vpc+"' has dependencies and cannot be deleted.")
		},
		"vpc unknown": func(w world) {
			fails(w.front, w.DeleteVpc, &ec2api.DeleteVpcInput{VpcId: new("vpc-1")}, "InvalidVpcID.NotFound", "The vpc ID 'vpc-1' does not exist")
		},
		"vpc of IPv6": func(w world) {
			fails(w.front, w.CreateVpc, &ec2api.CreateVpcInput{CidrBlock: new("10.0.0.0/16"), AmazonProvidedIpv6CidrBlock: new(true)}, "NotImplemented", "")
		},
		"vpc of dedicated tenancy": func(w world) {
			fails(w.front, w.CreateVpc, &ec2api.CreateVpcInput{CidrBlock: new("10.0.0.0/16"), InstanceTenancy: new("dedicated")}, "NotImplemented", "")
		},
		"two attributes": func(w world) {
			yes := &ec2api.AttributeBooleanValue{Value: new(true)}
			fails(w.front, w.ModifyVpcAttribute, &ec2api.ModifyVpcAttributeInput{VpcId: &w.vpc, EnableDnsHostnames: yes, EnableDnsSupport: yes}, "InvalidParameterCombination", "")
		},
		"default vpc twice": func(w world) {
			fails(w.front, w.CreateDefaultVpc, &ec2api.CreateDefaultVpcInput{}, "DefaultVpcAlreadyExists", "A Default VPC already exists for this account in this region.")
		},
		"subnet overlaps": func(w world) {
			fails(w.front, w.CreateSubnet, &ec2api.CreateSubnetInput{VpcId: &w.vpc, CidrBlock: new("10.0.0.128/25")}, "InvalidSubnet.Conflict", "The CIDR '10.0.0.128/25' conflicts with another subnet")
		},
		"subnet outside": func(w world) {
			fails(w.front, w.CreateSubnet, &ec2api.CreateSubnetInput{VpcId: &w.vpc, CidrBlock: new("10.1.0.0/24")}, "InvalidSubnet.Range", "The CIDR '10.1.0.0/24' is invalid.")
		},
		"subnet in no zone": func(w world) {
			fails(w.front, w.CreateSubnet, &ec2api.CreateSubnetInput{VpcId: &w.vpc, CidrBlock: new("10.0.1.0/24"), AvailabilityZone: new("us-east-1z")}, "InvalidParameterValue",
				"Value (us-east-1z) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: us-east-1a, us-east-1b, us-east-1c, us-east-1d, us-east-1e, us-east-1f.")
		},
		"subnet in use": func(w world) {
			fails(w.front, w.DeleteSubnet, &ec2api.DeleteSubnetInput{SubnetId: &w.subnet}, "DependencyViolation", "The subnet '"+w.subnet+"' has dependencies and cannot be deleted.")
		},
		"gateway attached twice": func(w world) {
			fails(w.front, w.AttachInternetGateway, &ec2api.AttachInternetGatewayInput{InternetGatewayId: &w.gateway, VpcId: &w.vpc}, "Resource.AlreadyAssociated",
				"resource "+w.gateway+" is already attached to network "+w.vpc)
		},
		"second gateway": func(w world) {
			id := do(w.front, w.CreateInternetGateway, &ec2api.CreateInternetGatewayInput{}).InternetGateway.InternetGatewayId
			fails(w.front, w.AttachInternetGateway, &ec2api.AttachInternetGatewayInput{InternetGatewayId: id, VpcId: &w.vpc}, "InvalidParameterValue", "Network "+w.vpc+" already has an internet gateway attached")
			fails(w.front, w.DetachInternetGateway, &ec2api.DetachInternetGatewayInput{InternetGatewayId: id, VpcId: &w.vpc}, "Gateway.NotAttached", "resource "+*id+" is not attached to network "+w.vpc)
		},
		"gateway in use": func(w world) {
			fails(w.front, w.DeleteInternetGateway, &ec2api.DeleteInternetGatewayInput{InternetGatewayId: &w.gateway}, "DependencyViolation", "The internetGateway '"+w.gateway+"' has dependencies and cannot be deleted.")
		},
		"gateway with public addresses behind it": func(w world) {
			w.attached(w.subnet)
			fails(w.front, w.DetachInternetGateway, &ec2api.DetachInternetGatewayInput{InternetGatewayId: &w.gateway, VpcId: &w.vpc}, "DependencyViolation",
				"Network "+w.vpc+" has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.")
		},
		"route twice": func(w world) {
			in := &ec2api.CreateRouteInput{RouteTableId: &w.table, DestinationCidrBlock: new("0.0.0.0/0"), GatewayId: &w.gateway}
			do(w.front, w.CreateRoute, in)
			fails(w.front, w.CreateRoute, in, "RouteAlreadyExists", "The route identified by 0.0.0.0/0 already exists.")
		},
		"route to nothing": func(w world) {
			fails(w.front, w.CreateRoute, &ec2api.CreateRouteInput{RouteTableId: &w.table, DestinationCidrBlock: new("0.0.0.0/0")}, "MissingParameter", "The request must contain the parameter gatewayId")
		},
		"route to an unknown NAT gateway": func(w world) {
			fails(w.front, w.CreateRoute, &ec2api.CreateRouteInput{RouteTableId: &w.table, DestinationCidrBlock: new("0.0.0.0/0"), NatGatewayId: new("nat-1")}, "InvalidNatGatewayID.NotFound", "The natGateway ID 'nat-1' does not exist")
		},
		"route to another VPC's gateway": func(w world) {
			g := w.front.gateway(w.front.vpc("10.9.0.0/16"))
			fails(w.front, w.CreateRoute, &ec2api.CreateRouteInput{RouteTableId: &w.table, DestinationCidrBlock: new("0.0.0.0/0"), GatewayId: &g}, "InvalidParameterValue",
				"route table "+w.table+" and network gateway "+g+" belong to different networks")
		},
		"route to a peering": func(w world) {
			fails(w.front, w.CreateRoute, &ec2api.CreateRouteInput{RouteTableId: &w.table, DestinationCidrBlock: new("10.9.0.0/16"), VpcPeeringConnectionId: new("pcx-1")}, "NotImplemented", "")
		},
		"route within the VPC": func(w world) {
			fails(w.front, w.CreateRoute, &ec2api.CreateRouteInput{RouteTableId: &w.table, DestinationCidrBlock: new("10.0.7.0/24"), GatewayId: &w.gateway}, "InvalidParameterValue", "")
		},
		"local route removed": func(w world) {
			fails(w.front, w.DeleteRoute, &ec2api.DeleteRouteInput{RouteTableId: &w.table, DestinationCidrBlock: new("10.0.0.0/16")}, "InvalidParameterValue",
				"cannot remove local route 10.0.0.0/16 in route table "+w.table)
		},
		"route not there": func(w world) {
			fails(w.front, w.DeleteRoute, &ec2api.DeleteRouteInput{RouteTableId: &w.table, DestinationCidrBlock: new("1.0.0.0/16")}, "InvalidRoute.NotFound",
				"no route with destination-cidr-block 1.0.0.0/16 in route table "+w.table)
			fails(w.front, w.ReplaceRoute, &ec2api.ReplaceRouteInput{RouteTableId: &w.table, DestinationCidrBlock: new("1.0.0.0/16"), GatewayId: &w.gateway}, "InvalidParameterValue",
				"There is no route defined for '1.0.0.0/16' in the route table. Use CreateRoute instead.")
		},
		"route table in use": func(w world) {
			do(w.front, w.AssociateRouteTable, &ec2api.AssociateRouteTableInput{RouteTableId: &w.table, SubnetId: &w.subnet})
			fails(w.front, w.DeleteRouteTable, &ec2api.DeleteRouteTableInput{RouteTableId: &w.table}, "DependencyViolation", "The routeTable '"+w.table+"' has dependencies and cannot be deleted.")
			other := w.front.table(w.vpc)
			fails(w.front, w.AssociateRouteTable, &ec2api.AssociateRouteTableInput{RouteTableId: &other, SubnetId: &w.subnet}, "Resource.AlreadyAssociated",
				"the specified association for route table "+other+" conflicts with an existing association")
		},
		"main association removed": func(w world) {
			main := do(w.front, w.DescribeRouteTables, &ec2api.DescribeRouteTablesInput{Filters: append(filter("vpc-id", w.vpc), filter("association.main", "true")...)}).RouteTables[0]
			fails(w.front, w.DisassociateRouteTable, &ec2api.DisassociateRouteTableInput{AssociationId: main.Associations[0].RouteTableAssociationId}, "InvalidParameterValue", "")
		},
		"address in use": func(w world) {
			id := w.address()
			do(w.front, w.AssociateAddress, &ec2api.AssociateAddressInput{AllocationId: &id, NetworkInterfaceId: &w.eni})
			a := do(w.front, w.DescribeAddresses, &ec2api.DescribeAddressesInput{AllocationIds: []string{id}}).Addresses[0]
			fails(w.front, w.ReleaseAddress, &ec2api.ReleaseAddressInput{AllocationId: &id}, "InvalidIPAddress.InUse", "Address "+*a.PublicIp+" is in use.")
			fails(w.front, w.AssociateAddress, &ec2api.AssociateAddressInput{AllocationId: &id, NetworkInterfaceId: new(w.front.eni(w.subnet)), AllowReassociation: new(false)}, "Resource.AlreadyAssociated",
				"resource "+id+" is already associated with associate-id "+*a.AssociationId)
		},
		"address unknown": func(w world) {
			fails(w.front, w.ReleaseAddress, &ec2api.ReleaseAddressInput{AllocationId: new("eipalloc-1")}, "InvalidAllocationID.NotFound", "The allocation ID 'eipalloc-1' does not exist")
			fails(w.front, w.DisassociateAddress, &ec2api.DisassociateAddressInput{AssociationId: new("eipassoc-1")}, "InvalidAssociationID.NotFound", "The association ID 'eipassoc-1' does not exist")
		},
		"address on somebody else's interface": func(w world) {
			fails(w.front, w.AssociateAddress, &ec2api.AssociateAddressInput{AllocationId: new(w.address()), NetworkInterfaceId: &w.attached(w.subnet).ID}, "AuthFailure",
				"You do not have permission to access the specified resource.")
		},
		"address of an instance": func(w world) {
			fails(w.front, w.AssociateAddress, &ec2api.AssociateAddressInput{AllocationId: new(w.address()), InstanceId: new("i-1")}, "InvalidInstanceID.NotFound", "The instance ID 'i-1' does not exist")
		},
		"interface in use": func(w world) {
			i := w.attached(w.subnet)
			fails(w.front, w.DeleteNetworkInterface, &ec2api.DeleteNetworkInterfaceInput{NetworkInterfaceId: &i.ID}, "InvalidParameterValue", "Network interface '"+i.ID+"' is currently in use.")
			fails(w.front, w.DetachNetworkInterface, &ec2api.DetachNetworkInterfaceInput{AttachmentId: &i.Attachment.ID}, "OperationNotPermitted", "You are not allowed to manage 'ela-attach' attachments.")
			fails(w.front, w.ModifyNetworkInterfaceAttribute, &ec2api.ModifyNetworkInterfaceAttributeInput{NetworkInterfaceId: &i.ID, Groups: []string{w.group}}, "AuthFailure", "")
		},
		"interface address taken": func(w world) {
			first := do(w.front, w.DescribeNetworkInterfaces, &ec2api.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{w.eni}}).NetworkInterfaces[0]
			fails(w.front, w.CreateNetworkInterface, &ec2api.CreateNetworkInterfaceInput{SubnetId: &w.subnet, PrivateIpAddress: first.PrivateIpAddress}, "InvalidIPAddress.InUse", "The specified address is already in use.")
			fails(w.front, w.CreateNetworkInterface, &ec2api.CreateNetworkInterfaceInput{SubnetId: &w.subnet, PrivateIpAddress: new("10.0.0.3")}, "InvalidParameterValue", "Address is in subnet's reserved address range")
			fails(w.front, w.CreateNetworkInterface, &ec2api.CreateNetworkInterfaceInput{SubnetId: &w.subnet, PrivateIpAddress: new("10.0.1.9")}, "InvalidParameterValue", "Address does not fall within the subnet's address range")
		},
		"interface in a full subnet": func(w world) {
			small := w.front.subnet(w.vpc, "10.0.2.0/28")
			for range 11 {
				w.front.eni(small)
			}
			fails(w.front, w.CreateNetworkInterface, &ec2api.CreateNetworkInterfaceInput{SubnetId: &small}, "InsufficientFreeAddressesInSubnet",
				"The specified subnet does not have enough free addresses to satisfy the request.")
		},
		"interface with secondary addresses": func(w world) {
			fails(w.front, w.CreateNetworkInterface, &ec2api.CreateNetworkInterfaceInput{SubnetId: &w.subnet, SecondaryPrivateIpAddressCount: new(int32(1))}, "NotImplemented", "")
		},
		"group twice": func(w world) {
			fails(w.front, w.CreateSecurityGroup, &ec2api.CreateSecurityGroupInput{VpcId: &w.vpc, GroupName: new("web"), Description: new("x")}, "InvalidGroup.Duplicate", "The security group 'web' already exists for VPC '"+w.vpc+"'")
		},
		"group of bad name": func(w world) {
			fails(w.front, w.CreateSecurityGroup, &ec2api.CreateSecurityGroupInput{VpcId: &w.vpc, GroupName: new("sg-web"), Description: new("x")}, "InvalidParameterValue",
				"Value (sg-web) for parameter GroupName is invalid. Group names may not be in the format sg-*.")
			fails(w.front, w.CreateSecurityGroup, &ec2api.CreateSecurityGroupInput{VpcId: &w.vpc, GroupName: new("default"), Description: new("x")}, "InvalidParameterValue", "Cannot use reserved security group name: default")
			fails(w.front, w.CreateSecurityGroup, &ec2api.CreateSecurityGroupInput{VpcId: &w.vpc, GroupName: new("x"), Description: new("")}, "MissingParameter", "The request must contain the parameter GroupDescription")
		},
		"group in use": func(w world) {
			fails(w.front, w.DeleteSecurityGroup, &ec2api.DeleteSecurityGroupInput{GroupId: &w.group}, "DependencyViolation", "resource "+w.group+" has a dependent object")
		},
		"group named by another one": func(w world) {
			other := w.front.group(w.vpc, "other")
			do(w.front, w.AuthorizeSecurityGroupIngress, &ec2api.AuthorizeSecurityGroupIngressInput{GroupId: &w.group, IpPermissions: []ec2api.IpPermission{{
				IpProtocol: new("-1"), UserIdGroupPairs: []ec2api.UserIdGroupPair{{GroupId: &other}},
			}}})
			fails(w.front, w.DeleteSecurityGroup, &ec2api.DeleteSecurityGroupInput{GroupId: &other}, "DependencyViolation", "resource "+other+" has a dependent object")
		},
		"default group": func(w world) {
			g := do(w.front, w.DescribeSecurityGroups, &ec2api.DescribeSecurityGroupsInput{Filters: append(filter("vpc-id", w.vpc), filter("group-name", "default")...)}).SecurityGroups[0].GroupId
			fails(w.front, w.DeleteSecurityGroup, &ec2api.DeleteSecurityGroupInput{GroupId: g}, "CannotDelete", "the specified group: \""+*g+"\" name: \"default\" cannot be deleted by a user")
		},
		"group unknown": func(w world) {
			fails(w.front, w.DeleteSecurityGroup, &ec2api.DeleteSecurityGroupInput{GroupId: new("sg-01234567")}, "InvalidGroup.NotFound", "The security group 'sg-01234567' does not exist")
			fails(w.front, w.DeleteSecurityGroup, &ec2api.DeleteSecurityGroupInput{GroupId: new("web")}, "InvalidGroupId.Malformed", "Invalid id: \"web\" (expecting \"sg-...\")")
		},
		"tags": func(w world) {
			fails(w.front, w.CreateTags, &ec2api.CreateTagsInput{Resources: []string{w.vpc}, Tags: []ec2api.Tag{{Key: new("aws:x")}}}, "InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
			fails(w.front, w.CreateTags, &ec2api.CreateTagsInput{Resources: []string{"thing-1"}, Tags: []ec2api.Tag{{Key: new("x")}}}, "InvalidID", "The ID 'thing-1' is not valid")
			fails(w.front, w.CreateTags, &ec2api.CreateTagsInput{Resources: []string{"vpc-1"}, Tags: []ec2api.Tag{{Key: new("x")}}}, "InvalidVpcID.NotFound", "")
			fails(w.front, w.CreateVpc, &ec2api.CreateVpcInput{CidrBlock: new("10.0.0.0/16"), TagSpecifications: []ec2api.TagSpecification{{ResourceType: new("subnet"), Tags: []ec2api.Tag{{Key: new("x")}}}}},
				"InvalidParameterValue", "'subnet' is not a valid taggable resource type for this operation.")
		},
		"ids and pages": func(w world) {
			fails(w.front, w.DescribeVpcs, &ec2api.DescribeVpcsInput{VpcIds: []string{w.vpc}, MaxResults: new(int32(5))}, "InvalidParameterCombination", "")
			fails(w.front, w.DescribeVpcs, &ec2api.DescribeVpcsInput{NextToken: new("bogus")}, "InvalidNextToken", "")
		},
		"instances": func(w world) {
			fails(w.front, w.DescribeInstances, &ec2api.DescribeInstancesInput{InstanceIds: []string{"i-1", "i-2"}}, "InvalidInstanceID.NotFound", "The instance IDs 'i-1, i-2' do not exist")
			fails(w.front, w.AttachNetworkInterface, &ec2api.AttachNetworkInterfaceInput{InstanceId: new("i-1"), NetworkInterfaceId: &w.eni}, "InvalidInstanceID.NotFound", "The instance ID 'i-1' does not exist")
		},
		"prefix list in use": func(w world) {
			p := do(w.front, w.CreateManagedPrefixList, &ec2api.CreateManagedPrefixListInput{PrefixListName: new("p"), AddressFamily: new("IPv4"), MaxEntries: new(int32(1))}).PrefixList.PrefixListId
			do(w.front, w.CreateRoute, &ec2api.CreateRouteInput{RouteTableId: &w.table, DestinationPrefixListId: p, GatewayId: &w.gateway})
			fails(w.front, w.DeleteManagedPrefixList, &ec2api.DeleteManagedPrefixListInput{PrefixListId: p}, "DependencyViolation", "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t)
			w := world{front: f, vpc: f.vpc("10.0.0.0/16")}
			w.subnet, w.gateway, w.table, w.group = f.subnet(w.vpc, "10.0.0.0/24"), f.gateway(w.vpc), f.table(w.vpc), f.group(w.vpc, "web")
			w.eni = f.eni(w.subnet, w.group)
			check(w)
		})
	}
}

func TestNothingOfOtherAccountsIsSeen(t *testing.T) {
	f := open(t)
	vpc := f.vpc("10.0.0.0/16")
	subnet, group := f.subnet(vpc, "10.0.0.0/24"), f.group(vpc, "web")
	eni := f.eni(subnet)
	for _, other := range [][2]string{{"444455556666", "us-east-1"}, {"111122223333", "eu-west-1"}} {
		f.ctx = f.as(other[0], other[1])
		fails(f, f.DescribeVpcs, &ec2api.DescribeVpcsInput{VpcIds: []string{vpc}}, "InvalidVpcID.NotFound", "")
		fails(f, f.DeleteSubnet, &ec2api.DeleteSubnetInput{SubnetId: &subnet}, "InvalidSubnetID.NotFound", "")
		fails(f, f.DeleteSecurityGroup, &ec2api.DeleteSecurityGroupInput{GroupId: &group}, "InvalidGroup.NotFound", "")
		fails(f, f.CreateTags, &ec2api.CreateTagsInput{Resources: []string{vpc}, Tags: []ec2api.Tag{{Key: new("a")}}}, "InvalidVpcID.NotFound", "")
		if got := do(f, f.DescribeNetworkInterfaces, &ec2api.DescribeNetworkInterfacesInput{Filters: filter("subnet-id", subnet)}).NetworkInterfaces; len(got) != 0 {
			t.Errorf("%v sees interface %s", other, eni)
		}
		if got := do(f, f.DescribeSubnets, &ec2api.DescribeSubnetsInput{Filters: filter("vpc-id", vpc)}).Subnets; len(got) != 0 {
			t.Errorf("%v sees subnet %s", other, subnet)
		}
	}
}
