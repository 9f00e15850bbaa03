package ecs

import (
	"context"
	"slices"
	"strings"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/page"
	"github.com/neargate/neargate/internal/deploy"
	"github.com/neargate/neargate/internal/state"
)

// ListServiceDeployments lists a service's deployments, newest first.
func (s *Service) ListServiceDeployments(ctx context.Context, in *ecsapi.ListServiceDeploymentsInput) (*ecsapi.ListServiceDeploymentsOutput, error) {
	tx, scope := s.Store.View(), scopeOf(aws.From(ctx))
	cluster, err := s.cluster(tx, scope, in.Cluster)
	if err != nil {
		return nil, err
	}
	svc, err := s.service(tx, scope, cluster, *in.Service)
	if err != nil {
		return nil, err
	}
	releases := slices.DeleteFunc(s.Deploy.ReleasesOf(tx, svc.ARN), func(r *deploy.Release) bool {
		c := in.CreatedAt
		return len(in.Status) > 0 && !slices.Contains(in.Status, string(r.Status)) ||
			c != nil && c.After != nil && r.CreatedAt.Before(*c.After) || c != nil && c.Before != nil && r.CreatedAt.After(*c.Before)
	})
	releases, next, err := page.Of(releases, func(r *deploy.Release) string { return r.ARN }, in.NextToken, int(aws.Val(in.MaxResults)), 20, 100)
	if err != nil {
		return nil, err
	}
	out := &ecsapi.ListServiceDeploymentsOutput{ServiceDeployments: []ecsapi.ServiceDeploymentBrief{}, NextToken: next}
	for _, r := range releases {
		out.ServiceDeployments = append(out.ServiceDeployments, ecsapi.ServiceDeploymentBrief{
			ServiceDeploymentArn: new(r.ARN), ServiceArn: new(r.ServiceARN), ClusterArn: new(r.ClusterARN),
			CreatedAt: at(r.CreatedAt), StartedAt: at(r.StartedAt), FinishedAt: at(r.FinishedAt),
			TargetServiceRevisionArn: new(deploy.RevisionARN(svc, r.Target)), Status: new(string(r.Status)), StatusReason: text(r.Reason),
		})
	}
	return out, nil
}

// DescribeServiceDeployments describes deployments by ARN.
func (s *Service) DescribeServiceDeployments(ctx context.Context, in *ecsapi.DescribeServiceDeploymentsInput) (*ecsapi.DescribeServiceDeploymentsOutput, error) {
	if len(in.ServiceDeploymentArns) > 20 {
		return nil, invalid("Too many service deployments: at most 20 can be described at once")
	}
	tx := s.Store.View()
	out := &ecsapi.DescribeServiceDeploymentsOutput{ServiceDeployments: []ecsapi.ServiceDeployment{}, Failures: []ecsapi.Failure{}}
	for _, id := range in.ServiceDeploymentArns {
		r, ok := s.Deploy.Releases.Get(tx, id)
		if !ok || !scopeOf(aws.From(ctx)).owns(id) {
			out.Failures = append(out.Failures, missing(id))
			continue
		}
		svc, ok := s.Deploy.Services.Get(tx, r.ServiceARN)
		if !ok {
			out.Failures = append(out.Failures, missing(id))
			continue
		}
		out.ServiceDeployments = append(out.ServiceDeployments, s.releaseShape(tx, svc, r))
	}
	return out, nil
}

// owns is whether an ARN is of the scope.
func (s Scope) owns(id string) bool { return strings.HasPrefix(id, s.arn("")) }

