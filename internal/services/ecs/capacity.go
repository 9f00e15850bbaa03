package ecs

import (
	"context"
	"slices"
	"strings"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/deploy"
	"github.com/neargate/neargate/internal/state"
)

// fargate are the capacity providers every account has.
var fargate = []string{"FARGATE", "FARGATE_SPOT"}

// DescribeCapacityProviders describes Fargate's two.
func (s *Service) DescribeCapacityProviders(ctx context.Context, in *ecsapi.DescribeCapacityProvidersInput) (*ecsapi.DescribeCapacityProvidersOutput, error) {
	scope := scopeOf(aws.From(ctx))
	refs := in.CapacityProviders
	if len(refs) == 0 {
		refs = fargate
	}
	out := &ecsapi.DescribeCapacityProvidersOutput{CapacityProviders: []ecsapi.CapacityProvider{}, Failures: []ecsapi.Failure{}}
	for _, ref := range refs {
		name := ref
		if arn.Is(ref) {
			name = ref[strings.LastIndexByte(ref, '/')+1:]
		}
		id := scope.arn("capacity-provider/" + name)
		if !slices.Contains(fargate, name) || arn.Is(ref) && ref != id {
			out.Failures = append(out.Failures, missing(ref))
			continue
		}
		p := ecsapi.CapacityProvider{CapacityProviderArn: &id, Name: &name, Status: new("ACTIVE"), Tags: []ecsapi.Tag{}}
		p.Type = &name
		out.CapacityProviders = append(out.CapacityProviders, p)
	}
	return out, nil
}

// setProviders checks and stores a cluster's capacity providers and default strategy.
func (c *Cluster) setProviders(providers []string, strategy []ecsapi.CapacityProviderStrategyItem) error {
	if len(providers) > 20 {
		return ecsapi.ErrInvalidParameterException.New("A cluster can have at most 20 capacity providers.")
	}
	for _, p := range providers {
		if !slices.Contains(fargate, p) {
			return ecsapi.ErrInvalidParameterException.New("The specified capacity provider '%s' was not found. Specify a valid name or ARN and try again.", p)
		}
	}
	if _, err := readStrategy(strategy, providers); err != nil {
		return err
	}
	c.Providers = providers
	c.Strategy = nil
	for _, item := range strategy {
		c.Strategy = append(c.Strategy, ecsapi.CapacityProviderStrategyItem{
			CapacityProvider: item.CapacityProvider, Weight: new(aws.Val(item.Weight)), Base: new(aws.Val(item.Base)),
		})
	}
	return nil
}

// readStrategy checks a strategy against the providers it may name.
// AWS: "CapacityProviderStrategyItem".
func readStrategy(items []ecsapi.CapacityProviderStrategyItem, providers []string) ([]deploy.Capacity, error) {
	var out []deploy.Capacity
	based, weighted := 0, false
	for _, item := range items {
		c := deploy.Capacity{Provider: aws.Val(item.CapacityProvider), Weight: int(aws.Val(item.Weight)), Base: int(aws.Val(item.Base))}
		if !slices.Contains(providers, c.Provider) {
			return nil, ecsapi.ErrInvalidParameterException.New("The specified capacity provider strategy cannot contain a capacity provider that is not " +
				"associated with the cluster. Associate the capacity provider with the cluster and try again.")
		}
		if slices.ContainsFunc(out, func(o deploy.Capacity) bool { return o.Provider == c.Provider }) {
			return nil, ecsapi.ErrInvalidParameterException.New("A capacity provider can be specified only once in a capacity provider strategy.")
		}
		if c.Base > 0 {
			based++
		}
		weighted = weighted || c.Weight > 0
		out = append(out, c)
	}
	switch {
	case len(items) > 20:
		return nil, ecsapi.ErrInvalidParameterException.New("A capacity provider strategy can contain a maximum of 20 capacity providers.")
	case based > 1:
		return nil, ecsapi.ErrInvalidParameterException.New("Only one capacity provider in a capacity provider strategy can have a base defined.")
	case len(items) > 0 && !weighted:
		return nil, ecsapi.ErrInvalidParameterException.New("At least one capacity provider in a capacity provider strategy must have a weight greater than 0.")
	}
	return out, nil
}

// launch decides how tasks are launched: the type or strategy asked for, the cluster's default strategy, or EC2, which has nothing
// to run on here.
func launch(c *Cluster, launchType *string, strategy []ecsapi.CapacityProviderStrategyItem) (string, []deploy.Capacity, error) {
	if aws.Val(launchType) != "" && len(strategy) > 0 {
		return "", nil, ecsapi.ErrInvalidParameterException.New("Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.")
	}
	switch aws.Val(launchType) {
	case ecsapi.LaunchTypeFargate:
		return ecsapi.LaunchTypeFargate, nil, nil
	case "":
		if len(strategy) == 0 {
			strategy = c.Strategy
		}
		if len(strategy) > 0 {
			items, err := readStrategy(strategy, c.Providers)
			return "", items, err
		}
	}
	return "", nil, ecsapi.ErrInvalidParameterException.New("No Container Instances were found in your cluster.")
}

// providersInUse are the capacity providers that a cluster's services use.
func (s *Service) providersInUse(tx *state.Tx, c *Cluster) []string {
	var used []string
	for _, svc := range s.Deploy.ServicesOf(tx, c.ARN) {
		for _, d := range s.Deploy.DeploymentsOf(tx, svc.ARN) {
			for _, item := range d.Revision.Strategy {
				used = append(used, item.Provider)
			}
		}
	}
	return used
}

// ListContainerInstances lists none: everything runs on Fargate.
func (s *Service) ListContainerInstances(ctx context.Context, in *ecsapi.ListContainerInstancesInput) (*ecsapi.ListContainerInstancesOutput, error) {
	if _, err := s.cluster(s.Store.View(), scopeOf(aws.From(ctx)), in.Cluster); err != nil {
		return nil, err
	}
	return &ecsapi.ListContainerInstancesOutput{ContainerInstanceArns: []string{}}, nil
}

// DescribeContainerInstances finds none.
func (s *Service) DescribeContainerInstances(ctx context.Context, in *ecsapi.DescribeContainerInstancesInput) (*ecsapi.DescribeContainerInstancesOutput, error) {
	scope := scopeOf(aws.From(ctx))
	c, err := s.cluster(s.Store.View(), scope, in.Cluster)
	if err != nil {
		return nil, err
	}
	out := &ecsapi.DescribeContainerInstancesOutput{ContainerInstances: []ecsapi.ContainerInstance{}, Failures: []ecsapi.Failure{}}
	for _, ref := range in.ContainerInstances {
		if !arn.Is(ref) {
			ref = scope.arn("container-instance/" + c.Name + "/" + ref)
		}
		out.Failures = append(out.Failures, missing(ref))
	}
	return out, nil
}
