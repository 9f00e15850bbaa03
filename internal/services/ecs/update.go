package ecs

import (
	"context"
	"reflect"
	"slices"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/deploy"
	"github.com/neargate/neargate/internal/state"
)

// UpdateService changes a service. What its tasks are made of changes by a new deployment; counts, percentages, grace period and tags
// change in place.
func (s *Service) UpdateService(ctx context.Context, in *ecsapi.UpdateServiceInput) (*ecsapi.UpdateServiceOutput, error) {
	return update(ctx, s, func(tx *state.Tx, call *aws.Call) (*ecsapi.UpdateServiceOutput, error) {
		scope := scopeOf(call)
		cluster, err := s.cluster(tx, scope, in.Cluster)
		if err != nil {
			return nil, err
		}
		old, err := s.service(tx, scope, cluster, *in.Service)
		if err != nil {
			return nil, err
		}
		if old.Status != deploy.Active {
			return nil, ecsapi.ErrServiceNotActiveException.New("Service was not ACTIVE.")
		}
		w := changeOf(in)
		if err := w.refuse(); err != nil {
			return nil, err
		}
		service := *old
		if err := w.apply(&service); err != nil {
			return nil, err
		}
		revision, changed, err := s.nextRevision(tx, scope, cluster, &service, in)
		if err != nil {
			return nil, err
		}
		if err := check(&service, revision); err != nil {
			return nil, err
		}
		if !changed {
			revision = nil
		}
		row, err := s.Services.Update(tx, service, revision, stamp(call.Now))
		if err != nil {
			return nil, err
		}
		return &ecsapi.UpdateServiceOutput{Service: s.describeService(tx, row, true)}, nil
	})
}

// nextRevision is the service's revision with the request's changes, and whether it needs a deployment.
func (s *Service) nextRevision(tx *state.Tx, scope Scope, cluster *Cluster, service *deploy.Service, in *ecsapi.UpdateServiceInput) (*deploy.Revision, bool, error) {
	current, ok := s.Deploy.Deployment(tx, service.ARN, service.Primary)
	if !ok {
		return nil, false, ecsapi.ErrServerException.New("service %s has no primary deployment", service.Name)
	}
	next := current.Revision
	if in.CapacityProviderStrategy != nil {
		var err error
		if next.LaunchType, next.Strategy, err = s.nextLaunch(cluster, &next, in); err != nil {
			return nil, false, err
		}
	}
	definition := in.TaskDefinition
	if aws.Val(definition) == "" {
		definition = nil
	} else if d, ok := s.definition(tx, scope, *definition); ok && aws.Val(d.Shape.TaskDefinitionArn) == next.DefinitionARN && !aws.Val(in.ForceNewDeployment) {
		definition = nil // the same one, even if it has been deregistered since
	}
	err := s.revise(tx, scope, &next, revising{definition: definition, network: in.NetworkConfiguration, platform: in.PlatformVersion, loadBalancers: in.LoadBalancers})
	if err != nil {
		return nil, false, err
	}
	return &next, aws.Val(in.ForceNewDeployment) || differs(&current.Revision, &next), nil
}

// nextLaunch is the launch type or strategy after an update: an empty strategy goes back to the launch type.
func (s *Service) nextLaunch(cluster *Cluster, r *deploy.Revision, in *ecsapi.UpdateServiceInput) (string, []deploy.Capacity, error) {
	if len(in.CapacityProviderStrategy) == 0 {
		if r.LaunchType != "" {
			return r.LaunchType, nil, nil
		}
		return ecsapi.LaunchTypeFargate, nil, nil
	}
	items, err := readStrategy(in.CapacityProviderStrategy, cluster.Providers)
	return "", items, err
}

// differs is whether two revisions make different tasks.
func differs(a, b *deploy.Revision) bool {
	return a.DefinitionARN != b.DefinitionARN || a.LaunchType != b.LaunchType || a.PlatformVersion != b.PlatformVersion ||
		!slices.Equal(a.Strategy, b.Strategy) || !slices.Equal(a.LoadBalancers, b.LoadBalancers) || !sameNetwork(a.Network, b.Network)
}

func sameNetwork(a, b deploy.Network) bool {
	set := func(list []string) map[string]bool {
		m := map[string]bool{}
		for _, s := range list {
			m[s] = true
		}
		return m
	}
	return a.AssignPublicIP == b.AssignPublicIP && reflect.DeepEqual(set(a.Subnets), set(b.Subnets)) && reflect.DeepEqual(set(a.SecurityGroups), set(b.SecurityGroups))
}