func (s *Service) releaseShape(tx *state.Tx, svc *deploy.Service, r *deploy.Release) ecsapi.ServiceDeployment {
	counts := s.countTasks(tx, svc)
	summary := func(id string, requested int) ecsapi.ServiceRevisionSummary {
		n := counts[id]
		return ecsapi.ServiceRevisionSummary{
			Arn: new(deploy.RevisionARN(svc, id)), RequestedTaskCount: new(int32(requested)),
			RunningTaskCount: new(n.running), PendingTaskCount: new(n.pending),
		}
	}
	target := summary(r.Target, svc.Desired)
	out := ecsapi.ServiceDeployment{
		ServiceDeploymentArn: new(r.ARN), ServiceArn: new(r.ServiceARN), ClusterArn: new(r.ClusterARN),
		CreatedAt: at(r.CreatedAt), StartedAt: at(r.StartedAt), UpdatedAt: at(r.UpdatedAt), StoppedAt: at(r.StoppedAt), FinishedAt: at(r.FinishedAt),
		TargetServiceRevision: &target, SourceServiceRevisions: []ecsapi.ServiceRevisionSummary{},
		Status: new(string(r.Status)), StatusReason: text(r.Reason),
		DeploymentConfiguration:  configurationShape(r.MinimumHealthyPercent, r.MaximumPercent, r.Breaker),
		DeploymentCircuitBreaker: breakerShape(r),
		Alarms:                   &ecsapi.ServiceDeploymentAlarms{Status: new(ecsapi.ServiceDeploymentRollbackMonitorsStatusDisabled), AlarmNames: []string{}},
	}
	for _, source := range r.Sources {
		out.SourceServiceRevisions = append(out.SourceServiceRevisions, summary(source.Deployment, source.Requested))
	}
	if r.RolledBackTo != "" {
		out.Rollback = &ecsapi.Rollback{Reason: text(r.RollbackReason), StartedAt: at(r.RollbackAt), ServiceRevisionArn: new(deploy.RevisionARN(svc, r.RolledBackTo))}
	}
	return out
}

func breakerShape(r *deploy.Release) *ecsapi.ServiceDeploymentCircuitBreaker {
	status := ecsapi.ServiceDeploymentRollbackMonitorsStatusDisabled
	switch {
	case !r.Breaker.Enable:
	case r.Reason != "":
		status = ecsapi.ServiceDeploymentRollbackMonitorsStatusTriggered
	case r.Status.Done():
		status = ecsapi.ServiceDeploymentRollbackMonitorsStatusMonitoringComplete
	default:
		status = ecsapi.ServiceDeploymentRollbackMonitorsStatusMonitoring
	}
	return &ecsapi.ServiceDeploymentCircuitBreaker{Status: &status, FailureCount: new(int32(r.Failures)), Threshold: new(int32(r.Threshold))}
}

// DescribeServiceRevisions describes what services were made of.
func (s *Service) DescribeServiceRevisions(ctx context.Context, in *ecsapi.DescribeServiceRevisionsInput) (*ecsapi.DescribeServiceRevisionsOutput, error) {
	if len(in.ServiceRevisionArns) > 20 {
		return nil, invalid("Too many service revisions: at most 20 can be described at once")
	}
	tx, scope := s.Store.View(), scopeOf(aws.From(ctx))
	out := &ecsapi.DescribeServiceRevisionsOutput{ServiceRevisions: []ecsapi.ServiceRevision{}, Failures: []ecsapi.Failure{}}
	for _, id := range in.ServiceRevisionArns {
		svc, d, ok := s.deploymentByRevision(tx, scope, id)
		if !ok {
			out.Failures = append(out.Failures, missing(id))
			continue
		}
		r := &d.Revision
		shape := ecsapi.ServiceRevision{
			ServiceRevisionArn: new(id), ServiceArn: new(svc.ARN), ClusterArn: new(svc.ClusterARN), TaskDefinition: text(r.DefinitionARN),
			CapacityProviderStrategy: strategyShapes(r), LaunchType: text(r.LaunchType), PlatformVersion: new(resolvedPlatform(r.PlatformVersion)),
			PlatformFamily: text(r.PlatformFamily), LoadBalancers: loadBalancerShapes(r), NetworkConfiguration: networkShape(r.Network),
			ContainerImages: []ecsapi.ContainerImage{}, GuardDutyEnabled: new(false), CreatedAt: at(d.CreatedAt),
		}
		for _, c := range r.Definition.Containers {
			shape.ContainerImages = append(shape.ContainerImages, ecsapi.ContainerImage{ContainerName: new(c.Name), Image: new(c.Image)})
		}
		out.ServiceRevisions = append(out.ServiceRevisions, shape)
	}
	return out, nil
}

// deploymentByRevision finds the deployment that brought a revision.
func (s *Service) deploymentByRevision(tx *state.Tx, scope Scope, id string) (*deploy.Service, *deploy.Deployment, bool) {
	path, ok := strings.CutPrefix(id, scope.arn("service-revision/"))
	i := strings.LastIndexByte(path, '/')
	if !ok || i < 0 {
		return nil, nil, false
	}
	svc, ok := s.Deploy.Services.Get(tx, scope.arn("service/"+path[:i]))
	if !ok {
		return nil, nil, false
	}
	d, ok := s.Deploy.Deployment(tx, svc.ARN, "ecs-svc/"+path[i+1:])
	return svc, d, ok
}
