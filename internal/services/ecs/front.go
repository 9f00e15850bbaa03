package ecs

import (
	"context"
	"time"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/idem"
	"github.com/neargate/neargate/internal/deploy"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

// Network is what the front asks about places for tasks.
type Network interface {
	// Subnet is a subnet of the account and region.
	Subnet(tx *state.Tx, account, region, id string) (vpc, zone string, ok bool)
	// SecurityGroup is a security group of the account and region.
	SecurityGroup(tx *state.Tx, account, region, id string) (vpc string, ok bool)
}

// LoadBalancers is what the front asks about target groups.
type LoadBalancers interface {
	// TargetGroup tells of a target group of the account and region its target type (ip, instance, …), its VPC, and whether a
	// load balancer uses it.
	TargetGroup(tx *state.Tx, account, region, arn string) (targetType, vpc string, used, ok bool)
}

// Lifecycle starts, stops and tags tasks. task.Lifecycle does.
type Lifecycle interface {
	Run(tx *state.Tx, s task.RunSpec) (*task.Task, error)
	Stop(tx *state.Tx, taskARN string, code task.StopCode, reason string) error
	Tag(tx *state.Tx, taskARN string, tags []task.Tag) error
}

// Config is what the front stands on.
type Config struct {
	Store         *state.Store
	Tables        *Tables
	Tasks         *task.Tables
	Lifecycle     Lifecycle
	Deploy        *deploy.Tables
	Services      *deploy.Services
	Tokens        *idem.Tables
	Network       Network
	LoadBalancers LoadBalancers
}

// Service is the front.
type Service struct {
	Config
	serviceTokens *idem.Tokens
	taskTokens    *idem.Tokens
}

// tokenLife is how long client tokens are remembered. AWS: "Ensuring idempotency in Amazon ECS API requests".
const tokenLife = 24 * time.Hour

// New makes the front.
func New(c Config) *Service {
	return &Service{
		Config:        c,
		serviceTokens: c.Tokens.Tokens(tokenLife, ecsapi.ErrInvalidParameterException.New("Creation of service was not idempotent.")),
		taskTokens: c.Tokens.Tokens(tokenLife, ecsapi.ErrConflictException.New("The RunTask request could not be processed due to conflicts. "+
			"The provided clientToken is already in use with a different RunTask request.")),
	}
}

// Operations lists what is implemented. Everything else of the API is answered as not implemented.
func (s *Service) Operations() []aws.Binding {
	return []aws.Binding{
		ecsapi.CreateCluster.Bind(s.CreateCluster),
		ecsapi.DeleteCluster.Bind(s.DeleteCluster),
		ecsapi.DescribeClusters.Bind(s.DescribeClusters),
		ecsapi.ListClusters.Bind(s.ListClusters),
		ecsapi.UpdateCluster.Bind(s.UpdateCluster),
		ecsapi.UpdateClusterSettings.Bind(s.UpdateClusterSettings),
		ecsapi.PutClusterCapacityProviders.Bind(s.PutClusterCapacityProviders),
		ecsapi.DescribeCapacityProviders.Bind(s.DescribeCapacityProviders),
		ecsapi.ListContainerInstances.Bind(s.ListContainerInstances),
		ecsapi.DescribeContainerInstances.Bind(s.DescribeContainerInstances),

		ecsapi.RegisterTaskDefinition.Bind(s.RegisterTaskDefinition),
		ecsapi.DescribeTaskDefinition.Bind(s.DescribeTaskDefinition),
		ecsapi.DeregisterTaskDefinition.Bind(s.DeregisterTaskDefinition),
		ecsapi.DeleteTaskDefinitions.Bind(s.DeleteTaskDefinitions),
		ecsapi.ListTaskDefinitions.Bind(s.ListTaskDefinitions),
		ecsapi.ListTaskDefinitionFamilies.Bind(s.ListTaskDefinitionFamilies),

		ecsapi.RunTask.Bind(s.RunTask),
		ecsapi.StopTask.Bind(s.StopTask),
		ecsapi.DescribeTasks.Bind(s.DescribeTasks),
		ecsapi.ListTasks.Bind(s.ListTasks),

		ecsapi.CreateService.Bind(s.CreateService),
		ecsapi.UpdateService.Bind(s.UpdateService),
		ecsapi.DeleteService.Bind(s.DeleteService),
		ecsapi.DescribeServices.Bind(s.DescribeServices),
		ecsapi.ListServices.Bind(s.ListServices),
		ecsapi.ListServiceDeployments.Bind(s.ListServiceDeployments),
		ecsapi.DescribeServiceDeployments.Bind(s.DescribeServiceDeployments),
		ecsapi.DescribeServiceRevisions.Bind(s.DescribeServiceRevisions),

		ecsapi.TagResource.Bind(s.TagResource),
		ecsapi.UntagResource.Bind(s.UntagResource),
		ecsapi.ListTagsForResource.Bind(s.ListTagsForResource),

		ecsapi.PutAccountSetting.Bind(s.PutAccountSetting),
		ecsapi.PutAccountSettingDefault.Bind(s.PutAccountSettingDefault),
		ecsapi.DeleteAccountSetting.Bind(s.DeleteAccountSetting),
		ecsapi.ListAccountSettings.Bind(s.ListAccountSettings),
	}
}

// update runs fn in a transaction and returns its answer.
func update[O any](ctx context.Context, s *Service, fn func(tx *state.Tx, call *aws.Call) (*O, error)) (*O, error) {
	var out *O
	err := s.Store.Update(ctx, func(tx *state.Tx) (err error) {
		out, err = fn(tx, aws.From(ctx))
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// stamp is a time as rows keep it and clients see it.
func stamp(t time.Time) time.Time { return t.Round(0).UTC().Truncate(time.Millisecond) }

// at is a time in an answer: absent until it happened.
func at(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// text is a string in an answer: absent when empty.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
