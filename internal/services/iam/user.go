package iam

import (
	"context"
	"strings"

	iamapi "github.com/neargate/neargate/internal/api/iam"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/tags"
	"github.com/neargate/neargate/internal/policy"
	"github.com/neargate/neargate/internal/state"
)

func (s *Service) user(tx *state.Tx, account string, name *string) (*policy.User, error) {
	u, ok := s.tables.Users.Get(tx, policy.Key(account, aws.Val(name)))
	if !ok {
		return nil, iamapi.ErrNoSuchEntityException.New("The user with name %s cannot be found.", aws.Val(name))
	}
	return u, nil
}

func (s *Service) readUser(ctx context.Context, name *string) (*state.Tx, *policy.User, error) {
	tx := s.store.View()
	u, err := s.user(tx, aws.From(ctx).Account, name)
	return tx, u, err
}

// changeUser changes a copy of a user and writes it.
func changeUser[O any](ctx context.Context, s *Service, name *string, fn func(tx *state.Tx, u *policy.User) error) (*O, error) {
	return update(ctx, s, func(tx *state.Tx, account string, _ *O) error {
		have, err := s.user(tx, account, name)
		if err != nil {
			return err
		}
		u := *have
		if err := fn(tx, &u); err != nil {
			return err
		}
		s.tables.Users.Put(tx, &u)
		return nil
	})
}

func userShape(u *policy.User) *iamapi.User {
	return &iamapi.User{
		Path: new(u.Path), UserName: new(u.Name), UserId: new(u.ID), Arn: new(u.ARN), CreateDate: new(u.Created),
		PermissionsBoundary: userCarrier(u).boundary(), Tags: tagList(u.Tags),
	}
}

// CreateUser makes a user.
func (s *Service) CreateUser(ctx context.Context, in *iamapi.CreateUserInput) (*iamapi.CreateUserOutput, error) {
	return update(ctx, s, func(tx *state.Tx, account string, out *iamapi.CreateUserOutput) error {
		if s.tables.UserNamed(tx, account, *in.UserName) {
			return iamapi.ErrEntityAlreadyExistsException.New("User with name %s already exists.", *in.UserName)
		}
		if in.PermissionsBoundary != nil {
			if err := s.attachable(tx, account, in.PermissionsBoundary); err != nil {
				return err
			}
		}
		given, err := tagged(nil, in.Tags)
		if err != nil {
			return err
		}
		u := &policy.User{Entity: newEntity(ctx, "user", "AIDA", *in.UserName, pathOr(in.Path), given, in.PermissionsBoundary)}
		s.tables.Users.Put(tx, u)
		out.User = userShape(u)
		return nil
	})
}

// GetUser reads a user; without a name, the caller: a user or the account owner.
func (s *Service) GetUser(ctx context.Context, in *iamapi.GetUserInput) (*iamapi.GetUserOutput, error) {
	if in.UserName != nil {
		_, u, err := s.readUser(ctx, in.UserName)
		if err != nil {
			return nil, err
		}
		return &iamapi.GetUserOutput{User: userShape(u)}, nil
	}
	call := aws.From(ctx)
	owner := arn.New("iam", "", call.Account, "root")
	if call.Principal == owner {
		// The owner has no creation date that Neargate knows; the account's beginning stands for it.
		return &iamapi.GetUserOutput{User: &iamapi.User{
			Path: new("/"), UserName: new("root"), UserId: new(call.Account), Arn: new(owner), CreateDate: new(accountBeginning),
		}}, nil
	}
	name, ok := strings.CutPrefix(call.Principal, arn.New("iam", "", call.Account, "user/"))
	if !ok {
		return nil, iamapi.ErrInvalidInputException.New("Must specify userName when calling with non-User credentials")
	}
	_, u, err := s.readUser(ctx, new(name[strings.LastIndexByte(name, '/')+1:]))
	if err != nil {
		return nil, err
	}
	return &iamapi.GetUserOutput{User: userShape(u)}, nil
}

// ListUsers lists users below a path.
func (s *Service) ListUsers(ctx context.Context, in *iamapi.ListUsersInput) (*iamapi.ListUsersOutput, error) {
	tx := s.store.View()
	var users []iamapi.User
	for u := range s.tables.Users.All(tx, aws.From(ctx).Account+"/") {
		if strings.HasPrefix(u.Path, aws.Val(in.PathPrefix)) {
			item := userShape(u)
			item.Tags, item.PermissionsBoundary = nil, nil
			users = append(users, *item)
		}
	}
	out := &iamapi.ListUsersOutput{}
	var err error
	out.Users, out.IsTruncated, out.Marker, err = listed(users, func(u iamapi.User) string { return *u.UserName }, in.Marker, in.MaxItems)
	return out, err
}

// DeleteUser deletes a user that carries neither policies nor keys.
func (s *Service) DeleteUser(ctx context.Context, in *iamapi.DeleteUserInput) (*iamapi.DeleteUserOutput, error) {
	return update(ctx, s, func(tx *state.Tx, account string, _ *iamapi.DeleteUserOutput) error {
		u, err := s.user(tx, account, in.UserName)
		if err != nil {
			return err
		}
		if len(s.tables.KeysOf(tx, account, u.Name)) > 0 {
			return iamapi.ErrDeleteConflictException.New("Cannot delete entity, must delete access keys first.")
		}
		if err := userCarrier(u).deletable(); err != nil {
			return err
		}
		s.tables.Users.Delete(tx, u.Key())
		return nil
	})
}

