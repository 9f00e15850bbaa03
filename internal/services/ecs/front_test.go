package ecs

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/idem"
	"github.com/neargate/neargate/internal/clock"
	"github.com/neargate/neargate/internal/deploy"
	"github.com/neargate/neargate/internal/event"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

// places knows two subnets, one security group and four target groups, one of them another account's.
type places struct{}

func (places) Subnet(_ *state.Tx, _, _, id string) (string, string, bool) {
	zone, ok := map[string]string{"subnet-a": "us-east-1a", "subnet-b": "us-east-1b"}[id]
	return "vpc-1", zone, ok
}

func (places) Zone(tx *state.Tx, id string) (string, bool) {
	_, zone, ok := places{}.Subnet(tx, "", "", id)
	return zone, ok
}

func (places) SecurityGroup(_ *state.Tx, _, _, id string) (string, bool) {
	return "vpc-1", id == "sg-1"
}

func (places) TargetGroup(_ *state.Tx, account, _, arn string) (kind, vpc string, used, ok bool) {
	switch arn {
	case "tg-theirs":
		return "ip", "vpc-1", true, account == "111111111111"
	case "tg-web":
		return "ip", "vpc-1", true, true
	case "tg-idle":
		return "ip", "vpc-1", false, true
	case "tg-instance":
		return "instance", "vpc-1", true, true
	}
	return "", "", false, false
}

// bench is a front on state in memory; nothing runs the tasks.
type bench struct {
	*Service
	ctx       context.Context
	lifecycle *task.Lifecycle
	scheduler *deploy.Scheduler
}

func newBench(t testing.TB) *bench {
	t.Helper()
	schema := state.NewSchema()
	tables, tasks, deploys := NewTables(schema), task.NewTables(schema), deploy.NewTables(schema)
	tokens, outbox := idem.NewTables(schema), event.NewOutbox(schema, 0)
	store, err := state.Open(t.Context(), schema, state.Memory())
	if err != nil {
		t.Fatal(err)
	}
	lifecycle := task.NewLifecycle(tasks, outbox, clock.Clock{})
	s := New(Config{
		Store: store, Tables: tables, Tasks: tasks, Lifecycle: lifecycle, Deploy: deploys,
		Services: &deploy.Services{Tables: deploys, Facts: outbox}, Tokens: tokens, Network: places{}, LoadBalancers: places{},
	})
	ctx := aws.With(t.Context(), &aws.Call{
		Account: "000000000000", Region: "us-east-1", Principal: "arn:aws:iam::000000000000:root",
		Service: "ecs", Operation: t.Name(), Now: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC),
	})
	return &bench{s, ctx, lifecycle, &deploy.Scheduler{Tables: deploys, TaskTable: tasks.Tasks, Tasks: lifecycle, Zones: places{}, Facts: outbox}}
}

// prepared has a cluster "main" with both capacity providers and a task definition "web:1".
func prepared(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	_, err := b.CreateCluster(b.ctx, &ecsapi.CreateClusterInput{ClusterName: new("main"), CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"}})
	must(t, err)
	_, err = b.RegisterTaskDefinition(b.ctx, webDefinition())
	must(t, err)
	return b
}

func webDefinition() *ecsapi.RegisterTaskDefinitionInput {
	return &ecsapi.RegisterTaskDefinitionInput{
		Family: new("web"), NetworkMode: new("awsvpc"), RequiresCompatibilities: []string{"FARGATE"}, Cpu: new("256"), Memory: new("512"),
		ContainerDefinitions: []ecsapi.ContainerDefinition{{
			Name: new("web"), Image: new("demo/web:latest"), PortMappings: []ecsapi.PortMapping{{ContainerPort: new(int32(8080))}},
		}},
	}
}

func network() *ecsapi.NetworkConfiguration {
	return &ecsapi.NetworkConfiguration{AwsvpcConfiguration: &ecsapi.AwsVpcConfiguration{Subnets: []string{"subnet-a", "subnet-b"}, SecurityGroups: []string{"sg-1"}}}
}

func webService() *ecsapi.CreateServiceInput {
	return &ecsapi.CreateServiceInput{
		Cluster: new("main"), ServiceName: new("web"), TaskDefinition: new("web"), DesiredCount: new(int32(2)), LaunchType: new("FARGATE"),
		NetworkConfiguration: network(),
		LoadBalancers:        []ecsapi.LoadBalancer{{TargetGroupArn: new("tg-web"), ContainerName: new("web"), ContainerPort: new(int32(8080))}},
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused wants an error of the class whose message contains the text.
func refused(t *testing.T, err error, class error, message string) {
	t.Helper()
	var e *awserr.Error
	if !errors.As(err, &e) || !errors.Is(err, class) || !strings.Contains(e.Message, message) {
		t.Fatalf("error %v, want %v: %s", err, class, message)
	}
}

var notImplemented = &awserr.Class{Code: "NotImplemented"}

// edit is an input changed by a test case.
func edit[T any](in *T, change func(*T)) *T {
	change(in)
	return in
}
