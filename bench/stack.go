package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Names of what the benchmarks make through the AWS APIs.
const (
	cluster   = "bench"
	imageName = "bench/web:latest"
	appPort   = 8080
)

// vpc is a network made through the APIs: two subnets in two Availability Zones, a group for tasks and one for a load balancer.
type vpc struct {
	id        string
	subnets   []string
	taskGroup string
	albGroup  string
}

// maker calls the query APIs and remembers the first error.
type maker struct {
	*client
	ctx context.Context
	err error
}

// get calls an operation and returns the text of one element of the answer.
func (m *maker) get(d dialect, op, element string, pairs ...string) string {
	if m.err != nil {
		return ""
	}
	answer, err := m.query(m.ctx, d, op, pairs...)
	if err != nil {
		m.err = err
		return ""
	}
	if element == "" {
		return ""
	}
	text, err := answer.first(element)
	if err != nil {
		m.err = fmt.Errorf("%s: %w", op, err)
	}
	return text
}

// makeVPC makes a public network: an internet gateway, since load balancers that face it need one.
func (c *client) makeVPC(ctx context.Context) (vpc, error) {
	m := &maker{client: c, ctx: ctx}
	v := vpc{id: m.get(ec2API, "CreateVpc", "vpcId", "CidrBlock", "10.0.0.0/16")}
	for i, zone := range []string{"us-east-1a", "us-east-1b"} {
		v.subnets = append(v.subnets, m.get(ec2API, "CreateSubnet", "subnetId",
			"VpcId", v.id, "CidrBlock", fmt.Sprintf("10.0.%d.0/24", i), "AvailabilityZone", zone))
	}
	igw := m.get(ec2API, "CreateInternetGateway", "internetGatewayId")
	m.get(ec2API, "AttachInternetGateway", "", "InternetGatewayId", igw, "VpcId", v.id)
	table := m.get(ec2API, "DescribeRouteTables", "routeTableId", "Filter.1.Name", "vpc-id", "Filter.1.Value.1", v.id)
	m.get(ec2API, "CreateRoute", "", "RouteTableId", table, "DestinationCidrBlock", "0.0.0.0/0", "GatewayId", igw)

	v.albGroup = m.get(ec2API, "CreateSecurityGroup", "groupId", "GroupName", "balancer", "GroupDescription", "HTTP from anywhere", "VpcId", v.id)
	m.get(ec2API, "AuthorizeSecurityGroupIngress", "", "GroupId", v.albGroup, "IpPermissions.1.IpProtocol", "tcp",
		"IpPermissions.1.FromPort", "80", "IpPermissions.1.ToPort", "80", "IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0")
	v.taskGroup = m.get(ec2API, "CreateSecurityGroup", "groupId", "GroupName", "tasks", "GroupDescription", "from the load balancer", "VpcId", v.id)
	m.get(ec2API, "AuthorizeSecurityGroupIngress", "", "GroupId", v.taskGroup, "IpPermissions.1.IpProtocol", "tcp",
		"IpPermissions.1.FromPort", "8080", "IpPermissions.1.ToPort", "8080", "IpPermissions.1.Groups.1.GroupId", v.albGroup)
	return v, m.err
}

// networkConfiguration is the one of ECS.
func (v vpc) networkConfiguration() fields {
	return fields{"awsvpcConfiguration": fields{"subnets": v.subnets, "securityGroups": []string{v.taskGroup}}}
}

// definition is a task definition of the demo application; version tells one revision from the other.
func definition(family, version string) fields {
	return fields{
		"family": family, "networkMode": "awsvpc", "requiresCompatibilities": []string{"FARGATE"}, "cpu": "256", "memory": "512",
		"containerDefinitions": []fields{{
			"name": "web", "image": imageName, "essential": true,
			"portMappings": []fields{{"containerPort": appPort, "protocol": "tcp"}},
			"environment":  []fields{{"name": "VERSION", "value": version}},
		}},
	}
}

// register registers a definition and returns its ARN.
func (c *client) register(ctx context.Context, d fields) (string, error) {
	var out struct {
		TaskDefinition struct{ TaskDefinitionArn string }
	}
	err := c.ecs(ctx, "RegisterTaskDefinition", d, &out)
	return out.TaskDefinition.TaskDefinitionArn, err
}

// web is a service behind a load balancer.
type web struct {
	*platform
	vpc
	role  string // execution role
	group string // target group
	host  string // the load balancer's name
	at    string // address:port at which this machine reaches it
}

