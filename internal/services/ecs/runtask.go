package ecs

import (
	"context"
	"slices"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/idem"
	"github.com/neargate/neargate/internal/deploy"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

// RunTask starts tasks that belong to no service.
func (s *Service) RunTask(ctx context.Context, in *ecsapi.RunTaskInput) (*ecsapi.RunTaskOutput, error) {
	return update(ctx, s, func(tx *state.Tx, call *aws.Call) (*ecsapi.RunTaskOutput, error) {
		return idem.Do(tx, s.taskTokens, call, in.ClientToken, in, func() (*ecsapi.RunTaskOutput, error) { return s.runTask(tx, call, in) })
	})
}

func (s *Service) runTask(tx *state.Tx, call *aws.Call, in *ecsapi.RunTaskInput) (*ecsapi.RunTaskOutput, error) {
	scope := scopeOf(call)
	cluster, err := s.cluster(tx, scope, in.Cluster)
	if err != nil {
		return nil, err
	}
	count := 1
	if in.Count != nil {
		count = int(*in.Count)
	}
	if count < 1 || count > 10 {
		return nil, invalid("Tasks count must be between 1 and 10")
	}
	if len(in.VolumeConfigurations) > 0 {
		return nil, awserr.NotImplemented("volumeConfigurations")
	}
	if len(aws.Val(in.StartedBy)) > 128 {
		return nil, invalid("startedBy can have at most 128 characters")
	}
	definition, err := s.runnable(tx, scope, *in.TaskDefinition)
	if err != nil {
		return nil, err
	}
	spec, strategy, err := s.runSpec(tx, scope, cluster, definition, in)
	if err != nil {
		return nil, err
	}
	if spec.Tags, err = runTags(cluster, definition, in); err != nil {
		return nil, err
	}
	out := &ecsapi.RunTaskOutput{Tasks: []ecsapi.Task{}, Failures: []ecsapi.Failure{}}
	providers := deploy.Share(strategy, count)
	for i := range count {
		one := *spec
		if len(providers) > 0 {
			one.CapacityProvider = providers[i]
		}
		subnets := in.NetworkConfiguration.AwsvpcConfiguration.Subnets
		one.SubnetID = subnets[i%len(subnets)]
		_, one.AvailabilityZone, _ = s.Network.Subnet(tx, scope.Account, scope.Region, one.SubnetID)
		row, err := s.Lifecycle.Run(tx, one)
		if err != nil {
			return nil, err
		}
		out.Tasks = append(out.Tasks, *taskShape(row, true))
	}
	return out, nil
}

// runSpec is what all tasks of a request have in common.
func (s *Service) runSpec(tx *state.Tx, scope Scope, cluster *Cluster, d *TaskDefinition, in *ecsapi.RunTaskInput) (*task.RunSpec, []deploy.Capacity, error) {
	launchType, strategy, err := launch(cluster, in.LaunchType, in.CapacityProviderStrategy)
	if err != nil {
		return nil, nil, err
	}
	if err := refusePlacement(in.PlacementConstraints, in.PlacementStrategy); err != nil {
		return nil, nil, err
	}
	if err := fits(d); err != nil {
		return nil, nil, err
	}
	version, err := platform(in.PlatformVersion)
	if err != nil {
		return nil, nil, err
	}
	network, err := s.place(tx, scope, d, in.NetworkConfiguration)
	if err != nil {
		return nil, nil, err
	}
	definition, err := definitionOf(&d.Shape)
	if err != nil {
		return nil, nil, err
	}
	if err := checkOverrides(in.Overrides); err != nil {
		return nil, nil, err
	}
	overrides, err := overridesOf(in.Overrides)
	if err != nil {
		return nil, nil, err
	}
	if aws.Val(in.EnableExecuteCommand) && definition.TaskRoleARN == "" && overrides.TaskRoleARN == "" {
		return nil, nil, invalid("The task couldn't be run because a valid taskRoleArn is not being used. Specify a valid task role in your task definition and try again.")
	}
	return &task.RunSpec{
		Account: scope.Account, Region: scope.Region, ClusterARN: cluster.ARN, ClusterName: cluster.Name,
		Definition: definition, Overrides: overrides, Group: aws.Val(in.Group), StartedBy: aws.Val(in.StartedBy),
		LaunchType: launchType, PlatformVersion: version,
		SecurityGroups: network.SecurityGroups, AssignPublicIP: network.AssignPublicIP, EnableExecute: aws.Val(in.EnableExecuteCommand),
	}, strategy, nil
}

// runTags are the tags of tasks that are run by hand.
func runTags(cluster *Cluster, d *TaskDefinition, in *ecsapi.RunTaskInput) ([]task.Tag, error) {
	var base []ecsapi.Tag
	switch aws.Val(in.PropagateTags) {
	case ecsapi.PropagateTagsTaskDefinition:
		base = d.Tags
	case ecsapi.PropagateTagsService:
		return nil, invalid("Tags can not be propagated from a service when running a task.")
	}
	merged, err := mergeTags(base, in.Tags)
	if err != nil {
		return nil, err
	}
	tags := taskTags(merged)
	if aws.Val(in.EnableECSManagedTags) {
		tags = append(tags, task.Tag{Key: "aws:ecs:clusterName", Value: cluster.Name})
	}
	return tags, nil
}

// StopTask asks a task to stop.
func (s *Service) StopTask(ctx context.Context, in *ecsapi.StopTaskInput) (*ecsapi.StopTaskOutput, error) {
	return update(ctx, s, func(tx *state.Tx, call *aws.Call) (*ecsapi.StopTaskOutput, error) {
		scope := scopeOf(call)
		cluster, err := s.cluster(tx, scope, in.Cluster)
		if err != nil {
			return nil, err
		}
		row, ok := s.task(tx, scope, cluster, *in.Task)
		if !ok {
			return nil, invalid("The referenced task was not found.")
		}
		reason := "Task stopped by user"
		if r := aws.Val(in.Reason); r != "" {
			reason = r
		}
		if len(reason) > 255 {
			return nil, invalid("reason can have at most 255 characters")
		}
		if err := s.Lifecycle.Stop(tx, row.ARN, task.UserInitiated, reason); err != nil {
			return nil, err
		}
		row, _ = s.Tasks.Tasks.Get(tx, row.ARN)
		return &ecsapi.StopTaskOutput{Task: taskShape(row, true)}, nil
	})
}

// DescribeTasks describes tasks by id or ARN.
func (s *Service) DescribeTasks(ctx context.Context, in *ecsapi.DescribeTasksInput) (*ecsapi.DescribeTasksOutput, error) {
	tx, scope := s.Store.View(), scopeOf(aws.From(ctx))
	cluster, err := s.cluster(tx, scope, in.Cluster)
	if err != nil {
		return nil, err
	}
	switch {
	case len(in.Tasks) == 0:
		return nil, invalid("Tasks cannot be empty.")
	case len(in.Tasks) > 100:
		return nil, invalid("Too many tasks: at most 100 can be described at once")
	}
	out := &ecsapi.DescribeTasksOutput{Tasks: []ecsapi.Task{}, Failures: []ecsapi.Failure{}}
	for _, ref := range in.Tasks {
		row, ok := s.task(tx, scope, cluster, ref)
		if !ok {
			id, named := scope.taskARN(cluster, ref)
			if !named {
				id = ref
			}
			out.Failures = append(out.Failures, missing(id))
			continue
		}
		out.Tasks = append(out.Tasks, *taskShape(row, slices.Contains(in.Include, ecsapi.TaskFieldTags)))
	}
	return out, nil
}

// ListTasks lists a cluster's tasks that are wanted running, or on request those that are not.
func (s *Service) ListTasks(ctx context.Context, in *ecsapi.ListTasksInput) (*ecsapi.ListTasksOutput, error) {
	tx, scope := s.Store.View(), scopeOf(aws.From(ctx))
	cluster, err := s.cluster(tx, scope, in.Cluster)
	if err != nil {
		return nil, err
	}
	if aws.Val(in.StartedBy) != "" && (in.Family != nil || in.ServiceName != nil || in.ContainerInstance != nil) {
		return nil, invalid("You can only specify startedBy by itself.")
	}
	desired := task.Running
	if in.DesiredStatus != nil {
		if desired = task.State(*in.DesiredStatus); desired == task.Pending {
			desired = "" // no task's desired status is ever PENDING. AWS: "ListTasks", desiredStatus
		}
	}
	rows := s.Tasks.Tasks.By(tx, task.ByCluster, cluster.ARN)
	serviceARN := ""
	if name := aws.Val(in.ServiceName); name != "" {
		svc, err := s.service(tx, scope, cluster, name)
		if err != nil {
			return nil, err
		}
		serviceARN = svc.ARN
		rows = s.Tasks.Tasks.By(tx, task.ByService, serviceARN)
	}
	arns := []string{}
	for t := range rows {
		switch {
		case t.Desired != desired,
			aws.Val(in.ContainerInstance) != "",
			aws.Val(in.DaemonName) != "",
			aws.Val(in.StartedBy) != "" && t.StartedBy != *in.StartedBy,
			aws.Val(in.LaunchType) != "" && t.LaunchType != *in.LaunchType,
			aws.Val(in.Family) != "" && familyOf(t.DefinitionARN) != *in.Family:
			continue
		}
		arns = append(arns, t.ARN)
	}
	arns, next, err := list(arns, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	return &ecsapi.ListTasksOutput{TaskArns: arns, NextToken: next}, nil
}