// TagUser adds or replaces tags.
func (s *Service) TagUser(ctx context.Context, in *iamapi.TagUserInput) (*iamapi.TagUserOutput, error) {
	return changeUser[iamapi.TagUserOutput](ctx, s, in.UserName, func(_ *state.Tx, u *policy.User) (err error) {
		u.Tags, err = tagged(u.Tags, in.Tags)
		return err
	})
}

// UntagUser removes tags.
func (s *Service) UntagUser(ctx context.Context, in *iamapi.UntagUserInput) (*iamapi.UntagUserOutput, error) {
	return changeUser[iamapi.UntagUserOutput](ctx, s, in.UserName, func(_ *state.Tx, u *policy.User) error {
		u.Tags = tags.Without(u.Tags, in.TagKeys)
		return nil
	})
}

// ListUserTags lists a user's tags by key.
func (s *Service) ListUserTags(ctx context.Context, in *iamapi.ListUserTagsInput) (*iamapi.ListUserTagsOutput, error) {
	_, u, err := s.readUser(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	out := &iamapi.ListUserTagsOutput{}
	out.Tags, out.IsTruncated, out.Marker, err = listed(tagList(u.Tags), tagName, in.Marker, in.MaxItems)
	return out, err
}

// PutUserPolicy writes an inline policy.
func (s *Service) PutUserPolicy(ctx context.Context, in *iamapi.PutUserPolicyInput) (*iamapi.PutUserPolicyOutput, error) {
	return changeUser[iamapi.PutUserPolicyOutput](ctx, s, in.UserName, func(_ *state.Tx, u *policy.User) error {
		return userCarrier(u).putInline(*in.PolicyName, *in.PolicyDocument)
	})
}

// GetUserPolicy reads an inline policy.
func (s *Service) GetUserPolicy(ctx context.Context, in *iamapi.GetUserPolicyInput) (*iamapi.GetUserPolicyOutput, error) {
	_, u, err := s.readUser(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	document, err := userCarrier(u).inline(*in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &iamapi.GetUserPolicyOutput{UserName: in.UserName, PolicyName: in.PolicyName, PolicyDocument: encoded(document)}, nil
}

// ListUserPolicies lists the names of a user's inline policies.
func (s *Service) ListUserPolicies(ctx context.Context, in *iamapi.ListUserPoliciesInput) (*iamapi.ListUserPoliciesOutput, error) {
	_, u, err := s.readUser(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	out := &iamapi.ListUserPoliciesOutput{}
	out.PolicyNames, out.IsTruncated, out.Marker, err = userCarrier(u).inlineNames(in.Marker, in.MaxItems)
	return out, err
}

// DeleteUserPolicy deletes an inline policy.
func (s *Service) DeleteUserPolicy(ctx context.Context, in *iamapi.DeleteUserPolicyInput) (*iamapi.DeleteUserPolicyOutput, error) {
	return changeUser[iamapi.DeleteUserPolicyOutput](ctx, s, in.UserName, func(_ *state.Tx, u *policy.User) error {
		return userCarrier(u).deleteInline(*in.PolicyName)
	})
}

// AttachUserPolicy attaches a managed policy.
func (s *Service) AttachUserPolicy(ctx context.Context, in *iamapi.AttachUserPolicyInput) (*iamapi.AttachUserPolicyOutput, error) {
	return changeUser[iamapi.AttachUserPolicyOutput](ctx, s, in.UserName, func(tx *state.Tx, u *policy.User) error {
		if err := s.attachable(tx, u.Account, in.PolicyArn); err != nil {
			return err
		}
		return userCarrier(u).attach(*in.PolicyArn)
	})
}

// DetachUserPolicy detaches a managed policy.
func (s *Service) DetachUserPolicy(ctx context.Context, in *iamapi.DetachUserPolicyInput) (*iamapi.DetachUserPolicyOutput, error) {
	return changeUser[iamapi.DetachUserPolicyOutput](ctx, s, in.UserName, func(_ *state.Tx, u *policy.User) error {
		return userCarrier(u).detach(*in.PolicyArn)
	})
}

// ListAttachedUserPolicies lists a user's managed policies.
func (s *Service) ListAttachedUserPolicies(ctx context.Context, in *iamapi.ListAttachedUserPoliciesInput) (*iamapi.ListAttachedUserPoliciesOutput, error) {
	tx, u, err := s.readUser(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	out := &iamapi.ListAttachedUserPoliciesOutput{}
	out.AttachedPolicies, out.IsTruncated, out.Marker, err = userCarrier(u).attachedList(tx, s.tables, in.PathPrefix, in.Marker, in.MaxItems)
	return out, err
}

// ListGroupsForUser is always empty: groups can't be made yet, and CreateGroup says so.
func (s *Service) ListGroupsForUser(ctx context.Context, in *iamapi.ListGroupsForUserInput) (*iamapi.ListGroupsForUserOutput, error) {
	if _, _, err := s.readUser(ctx, in.UserName); err != nil {
		return nil, err
	}
	return &iamapi.ListGroupsForUserOutput{Groups: []iamapi.Group{}, IsTruncated: new(false)}, nil
}
