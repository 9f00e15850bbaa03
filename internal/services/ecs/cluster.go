package ecs

import (
	"context"
	"regexp"
	"slices"
	"time"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/page"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

var clusterName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,255}$`)

// CreateCluster makes a cluster, or returns the ACTIVE one of that name.
func (s *Service) CreateCluster(ctx context.Context, in *ecsapi.CreateClusterInput) (*ecsapi.CreateClusterOutput, error) {
	return update(ctx, s, func(tx *state.Tx, call *aws.Call) (*ecsapi.CreateClusterOutput, error) {
		scope, name := scopeOf(call), aws.Val(in.ClusterName)
		if name == "" {
			name = "default"
		}
		if !clusterName.MatchString(name) {
			return nil, ecsapi.ErrInvalidParameterException.New("Invalid cluster name")
		}
		if err := refuseClusterParts(in.Configuration, in.ServiceConnectDefaults); err != nil {
			return nil, err
		}
		id := scope.arn("cluster/" + name)
		if old, ok := s.Tables.Clusters.Get(tx, id); ok && old.Status == "ACTIVE" {
			return &ecsapi.CreateClusterOutput{Cluster: s.describeCluster(tx, old, allParts)}, nil
		}
		tags, err := newTags(in.Tags)
		if err != nil {
			return nil, err
		}
		c := &Cluster{Scope: scope, ARN: id, Name: name, Status: "ACTIVE", Configuration: in.Configuration, Tags: tags}
		if c.Settings, err = s.clusterSettings(tx, call, nil, in.Settings); err != nil {
			return nil, err
		}
		if err := c.setProviders(in.CapacityProviders, in.DefaultCapacityProviderStrategy); err != nil {
			return nil, err
		}
		s.Tables.Clusters.Put(tx, c)
		return &ecsapi.CreateClusterOutput{Cluster: s.describeCluster(tx, c, allParts)}, nil
	})
}

func refuseClusterParts(c *ecsapi.ClusterConfiguration, d *ecsapi.ClusterServiceConnectDefaultsRequest) error {
	switch {
	case c != nil && c.ManagedStorageConfiguration != nil:
		return awserr.NotImplemented("configuration.managedStorageConfiguration")
	case d != nil && aws.Val(d.Namespace) != "":
		return awserr.NotImplemented("serviceConnectDefaults")
	}
	return nil
}

// clusterSettings merges given settings over old ones; what was never given comes from the account's settings.
func (s *Service) clusterSettings(tx *state.Tx, call *aws.Call, old, given []ecsapi.ClusterSetting) ([]ecsapi.ClusterSetting, error) {
	value := s.setting(tx, scopeOf(call), "containerInsights", call.Principal)
	for _, c := range slices.Concat(old, given) {
		if aws.Val(c.Name) != ecsapi.ClusterSettingNameContainerInsights {
			return nil, ecsapi.ErrInvalidParameterException.New("Invalid cluster setting name")
		}
		value = aws.Val(c.Value)
	}
	if !slices.Contains(settings["containerInsights"].values, value) {
		return nil, ecsapi.ErrInvalidParameterException.New("Invalid value for setting containerInsights")
	}
	return []ecsapi.ClusterSetting{{Name: new("containerInsights"), Value: new(value)}}, nil
}

// UpdateCluster changes settings and configuration.
func (s *Service) UpdateCluster(ctx context.Context, in *ecsapi.UpdateClusterInput) (*ecsapi.UpdateClusterOutput, error) {
	return update(ctx, s, func(tx *state.Tx, call *aws.Call) (*ecsapi.UpdateClusterOutput, error) {
		if err := refuseClusterParts(in.Configuration, in.ServiceConnectDefaults); err != nil {
			return nil, err
		}
		c, err := s.changeCluster(tx, call, in.Cluster, func(c *Cluster) (err error) {
			if in.Configuration != nil {
				c.Configuration = in.Configuration
			}
			c.Settings, err = s.clusterSettings(tx, call, c.Settings, in.Settings)
			return err
		})
		if err != nil {
			return nil, err
		}
		return &ecsapi.UpdateClusterOutput{Cluster: s.describeCluster(tx, c, allParts)}, nil
	})
}

// UpdateClusterSettings changes settings.
func (s *Service) UpdateClusterSettings(ctx context.Context, in *ecsapi.UpdateClusterSettingsInput) (*ecsapi.UpdateClusterSettingsOutput, error) {
	return update(ctx, s, func(tx *state.Tx, call *aws.Call) (*ecsapi.UpdateClusterSettingsOutput, error) {
		c, err := s.changeCluster(tx, call, in.Cluster, func(c *Cluster) (err error) {
			c.Settings, err = s.clusterSettings(tx, call, c.Settings, in.Settings)
			return err
		})
		if err != nil {
			return nil, err
		}
		return &ecsapi.UpdateClusterSettingsOutput{Cluster: s.describeCluster(tx, c, allParts)}, nil
	})
}

// PutClusterCapacityProviders replaces a cluster's capacity providers and its default strategy.
func (s *Service) PutClusterCapacityProviders(ctx context.Context, in *ecsapi.PutClusterCapacityProvidersInput) (*ecsapi.PutClusterCapacityProvidersOutput, error) {
	return update(ctx, s, func(tx *state.Tx, call *aws.Call) (*ecsapi.PutClusterCapacityProvidersOutput, error) {
		c, err := s.changeCluster(tx, call, in.Cluster, func(c *Cluster) error {
			for _, used := range s.providersInUse(tx, c) {
				if !slices.Contains(in.CapacityProviders, used) && slices.Contains(c.Providers, used) {
					return ecsapi.ErrResourceInUseException.New("The specified capacity provider is in use and cannot be removed.")
				}
			}
			return c.setProviders(in.CapacityProviders, in.DefaultCapacityProviderStrategy)
		})
		if err != nil {
			return nil, err
		}
		return &ecsapi.PutClusterCapacityProvidersOutput{Cluster: s.describeCluster(tx, c, allParts)}, nil
	})
}

func (s *Service) changeCluster(tx *state.Tx, call *aws.Call, ref *string, change func(*Cluster) error) (*Cluster, error) {
	old, err := s.cluster(tx, scopeOf(call), ref)
	if err != nil {
		return nil, err
	}
	c := *old
	if err := change(&c); err != nil {
		return nil, err
	}
	s.Tables.Clusters.Put(tx, &c)
	return &c, nil
}

// DeleteCluster makes an empty cluster INACTIVE.
func (s *Service) DeleteCluster(ctx context.Context, in *ecsapi.DeleteClusterInput) (*ecsapi.DeleteClusterOutput, error) {
	return update(ctx, s, func(tx *state.Tx, call *aws.Call) (*ecsapi.DeleteClusterOutput, error) {
		c, err := s.changeCluster(tx, call, in.Cluster, func(c *Cluster) error {
			if len(s.Deploy.ServicesOf(tx, c.ARN)) > 0 {
				return ecsapi.ErrClusterContainsServicesException.New("The Cluster cannot be deleted while Services are active.")
			}
			for t := range s.Tasks.Tasks.By(tx, task.ByCluster, c.ARN) {
				if t.Status != task.Stopped {
					return ecsapi.ErrClusterContainsTasksException.New("The Cluster cannot be deleted while Tasks are active.")
				}
			}
			c.Status, c.DeletedAt = "INACTIVE", stamp(call.Now)
			return nil
		})
		if err != nil {
			return nil, err
		}
		s.forgetClusters(tx, scopeOf(call), call.Now)
		return &ecsapi.DeleteClusterOutput{Cluster: s.describeCluster(tx, c, allParts)}, nil
	})
}

// inactiveFor is how long deleted clusters are still described.
const inactiveFor = time.Hour

func (s *Service) forgetClusters(tx *state.Tx, scope Scope, now time.Time) {
	for c := range s.Tables.Clusters.By(tx, "scope", scope.key()) {
		if c.Status == "INACTIVE" && now.Sub(c.DeletedAt) > inactiveFor {
			s.Tables.Clusters.Delete(tx, c.ARN)
		}
	}
}

// DescribeClusters describes clusters; with none named, the default one.
func (s *Service) DescribeClusters(ctx context.Context, in *ecsapi.DescribeClustersInput) (*ecsapi.DescribeClustersOutput, error) {
	tx, scope := s.Store.View(), scopeOf(aws.From(ctx))
	refs := in.Clusters
	if len(refs) == 0 {
		refs = []string{"default"}
	}
	if len(refs) > 100 {
		return nil, ecsapi.ErrInvalidParameterException.New("Too many clusters: at most 100 can be described at once")
	}
	out := &ecsapi.DescribeClustersOutput{Clusters: []ecsapi.Cluster{}, Failures: []ecsapi.Failure{}}
	for _, ref := range refs {
		id, err := scope.clusterARN(&ref)
		if err != nil {
			return nil, err
		}
		c, ok := s.Tables.Clusters.Get(tx, id)
		if !ok {
			out.Failures = append(out.Failures, missing(id))
			continue
		}
		out.Clusters = append(out.Clusters, *s.describeCluster(tx, c, in.Include))
	}
	return out, nil
}

func missing(arn string) ecsapi.Failure {
	return ecsapi.Failure{Arn: &arn, Reason: new("MISSING")}
}

// ListClusters lists ACTIVE clusters.
func (s *Service) ListClusters(ctx context.Context, in *ecsapi.ListClustersInput) (*ecsapi.ListClustersOutput, error) {
	arns := []string{}
	for c := range s.Tables.Clusters.By(s.Store.View(), "scope", scopeOf(aws.From(ctx)).key()) {
		if c.Status == "ACTIVE" {
			arns = append(arns, c.ARN)
		}
	}
	arns, next, err := list(arns, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	return &ecsapi.ListClustersOutput{ClusterArns: arns, NextToken: next}, nil
}

// list pages ARNs by a hundred at most, as every List operation of ECS does.
func list(arns []string, token *string, limit *int32) ([]string, *string, error) {
	return page.Of(arns, func(a string) string { return a }, token, int(aws.Val(limit)), 100, 100)
}
