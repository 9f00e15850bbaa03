package ecs

import (
	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/deploy"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

// revising is what a request changes of a revision; nil leaves it.
type revising struct {
	definition    *string
	network       *ecsapi.NetworkConfiguration
	platform      *string
	loadBalancers []ecsapi.LoadBalancer // nil: left; empty: none any more
}

// revise writes a request into a revision and checks the whole.
func (s *Service) revise(tx *state.Tx, scope Scope, r *deploy.Revision, in revising) (err error) {
	if in.definition != nil {
		d, err := s.runnable(tx, scope, *in.definition)
		if err != nil {
			return err
		}
		if err := fits(d); err != nil {
			return err
		}
		if r.Definition, err = definitionOf(&d.Shape); err != nil {
			return err
		}
		r.DefinitionARN, r.DefinitionTags = *d.Shape.TaskDefinitionArn, taskTags(d.Tags)
		if in.network == nil && len(r.Network.Subnets) > 0 {
			in.network = networkShape(r.Network)
		}
		if r.Network, err = s.place(tx, scope, d, in.network); err != nil {
			return err
		}
	} else if in.network != nil {
		d := &TaskDefinition{Shape: ecsapi.TaskDefinition{NetworkMode: new(r.Definition.NetworkMode)}}
		if r.Network, err = s.place(tx, scope, d, in.network); err != nil {
			return err
		}
	}
	if in.platform != nil || r.PlatformVersion == "" {
		if r.PlatformVersion, err = platform(in.platform); err != nil {
			return err
		}
	}
	if in.loadBalancers != nil {
		r.LoadBalancers = nil
		for _, lb := range in.loadBalancers {
			r.LoadBalancers = append(r.LoadBalancers, task.Target{
				TargetGroupARN: aws.Val(lb.TargetGroupArn), ContainerName: aws.Val(lb.ContainerName), ContainerPort: int(aws.Val(lb.ContainerPort)),
			})
		}
		if err := s.checkTargetGroups(tx, scope, r); err != nil {
			return err
		}
	}
	return checkContainers(r)
}

// checkTargetGroups refuses target groups that tasks could not be registered with.
func (s *Service) checkTargetGroups(tx *state.Tx, scope Scope, r *deploy.Revision) error {
	if len(r.LoadBalancers) > 5 {
		return invalid("A service can have at most 5 target groups.")
	}
	for _, lb := range r.LoadBalancers {
		if lb.TargetGroupARN == "" {
			return invalid("The target group ARN must be specified for a load balancer.")
		}
		kind, _, used, ok := s.LoadBalancers.TargetGroup(tx, scope.Account, scope.Region, lb.TargetGroupARN)
		switch {
		case !ok:
			return invalid("The specified target group does not exist: %s", lb.TargetGroupARN)
		case kind != "ip":
			return invalid("The provided target group %s has target type %s, which is incompatible with the awsvpc network mode specified in the task definition.",
				lb.TargetGroupARN, kind)
		case !used:
			return invalid("The target group with targetGroupArn %s does not have an associated load balancer.", lb.TargetGroupARN)
		}
	}
	return nil
}

// checkContainers refuses load balancers for containers and ports that the task definition does not have.
func checkContainers(r *deploy.Revision) error {
	for _, lb := range r.LoadBalancers {
		var container *task.ContainerDefinition
		for i := range r.Definition.Containers {
			if r.Definition.Containers[i].Name == lb.ContainerName {
				container = &r.Definition.Containers[i]
			}
		}
		if container == nil {
			return invalid("The container %s does not exist in the task definition.", lb.ContainerName)
		}
		if !publishes(container, lb.ContainerPort) {
			return invalid("The container %s did not have a container port %d defined.", lb.ContainerName, lb.ContainerPort)
		}
	}
	return nil
}

func publishes(c *task.ContainerDefinition, port int) bool {
	for _, p := range c.Ports {
		if p.ContainerPort == port {
			return true
		}
	}
	return false
}
