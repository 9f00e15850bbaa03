package iam

import (
	"context"
	"strings"

	iamapi "github.com/neargate/neargate/internal/api/iam"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/policy"
	"github.com/neargate/neargate/internal/state"
)

const defaultSession = 3600 // seconds: CreateRole, MaxSessionDuration

// CreateRole makes a role.
func (s *Service) CreateRole(ctx context.Context, in *iamapi.CreateRoleInput) (*iamapi.CreateRoleOutput, error) {
	return update(ctx, s, func(tx *state.Tx, account string, out *iamapi.CreateRoleOutput) error {
		if err := checkDocument(*in.AssumeRolePolicyDocument, policy.TrustKind); err != nil {
			return err
		}
		if in.PermissionsBoundary != nil {
			if err := s.attachable(tx, account, in.PermissionsBoundary); err != nil {
				return err
			}
		}
		if strings.HasPrefix(pathOr(in.Path), "/aws-service-role/") {
			return iamapi.ErrInvalidInputException.New("Roles with the path /aws-service-role/ are made with CreateServiceLinkedRole.")
		}
		tags, err := tagged(nil, in.Tags)
		if err != nil {
			return err
		}
		r := &policy.Role{
			Entity:      newEntity(ctx, "role", "AROA", *in.RoleName, pathOr(in.Path), tags, in.PermissionsBoundary),
			Trust:       *in.AssumeRolePolicyDocument,
			Description: aws.Val(in.Description),
			MaxSession:  defaultSession,
		}
		if in.MaxSessionDuration != nil {
			r.MaxSession = *in.MaxSessionDuration
		}
		if err := s.addRole(tx, r); err != nil {
			return err
		}
		out.Role = shape(r)
		return nil
	})
}

// addRole writes a role whose name, whatever its case, no other role of the account has.
func (s *Service) addRole(tx *state.Tx, r *policy.Role) error {
	if s.tables.RoleNamed(tx, r.Account, r.Name) {
		return iamapi.ErrEntityAlreadyExistsException.New("Role with name %s already exists.", r.Name)
	}
	s.tables.Roles.Put(tx, r)
	return nil
}

func newEntity(ctx context.Context, kind, idPrefix, name, path string, tags map[string]string, boundary *string) policy.Entity {
	call := aws.From(ctx)
	return policy.Entity{
		Account: call.Account, Name: name, Path: path, ID: policy.NewID(idPrefix),
		ARN:     arn.New("iam", "", call.Account, kind+path+name),
		Created: call.Now.UTC(), Tags: tags, Boundary: aws.Val(boundary),
	}
}

func (s *Service) role(tx *state.Tx, account string, name *string) (*policy.Role, error) {
	r, ok := s.tables.Roles.Get(tx, policy.Key(account, aws.Val(name)))
	if !ok {
		return nil, iamapi.ErrNoSuchEntityException.New("The role with name %s cannot be found.", aws.Val(name))
	}
	return r, nil
}

// readRole finds a role for a handler that only reads.
func (s *Service) readRole(ctx context.Context, name *string) (*state.Tx, *policy.Role, error) {
	tx := s.store.View()
	r, err := s.role(tx, aws.From(ctx).Account, name)
	return tx, r, err
}

// changeRole changes a copy of a role and writes it.
func changeRole[O any](ctx context.Context, s *Service, name *string, fn func(tx *state.Tx, r *policy.Role) error) (*O, error) {
	return update(ctx, s, func(tx *state.Tx, account string, _ *O) error {
		have, err := s.role(tx, account, name)
		if err != nil {
			return err
		}
		if have.LinkedService != "" {
			return iamapi.ErrUnmodifiableEntityException.New("Cannot perform the operation on the protected role '%s' - this role is only modifiable by AWS", have.Name)
		}
		r := *have
		if err := fn(tx, &r); err != nil {
			return err
		}
		s.tables.Roles.Put(tx, &r)
		return nil
	})
}

func shape(r *policy.Role) *iamapi.Role {
	out := &iamapi.Role{
		Path: new(r.Path), RoleName: new(r.Name), RoleId: new(r.ID), Arn: new(r.ARN), CreateDate: new(r.Created),
		AssumeRolePolicyDocument: encoded(r.Trust), MaxSessionDuration: new(r.MaxSession),
		PermissionsBoundary: roleCarrier(r).boundary(), Tags: tagList(r.Tags),
		RoleLastUsed: &iamapi.RoleLastUsed{},
	}
	if r.Description != "" {
		out.Description = new(r.Description)
	}
	return out
}

// GetRole reads a role.
func (s *Service) GetRole(ctx context.Context, in *iamapi.GetRoleInput) (*iamapi.GetRoleOutput, error) {
	_, r, err := s.readRole(ctx, in.RoleName)
	if err != nil {
		return nil, err
	}
	return &iamapi.GetRoleOutput{Role: shape(r)}, nil
}

// ListRoles lists roles below a path. As on AWS the list leaves out tags, boundary and last use.
func (s *Service) ListRoles(ctx context.Context, in *iamapi.ListRolesInput) (*iamapi.ListRolesOutput, error) {
	tx := s.store.View()
	var roles []iamapi.Role
	for r := range s.tables.Roles.All(tx, aws.From(ctx).Account+"/") {
		if strings.HasPrefix(r.Path, aws.Val(in.PathPrefix)) {
			item := shape(r)
			item.Tags, item.PermissionsBoundary, item.RoleLastUsed = nil, nil, nil
			roles = append(roles, *item)
		}
	}
	out := &iamapi.ListRolesOutput{}
	var err error
	out.Roles, out.IsTruncated, out.Marker, err = listed(roles, func(r iamapi.Role) string { return *r.RoleName }, in.Marker, in.MaxItems)
	return out, err
}

