package ecs

import (
	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/deploy"
)

// wish is what CreateService and UpdateService have in common.
type wish struct {
	desired       *int32
	configuration *ecsapi.DeploymentConfiguration
	controller    *ecsapi.DeploymentController
	rebalancing   *string
	grace         *int32
	managedTags   *bool
	propagateTags *string
	execute       *bool
	role          *string
	scheduling    *string

	constraints    []ecsapi.PlacementConstraint
	strategy       []ecsapi.PlacementStrategy
	registries     []ecsapi.ServiceRegistry
	serviceConnect *ecsapi.ServiceConnectConfiguration
	volumes        []ecsapi.ServiceVolumeConfiguration
	lattice        []ecsapi.VpcLatticeConfiguration
	loadBalancers  []ecsapi.LoadBalancer
}

func wishOf(in *ecsapi.CreateServiceInput) wish {
	return wish{
		desired: in.DesiredCount, configuration: in.DeploymentConfiguration, controller: in.DeploymentController,
		rebalancing: in.AvailabilityZoneRebalancing, grace: in.HealthCheckGracePeriodSeconds, managedTags: in.EnableECSManagedTags,
		propagateTags: in.PropagateTags, execute: in.EnableExecuteCommand, role: in.Role, scheduling: in.SchedulingStrategy,
		constraints: in.PlacementConstraints, strategy: in.PlacementStrategy, registries: in.ServiceRegistries,
		serviceConnect: in.ServiceConnectConfiguration, volumes: in.VolumeConfigurations, lattice: in.VpcLatticeConfigurations,
		loadBalancers: in.LoadBalancers,
	}
}

func changeOf(in *ecsapi.UpdateServiceInput) wish {
	return wish{
		desired: in.DesiredCount, configuration: in.DeploymentConfiguration, controller: in.DeploymentController,
		rebalancing: in.AvailabilityZoneRebalancing, grace: in.HealthCheckGracePeriodSeconds, managedTags: in.EnableECSManagedTags,
		propagateTags: in.PropagateTags, execute: in.EnableExecuteCommand,
		constraints: in.PlacementConstraints, strategy: in.PlacementStrategy, registries: in.ServiceRegistries,
		serviceConnect: in.ServiceConnectConfiguration, volumes: in.VolumeConfigurations, lattice: in.VpcLatticeConfigurations,
		loadBalancers: in.LoadBalancers,
	}
}

// refuse refuses what Fargate does not have, in AWS's words, and what Neargate does not have yet, by its name.
func (w *wish) refuse() error {
	if err := refusePlacement(w.constraints, w.strategy); err != nil {
		return err
	}
	if aws.Val(w.scheduling) == ecsapi.SchedulingStrategyDaemon {
		return invalid("The daemon scheduling strategy is not supported with FARGATE launch type.")
	}
	if aws.Val(w.role) != "" {
		return invalid("You cannot specify an IAM role for services that require a service linked role.")
	}
	for _, lb := range w.loadBalancers {
		if aws.Val(lb.LoadBalancerName) != "" {
			return invalid("Classic Load Balancers are not supported with Fargate.")
		}
	}
	for _, part := range []struct {
		given bool
		name  string
	}{
		{w.controller != nil && aws.Val(w.controller.Type) != ecsapi.DeploymentControllerTypeEcs, "deploymentController " + controllerType(w.controller)},
		{len(w.registries) > 0, "serviceRegistries"},
		{w.serviceConnect != nil && aws.Val(w.serviceConnect.Enabled), "serviceConnectConfiguration"},
		{len(w.volumes) > 0, "volumeConfigurations"},
		{len(w.lattice) > 0, "vpcLatticeConfigurations"},
		{hasAdvanced(w.loadBalancers), "loadBalancers[].advancedConfiguration"},
	} {
		if part.given {
			return awserr.NotImplemented(part.name)
		}
	}
	return refuseConfiguration(w.configuration)
}

