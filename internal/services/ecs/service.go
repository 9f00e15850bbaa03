package ecs

import (
	"context"
	"slices"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/idem"
	"github.com/neargate/neargate/internal/aws/page"
	"github.com/neargate/neargate/internal/deploy"
	"github.com/neargate/neargate/internal/state"
)

// CreateService makes a service and begins its first deployment.
func (s *Service) CreateService(ctx context.Context, in *ecsapi.CreateServiceInput) (*ecsapi.CreateServiceOutput, error) {
	return update(ctx, s, func(tx *state.Tx, call *aws.Call) (*ecsapi.CreateServiceOutput, error) {
		return idem.Do(tx, s.serviceTokens, call, in.ClientToken, in, func() (*ecsapi.CreateServiceOutput, error) { return s.createService(tx, call, in) })
	})
}

func (s *Service) createService(tx *state.Tx, call *aws.Call, in *ecsapi.CreateServiceInput) (*ecsapi.CreateServiceOutput, error) {
	scope := scopeOf(call)
	cluster, err := s.cluster(tx, scope, in.Cluster)
	if err != nil {
		return nil, err
	}
	if !clusterName.MatchString(*in.ServiceName) {
		return nil, invalid("Invalid service name")
	}
	id := scope.arn("service/" + cluster.Name + "/" + *in.ServiceName)
	if old, ok := s.Deploy.Services.Get(tx, id); ok {
		switch old.Status {
		case deploy.Active:
			return nil, invalid("Creation of service was not idempotent.")
		case deploy.Draining:
			return nil, invalid("Unable to Start a service that is still Draining.")
		}
	}
	w := wishOf(in)
	if err := w.refuse(); err != nil {
		return nil, err
	}
	if in.DesiredCount == nil {
		return nil, invalid("desiredCount is required for services with the REPLICA scheduling strategy.")
	}
	tags, err := newTags(in.Tags)
	if err != nil {
		return nil, err
	}
	service := deploy.Service{
		ARN: id, Name: *in.ServiceName, Account: scope.Account, Region: scope.Region, ClusterARN: cluster.ARN, ClusterName: cluster.Name,
		MinimumHealthyPercent: 100, MaximumPercent: 200, Rebalancing: true,
		PropagateTags: ecsapi.PropagateTagsNone, Tags: taskTags(tags), CreatedBy: call.Principal,
	}
	if err := w.apply(&service); err != nil {
		return nil, err
	}
	revision, err := s.newRevision(tx, scope, cluster, in)
	if err != nil {
		return nil, err
	}
	if err := check(&service, revision); err != nil {
		return nil, err
	}
	service.RoleARN = serviceRole(scope, revision)
	row, err := s.Services.Create(tx, service, *revision, stamp(call.Now))
	if err != nil {
		return nil, err
	}
	return &ecsapi.CreateServiceOutput{Service: s.describeService(tx, row, true)}, nil
}

// newRevision is the first revision of a service.
func (s *Service) newRevision(tx *state.Tx, scope Scope, cluster *Cluster, in *ecsapi.CreateServiceInput) (*deploy.Revision, error) {
	if aws.Val(in.TaskDefinition) == "" {
		return nil, invalid("TaskDefinition can not be blank.")
	}
	launchType, strategy, err := launch(cluster, in.LaunchType, in.CapacityProviderStrategy)
	if err != nil {
		return nil, err
	}
	r := &deploy.Revision{LaunchType: launchType, Strategy: strategy, PlatformFamily: "Linux"}
	return r, s.revise(tx, scope, r, revising{
		definition: in.TaskDefinition, network: in.NetworkConfiguration, platform: in.PlatformVersion, loadBalancers: in.LoadBalancers,
	})
}

// DescribeServices describes services by name or ARN.
func (s *Service) DescribeServices(ctx context.Context, in *ecsapi.DescribeServicesInput) (*ecsapi.DescribeServicesOutput, error) {
	tx, scope := s.Store.View(), scopeOf(aws.From(ctx))
	cluster, err := s.cluster(tx, scope, in.Cluster)
	if err != nil {
		return nil, err
	}
	switch {
	case len(in.Services) == 0:
		return nil, invalid("Services cannot be empty.")
	case len(in.Services) > 10:
		return nil, invalid("Too many services: at most 10 can be described at once")
	}
	out := &ecsapi.DescribeServicesOutput{Services: []ecsapi.Service{}, Failures: []ecsapi.Failure{}}
	for _, ref := range in.Services {
		row, err := s.service(tx, scope, cluster, ref)
		if err != nil {
			id, named := scope.serviceARN(cluster, ref)
			if !named {
				id = ref
			}
			out.Failures = append(out.Failures, missing(id))
			continue
		}
		out.Services = append(out.Services, *s.describeService(tx, row, slices.Contains(in.Include, ecsapi.ServiceFieldTags)))
	}
	return out, nil
}

// ListServices lists a cluster's services that are not INACTIVE.
func (s *Service) ListServices(ctx context.Context, in *ecsapi.ListServicesInput) (*ecsapi.ListServicesOutput, error) {
	tx := s.Store.View()
	cluster, err := s.cluster(tx, scopeOf(aws.From(ctx)), in.Cluster)
	if err != nil {
		return nil, err
	}
	arns := []string{}
	for _, svc := range s.Deploy.ServicesOf(tx, cluster.ARN) {
		if s.matches(tx, svc, in) {
			arns = append(arns, svc.ARN)
		}
	}
	arns, next, err := page.Of(arns, func(a string) string { return a }, in.NextToken, int(aws.Val(in.MaxResults)), 10, 100)
	if err != nil {
		return nil, err
	}
	return &ecsapi.ListServicesOutput{ServiceArns: arns, NextToken: next}, nil
}

func (s *Service) matches(tx *state.Tx, svc *deploy.Service, in *ecsapi.ListServicesInput) bool {
	if v := aws.Val(in.SchedulingStrategy); v != "" && v != ecsapi.SchedulingStrategyReplica {
		return false
	}
	if v := aws.Val(in.ResourceManagementType); v != "" && v != ecsapi.ResourceManagementTypeCustomer {
		return false
	}
	if v := aws.Val(in.LaunchType); v != "" {
		d, ok := s.Deploy.Deployment(tx, svc.ARN, svc.Primary)
		return ok && d.Revision.LaunchType == v
	}
	return true
}

// DeleteService stops a service's tasks and deletes it. One that wants tasks is only deleted by force.
func (s *Service) DeleteService(ctx context.Context, in *ecsapi.DeleteServiceInput) (*ecsapi.DeleteServiceOutput, error) {
	return update(ctx, s, func(tx *state.Tx, call *aws.Call) (*ecsapi.DeleteServiceOutput, error) {
		scope := scopeOf(call)
		cluster, err := s.cluster(tx, scope, in.Cluster)
		if err != nil {
			return nil, err
		}
		row, err := s.service(tx, scope, cluster, *in.Service)
		if err != nil {
			return nil, err
		}
		switch {
		case row.Status == deploy.Inactive:
			return nil, ecsapi.ErrServiceNotFoundException.New("Service not found.")
		case row.Status == deploy.Active && row.Desired > 0 && !aws.Val(in.Force):
			return nil, invalid("The service cannot be stopped while it is scaled above 0.")
		case row.Status == deploy.Active:
			row = s.Services.Delete(tx, *row, stamp(call.Now))
		}
		return &ecsapi.DeleteServiceOutput{Service: s.describeService(tx, row, true)}, nil
	})
}
