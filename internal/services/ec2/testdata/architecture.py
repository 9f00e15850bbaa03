"""Builds the network of a production service with boto3, looks at it, and takes it down again."""
import sys

import boto3
from botocore.exceptions import ClientError

ec2 = boto3.client(
    "ec2", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
)


def refused(code, call, **parameters):
    try:
        call(**parameters)
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
    else:
        raise AssertionError(f"{code} expected")


def tags(kind, name):
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}]}]


zones = [z["ZoneName"] for z in ec2.describe_availability_zones()["AvailabilityZones"]][:2]
vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags("vpc", "prod"))["Vpc"]["VpcId"]
ec2.get_waiter("vpc_available").wait(VpcIds=[vpc])
ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})

public = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=z)["Subnet"]["SubnetId"] for i, z in enumerate(zones)]
private = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i + 10}.0/24", AvailabilityZone=z)["Subnet"]["SubnetId"] for i, z in enumerate(zones)]
ec2.get_waiter("subnet_available").wait(SubnetIds=public + private)

gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
address = ec2.allocate_address(Domain="vpc")
nat = ec2.create_nat_gateway(SubnetId=public[0], AllocationId=address["AllocationId"])["NatGateway"]["NatGatewayId"]
ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[nat])

tables = {}
for name, subnets, target in (("public", public, {"GatewayId": gateway}), ("private", private, {"NatGatewayId": nat})):
    tables[name] = ec2.create_route_table(VpcId=vpc, TagSpecifications=tags("route-table", name))["RouteTable"]["RouteTableId"]
    assert ec2.create_route(RouteTableId=tables[name], DestinationCidrBlock="0.0.0.0/0", **target)["Return"]
    for subnet in subnets:
        ec2.associate_route_table(RouteTableId=tables[name], SubnetId=subnet)

balancer = ec2.create_security_group(VpcId=vpc, GroupName="balancer", Description="from the world")["GroupId"]
task = ec2.create_security_group(VpcId=vpc, GroupName="task", Description="from the balancer")["GroupId"]
world = [{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "world"}]}]
chain = [{"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "UserIdGroupPairs": [{"GroupId": balancer}]}]
rules = ec2.authorize_security_group_ingress(GroupId=balancer, IpPermissions=world)["SecurityGroupRules"]
assert rules[0]["CidrIpv4"] == "0.0.0.0/0" and rules[0]["Description"] == "world", rules
ec2.authorize_security_group_ingress(GroupId=task, IpPermissions=chain)
refused("InvalidPermission.Duplicate", ec2.authorize_security_group_ingress, GroupId=task, IpPermissions=chain)
refused("DependencyViolation", ec2.delete_security_group, GroupId=balancer)

interface = ec2.create_network_interface(SubnetId=private[0], Groups=[task])["NetworkInterface"]
assert interface["PrivateIpAddress"].startswith("10.0.10."), interface
found = ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [task]}])["NetworkInterfaces"]
assert [i["NetworkInterfaceId"] for i in found] == [interface["NetworkInterfaceId"]], found
assert ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["pro*"]}])["Vpcs"][0]["VpcId"] == vpc
assert ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["nothing"]}])["Vpcs"] == []
pages = ec2.get_paginator("describe_subnets").paginate(PaginationConfig={"PageSize": 5})
assert sum(len(p["Subnets"]) for p in pages) == 4 + 6  # with those of the default VPC
refused("DependencyViolation", ec2.delete_vpc, VpcId=vpc)

ec2.delete_network_interface(NetworkInterfaceId=interface["NetworkInterfaceId"])
ec2.delete_nat_gateway(NatGatewayId=nat)
ec2.get_waiter("nat_gateway_deleted").wait(NatGatewayIds=[nat])
ec2.release_address(AllocationId=address["AllocationId"])
ec2.revoke_security_group_ingress(GroupId=task, IpPermissions=chain)
for group in (balancer, task):
    ec2.delete_security_group(GroupId=group)
for subnet in public + private:
    ec2.delete_subnet(SubnetId=subnet)
for table in tables.values():
    ec2.delete_route_table(RouteTableId=table)
ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
ec2.delete_internet_gateway(InternetGatewayId=gateway)
ec2.delete_vpc(VpcId=vpc)
assert [v["IsDefault"] for v in ec2.describe_vpcs()["Vpcs"]] == [True]
print("ok")
