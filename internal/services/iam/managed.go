package iam

import (
	"context"
	"fmt"
	"slices"
	"strings"

	iamapi "github.com/neargate/neargate/internal/api/iam"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/tags"
	"github.com/neargate/neargate/internal/policy"
	"github.com/neargate/neargate/internal/state"
)

// maxVersions is IAM's quota of versions of one managed policy.
const maxVersions = 5

func (s *Service) policy(tx *state.Tx, account string, arn *string) (*policy.Managed, error) {
	p, ok := s.tables.Policy(tx, account, aws.Val(arn))
	if !ok {
		return nil, iamapi.ErrNoSuchEntityException.New("Policy %s was not found.", aws.Val(arn))
	}
	return p, nil
}

// changePolicy changes a copy of one of the account's policies and writes it.
func changePolicy[O any](ctx context.Context, s *Service, arn *string, fn func(p *policy.Managed, out *O) error) (*O, error) {
	return update(ctx, s, func(tx *state.Tx, account string, out *O) error {
		have, err := s.policy(tx, account, arn)
		if err != nil {
			return err
		}
		if have.Account != account {
			return forbidden(ctx, have.ARN)
		}
		p := *have
		p.Versions = slices.Clone(have.Versions)
		if err := fn(&p, out); err != nil {
			return err
		}
		s.tables.Policies.Put(tx, &p)
		return nil
	})
}

func (s *Service) policyShape(tx *state.Tx, account string, p *policy.Managed) iamapi.Policy {
	out := iamapi.Policy{
		PolicyName: new(p.Name), PolicyId: new(p.ID), Arn: new(p.ARN), Path: new(p.Path), DefaultVersionId: new(p.Default),
		AttachmentCount: new(int32(s.tables.Attachments(tx, account, p.ARN))), PermissionsBoundaryUsageCount: new(int32(s.boundaryUses(tx, account, p.ARN))),
		IsAttachable: new(true), CreateDate: new(p.Created), UpdateDate: new(p.Updated),
	}
	if p.Description != "" {
		out.Description = new(p.Description)
	}
	return out
}

func (s *Service) boundaryUses(tx *state.Tx, account, arn string) (n int) {
	for r := range s.tables.Roles.All(tx, account+"/") {
		if r.Boundary == arn {
			n++
		}
	}
	for u := range s.tables.Users.All(tx, account+"/") {
		if u.Boundary == arn {
			n++
		}
	}
	return n
}

func checkManaged(document string) error {
	if err := checkDocument(document, policy.IdentityKind); err != nil {
		return err
	}
	if policy.Size(document) > maxPolicyLength {
		return iamapi.ErrLimitExceededException.New("Cannot exceed quota for PolicySize: %d", maxPolicyLength)
	}
	return nil
}

// CreatePolicy makes a customer managed policy with version v1.
func (s *Service) CreatePolicy(ctx context.Context, in *iamapi.CreatePolicyInput) (*iamapi.CreatePolicyOutput, error) {
	return update(ctx, s, func(tx *state.Tx, account string, out *iamapi.CreatePolicyOutput) error {
		if err := checkManaged(*in.PolicyDocument); err != nil {
			return err
		}
		if s.tables.PolicyNamed(tx, account, *in.PolicyName) {
			return iamapi.ErrEntityAlreadyExistsException.New("A policy called %s already exists. Duplicate names are not allowed.", *in.PolicyName)
		}
		given, err := tagged(nil, in.Tags)
		if err != nil {
			return err
		}
		path, now := pathOr(in.Path), aws.From(ctx).Now.UTC()
		p := &policy.Managed{
			Account: account, Name: *in.PolicyName, Path: path, ID: policy.NewID("ANPA"),
			ARN: arn.New("iam", "", account, "policy"+path+*in.PolicyName), Description: aws.Val(in.Description), Tags: given,
			Versions: []policy.Document{{Version: "v1", Text: *in.PolicyDocument, Created: now}},
			Default:  "v1", Issued: 1, Created: now, Updated: now,
		}
		s.tables.Policies.Put(tx, p)
		out.Policy = new(s.policyShape(tx, account, p))
		out.Policy.Tags = tagList(given)
		return nil
	})
}

