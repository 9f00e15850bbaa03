package demo

import (
	"context"
	"fmt"
)

// stack are the ids of what the demo builds.
type stack struct {
	vpc             string
	public, private []string
	albGroup        string
	taskGroup       string
	repository      string
	executionRole   string
	targetGroup     string
	loadBalancer    string
	url             string
}

const (
	title      = "demo" // of everything that has a name
	repository = "demo/web"
	zones      = 2
)

// step is one part of the picture.
type step struct {
	what string
	do   func(b *builder, ctx context.Context) (result string, err error)
}

// steps build the picture, in this order.
func steps() []step {
	return []step{
		{"network: VPC, subnets, routes", (*builder).network},
		{"security groups", (*builder).groups},
		{"log group, roles", (*builder).roles},
		{"ECR repository, image v1 and v2", (*builder).images},
		{"cluster, task definition", (*builder).cluster},
		{"load balancer, listener", (*builder).balancer},
		{"service with 2 tasks", (*builder).service},
	}
}

type builder struct {
	*api
	stack
	screen *screen
}

// make is a query call whose answer has the new thing's id at path.
func (b *builder) make(ctx context.Context, service, action, path string, p params) (string, error) {
	n, err := b.query(ctx, service, action, p)
	if err != nil {
		return "", err
	}
	id, err := n.at(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", action, err)
	}
	return id, nil
}

// list turns values into numbered parameters: prefix.1, prefix.2, ….
func (p params) list(prefix string, values []string) params {
	for i, v := range values {
		p[fmt.Sprintf("%s.%d", prefix, i+1)] = v
	}
	return p
}

func (b *builder) network(ctx context.Context) (string, error) {
	var err error
	if b.vpc, err = b.make(ctx, "ec2", "CreateVpc", "vpc/vpcId", params{"CidrBlock": "10.0.0.0/16"}); err != nil {
		return "", err
	}
	gateway, err := b.make(ctx, "ec2", "CreateInternetGateway", "internetGateway/internetGatewayId", nil)
	if err != nil {
		return "", err
	}
	if _, err := b.query(ctx, "ec2", "AttachInternetGateway", params{"InternetGatewayId": gateway, "VpcId": b.vpc}); err != nil {
		return "", err
	}
	for i := range zones {
		zone := b.region + string(rune('a'+i))
		public, err := b.make(ctx, "ec2", "CreateSubnet", "subnet/subnetId", params{"VpcId": b.vpc, "CidrBlock": fmt.Sprintf("10.0.%d.0/24", i), "AvailabilityZone": zone})
		if err != nil {
			return "", err
		}
		private, err := b.make(ctx, "ec2", "CreateSubnet", "subnet/subnetId", params{"VpcId": b.vpc, "CidrBlock": fmt.Sprintf("10.0.%d.0/24", 10+i), "AvailabilityZone": zone})
		if err != nil {
			return "", err
		}
		b.public, b.private = append(b.public, public), append(b.private, private)
	}
	address, err := b.make(ctx, "ec2", "AllocateAddress", "allocationId", params{"Domain": "vpc"})
	if err != nil {
		return "", err
	}
	nat, err := b.make(ctx, "ec2", "CreateNatGateway", "natGateway/natGatewayId", params{"SubnetId": b.public[0], "AllocationId": address})
	if err != nil {
		return "", err
	}
	if err := b.routes(ctx, b.public, params{"GatewayId": gateway}); err != nil {
		return "", err
	}
	if err := b.routes(ctx, b.private, params{"NatGatewayId": nat}); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, %d zones, internet gateway, NAT gateway", b.vpc, zones), nil
}