// Health checks and draining of the service, in seconds: the shortest that AWS allows, and a draining that a client's
// keep-alive connection does not outlast.
const (
	checkInterval = "5"
	drainDelay    = "5"
)

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// web makes a service of so many tasks behind a load balancer and waits until it is steady.
func (p *platform) web(ctx context.Context, image string, tasks int) (*web, error) {
	if err := p.loadImage(ctx, image, imageName); err != nil {
		return nil, err
	}
	v, err := p.makeVPC(ctx)
	if err != nil {
		return nil, err
	}
	w := &web{platform: p, vpc: v}
	m := &maker{client: p.client, ctx: ctx}
	lb := m.get(elbAPI, "CreateLoadBalancer", "LoadBalancerArn", "Name", "web", "Scheme", "internet-facing",
		"Subnets.member.1", v.subnets[0], "Subnets.member.2", v.subnets[1], "SecurityGroups.member.1", v.albGroup)
	w.group = m.get(elbAPI, "CreateTargetGroup", "TargetGroupArn", "Name", "web", "Protocol", "HTTP", "Port", "8080", "VpcId", v.id, "TargetType", "ip",
		"HealthCheckPath", "/healthz", "HealthCheckIntervalSeconds", checkInterval, "HealthCheckTimeoutSeconds", "2", "HealthyThresholdCount", "2")
	m.get(elbAPI, "ModifyTargetGroupAttributes", "", "TargetGroupArn", w.group,
		"Attributes.member.1.Key", "deregistration_delay.timeout_seconds", "Attributes.member.1.Value", drainDelay)
	m.get(elbAPI, "CreateListener", "ListenerArn", "LoadBalancerArn", lb, "Protocol", "HTTP", "Port", "80",
		"DefaultActions.member.1.Type", "forward", "DefaultActions.member.1.TargetGroupArn", w.group)
	w.role = m.get(iamAPI, "CreateRole", "Arn", "RoleName", "execution", "AssumeRolePolicyDocument", trust)
	if m.err != nil {
		return nil, m.err
	}
	if err := p.ecs(ctx, "CreateCluster", fields{"clusterName": cluster}, nil); err != nil {
		return nil, err
	}
	if err := p.json(ctx, logsAPI, "CreateLogGroup", fields{"logGroupName": "/ecs/web"}, nil); err != nil {
		return nil, err
	}
	arn, err := p.register(ctx, w.definition("v1"))
	if err != nil {
		return nil, err
	}
	if err := p.ecs(ctx, "CreateService", fields{
		"cluster": cluster, "serviceName": "web", "taskDefinition": arn, "desiredCount": tasks, "launchType": "FARGATE",
		"networkConfiguration": v.networkConfiguration(), "healthCheckGracePeriodSeconds": 30,
		"loadBalancers": []fields{{"targetGroupArn": w.group, "containerName": "web", "containerPort": appPort}},
	}, nil); err != nil {
		return nil, err
	}
	if err := w.steady(ctx); err != nil {
		return nil, err
	}
	return w, w.locate(ctx)
}

// definition is the service's, with logs.
func (w *web) definition(version string) fields {
	d := definition("web", version)
	d["executionRoleArn"] = w.role
	d["containerDefinitions"].([]fields)[0]["logConfiguration"] = fields{"logDriver": "awslogs", "options": fields{
		"awslogs-group": "/ecs/web", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web",
	}}
	return d
}

// deploy begins a deployment of a new revision.
func (w *web) deploy(ctx context.Context, version string) error {
	arn, err := w.register(ctx, w.definition(version))
	if err != nil {
		return err
	}
	return w.ecs(ctx, "UpdateService", fields{"cluster": cluster, "service": "web", "taskDefinition": arn}, nil)
}

// service is what DescribeServices says of one.
type service struct {
	DesiredCount, RunningCount, PendingCount int
	TaskDefinition                           string
	Deployments                              []struct {
		ID, Status, RolloutState, RolloutStateReason string
		FailedTasks                                  int
	}
	Events []struct{ Message string }
}

func (w *web) describe(ctx context.Context) (service, error) {
	var out struct{ Services []service }
	if err := w.ecs(ctx, "DescribeServices", fields{"cluster": cluster, "services": []string{"web"}}, &out); err != nil {
		return service{}, err
	}
	if len(out.Services) != 1 {
		return service{}, fmt.Errorf("%d services", len(out.Services))
	}
	return out.Services[0], nil
}

// steadyLimit bounds one deployment: bringing tasks up, health checks, draining, on a busy machine.
const steadyLimit = 5 * time.Minute

// steady waits until the service has one deployment, which is complete.
func (w *web) steady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, steadyLimit)
	defer cancel()
	for {
		s, err := w.describe(ctx)
		if err == nil && len(s.Deployments) == 1 && s.RunningCount == s.DesiredCount && s.Deployments[0].RolloutState == "COMPLETED" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("service is not steady: %+v: %w", s, ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// locate asks where this machine reaches the load balancer.
func (w *web) locate(ctx context.Context) error {
	var status struct {
		LoadBalancers []struct{ DNSName, Address string }
	}
	if err := w.own(ctx, http.MethodGet, "status", nil, &status); err != nil {
		return err
	}
	if len(status.LoadBalancers) != 1 || len(status.LoadBalancers[0].Address) < len("http://") {
		return fmt.Errorf("no address of the load balancer: %+v", status)
	}
	lb := status.LoadBalancers[0]
	w.host, w.at = lb.DNSName, lb.Address[len("http://"):]+":80"
	return nil
}