// GetPolicy reads a managed policy, the account's or AWS's.
func (s *Service) GetPolicy(ctx context.Context, in *iamapi.GetPolicyInput) (*iamapi.GetPolicyOutput, error) {
	tx, account := s.store.View(), aws.From(ctx).Account
	p, err := s.policy(tx, account, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	out := s.policyShape(tx, account, p)
	out.Tags = tagList(p.Tags)
	return &iamapi.GetPolicyOutput{Policy: &out}, nil
}

// ListPolicies lists managed policies by scope.
func (s *Service) ListPolicies(ctx context.Context, in *iamapi.ListPoliciesInput) (*iamapi.ListPoliciesOutput, error) {
	tx, account := s.store.View(), aws.From(ctx).Account
	var all []*policy.Managed
	scope := aws.Val(in.Scope)
	if scope != "AWS" {
		all = append(all, s.tables.PoliciesOf(tx, account)...)
	}
	if scope != "Local" {
		all = append(all, policy.AllAWSManaged()...)
	}
	var found []iamapi.Policy
	for _, p := range all {
		shape := s.policyShape(tx, account, p)
		uses := *shape.AttachmentCount
		if aws.Val(in.PolicyUsageFilter) == "PermissionsBoundary" {
			uses = *shape.PermissionsBoundaryUsageCount
		}
		filtered := aws.Val(in.OnlyAttached) || in.PolicyUsageFilter != nil
		if strings.HasPrefix(p.Path, aws.Val(in.PathPrefix)) && (!filtered || uses > 0) {
			shape.Description = nil // as on AWS: the list leaves it out
			found = append(found, shape)
		}
	}
	out := &iamapi.ListPoliciesOutput{}
	var err error
	out.Policies, out.IsTruncated, out.Marker, err = listed(found, func(p iamapi.Policy) string { return *p.PolicyName + " " + *p.Arn }, in.Marker, in.MaxItems)
	return out, err
}

// DeletePolicy deletes a policy that is attached nowhere and has one version.
func (s *Service) DeletePolicy(ctx context.Context, in *iamapi.DeletePolicyInput) (*iamapi.DeletePolicyOutput, error) {
	return update(ctx, s, func(tx *state.Tx, account string, _ *iamapi.DeletePolicyOutput) error {
		p, err := s.policy(tx, account, in.PolicyArn)
		switch {
		case err != nil:
			return err
		case p.Account != account:
			return forbidden(ctx, p.ARN)
		case s.tables.Attachments(tx, account, p.ARN)+s.boundaryUses(tx, account, p.ARN) > 0:
			return iamapi.ErrDeleteConflictException.New("Cannot delete a policy attached to entities.")
		case len(p.Versions) > 1:
			return iamapi.ErrDeleteConflictException.New("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
		}
		s.tables.Policies.Delete(tx, p.ARN)
		return nil
	})
}

func versionShape(p *policy.Managed, d policy.Document) iamapi.PolicyVersion {
	return iamapi.PolicyVersion{VersionId: new(d.Version), IsDefaultVersion: new(d.Version == p.Default), CreateDate: new(d.Created)}
}

func version(p *policy.Managed, id *string) (int, error) {
	i := slices.IndexFunc(p.Versions, func(d policy.Document) bool { return d.Version == *id })
	if i < 0 {
		return 0, iamapi.ErrNoSuchEntityException.New("Policy %s version %s does not exist or is not attachable.", p.ARN, *id)
	}
	return i, nil
}

// CreatePolicyVersion adds a version, the default one if asked for.
func (s *Service) CreatePolicyVersion(ctx context.Context, in *iamapi.CreatePolicyVersionInput) (*iamapi.CreatePolicyVersionOutput, error) {
	return changePolicy(ctx, s, in.PolicyArn, func(p *policy.Managed, out *iamapi.CreatePolicyVersionOutput) error {
		if err := checkManaged(*in.PolicyDocument); err != nil {
			return err
		}
		if len(p.Versions) >= maxVersions {
			return iamapi.ErrLimitExceededException.New("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
		}
		now := aws.From(ctx).Now.UTC()
		p.Issued++
		d := policy.Document{Version: fmt.Sprintf("v%d", p.Issued), Text: *in.PolicyDocument, Created: now}
		p.Versions = append(p.Versions, d)
		p.Updated = now
		if aws.Val(in.SetAsDefault) {
			p.Default = d.Version
		}
		out.PolicyVersion = new(versionShape(p, d))
		return nil
	})
}

// GetPolicyVersion reads one version with its document.
func (s *Service) GetPolicyVersion(ctx context.Context, in *iamapi.GetPolicyVersionInput) (*iamapi.GetPolicyVersionOutput, error) {
	p, err := s.policy(s.store.View(), aws.From(ctx).Account, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	i, err := version(p, in.VersionId)
	if err != nil {
		return nil, err
	}
	out := versionShape(p, p.Versions[i])
	out.Document = encoded(p.Versions[i].Text)
	return &iamapi.GetPolicyVersionOutput{PolicyVersion: &out}, nil
}

// ListPolicyVersions lists versions, newest first, without their documents.
func (s *Service) ListPolicyVersions(ctx context.Context, in *iamapi.ListPolicyVersionsInput) (*iamapi.ListPolicyVersionsOutput, error) {
	p, err := s.policy(s.store.View(), aws.From(ctx).Account, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	var versions []iamapi.PolicyVersion
	for _, d := range slices.Backward(p.Versions) {
		versions = append(versions, versionShape(p, d))
	}
	out := &iamapi.ListPolicyVersionsOutput{}
	order := func(v iamapi.PolicyVersion) string {
		return fmt.Sprintf("%020d", slices.IndexFunc(versions, func(o iamapi.PolicyVersion) bool { return *o.VersionId == *v.VersionId }))
	}
	out.Versions, out.IsTruncated, out.Marker, err = listed(slices.Clone(versions), order, in.Marker, in.MaxItems)
	return out, err
}

// SetDefaultPolicyVersion makes a version the one in force.
func (s *Service) SetDefaultPolicyVersion(ctx context.Context, in *iamapi.SetDefaultPolicyVersionInput) (*iamapi.SetDefaultPolicyVersionOutput, error) {
	return changePolicy(ctx, s, in.PolicyArn, func(p *policy.Managed, _ *iamapi.SetDefaultPolicyVersionOutput) error {
		_, err := version(p, in.VersionId)
		p.Default, p.Updated = *in.VersionId, aws.From(ctx).Now.UTC()
		return err
	})
}

// DeletePolicyVersion deletes a version that is not the default one.
func (s *Service) DeletePolicyVersion(ctx context.Context, in *iamapi.DeletePolicyVersionInput) (*iamapi.DeletePolicyVersionOutput, error) {
	return changePolicy(ctx, s, in.PolicyArn, func(p *policy.Managed, _ *iamapi.DeletePolicyVersionOutput) error {
		i, err := version(p, in.VersionId)
		if err != nil {
			return err
		}
		if p.Default == *in.VersionId {
			return iamapi.ErrDeleteConflictException.New("Cannot delete the default version of a policy.")
		}
		p.Versions = slices.Delete(p.Versions, i, i+1)
		return nil
	})
}

// TagPolicy adds or replaces tags.
func (s *Service) TagPolicy(ctx context.Context, in *iamapi.TagPolicyInput) (*iamapi.TagPolicyOutput, error) {
	return changePolicy(ctx, s, in.PolicyArn, func(p *policy.Managed, _ *iamapi.TagPolicyOutput) (err error) {
		p.Tags, err = tagged(p.Tags, in.Tags)
		return err
	})
}

// UntagPolicy removes tags.
func (s *Service) UntagPolicy(ctx context.Context, in *iamapi.UntagPolicyInput) (*iamapi.UntagPolicyOutput, error) {
	return changePolicy(ctx, s, in.PolicyArn, func(p *policy.Managed, _ *iamapi.UntagPolicyOutput) error {
		p.Tags = tags.Without(p.Tags, in.TagKeys)
		return nil
	})
}

// ListPolicyTags lists a policy's tags by key.
func (s *Service) ListPolicyTags(ctx context.Context, in *iamapi.ListPolicyTagsInput) (*iamapi.ListPolicyTagsOutput, error) {
	p, err := s.policy(s.store.View(), aws.From(ctx).Account, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	out := &iamapi.ListPolicyTagsOutput{}
	out.Tags, out.IsTruncated, out.Marker, err = listed(tagList(p.Tags), tagName, in.Marker, in.MaxItems)
	return out, err
}

// ListEntitiesForPolicy lists who carries a managed policy, roles before users.
func (s *Service) ListEntitiesForPolicy(ctx context.Context, in *iamapi.ListEntitiesForPolicyInput) (*iamapi.ListEntitiesForPolicyOutput, error) {
	tx, account := s.store.View(), aws.From(ctx).Account
	p, err := s.policy(tx, account, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	boundary := aws.Val(in.PolicyUsageFilter) == "PermissionsBoundary"
	uses := func(e *policy.Entity) bool {
		carried := slices.Contains(e.Attached, p.ARN)
		if boundary {
			carried = e.Boundary == p.ARN
		}
		return carried && strings.HasPrefix(e.Path, aws.Val(in.PathPrefix))
	}
	type found struct {
		kind string
		*policy.Entity
	}
	var all []found
	wanted := aws.Val(in.EntityFilter)
	for r := range s.tables.Roles.All(tx, account+"/") {
		if (wanted == "" || wanted == "Role") && uses(&r.Entity) {
			all = append(all, found{"role", &r.Entity})
		}
	}
	for u := range s.tables.Users.All(tx, account+"/") {
		if (wanted == "" || wanted == "User") && uses(&u.Entity) {
			all = append(all, found{"user", &u.Entity})
		}
	}
	out := &iamapi.ListEntitiesForPolicyOutput{PolicyGroups: []iamapi.PolicyGroup{}, PolicyRoles: []iamapi.PolicyRole{}, PolicyUsers: []iamapi.PolicyUser{}}
	all, out.IsTruncated, out.Marker, err = listed(all, func(f found) string { return f.kind + "/" + f.Name }, in.Marker, in.MaxItems)
	for _, f := range all {
		if f.kind == "role" {
			out.PolicyRoles = append(out.PolicyRoles, iamapi.PolicyRole{RoleName: new(f.Name), RoleId: new(f.ID)})
		} else {
			out.PolicyUsers = append(out.PolicyUsers, iamapi.PolicyUser{UserName: new(f.Name), UserId: new(f.ID)})
		}
	}
	return out, err
}
