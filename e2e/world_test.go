package e2e

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// world is a VPC with a public and a private subnet in each of two Zones, an internet gateway, and a cluster. Private subnets have no way out.
type world struct {
	*platform
	ecs             *ecs.Client
	vpc, gateway    string
	public, private []string
	publicTable     string
	privateTable    string
	cluster         string
}

// build makes a world; block is the first two numbers of its addresses: "10.7".
func (p *platform) build(block string) *world {
	p.t.Helper()
	w := &world{platform: p, ecs: p.ecs(), cluster: "main"}
	w.vpc = p.ec2("CreateVpc", "CidrBlock", block+".0.0/16").get("vpc/vpcId")
	w.gateway = p.ec2("CreateInternetGateway").get("internetGateway/internetGatewayId")
	p.ec2("AttachInternetGateway", "VpcId", w.vpc, "InternetGatewayId", w.gateway)
	table := func() string { return p.ec2("CreateRouteTable", "VpcId", w.vpc).get("routeTable/routeTableId") }
	w.publicTable, w.privateTable = table(), table()
	p.ec2("CreateRoute", "RouteTableId", w.publicTable, "DestinationCidrBlock", "0.0.0.0/0", "GatewayId", w.gateway)
	subnet := func(third int, zone, table string) string {
		id := p.ec2("CreateSubnet", "VpcId", w.vpc, "CidrBlock", fmt.Sprintf("%s.%d.0/24", block, third), "AvailabilityZone", zone).get("subnet/subnetId")
		p.ec2("AssociateRouteTable", "SubnetId", id, "RouteTableId", table)
		return id
	}
	for i, zone := range []string{"us-east-1a", "us-east-1b"} {
		w.public = append(w.public, subnet(i, zone, w.publicTable))
		w.private = append(w.private, subnet(10+i, zone, w.privateTable))
	}
	if _, err := w.ecs.CreateCluster(p.t.Context(), &ecs.CreateClusterInput{ClusterName: &w.cluster}); err != nil {
		p.t.Fatal(err)
	}
	return w
}

// in is the world for a subtest.
func (w *world) in(t *testing.T) *world {
	p, c := *w.platform, *w
	p.t, c.platform = t, &p
	return &c
}

// group makes a security group that admits nothing.
func (w *world) group(name string) string {
	w.t.Helper()
	return w.ec2("CreateSecurityGroup", "GroupName", name, "GroupDescription", name, "VpcId", w.vpc).get("groupId")
}

// admitAddresses and admitGroup open a TCP port of a group.
func (w *world) admitAddresses(group, block string, port int) {
	w.t.Helper()
	w.ec2("AuthorizeSecurityGroupIngress", w.rule(group, port, "IpRanges.1.CidrIp", block)...)
}

func (w *world) admitGroup(group, from string, port int) {
	w.t.Helper()
	w.ec2("AuthorizeSecurityGroupIngress", w.rule(group, port, "Groups.1.GroupId", from)...)
}

func (w *world) rule(group string, port int, peer, value string) []string {
	const p = "IpPermissions.1."
	return []string{
		"GroupId", group, p + "IpProtocol", "tcp", p + "FromPort", strconv.Itoa(port), p + "ToPort", strconv.Itoa(port), p + peer, value,
	}
}

// balancer is an internet-facing load balancer with one HTTP listener and one target group.
type balancer struct {
	arn, targets, listener string
	dns                    string
	url                    string // where this machine reaches it
}