// routes makes a route table with a default route for subnets.
func (b *builder) routes(ctx context.Context, subnets []string, way params) error {
	table, err := b.make(ctx, "ec2", "CreateRouteTable", "routeTable/routeTableId", params{"VpcId": b.vpc})
	if err != nil {
		return err
	}
	way["RouteTableId"], way["DestinationCidrBlock"] = table, "0.0.0.0/0"
	if _, err := b.query(ctx, "ec2", "CreateRoute", way); err != nil {
		return err
	}
	for _, s := range subnets {
		if _, err := b.query(ctx, "ec2", "AssociateRouteTable", params{"RouteTableId": table, "SubnetId": s}); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) groups(ctx context.Context) (string, error) {
	var err error
	if b.albGroup, err = b.make(ctx, "ec2", "CreateSecurityGroup", "groupId", params{"GroupName": title + "-alb", "GroupDescription": "HTTP from anywhere", "VpcId": b.vpc}); err != nil {
		return "", err
	}
	if b.taskGroup, err = b.make(ctx, "ec2", "CreateSecurityGroup", "groupId", params{"GroupName": title + "-task", "GroupDescription": "only the load balancer", "VpcId": b.vpc}); err != nil {
		return "", err
	}
	if _, err := b.query(ctx, "ec2", "AuthorizeSecurityGroupIngress", params{
		"GroupId": b.albGroup, "IpPermissions.1.IpProtocol": "tcp", "IpPermissions.1.FromPort": "80", "IpPermissions.1.ToPort": "80",
		"IpPermissions.1.IpRanges.1.CidrIp": "0.0.0.0/0",
	}); err != nil {
		return "", err
	}
	_, err = b.query(ctx, "ec2", "AuthorizeSecurityGroupIngress", params{
		"GroupId": b.taskGroup, "IpPermissions.1.IpProtocol": "tcp", "IpPermissions.1.FromPort": "8080", "IpPermissions.1.ToPort": "8080",
		"IpPermissions.1.Groups.1.GroupId": b.albGroup,
	})
	return "internet → load balancer → task", err
}

func (b *builder) roles(ctx context.Context) (string, error) {
	const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	if err := b.json(ctx, "logs", "Logs_20140328.CreateLogGroup", map[string]any{"logGroupName": "/ecs/" + title}, nil); err != nil {
		return "", err
	}
	var err error
	if b.executionRole, err = b.make(ctx, "iam", "CreateRole", "CreateRoleResult/Role/Arn", params{"RoleName": title + "-execution", "AssumeRolePolicyDocument": trust}); err != nil {
		return "", err
	}
	_, err = b.query(ctx, "iam", "AttachRolePolicy", params{
		"RoleName": title + "-execution", "PolicyArn": "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",
	})
	return "/ecs/" + title, err
}

func (b *builder) balancer(ctx context.Context) (string, error) {
	const elb = "elasticloadbalancing"
	var err error
	p := params{"Name": title, "Scheme": "internet-facing", "SecurityGroups.member.1": b.albGroup}.list("Subnets.member", b.public)
	n, err := b.query(ctx, elb, "CreateLoadBalancer", p)
	if err != nil {
		return "", err
	}
	const first = "CreateLoadBalancerResult/LoadBalancers/member/"
	if b.loadBalancer, err = n.at(first + "LoadBalancerArn"); err != nil {
		return "", err
	}
	host, err := n.at(first + "DNSName")
	if err != nil {
		return "", err
	}
	b.url = "http://" + host + "/"
	if b.targetGroup, err = b.make(ctx, elb, "CreateTargetGroup", "CreateTargetGroupResult/TargetGroups/member/TargetGroupArn", params{
		"Name": title, "Protocol": "HTTP", "Port": "8080", "VpcId": b.vpc, "TargetType": "ip",
		"HealthCheckPath": "/healthz", "HealthCheckIntervalSeconds": "5", "HealthCheckTimeoutSeconds": "2", "HealthyThresholdCount": "2",
	}); err != nil {
		return "", err
	}
	if _, err := b.query(ctx, elb, "ModifyTargetGroupAttributes", params{
		"TargetGroupArn": b.targetGroup, "Attributes.member.1.Key": "deregistration_delay.timeout_seconds", "Attributes.member.1.Value": "10",
	}); err != nil {
		return "", err
	}
	_, err = b.query(ctx, elb, "CreateListener", params{
		"LoadBalancerArn": b.loadBalancer, "Protocol": "HTTP", "Port": "80",
		"DefaultActions.member.1.Type": "forward", "DefaultActions.member.1.TargetGroupArn": b.targetGroup,
	})
	return host, err
}
