package ecs

import (
	"slices"
	"strings"

	ecsapi "github.com/neargate/neargate/internal/api/ecs"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/deploy"
	"github.com/neargate/neargate/internal/state"
)

// place checks where tasks of a definition shall have their interfaces.
func (s *Service) place(tx *state.Tx, scope Scope, d *TaskDefinition, in *ecsapi.NetworkConfiguration) (deploy.Network, error) {
	if aws.Val(d.Shape.NetworkMode) != ecsapi.NetworkModeAwsvpc {
		if in != nil && in.AwsvpcConfiguration != nil {
			return deploy.Network{}, invalid("Network Configuration is not valid for the given networkMode of this task definition.")
		}
		return deploy.Network{}, nil
	}
	if in == nil || in.AwsvpcConfiguration == nil {
		return deploy.Network{}, invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
	}
	c := in.AwsvpcConfiguration
	switch {
	case len(c.Subnets) == 0:
		return deploy.Network{}, invalid("subnets can not be empty.")
	case len(c.Subnets) > 16:
		return deploy.Network{}, invalid("subnets can have at most 16 items.")
	case len(c.SecurityGroups) > 5:
		return deploy.Network{}, invalid("securityGroups can have at most 5 items.")
	}
	for _, id := range c.Subnets {
		if _, _, ok := s.Network.Subnet(tx, scope.Account, scope.Region, id); !ok {
			return deploy.Network{}, invalid("Error retrieving subnet information for [%s]: The subnet ID '%s' does not exist (ErrorCode: InvalidSubnetID.NotFound)",
				strings.Join(c.Subnets, ", "), id)
		}
	}
	for _, id := range c.SecurityGroups {
		if _, ok := s.Network.SecurityGroup(tx, scope.Account, scope.Region, id); !ok {
			return deploy.Network{}, invalid("Error retrieving security group information for [%s]: The security group '%s' does not exist (ErrorCode: InvalidGroup.NotFound)",
				strings.Join(c.SecurityGroups, ", "), id)
		}
	}
	return deploy.Network{Subnets: c.Subnets, SecurityGroups: c.SecurityGroups, AssignPublicIP: aws.Val(c.AssignPublicIp) == ecsapi.AssignPublicIpEnabled}, nil
}

// fits refuses a task definition that Fargate cannot run.
func fits(d *TaskDefinition) error {
	if !slices.Contains(d.Shape.Compatibilities, ecsapi.CompatibilityFargate) {
		return invalid("Task definition does not support launch_type FARGATE.")
	}
	return nil
}

// refusePlacement refuses what Fargate does not have.
func refusePlacement(constraints []ecsapi.PlacementConstraint, strategy []ecsapi.PlacementStrategy) error {
	switch {
	case len(constraints) > 0:
		return invalid("Placement constraints are not supported with FARGATE launch type.")
	case len(strategy) > 0:
		return invalid("Placement strategies are not supported with FARGATE launch type.")
	}
	return nil
}

// platform checks a platform version.
func platform(version *string) (string, error) {
	switch v := aws.Val(version); v {
	case "", "LATEST":
		return "LATEST", nil
	case "1.4.0":
		return v, nil
	}
	return "", ecsapi.ErrPlatformUnknownException.New("The specified platform version does not exist.")
}

// invalid is the error for what a request may not say.
func invalid(format string, args ...any) error {
	return ecsapi.ErrInvalidParameterException.New(format, args...)
}

func networkShape(n deploy.Network) *ecsapi.NetworkConfiguration {
	assign := ecsapi.AssignPublicIpDisabled
	if n.AssignPublicIP {
		assign = ecsapi.AssignPublicIpEnabled
	}
	return &ecsapi.NetworkConfiguration{AwsvpcConfiguration: &ecsapi.AwsVpcConfiguration{
		Subnets: nonNil(n.Subnets), SecurityGroups: nonNil(n.SecurityGroups), AssignPublicIp: new(assign),
	}}
}