// balancer makes one; its group admits everybody on port 80.
func (w *world) balancer(name, group string) balancer {
	w.t.Helper()
	w.admitAddresses(group, "0.0.0.0/0", 80)
	lb := w.elb("CreateLoadBalancer", "Name", name, "Subnets.member.1", w.public[0], "Subnets.member.2", w.public[1], "SecurityGroups.member.1", group)
	b := balancer{arn: lb.get("LoadBalancers/member/LoadBalancerArn"), dns: lb.get("LoadBalancers/member/DNSName")}
	b.targets = w.elb("CreateTargetGroup", "Name", name, "Protocol", "HTTP", "Port", "8080", "VpcId", w.vpc, "TargetType", "ip",
		"HealthCheckPath", "/healthz", "HealthCheckIntervalSeconds", "5", "HealthCheckTimeoutSeconds", "2", "HealthyThresholdCount", "2",
		"UnhealthyThresholdCount", "2").get("TargetGroups/member/TargetGroupArn")
	w.elb("ModifyTargetGroupAttributes", "TargetGroupArn", b.targets, "Attributes.member.1.Key", "deregistration_delay.timeout_seconds", "Attributes.member.1.Value", "2")
	b.listener = w.elb("CreateListener", "LoadBalancerArn", b.arn, "Protocol", "HTTP", "Port", "80", "DefaultActions.member.1.Type", "forward",
		"DefaultActions.member.1.TargetGroupArn", b.targets).get("Listeners/member/ListenerArn")
	w.eventually(steadyIn, "load balancer is active", func() error {
		if s := w.elb("DescribeLoadBalancers", "LoadBalancerArns.member.1", b.arn).get("LoadBalancers/member/State/Code"); s != "active" {
			return errors.New(s)
		}
		return nil
	})
	for _, s := range w.status().LoadBalancers {
		if s.DNSName == b.dns {
			b.url = s.Address
		}
	}
	if b.url == "" {
		w.t.Fatalf("status does not tell where %s is reached", b.dns)
	}
	return b
}

// web is a definition of the demo application, as the version it calls itself.
func (w *world) web(version string, env ...string) string {
	c := types.ContainerDefinition{
		Name: aws.String("web"), Image: aws.String("demo/web:latest"),
		PortMappings: []types.PortMapping{{ContainerPort: aws.Int32(8080)}},
		Environment:  []types.KeyValuePair{{Name: aws.String("VERSION"), Value: &version}},
	}
	for i := 0; i < len(env); i += 2 {
		c.Environment = append(c.Environment, types.KeyValuePair{Name: &env[i], Value: &env[i+1]})
	}
	return w.define("web", c)
}

// probe is a container of the engine's probe, which does what its words say.
func probe(name string, words ...string) types.ContainerDefinition {
	return types.ContainerDefinition{Name: &name, Image: aws.String("test/probe:latest"), Command: words}
}

// define registers a task definition and returns its ARN.
func (w *world) define(family string, containers ...types.ContainerDefinition) string {
	w.t.Helper()
	return w.defineWith(&ecs.RegisterTaskDefinitionInput{Family: &family, ContainerDefinitions: containers})
}

func (w *world) defineWith(in *ecs.RegisterTaskDefinitionInput) string {
	w.t.Helper()
	in.RequiresCompatibilities, in.NetworkMode = []types.Compatibility{types.CompatibilityFargate}, types.NetworkModeAwsvpc
	in.Cpu, in.Memory = aws.String("256"), aws.String("512")
	out, err := w.ecs.RegisterTaskDefinition(w.t.Context(), in)
	if err != nil {
		w.t.Fatal(err)
	}
	return *out.TaskDefinition.TaskDefinitionArn
}

func (w *world) placement(subnets []string, groups ...string) *types.NetworkConfiguration {
	return &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: subnets, SecurityGroups: groups}}
}