func controllerType(c *ecsapi.DeploymentController) string {
	if c == nil {
		return ""
	}
	return aws.Val(c.Type)
}

func hasAdvanced(lbs []ecsapi.LoadBalancer) bool {
	for _, lb := range lbs {
		if lb.AdvancedConfiguration != nil {
			return true
		}
	}
	return false
}

func refuseConfiguration(c *ecsapi.DeploymentConfiguration) error {
	if c == nil {
		return nil
	}
	switch strategy := aws.Val(c.Strategy); {
	case strategy != "" && strategy != ecsapi.DeploymentStrategyRolling:
		return awserr.NotImplemented("deploymentConfiguration.strategy " + strategy)
	case c.Alarms != nil && aws.Val(c.Alarms.Enable):
		return awserr.NotImplemented("deploymentConfiguration.alarms")
	case len(c.LifecycleHooks) > 0:
		return awserr.NotImplemented("deploymentConfiguration.lifecycleHooks")
	case aws.Val(c.BakeTimeInMinutes) != 0:
		return awserr.NotImplemented("deploymentConfiguration.bakeTimeInMinutes")
	case c.LinearConfiguration != nil:
		return awserr.NotImplemented("deploymentConfiguration.linearConfiguration")
	case c.CanaryConfiguration != nil:
		return awserr.NotImplemented("deploymentConfiguration.canaryConfiguration")
	}
	return nil
}

// apply writes what is given into a service.
func (w *wish) apply(s *deploy.Service) error {
	if w.desired != nil {
		if *w.desired < 0 {
			return invalid("desiredCount must be greater than or equal to 0")
		}
		s.Desired = int(*w.desired)
	}
	if c := w.configuration; c != nil {
		if c.MinimumHealthyPercent != nil {
			s.MinimumHealthyPercent = int(*c.MinimumHealthyPercent)
		}
		if c.MaximumPercent != nil {
			s.MaximumPercent = int(*c.MaximumPercent)
		}
		if b := c.DeploymentCircuitBreaker; b != nil {
			s.Breaker = deploy.Breaker{Set: true, Enable: aws.Val(b.Enable), Rollback: aws.Val(b.Rollback)}
		}
	}
	if w.rebalancing != nil {
		s.Rebalancing = *w.rebalancing == ecsapi.AvailabilityZoneRebalancingEnabled
	}
	if w.grace != nil {
		if *w.grace < 0 {
			return invalid("healthCheckGracePeriodSeconds must be greater than or equal to 0")
		}
		s.Grace = new(int(*w.grace))
	}
	if w.managedTags != nil {
		s.ManagedTags = *w.managedTags
	}
	if w.propagateTags != nil {
		s.PropagateTags = *w.propagateTags
	}
	if w.execute != nil {
		s.Execute = *w.execute
	}
	return nil
}

// check refuses a service and revision that do not go together.
func check(s *deploy.Service, r *deploy.Revision) error {
	switch {
	case s.MinimumHealthyPercent < 0 || s.MinimumHealthyPercent > 100:
		return invalid("minimumHealthyPercent must be between 0 and 100")
	case s.MaximumPercent < 100:
		return invalid("maximumPercent must be greater than or equal to 100")
	case s.MinimumHealthyPercent == 100 && s.MaximumPercent == 100:
		return invalid("Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.")
	case s.Grace != nil && *s.Grace > 0 && len(r.LoadBalancers) == 0:
		return invalid("Health check grace period is only valid for services configured to use load balancers")
	case s.Execute && r.Definition.TaskRoleARN == "":
		return invalid("The service couldn't be created because a valid taskRoleArn is not being used. Specify a valid task role in your task definition and try again.")
	}
	return nil
}

// serviceRole is the role that registers a service's targets.
func serviceRole(scope Scope, r *deploy.Revision) string {
	if r.Definition.NetworkMode != ecsapi.NetworkModeAwsvpc {
		return ""
	}
	return "arn:aws:iam::" + scope.Account + ":role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
}
