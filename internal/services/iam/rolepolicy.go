package iam

import (
	"context"

	iamapi "github.com/neargate/neargate/internal/api/iam"
	"github.com/neargate/neargate/internal/aws/tags"
	"github.com/neargate/neargate/internal/policy"
	"github.com/neargate/neargate/internal/state"
)

// TagRole adds or replaces tags.
func (s *Service) TagRole(ctx context.Context, in *iamapi.TagRoleInput) (*iamapi.TagRoleOutput, error) {
	return changeRole[iamapi.TagRoleOutput](ctx, s, in.RoleName, func(_ *state.Tx, r *policy.Role) (err error) {
		r.Tags, err = tagged(r.Tags, in.Tags)
		return err
	})
}

// UntagRole removes tags; keys that are not there do no harm.
func (s *Service) UntagRole(ctx context.Context, in *iamapi.UntagRoleInput) (*iamapi.UntagRoleOutput, error) {
	return changeRole[iamapi.UntagRoleOutput](ctx, s, in.RoleName, func(_ *state.Tx, r *policy.Role) error {
		r.Tags = tags.Without(r.Tags, in.TagKeys)
		return nil
	})
}

// ListRoleTags lists a role's tags by key.
func (s *Service) ListRoleTags(ctx context.Context, in *iamapi.ListRoleTagsInput) (*iamapi.ListRoleTagsOutput, error) {
	_, r, err := s.readRole(ctx, in.RoleName)
	if err != nil {
		return nil, err
	}
	out := &iamapi.ListRoleTagsOutput{}
	out.Tags, out.IsTruncated, out.Marker, err = listed(tagList(r.Tags), tagName, in.Marker, in.MaxItems)
	return out, err
}

// PutRolePolicy writes an inline policy.
func (s *Service) PutRolePolicy(ctx context.Context, in *iamapi.PutRolePolicyInput) (*iamapi.PutRolePolicyOutput, error) {
	return changeRole[iamapi.PutRolePolicyOutput](ctx, s, in.RoleName, func(_ *state.Tx, r *policy.Role) error {
		return roleCarrier(r).putInline(*in.PolicyName, *in.PolicyDocument)
	})
}

// GetRolePolicy reads an inline policy.
func (s *Service) GetRolePolicy(ctx context.Context, in *iamapi.GetRolePolicyInput) (*iamapi.GetRolePolicyOutput, error) {
	_, r, err := s.readRole(ctx, in.RoleName)
	if err != nil {
		return nil, err
	}
	document, err := roleCarrier(r).inline(*in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &iamapi.GetRolePolicyOutput{RoleName: in.RoleName, PolicyName: in.PolicyName, PolicyDocument: encoded(document)}, nil
}

// ListRolePolicies lists the names of a role's inline policies.
func (s *Service) ListRolePolicies(ctx context.Context, in *iamapi.ListRolePoliciesInput) (*iamapi.ListRolePoliciesOutput, error) {
	_, r, err := s.readRole(ctx, in.RoleName)
	if err != nil {
		return nil, err
	}
	out := &iamapi.ListRolePoliciesOutput{}
	out.PolicyNames, out.IsTruncated, out.Marker, err = roleCarrier(r).inlineNames(in.Marker, in.MaxItems)
	return out, err
}

// DeleteRolePolicy deletes an inline policy.
func (s *Service) DeleteRolePolicy(ctx context.Context, in *iamapi.DeleteRolePolicyInput) (*iamapi.DeleteRolePolicyOutput, error) {
	return changeRole[iamapi.DeleteRolePolicyOutput](ctx, s, in.RoleName, func(_ *state.Tx, r *policy.Role) error {
		return roleCarrier(r).deleteInline(*in.PolicyName)
	})
}

// AttachRolePolicy attaches a managed policy; once more does nothing.
func (s *Service) AttachRolePolicy(ctx context.Context, in *iamapi.AttachRolePolicyInput) (*iamapi.AttachRolePolicyOutput, error) {
	return changeRole[iamapi.AttachRolePolicyOutput](ctx, s, in.RoleName, func(tx *state.Tx, r *policy.Role) error {
		if err := s.attachable(tx, r.Account, in.PolicyArn); err != nil {
			return err
		}
		return roleCarrier(r).attach(*in.PolicyArn)
	})
}

// DetachRolePolicy detaches a managed policy.
func (s *Service) DetachRolePolicy(ctx context.Context, in *iamapi.DetachRolePolicyInput) (*iamapi.DetachRolePolicyOutput, error) {
	return changeRole[iamapi.DetachRolePolicyOutput](ctx, s, in.RoleName, func(_ *state.Tx, r *policy.Role) error {
		return roleCarrier(r).detach(*in.PolicyArn)
	})
}

// ListAttachedRolePolicies lists a role's managed policies.
func (s *Service) ListAttachedRolePolicies(ctx context.Context, in *iamapi.ListAttachedRolePoliciesInput) (*iamapi.ListAttachedRolePoliciesOutput, error) {
	tx, r, err := s.readRole(ctx, in.RoleName)
	if err != nil {
		return nil, err
	}
	out := &iamapi.ListAttachedRolePoliciesOutput{}
	out.AttachedPolicies, out.IsTruncated, out.Marker, err = roleCarrier(r).attachedList(tx, s.tables, in.PathPrefix, in.Marker, in.MaxItems)
	return out, err
}

// PutRolePermissionsBoundary sets the boundary.
func (s *Service) PutRolePermissionsBoundary(ctx context.Context, in *iamapi.PutRolePermissionsBoundaryInput) (*iamapi.PutRolePermissionsBoundaryOutput, error) {
	return changeRole[iamapi.PutRolePermissionsBoundaryOutput](ctx, s, in.RoleName, func(tx *state.Tx, r *policy.Role) error {
		if err := s.attachable(tx, r.Account, in.PermissionsBoundary); err != nil {
			return err
		}
		r.Boundary = *in.PermissionsBoundary
		return nil
	})
}

// DeleteRolePermissionsBoundary removes the boundary.
func (s *Service) DeleteRolePermissionsBoundary(ctx context.Context, in *iamapi.DeleteRolePermissionsBoundaryInput) (*iamapi.DeleteRolePermissionsBoundaryOutput, error) {
	return changeRole[iamapi.DeleteRolePermissionsBoundaryOutput](ctx, s, in.RoleName, func(_ *state.Tx, r *policy.Role) error {
		r.Boundary = ""
		return nil
	})
}

// ListInstanceProfilesForRole is always empty: instance profiles belong to EC2 instances, which Neargate has none of.
func (s *Service) ListInstanceProfilesForRole(ctx context.Context, in *iamapi.ListInstanceProfilesForRoleInput) (*iamapi.ListInstanceProfilesForRoleOutput, error) {
	if _, _, err := s.readRole(ctx, in.RoleName); err != nil {
		return nil, err
	}
	return &iamapi.ListInstanceProfilesForRoleOutput{InstanceProfiles: []iamapi.InstanceProfile{}, IsTruncated: new(false)}, nil
}