// runTask runs one task and returns its ARN.
func (w *world) runTask(definition string, placed *types.NetworkConfiguration) string {
	w.t.Helper()
	out, err := w.ecs.RunTask(w.t.Context(), &ecs.RunTaskInput{
		Cluster: &w.cluster, TaskDefinition: &definition, LaunchType: types.LaunchTypeFargate, NetworkConfiguration: placed,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if len(out.Failures) > 0 || len(out.Tasks) != 1 {
		w.t.Fatalf("RunTask: %d tasks, failures %+v", len(out.Tasks), out.Failures)
	}
	return *out.Tasks[0].TaskArn
}

func (w *world) describe(arns ...string) []types.Task {
	w.t.Helper()
	out, err := w.ecs.DescribeTasks(w.t.Context(), &ecs.DescribeTasksInput{Cluster: &w.cluster, Tasks: arns})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Tasks
}

// reaches waits until a task is in a state.
func (w *world) reaches(arn, status string) types.Task {
	w.t.Helper()
	var task types.Task
	w.eventually(steadyIn, "task is "+status, func() error {
		task = w.describe(arn)[0]
		switch last := *task.LastStatus; {
		case last == status:
			return nil
		case last == "STOPPED":
			w.t.Fatalf("task stopped before it was %s: %s%s", status, aws.ToString(task.StoppedReason), reasons(task))
			return nil
		default:
			return errors.New(last)
		}
	})
	return task
}

func reasons(task types.Task) string {
	var text strings.Builder
	for _, c := range task.Containers {
		fmt.Fprintf(&text, "; %s: exit %d %s", *c.Name, aws.ToInt32(c.ExitCode), aws.ToString(c.Reason))
	}
	return text.String()
}

func container(task types.Task, name string) types.Container {
	i := slices.IndexFunc(task.Containers, func(c types.Container) bool { return *c.Name == name })
	if i < 0 {
		return types.Container{}
	}
	return task.Containers[i]
}

// address is where a task is in its VPC.
func address(task types.Task) string { return detail(task, "privateIPv4Address") }

// detail is a word about a task's network interface.
func detail(task types.Task, name string) string {
	for _, a := range task.Attachments {
		for _, d := range a.Details {
			if *d.Name == name {
				return *d.Value
			}
		}
	}
	return ""
}

// id is the last part of a task's ARN, which the program's own commands take.
func id(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// service creates a service of the demo application behind a load balancer.
func (w *world) service(name, definition string, count int32, b balancer, group string, minimum, maximum int32) {
	w.t.Helper()
	_, err := w.ecs.CreateService(w.t.Context(), &ecs.CreateServiceInput{
		Cluster: &w.cluster, ServiceName: &name, TaskDefinition: &definition, DesiredCount: &count, LaunchType: types.LaunchTypeFargate,
		NetworkConfiguration:    w.placement(w.private, group),
		LoadBalancers:           []types.LoadBalancer{{TargetGroupArn: &b.targets, ContainerName: aws.String("web"), ContainerPort: aws.Int32(8080)}},
		DeploymentConfiguration: &types.DeploymentConfiguration{MinimumHealthyPercent: &minimum, MaximumPercent: &maximum},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) update(name string, in ecs.UpdateServiceInput) {
	w.t.Helper()
	in.Cluster, in.Service = &w.cluster, &name
	if _, err := w.ecs.UpdateService(w.t.Context(), &in); err != nil {
		w.t.Fatal(err)
	}
}

// roll deploys a task definition and waits until it is all that runs.
func (w *world) roll(name, definition string) {
	w.t.Helper()
	w.update(name, ecs.UpdateServiceInput{TaskDefinition: &definition})
	w.steady(name)
}

func (w *world) describeService(name string) types.Service {
	w.t.Helper()
	s, err := w.tryDescribeService(name)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) tryDescribeService(name string) (types.Service, error) {
	out, err := w.ecs.DescribeServices(w.t.Context(), &ecs.DescribeServicesInput{Cluster: &w.cluster, Services: []string{name}})
	if err != nil {
		return types.Service{}, err
	}
	if len(out.Services) != 1 {
		return types.Service{}, fmt.Errorf("failures: %+v", out.Failures)
	}
	return out.Services[0], nil
}

// steady waits until a service's only deployment is complete, as the CLI's waiter does.
func (w *world) steady(name string) types.Service {
	w.t.Helper()
	var s types.Service
	w.eventually(steadyIn, "service "+name+" is steady", func() error {
		s = w.describeService(name)
		d := s.Deployments[0]
		if len(s.Deployments) == 1 && s.RunningCount == s.DesiredCount && d.RolloutState == types.DeploymentRolloutStateCompleted {
			return nil
		}
		last := ""
		if len(s.Events) > 0 {
			last = *s.Events[0].Message
		}
		return fmt.Errorf("%d deployments, %d of %d running, %s; %s", len(s.Deployments), s.RunningCount, s.DesiredCount, d.RolloutState, last)
	})
	return s
}

// healthy waits until a target group has that many healthy targets.
func (w *world) healthy(targets string, count int) {
	w.t.Helper()
	w.eventually(patience, fmt.Sprintf("%d healthy targets", count), func() error {
		states := map[string]int{}
		for _, s := range w.elb("DescribeTargetHealth", "TargetGroupArn", targets).all("TargetHealthDescriptions/member/TargetHealth/State") {
			states[s.Text]++
		}
		if states["healthy"] != count {
			return fmt.Errorf("%v", states)
		}
		return nil
	})
}
