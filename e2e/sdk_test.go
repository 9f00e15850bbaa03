package e2e

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// TestSDKForGo takes a service from nothing to nothing with AWS's SDK for Go, its waiters, paginators and typed errors.
func TestSDKForGo(t *testing.T) {
	p := start(t)
	p.load(built.app, "demo/web:latest")
	w := p.build("10.0")
	ctx := t.Context()

	var unknown *types.ClusterNotFoundException
	if _, err := w.ecs.ListTasks(ctx, &ecs.ListTasksInput{Cluster: aws.String("nowhere")}); !errors.As(err, &unknown) {
		t.Errorf("tasks of an unknown cluster: %v", err)
	}
	definition := w.web("v1")
	_, err := w.ecs.CreateService(ctx, &ecs.CreateServiceInput{
		Cluster: &w.cluster, ServiceName: aws.String("web"), TaskDefinition: &definition, DesiredCount: aws.Int32(3),
		LaunchType: types.LaunchTypeFargate, NetworkConfiguration: w.placement(w.private),
	})
	if err != nil {
		t.Fatal(err)
	}
	services := &ecs.DescribeServicesInput{Cluster: &w.cluster, Services: []string{"web"}}
	quick := func(o *ecs.ServicesStableWaiterOptions) { o.MinDelay, o.MaxDelay = 100*time.Millisecond, time.Second }
	if err := ecs.NewServicesStableWaiter(w.ecs, quick).Wait(ctx, services, steadyIn); err != nil {
		t.Fatal(err)
	}

	var arns []string
	pages := ecs.NewListTasksPaginator(w.ecs, &ecs.ListTasksInput{Cluster: &w.cluster, ServiceName: aws.String("web"), MaxResults: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.TaskArns) > 1 {
			t.Errorf("a page of at most one has %d", len(page.TaskArns))
		}
		arns = append(arns, page.TaskArns...)
	}
	if len(arns) != 3 {
		t.Fatalf("%d tasks on the pages", len(arns))
	}
	zones := map[string]int{}
	for _, task := range w.describe(arns...) {
		zones[*task.AvailabilityZone]++
		if address(task) == "" || *task.Group != "service:web" || *task.DesiredStatus != "RUNNING" || task.StartedAt == nil {
			t.Errorf("task: address %q, group %q, started %v", address(task), *task.Group, task.StartedAt)
		}
	}
	if len(zones) != 2 {
		t.Errorf("three tasks in zones %v", zones)
	}

	if _, err := w.ecs.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: &w.cluster, Service: aws.String("web")}); err == nil {
		t.Error("a service with tasks was deleted without force")
	}
	w.update("web", ecs.UpdateServiceInput{DesiredCount: aws.Int32(0)})
	stopped := &ecs.DescribeTasksInput{Cluster: &w.cluster, Tasks: arns}
	hasty := func(o *ecs.TasksStoppedWaiterOptions) { o.MinDelay, o.MaxDelay = 100*time.Millisecond, time.Second }
	if err := ecs.NewTasksStoppedWaiter(w.ecs, hasty).Wait(ctx, stopped, steadyIn); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ecs.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: &w.cluster, Service: aws.String("web")}); err != nil {
		t.Fatal(err)
	}
	fast := func(o *ecs.ServicesInactiveWaiterOptions) { o.MinDelay, o.MaxDelay = 100*time.Millisecond, time.Second }
	if err := ecs.NewServicesInactiveWaiter(w.ecs, fast).Wait(ctx, services, steadyIn); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ecs.DeleteCluster(ctx, &ecs.DeleteClusterInput{Cluster: &w.cluster}); err != nil {
		t.Error(err)
	}
}
