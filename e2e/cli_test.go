package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCommandLine makes and removes a Fargate service with the aws command alone, its waiters included.
func TestCommandLine(t *testing.T) {
	path := client(t, "aws")
	p := start(t)
	p.load(built.app, "demo/web:latest")
	dir, env := t.TempDir(), p.environment("AWS_MAX_ATTEMPTS=1")
	aws := func(args ...string) string {
		t.Helper()
		return strings.TrimSpace(p.run(dir, env, path, append(args, "--output", "text")...))
	}
	file := func(name string, v any) string {
		t.Helper()
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
		return "file://" + name
	}

	if got := aws("sts", "get-caller-identity", "--query", "Account"); got != "000000000000" {
		t.Errorf("account %s", got)
	}
	vpc := aws("ec2", "create-vpc", "--cidr-block", "10.0.0.0/16", "--tag-specifications", "ResourceType=vpc,Tags=[{Key=Name,Value=cli}]", "--query", "Vpc.VpcId")
	gateway := aws("ec2", "create-internet-gateway", "--query", "InternetGateway.InternetGatewayId")
	aws("ec2", "attach-internet-gateway", "--vpc-id", vpc, "--internet-gateway-id", gateway)
	table := aws("ec2", "create-route-table", "--vpc-id", vpc, "--query", "RouteTable.RouteTableId")
	aws("ec2", "create-route", "--route-table-id", table, "--destination-cidr-block", "0.0.0.0/0", "--gateway-id", gateway)
	var subnets []string
	for i, zone := range []string{"us-east-1a", "us-east-1b"} {
		s := aws("ec2", "create-subnet", "--vpc-id", vpc, "--cidr-block", fmt.Sprintf("10.0.%d.0/24", i), "--availability-zone", zone, "--query", "Subnet.SubnetId")
		aws("ec2", "associate-route-table", "--route-table-id", table, "--subnet-id", s)
		subnets = append(subnets, s)
	}
	group := func(name string) string {
		return aws("ec2", "create-security-group", "--group-name", name, "--description", name, "--vpc-id", vpc, "--query", "GroupId")
	}
	public, private := group("public"), group("private")
	aws("ec2", "authorize-security-group-ingress", "--group-id", public, "--protocol", "tcp", "--port", "80", "--cidr", "0.0.0.0/0")
	aws("ec2", "authorize-security-group-ingress", "--group-id", private, "--protocol", "tcp", "--port", "8080", "--source-group", public)

	lb := aws("elbv2", "create-load-balancer", "--name", "web", "--subnets", subnets[0], subnets[1], "--security-groups", public, "--query", "LoadBalancers[0].LoadBalancerArn")
	target := aws("elbv2", "create-target-group", "--name", "web", "--protocol", "HTTP", "--port", "8080", "--vpc-id", vpc, "--target-type", "ip",
		"--health-check-path", "/healthz", "--query", "TargetGroups[0].TargetGroupArn")
	aws("elbv2", "modify-target-group-attributes", "--target-group-arn", target, "--attributes", "Key=deregistration_delay.timeout_seconds,Value=1")
	aws("elbv2", "create-listener", "--load-balancer-arn", lb, "--protocol", "HTTP", "--port", "80", "--default-actions", "Type=forward,TargetGroupArn="+target)
	aws("elbv2", "wait", "load-balancer-available", "--load-balancer-arns", lb)

	role := aws("iam", "create-role", "--role-name", "execution", "--query", "Role.Arn", "--assume-role-policy-document", file("trust.json", map[string]any{
		"Version": "2012-10-17", "Statement": []any{map[string]any{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"Service": "ecs-tasks.amazonaws.com"}}},
	}))
	aws("iam", "attach-role-policy", "--role-name", "execution", "--policy-arn", "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")
	aws("logs", "create-log-group", "--log-group-name", "/ecs/web")
	aws("ecs", "create-cluster", "--cluster-name", "cli")
	definition := aws("ecs", "register-task-definition", "--family", "web", "--network-mode", "awsvpc", "--requires-compatibilities", "FARGATE", "--cpu", "256",
		"--memory", "512", "--execution-role-arn", role, "--query", "taskDefinition.taskDefinitionArn", "--container-definitions",
		file("containers.json", []any{map[string]any{
			"name": "web", "image": "demo/web:latest", "portMappings": []any{map[string]any{"containerPort": 8080}},
			"logConfiguration": map[string]any{"logDriver": "awslogs", "options": map[string]any{
				"awslogs-group": "/ecs/web", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web",
			}},
		}}))
	aws("ecs", "create-service", "--cluster", "cli", "--service-name", "web", "--task-definition", definition, "--desired-count", "2", "--launch-type", "FARGATE",
		"--network-configuration", fmt.Sprintf("awsvpcConfiguration={subnets=[%s,%s],securityGroups=[%s],assignPublicIp=ENABLED}", subnets[0], subnets[1], private),
		"--load-balancers", "targetGroupArn="+target+",containerName=web,containerPort=8080")
	aws("ecs", "wait", "services-stable", "--cluster", "cli", "--services", "web")
	aws("elbv2", "wait", "target-in-service", "--target-group-arn", target)

	if got := aws("ecs", "describe-services", "--cluster", "cli", "--services", "web", "--query", "services[0].[status,runningCount,deployments[0].rolloutState]"); got != "ACTIVE\t2\tCOMPLETED" {
		t.Errorf("service: %s", got)
	}
	if got := aws("ecs", "describe-clusters", "--clusters", "cli", "--query", "clusters[0].[runningTasksCount,activeServicesCount]"); got != "2\t1" {
		t.Errorf("cluster: %s", got)
	}
	tasks := strings.Fields(aws("ecs", "list-tasks", "--cluster", "cli", "--service-name", "web", "--query", "taskArns"))
	if len(tasks) != 2 {
		t.Fatalf("tasks: %v", tasks)
	}
	if got := aws(append([]string{"ecs", "describe-tasks", "--cluster", "cli", "--query", "tasks[].lastStatus", "--tasks"}, tasks...)...); got != "RUNNING\tRUNNING" {
		t.Errorf("tasks are %s", got)
	}
	dns := aws("elbv2", "describe-load-balancers", "--names", "web", "--query", "LoadBalancers[0].DNSName")
	for _, s := range p.status().LoadBalancers {
		if code, body, err := get(s.Address+"/?word=needle", dns); err != nil || code != http.StatusOK {
			t.Errorf("%s: %d %q %v", dns, code, body, err)
		}
	}

	p.eventually(patience, "the request is in the logs", func() error {
		if found := aws("logs", "filter-log-events", "--log-group-name", "/ecs/web", "--filter-pattern", "needle", "--query", "events[].message"); !strings.Contains(found, "GET /?word=needle 200") {
			return errorString(found)
		}
		return nil
	})
	stream := "web/web/" + id(tasks[0])
	if said := aws("logs", "get-log-events", "--log-group-name", "/ecs/web", "--log-stream-name", stream, "--start-from-head", "--query", "events[0].message"); !strings.HasPrefix(said, "version v1 listens on") {
		t.Errorf("stream %s begins with %q", stream, said)
	}
	if streams := aws("logs", "describe-log-streams", "--log-group-name", "/ecs/web", "--query", "length(logStreams)"); streams != "2" {
		t.Errorf("%s streams", streams)
	}

	aws("ecr", "create-repository", "--repository-name", "cli/web")
	password := aws("ecr", "get-login-password")
	req, err := http.NewRequest(http.MethodGet, p.endpoint+"/v2/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("AWS:"+password)))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("the registry says %s to the password", res.Status)
	}

	if out, err := p.runs(dir, env, path, "ecs", "describe-services", "--cluster", "nowhere", "--services", "web"); err == nil || !strings.Contains(err.Error(), "(ClusterNotFoundException)") {
		t.Errorf("services of an unknown cluster: %s %v", out, err)
	}
	if out, err := p.runs(dir, env, path, "ec2", "delete-vpc", "--vpc-id", vpc); err == nil || !strings.Contains(err.Error(), "(DependencyViolation)") {
		t.Errorf("deletion of a VPC in use: %s %v", out, err)
	}

	aws("ecs", "update-service", "--cluster", "cli", "--service", "web", "--desired-count", "0")
	aws(append([]string{"ecs", "wait", "tasks-stopped", "--cluster", "cli", "--tasks"}, tasks...)...)
	aws("ecs", "delete-service", "--cluster", "cli", "--service", "web")
	aws("ecs", "wait", "services-inactive", "--cluster", "cli", "--services", "web")
	aws("ecs", "delete-cluster", "--cluster", "cli")
	aws("elbv2", "delete-load-balancer", "--load-balancer-arn", lb)
	aws("elbv2", "wait", "load-balancers-deleted", "--load-balancer-arns", lb)
	aws("elbv2", "delete-target-group", "--target-group-arn", target)
	aws("ec2", "delete-security-group", "--group-id", private)
	aws("ec2", "delete-security-group", "--group-id", public)
	for _, s := range subnets {
		aws("ec2", "delete-subnet", "--subnet-id", s)
	}
	aws("ec2", "delete-route-table", "--route-table-id", table)
	aws("ec2", "detach-internet-gateway", "--vpc-id", vpc, "--internet-gateway-id", gateway)
	aws("ec2", "delete-internet-gateway", "--internet-gateway-id", gateway)
	aws("ec2", "delete-vpc", "--vpc-id", vpc)
	p.workloadGone("the deletion of everything")
}
