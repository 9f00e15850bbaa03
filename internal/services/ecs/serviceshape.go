package ecs

import (
	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/deploy"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

// tally counts tasks: those that run, those that will, and those that shall go on.
type tally struct{ running, pending, wanted int32 }

// describeService is a service as DescribeServices shows it.
func (s *Service) describeService(tx *state.Tx, svc *deploy.Service, tags bool) *ecsapi.Service {
	counts := s.countTasks(tx, svc)
	var total tally
	for _, n := range counts {
		total.running += n.running
		total.pending += n.pending
	}
	rebalancing := ecsapi.AvailabilityZoneRebalancingDisabled
	if svc.Rebalancing {
		rebalancing = ecsapi.AvailabilityZoneRebalancingEnabled
	}
	grace := 0
	if svc.Grace != nil {
		grace = *svc.Grace
	}
	out := &ecsapi.Service{
		ServiceArn: &svc.ARN, ServiceName: &svc.Name, ClusterArn: &svc.ClusterARN, Status: new(string(svc.Status)),
		DesiredCount: new(int32(svc.Desired)), RunningCount: new(total.running), PendingCount: new(total.pending),
		DeploymentConfiguration:       configurationShape(svc.MinimumHealthyPercent, svc.MaximumPercent, svc.Breaker),
		DeploymentController:          &ecsapi.DeploymentController{Type: new(ecsapi.DeploymentControllerTypeEcs)},
		SchedulingStrategy:            new(ecsapi.SchedulingStrategyReplica),
		AvailabilityZoneRebalancing:   &rebalancing,
		HealthCheckGracePeriodSeconds: new(int32(grace)),
		RoleArn:                       text(svc.RoleARN), CreatedAt: at(svc.CreatedAt), CreatedBy: text(svc.CreatedBy),
		EnableECSManagedTags: new(svc.ManagedTags), PropagateTags: text(svc.PropagateTags), EnableExecuteCommand: new(svc.Execute),
		PlacementConstraints: []ecsapi.PlacementConstraint{}, PlacementStrategy: []ecsapi.PlacementStrategy{},
		ServiceRegistries: []ecsapi.ServiceRegistry{}, LoadBalancers: []ecsapi.LoadBalancer{}, CapacityProviderStrategy: []ecsapi.CapacityProviderStrategyItem{},
		Deployments: []ecsapi.Deployment{}, Events: []ecsapi.ServiceEvent{},
		ResourceManagementType: new(ecsapi.ResourceManagementTypeCustomer),
	}
	if tags {
		out.Tags = tagShapes(svc.Tags)
	}
	s.describeRevision(tx, svc, out)
	for _, d := range s.Deploy.DeploymentsOf(tx, svc.ARN) {
		n := counts[d.ID]
		out.Deployments = append(out.Deployments, deploymentShape(svc, d, n))
		out.CurrentServiceRevisions = append(out.CurrentServiceRevisions, ecsapi.ServiceCurrentRevisionSummary{
			Arn: new(deploy.RevisionARN(svc, d.ID)), RequestedTaskCount: new(requested(svc, d, n)), RunningTaskCount: new(n.running), PendingTaskCount: new(n.pending),
		})
	}
	if svc.Release != "" {
		out.CurrentServiceDeployment = new(svc.Release)
	}
	for _, e := range s.Deploy.EventsOf(tx, svc.ARN) {
		out.Events = append(out.Events, ecsapi.ServiceEvent{Id: new(e.ID), CreatedAt: new(e.At), Message: new(e.Message)})
	}
	return out
}

// describeRevision fills in what a service has of its primary deployment.
func (s *Service) describeRevision(tx *state.Tx, svc *deploy.Service, out *ecsapi.Service) {
	d, ok := s.Deploy.Deployment(tx, svc.ARN, svc.Primary)
	if !ok {
		return
	}
	r := &d.Revision
	out.TaskDefinition, out.LaunchType = text(r.DefinitionARN), text(r.LaunchType)
	out.PlatformVersion, out.PlatformFamily = text(r.PlatformVersion), text(r.PlatformFamily)
	out.NetworkConfiguration = networkShape(r.Network)
	out.LoadBalancers, out.CapacityProviderStrategy = loadBalancerShapes(r), strategyShapes(r)
}

// countTasks counts a service's tasks by deployment.
func (s *Service) countTasks(tx *state.Tx, svc *deploy.Service) map[string]tally {
	counts := map[string]tally{}
	for t := range s.Tasks.Tasks.By(tx, task.ByService, svc.ARN) {
		n := counts[t.DeploymentID]
		switch {
		case t.Status == task.Running:
			n.running++
		case t.Status.Before(task.Running):
			n.pending++
		}
		if t.Desired == task.Running {
			n.wanted++
		}
		counts[t.DeploymentID] = n
	}
	return counts
}

// requested is how many tasks a deployment shall have: the service's count for the primary one, for others what is left of theirs.
func requested(svc *deploy.Service, d *deploy.Deployment, n tally) int32 {
	if d.Role == deploy.Primary {
		return int32(svc.Desired)
	}
	return n.wanted
}

func deploymentShape(svc *deploy.Service, d *deploy.Deployment, n tally) ecsapi.Deployment {
	r := &d.Revision
	return ecsapi.Deployment{
		Id: new(d.ID), Status: new(string(d.Role)), TaskDefinition: text(r.DefinitionARN),
		DesiredCount: new(requested(svc, d, n)), PendingCount: new(n.pending), RunningCount: new(n.running), FailedTasks: new(int32(d.Failed)),
		CreatedAt: at(d.CreatedAt), UpdatedAt: at(d.UpdatedAt), LaunchType: text(r.LaunchType), CapacityProviderStrategy: strategyShapes(r),
		PlatformVersion: new(resolvedPlatform(r.PlatformVersion)), PlatformFamily: text(r.PlatformFamily), NetworkConfiguration: networkShape(r.Network),
		RolloutState: new(string(d.Rollout)), RolloutStateReason: text(d.Reason),
		ServiceConnectResources: []ecsapi.ServiceConnectServiceResource{}, VolumeConfigurations: []ecsapi.ServiceVolumeConfiguration{},
		VpcLatticeConfigurations: []ecsapi.VpcLatticeConfiguration{},
	}
}

// resolvedPlatform is the version LATEST stands for.
func resolvedPlatform(version string) string {
	if version == "LATEST" {
		return "1.4.0"
	}
	return version
}

func configurationShape(low, high int, b deploy.Breaker) *ecsapi.DeploymentConfiguration {
	return &ecsapi.DeploymentConfiguration{
		MinimumHealthyPercent: new(int32(low)), MaximumPercent: new(int32(high)),
		DeploymentCircuitBreaker: &ecsapi.DeploymentCircuitBreaker{Enable: new(b.Enable), Rollback: new(b.Rollback)},
		Strategy:                 new(ecsapi.DeploymentStrategyRolling), BakeTimeInMinutes: new(int32(0)),
	}
}

func loadBalancerShapes(r *deploy.Revision) []ecsapi.LoadBalancer {
	out := []ecsapi.LoadBalancer{}
	for _, t := range r.LoadBalancers {
		out = append(out, ecsapi.LoadBalancer{TargetGroupArn: new(t.TargetGroupARN), ContainerName: new(t.ContainerName), ContainerPort: new(int32(t.ContainerPort))})
	}
	return out
}

func strategyShapes(r *deploy.Revision) []ecsapi.CapacityProviderStrategyItem {
	out := []ecsapi.CapacityProviderStrategyItem{}
	for _, c := range r.Strategy {
		out = append(out, ecsapi.CapacityProviderStrategyItem{CapacityProvider: new(c.Provider), Weight: new(int32(c.Weight)), Base: new(int32(c.Base))})
	}
	return out
}
