package ecs

import (
	"slices"
	"strings"
	"testing"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
)

func runWeb() *ecsapi.RunTaskInput {
	return &ecsapi.RunTaskInput{Cluster: new("main"), TaskDefinition: new("web:1"), LaunchType: new("FARGATE"), NetworkConfiguration: network()}
}

func TestRunTask(t *testing.T) {
	b := prepared(t)
	in := edit(runWeb(), func(in *ecsapi.RunTaskInput) {
		in.Count, in.StartedBy, in.ClientToken = new(int32(3)), new("me"), new("once")
		in.LaunchType, in.EnableECSManagedTags = nil, new(true)
		in.CapacityProviderStrategy = []ecsapi.CapacityProviderStrategyItem{
			{CapacityProvider: new("FARGATE"), Base: new(int32(1)), Weight: new(int32(0))}, {CapacityProvider: new("FARGATE_SPOT"), Weight: new(int32(1))},
		}
		in.Overrides = &ecsapi.TaskOverride{ContainerOverrides: []ecsapi.ContainerOverride{{
			Name: new("web"), Command: []string{"serve"},
			Environment: []ecsapi.KeyValuePair{{Name: new("A"), Value: new("1")}},
		}}}
	})
	out, err := b.RunTask(b.ctx, in)
	must(t, err)
	if len(out.Tasks) != 3 {
		t.Fatalf("%d tasks", len(out.Tasks))
	}
	var providers, zones []string
	for _, task := range out.Tasks {
		providers, zones = append(providers, *task.CapacityProviderName), append(zones, *task.AvailabilityZone)
		if *task.LastStatus != "PROVISIONING" || *task.Group != "family:web" || task.Overrides.ContainerOverrides[0].Command[0] != "serve" {
			t.Fatalf("%+v", task)
		}
		if len(task.Tags) != 1 || *task.Tags[0].Key != "aws:ecs:clusterName" {
			t.Fatalf("tags %+v", task.Tags)
		}
	}
	if !slices.Equal(providers, []string{"FARGATE", "FARGATE_SPOT", "FARGATE_SPOT"}) || !slices.Equal(zones, []string{"us-east-1a", "us-east-1b", "us-east-1a"}) {
		t.Fatalf("providers %v, zones %v", providers, zones)
	}
	again, err := b.RunTask(b.ctx, in)
	must(t, err)
	if *again.Tasks[0].TaskArn != *out.Tasks[0].TaskArn {
		t.Fatal("the token started other tasks")
	}
	in.StartedBy = new("you")
	_, err = b.RunTask(b.ctx, in)
	refused(t, err, ecsapi.ErrConflictException, "different RunTask request")

	list, err := b.ListTasks(b.ctx, &ecsapi.ListTasksInput{Cluster: new("main"), StartedBy: new("me")})
	must(t, err)
	if len(list.TaskArns) != 3 {
		t.Fatalf("listed %v", list.TaskArns)
	}
	stopped, err := b.StopTask(b.ctx, &ecsapi.StopTaskInput{Cluster: new("main"), Task: &list.TaskArns[0], Reason: new("enough")})
	must(t, err)
	if *stopped.Task.DesiredStatus != "STOPPED" || *stopped.Task.StoppedReason != "enough" || *stopped.Task.StopCode != "UserInitiated" {
		t.Fatalf("%+v", stopped.Task)
	}
	list, err = b.ListTasks(b.ctx, &ecsapi.ListTasksInput{Cluster: new("main"), Family: new("web"), DesiredStatus: new("STOPPED")})
	must(t, err)
	if len(list.TaskArns) != 1 {
		t.Fatalf("listed %v", list.TaskArns)
	}
	described, err := b.DescribeTasks(b.ctx, &ecsapi.DescribeTasksInput{Cluster: new("main"), Tasks: []string{list.TaskArns[0], "0123456789abcdef0123456789abcdef"}})
	must(t, err)
	if len(described.Tasks) != 1 || len(described.Failures) != 1 || *described.Failures[0].Reason != "MISSING" {
		t.Fatalf("%+v", described)
	}
}

func TestRunTaskRefusals(t *testing.T) {
	b := prepared(t)
	type in = ecsapi.RunTaskInput
	for name, c := range map[string]struct {
		change  func(*in)
		class   error
		message string
	}{
		"cluster": {func(i *in) { i.Cluster = new("nowhere") }, ecsapi.ErrClusterNotFoundException, "Cluster not found."},
		"overrides": {func(i *in) {
			i.Overrides = &ecsapi.TaskOverride{ContainerOverrides: []ecsapi.ContainerOverride{{Name: new("web"), Command: []string{strings.Repeat("x", 8192)}}}}
		}, ecsapi.ErrInvalidParameterException, "Container Overrides length must be at most 8192"},
		"count":      {func(i *in) { i.Count = new(int32(11)) }, ecsapi.ErrInvalidParameterException, "between 1 and 10"},
		"definition": {func(i *in) { i.TaskDefinition = new("web:9") }, ecsapi.ErrClientException, "TaskDefinition not found."},
		"network":    {func(i *in) { i.NetworkConfiguration = nil }, ecsapi.ErrInvalidParameterException, "Network Configuration must be provided when networkMode 'awsvpc' is specified."},
		"subnet":     {func(i *in) { i.NetworkConfiguration.AwsvpcConfiguration.Subnets = []string{"subnet-x"} }, ecsapi.ErrInvalidParameterException, "Error retrieving subnet information for [subnet-x]: The subnet ID 'subnet-x' does not exist (ErrorCode: InvalidSubnetID.NotFound)"},
		"group":      {func(i *in) { i.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups = []string{"sg-x"} }, ecsapi.ErrInvalidParameterException, "Error retrieving security group information for [sg-x]"},
		"ec2":        {func(i *in) { i.LaunchType = new("EC2") }, ecsapi.ErrInvalidParameterException, "No Container Instances were found in your cluster."},
		"no launch":  {func(i *in) { i.LaunchType = nil }, ecsapi.ErrInvalidParameterException, "No Container Instances were found in your cluster."},
		"both": {func(i *in) {
			i.CapacityProviderStrategy = []ecsapi.CapacityProviderStrategyItem{{CapacityProvider: new("FARGATE")}}
		}, ecsapi.ErrInvalidParameterException, "Specifying both a launch type and capacity provider strategy is not supported."},
		"override": {func(i *in) {
			i.Overrides = &ecsapi.TaskOverride{ContainerOverrides: []ecsapi.ContainerOverride{{Name: new("other")}}}
		}, ecsapi.ErrInvalidParameterException, "other"},
		"constraint":  {func(i *in) { i.PlacementConstraints = []ecsapi.PlacementConstraint{{Type: new("distinctInstance")}} }, ecsapi.ErrInvalidParameterException, "not supported with FARGATE"},
		"volumes":     {func(i *in) { i.VolumeConfigurations = make([]ecsapi.TaskVolumeConfiguration, 1) }, notImplemented, "volumeConfigurations"},
		"platform":    {func(i *in) { i.PlatformVersion = new("9.9.9") }, ecsapi.ErrPlatformUnknownException, ""},
		"exec":        {func(i *in) { i.EnableExecuteCommand = new(true) }, ecsapi.ErrInvalidParameterException, "taskRoleArn"},
		"other place": {func(i *in) { i.Cluster = new("arn:aws:ecs:eu-west-1:000000000000:cluster/main") }, ecsapi.ErrInvalidParameterException, "Invalid identifier"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.RunTask(b.ctx, edit(runWeb(), c.change))
			refused(t, err, c.class, c.message)
		})
	}
}