// UpdateRole changes description and longest session; what is not given is reset, as IAM does.
func (s *Service) UpdateRole(ctx context.Context, in *iamapi.UpdateRoleInput) (*iamapi.UpdateRoleOutput, error) {
	return changeRole[iamapi.UpdateRoleOutput](ctx, s, in.RoleName, func(_ *state.Tx, r *policy.Role) error {
		if in.Description != nil {
			r.Description = *in.Description
		}
		r.MaxSession = defaultSession
		if in.MaxSessionDuration != nil {
			r.MaxSession = *in.MaxSessionDuration
		}
		return nil
	})
}

// UpdateRoleDescription changes the description.
func (s *Service) UpdateRoleDescription(ctx context.Context, in *iamapi.UpdateRoleDescriptionInput) (*iamapi.UpdateRoleDescriptionOutput, error) {
	out, err := changeRole[iamapi.UpdateRoleDescriptionOutput](ctx, s, in.RoleName, func(_ *state.Tx, r *policy.Role) error {
		r.Description = *in.Description
		return nil
	})
	if err != nil {
		return nil, err
	}
	_, r, err := s.readRole(ctx, in.RoleName)
	if err != nil {
		return nil, err
	}
	out.Role = shape(r)
	return out, nil
}

// UpdateAssumeRolePolicy replaces the trust policy.
func (s *Service) UpdateAssumeRolePolicy(ctx context.Context, in *iamapi.UpdateAssumeRolePolicyInput) (*iamapi.UpdateAssumeRolePolicyOutput, error) {
	return changeRole[iamapi.UpdateAssumeRolePolicyOutput](ctx, s, in.RoleName, func(_ *state.Tx, r *policy.Role) error {
		if err := checkDocument(*in.PolicyDocument, policy.TrustKind); err != nil {
			return err
		}
		r.Trust = *in.PolicyDocument
		return nil
	})
}

// DeleteRole deletes a role that carries no policies.
func (s *Service) DeleteRole(ctx context.Context, in *iamapi.DeleteRoleInput) (*iamapi.DeleteRoleOutput, error) {
	return update(ctx, s, func(tx *state.Tx, account string, _ *iamapi.DeleteRoleOutput) error {
		r, err := s.role(tx, account, in.RoleName)
		if err != nil {
			return err
		}
		if r.LinkedService != "" {
			return iamapi.ErrUnmodifiableEntityException.New("Cannot perform the operation on the protected role '%s' - this role is only modifiable by AWS", r.Name)
		}
		if err := roleCarrier(r).deletable(); err != nil {
			return err
		}
		s.tables.Roles.Delete(tx, r.Key())
		return nil
	})
}

// linkedNames are the role names of the services whose linked roles Neargate knows: IAM User Guide, "AWS services that work with IAM".
var linkedNames = map[string]string{
	"ecs.amazonaws.com":                                      "AWSServiceRoleForECS",
	"elasticloadbalancing.amazonaws.com":                     "AWSServiceRoleForElasticLoadBalancing",
	"ecs.application-autoscaling.amazonaws.com":              "AWSServiceRoleForApplicationAutoScaling_ECSService",
	"servicediscovery.amazonaws.com":                         "AWSServiceRoleForAWSCloudMap",
	"replication.ecr.amazonaws.com":                          "AWSServiceRoleForECRReplication",
	"rds.amazonaws.com":                                      "AWSServiceRoleForRDS",
	"vpc-lattice.amazonaws.com":                              "AWSServiceRoleForVpcLattice",
	"dynamodb.application-autoscaling.amazonaws.com":         "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable",
	"ecs-infrastructure-for-managed-instances.amazonaws.com": "AWSServiceRoleForECSManagedInstances",
}

// CreateServiceLinkedRole makes the role through which an AWS service acts.
func (s *Service) CreateServiceLinkedRole(ctx context.Context, in *iamapi.CreateServiceLinkedRoleInput) (*iamapi.CreateServiceLinkedRoleOutput, error) {
	service := *in.AWSServiceName
	name, ok := linkedNames[service]
	switch {
	case !ok:
		return nil, iamapi.ErrInvalidInputException.New("Service name %s is not one that Neargate knows a service-linked role of", service)
	case in.CustomSuffix != nil:
		return nil, iamapi.ErrInvalidInputException.New("Custom suffix is not allowed for %s", service)
	}
	return update(ctx, s, func(tx *state.Tx, account string, out *iamapi.CreateServiceLinkedRoleOutput) error {
		r := &policy.Role{
			Entity: newEntity(ctx, "role", "AROA", name, "/aws-service-role/"+service+"/", nil, nil),
			Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service +
				`"},"Action":"sts:AssumeRole"}]}`,
			Description: aws.Val(in.Description), MaxSession: defaultSession, LinkedService: service,
		}
		if err := s.addRole(tx, r); err != nil {
			return iamapi.ErrInvalidInputException.New("Service role name %s has been taken in this account, please try a different suffix.", name)
		}
		out.Role = shape(r)
		return nil
	})
}
