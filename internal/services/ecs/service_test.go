package ecs

import (
	"testing"
	"time"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

// schedule lets the scheduler act on the service until it rests.
func (b *bench) schedule(t *testing.T) {
	t.Helper()
	arn := "arn:aws:ecs:us-east-1:000000000000:service/main/web"
	_, err := b.scheduler.Step(b.ctx, b.Store, arn)
	must(t, err)
}

// run brings the service's tasks to RUNNING, long ago.
func (b *bench) run(t *testing.T) {
	t.Helper()
	must(t, b.Store.Update(b.ctx, func(tx *state.Tx) error {
		for row := range b.Tasks.Tasks.All(tx, "") {
			if row.Desired == task.Running {
				next := *row
				next.Status, next.StartedAt = task.Running, time.Now().Add(-time.Hour)
				b.Tasks.Tasks.Put(tx, &next)
			} else {
				next := *row
				next.Status = task.Stopped
				b.Tasks.Tasks.Put(tx, &next)
			}
		}
		return nil
	}))
}

func (b *bench) describe(t *testing.T) ecsapi.Service {
	t.Helper()
	out, err := b.DescribeServices(b.ctx, &ecsapi.DescribeServicesInput{Cluster: new("main"), Services: []string{"web"}, Include: []string{"TAGS"}})
	must(t, err)
	if len(out.Services) != 1 {
		t.Fatalf("%+v", out)
	}
	return out.Services[0]
}

func plainService() *ecsapi.CreateServiceInput {
	return edit(webService(), func(in *ecsapi.CreateServiceInput) { in.LoadBalancers = nil })
}

func TestServiceDefaults(t *testing.T) {
	b := prepared(t)
	out, err := b.CreateService(b.ctx, webService())
	must(t, err)
	s := out.Service
	d := s.Deployments[0]
	switch {
	case *s.ServiceArn != "arn:aws:ecs:us-east-1:000000000000:service/main/web", *s.Status != "ACTIVE", *s.DesiredCount != 2, *s.RunningCount != 0:
		t.Fatalf("%+v", s)
	case *s.AvailabilityZoneRebalancing != "ENABLED", *s.EnableExecuteCommand, *s.HealthCheckGracePeriodSeconds != 0, s.CapacityProviderStrategy == nil,
		*s.SchedulingStrategy != "REPLICA", *s.DeploymentController.Type != "ECS", *s.PropagateTags != "NONE", *s.PlatformVersion != "LATEST",
		*s.DeploymentConfiguration.MaximumPercent != 200, *s.DeploymentConfiguration.MinimumHealthyPercent != 100, *s.DeploymentConfiguration.Strategy != "ROLLING":
		t.Fatalf("%+v", s)
	case *d.Status != "PRIMARY", *d.RolloutState != "IN_PROGRESS", *d.RolloutStateReason != "ECS deployment "+*d.Id+" in progress.", d.VpcLatticeConfigurations == nil:
		t.Fatalf("%+v", d)
	case *s.TaskDefinition != "arn:aws:ecs:us-east-1:000000000000:task-definition/web:1", *s.LoadBalancers[0].TargetGroupArn != "tg-web":
		t.Fatalf("%+v", s)
	}
}

// TestServiceLife goes the road a service takes: created, steady, updated, scaled, deleted by force.
func TestServiceLife(t *testing.T) {
	b := prepared(t)
	_, err := b.CreateService(b.ctx, plainService())
	must(t, err)
	b.schedule(t)
	if s := b.describe(t); *s.PendingCount != 2 || len(s.Events) != 1 {
		t.Fatalf("pending %d, events %d", *s.PendingCount, len(s.Events))
	}
	b.run(t)
	b.schedule(t)
	s := b.describe(t)
	if *s.RunningCount != 2 || len(s.Deployments) != 1 || *s.Deployments[0].RolloutState != "COMPLETED" || *s.Events[0].Message != "(service web) has reached a steady state." {
		t.Fatalf("running %d, rollout %s, %s", *s.RunningCount, *s.Deployments[0].RolloutState, *s.Events[0].Message)
	}
	zones := map[string]int{}
	for row := range b.Tasks.Tasks.All(b.Store.View(), "") {
		zones[row.AvailabilityZone]++
		if row.Group != "service:web" || row.StartedBy != *s.Deployments[0].Id {
			t.Fatalf("%+v", row)
		}
	}
	if len(zones) != 2 {
		t.Fatalf("zones %v", zones)
	}

	_, err = b.UpdateService(b.ctx, &ecsapi.UpdateServiceInput{Cluster: new("main"), Service: new("web"), TaskDefinition: new("web:1"), DesiredCount: new(int32(3))})
	must(t, err)
	if s := b.describe(t); len(s.Deployments) != 1 || *s.DesiredCount != 3 {
		t.Fatal("a count alone begins no deployment")
	}
	_, err = b.UpdateService(b.ctx, &ecsapi.UpdateServiceInput{Cluster: new("main"), Service: new("web"), ForceNewDeployment: new(true)})
	must(t, err)
	if s := b.describe(t); len(s.Deployments) != 2 || *s.Deployments[0].Status != "PRIMARY" || *s.Deployments[1].Status != "ACTIVE" || *s.Deployments[1].RunningCount != 2 {
		t.Fatalf("%+v", s.Deployments)
	}
	releases, err := b.ListServiceDeployments(b.ctx, &ecsapi.ListServiceDeploymentsInput{Cluster: new("main"), Service: new("web"), Status: []string{"IN_PROGRESS"}})
	must(t, err)
	if len(releases.ServiceDeployments) != 1 {
		t.Fatalf("%+v", releases.ServiceDeployments)
	}
	release, err := b.DescribeServiceDeployments(b.ctx, &ecsapi.DescribeServiceDeploymentsInput{ServiceDeploymentArns: []string{*releases.ServiceDeployments[0].ServiceDeploymentArn, "arn:x"}})
	must(t, err)
	if len(release.ServiceDeployments) != 1 || len(release.Failures) != 1 || len(release.ServiceDeployments[0].SourceServiceRevisions) != 1 {
		t.Fatalf("%+v", release)
	}
	revision, err := b.DescribeServiceRevisions(b.ctx, &ecsapi.DescribeServiceRevisionsInput{ServiceRevisionArns: []string{*release.ServiceDeployments[0].TargetServiceRevision.Arn}})
	must(t, err)
	if len(revision.ServiceRevisions) != 1 || *revision.ServiceRevisions[0].ContainerImages[0].Image != "demo/web:latest" {
		t.Fatalf("%+v", revision)
	}

	_, err = b.DeleteService(b.ctx, &ecsapi.DeleteServiceInput{Cluster: new("main"), Service: new("web")})
	refused(t, err, ecsapi.ErrInvalidParameterException, "The service cannot be stopped while it is scaled above 0.")
	deleted, err := b.DeleteService(b.ctx, &ecsapi.DeleteServiceInput{Cluster: new("main"), Service: new("web"), Force: new(true)})
	must(t, err)
	if *deleted.Service.Status != "DRAINING" {
		t.Fatalf("status %s", *deleted.Service.Status)
	}
	_, err = b.CreateService(b.ctx, plainService())
	refused(t, err, ecsapi.ErrInvalidParameterException, "Unable to Start a service that is still Draining.")
	_, err = b.UpdateService(b.ctx, &ecsapi.UpdateServiceInput{Cluster: new("main"), Service: new("web")})
	refused(t, err, ecsapi.ErrServiceNotActiveException, "Service was not ACTIVE.")
	b.schedule(t)
	b.run(t)
	b.schedule(t)
	if s := b.describe(t); *s.Status != "INACTIVE" || *s.RunningCount != 0 {
		t.Fatalf("status %s", *s.Status)
	}
	_, err = b.CreateService(b.ctx, plainService())
	must(t, err)
}

func TestServiceToken(t *testing.T) {
	b := prepared(t)
	in := edit(webService(), func(in *ecsapi.CreateServiceInput) { in.ClientToken = new("once") })
	first, err := b.CreateService(b.ctx, in)
	must(t, err)
	second, err := b.CreateService(b.ctx, in)
	must(t, err)
	if *first.Service.Deployments[0].Id != *second.Service.Deployments[0].Id {
		t.Fatal("the token began another deployment")
	}
	_, err = b.CreateService(b.ctx, webService())
	refused(t, err, ecsapi.ErrInvalidParameterException, "Creation of service was not idempotent.")
}

func TestServiceTags(t *testing.T) {
	b := prepared(t)
	_, err := b.CreateService(b.ctx, edit(plainService(), func(in *ecsapi.CreateServiceInput) {
		in.Tags, in.PropagateTags, in.EnableECSManagedTags = []ecsapi.Tag{{Key: new("team"), Value: new("a")}}, new("SERVICE"), new(true)
	}))
	must(t, err)
	arn := "arn:aws:ecs:us-east-1:000000000000:service/main/web"
	_, err = b.TagResource(b.ctx, &ecsapi.TagResourceInput{ResourceArn: &arn, Tags: []ecsapi.Tag{{Key: new("team"), Value: new("b")}, {Key: new("stage"), Value: new("dev")}}})
	must(t, err)
	_, err = b.UntagResource(b.ctx, &ecsapi.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"stage"}})
	must(t, err)
	b.schedule(t)
	for row := range b.Tasks.Tasks.All(b.Store.View(), "") {
		tags, err := b.ListTagsForResource(b.ctx, &ecsapi.ListTagsForResourceInput{ResourceArn: &row.ARN})
		must(t, err)
		got := map[string]string{}
		for _, tag := range tags.Tags {
			got[*tag.Key] = aws.Val(tag.Value)
		}
		if len(got) != 3 || got["team"] != "b" || got["aws:ecs:serviceName"] != "web" || got["aws:ecs:clusterName"] != "main" {
			t.Fatalf("tags %v", got)
		}
	}
	_, err = b.TagResource(b.ctx, &ecsapi.TagResourceInput{ResourceArn: new("arn:aws:ecs:us-east-1:000000000000:service/main/none"), Tags: []ecsapi.Tag{{Key: new("a")}}})
	refused(t, err, ecsapi.ErrServiceNotFoundException, "Service not found.")
	var many []ecsapi.Tag
	for i := range 51 {
		many = append(many, ecsapi.Tag{Key: new(string(rune('A' + i)))})
	}
	_, err = b.TagResource(b.ctx, &ecsapi.TagResourceInput{ResourceArn: &arn, Tags: many})
	refused(t, err, ecsapi.ErrInvalidParameterException, "at most 50")
}

func TestServiceRefusals(t *testing.T) {
	b := prepared(t)
	type in = ecsapi.CreateServiceInput
	lb := func(arn, container string, port int32) func(*in) {
		return func(i *in) {
			i.LoadBalancers = []ecsapi.LoadBalancer{{TargetGroupArn: &arn, ContainerName: &container, ContainerPort: &port}}
		}
	}
	bad := ecsapi.ErrInvalidParameterException
	for name, c := range map[string]struct {
		change  func(*in)
		class   error
		message string
	}{
		"no load balancer": {lb("tg-idle", "web", 8080), bad, "The target group with targetGroupArn tg-idle does not have an associated load balancer."},
		"target type":      {lb("tg-instance", "web", 8080), bad, "has target type instance, which is incompatible with the awsvpc network mode specified in the task definition."},
		"their group":      {lb("tg-theirs", "web", 8080), bad, "The specified target group does not exist: tg-theirs"},
		"no target group":  {lb("tg-none", "web", 8080), bad, "tg-none"},
		"container":        {lb("tg-web", "db", 8080), bad, "The container db does not exist in the task definition."},
		"port":             {lb("tg-web", "web", 80), bad, "The container web did not have a container port 80 defined."},
		"percentages": {func(i *in) {
			i.DeploymentConfiguration = &ecsapi.DeploymentConfiguration{MaximumPercent: new(int32(100))}
		}, bad, "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments."},
		"grace":       {func(i *in) { i.LoadBalancers, i.HealthCheckGracePeriodSeconds = nil, new(int32(5)) }, bad, "Health check grace period is only valid for services configured to use load balancers"},
		"definition":  {func(i *in) { i.TaskDefinition = new("other") }, ecsapi.ErrClientException, "TaskDefinition not found."},
		"network":     {func(i *in) { i.NetworkConfiguration = nil }, bad, "Network Configuration must be provided"},
		"daemon":      {func(i *in) { i.SchedulingStrategy = new("DAEMON") }, bad, "daemon"},
		"role":        {func(i *in) { i.Role = new("ecsServiceRole") }, bad, "You cannot specify an IAM role for services that require a service linked role."},
		"count":       {func(i *in) { i.DesiredCount = new(int32(-1)) }, bad, "desiredCount"},
		"code deploy": {func(i *in) { i.DeploymentController = &ecsapi.DeploymentController{Type: new("CODE_DEPLOY")} }, notImplemented, "CODE_DEPLOY"},
		"blue green":  {func(i *in) { i.DeploymentConfiguration = &ecsapi.DeploymentConfiguration{Strategy: new("BLUE_GREEN")} }, notImplemented, "BLUE_GREEN"},
		"alarms": {func(i *in) {
			i.DeploymentConfiguration = &ecsapi.DeploymentConfiguration{Alarms: &ecsapi.DeploymentAlarms{Enable: new(true)}}
		}, notImplemented, "alarms"},
		"service connect": {func(i *in) { i.ServiceConnectConfiguration = &ecsapi.ServiceConnectConfiguration{Enabled: new(true)} }, notImplemented, "serviceConnectConfiguration"},
		"registries":      {func(i *in) { i.ServiceRegistries = []ecsapi.ServiceRegistry{{RegistryArn: new("arn")}} }, notImplemented, "serviceRegistries"},
		"lattice":         {func(i *in) { i.VpcLatticeConfigurations = make([]ecsapi.VpcLatticeConfiguration, 1) }, notImplemented, "vpcLatticeConfigurations"},
		"volumes":         {func(i *in) { i.VolumeConfigurations = make([]ecsapi.ServiceVolumeConfiguration, 1) }, notImplemented, "volumeConfigurations"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.CreateService(b.ctx, edit(webService(), c.change))
			refused(t, err, c.class, c.message)
		})
	}
	out, err := b.DescribeServices(b.ctx, &ecsapi.DescribeServicesInput{Cluster: new("main"), Services: []string{"web"}})
	must(t, err)
	if len(out.Services) != 0 || *out.Failures[0].Reason != "MISSING" {
		t.Fatalf("%+v", out)
	}
	// A disabled part is no part: Terraform sends it.
	_, err = b.CreateService(b.ctx, edit(webService(), func(i *in) { i.ServiceConnectConfiguration = &ecsapi.ServiceConnectConfiguration{Enabled: new(false)} }))
	must(t, err)
}

// TestOperationsOnce wants every operation bound once.
func TestOperationsOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, op := range newBench(t).Operations() {
		if seen[op.Info.Name] {
			t.Errorf("%s is bound twice", op.Info.Name)
		}
		seen[op.Info.Name] = true
	}
}
