package iam

import (
	"context"
	"net/http"
	"net/url"
	"sort"
	"strings"

	iamapi "github.com/neargate/neargate/internal/api/iam"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/page"
	"github.com/neargate/neargate/internal/cert"
	"github.com/neargate/neargate/internal/policy"
	"github.com/neargate/neargate/internal/state"
)

// Service is the IAM front.
type Service struct {
	store        *state.Store
	tables       *policy.Tables
	certificates *cert.Engine
}

// New returns the front over the store's policy tables and the engine of server certificates.
func New(store *state.Store, tables *policy.Tables, certificates *cert.Engine) *Service {
	return &Service{store: store, tables: tables, certificates: certificates}
}

// Operations are the operations this front serves.
func (s *Service) Operations() []aws.Binding {
	return []aws.Binding{
		iamapi.CreateRole.Bind(s.CreateRole),
		iamapi.GetRole.Bind(s.GetRole),
		iamapi.ListRoles.Bind(s.ListRoles),
		iamapi.UpdateRole.Bind(s.UpdateRole),
		iamapi.UpdateRoleDescription.Bind(s.UpdateRoleDescription),
		iamapi.UpdateAssumeRolePolicy.Bind(s.UpdateAssumeRolePolicy),
		iamapi.DeleteRole.Bind(s.DeleteRole),
		iamapi.CreateServiceLinkedRole.Bind(s.CreateServiceLinkedRole),
		iamapi.TagRole.Bind(s.TagRole),
		iamapi.UntagRole.Bind(s.UntagRole),
		iamapi.ListRoleTags.Bind(s.ListRoleTags),
		iamapi.PutRolePolicy.Bind(s.PutRolePolicy),
		iamapi.GetRolePolicy.Bind(s.GetRolePolicy),
		iamapi.ListRolePolicies.Bind(s.ListRolePolicies),
		iamapi.DeleteRolePolicy.Bind(s.DeleteRolePolicy),
		iamapi.AttachRolePolicy.Bind(s.AttachRolePolicy),
		iamapi.DetachRolePolicy.Bind(s.DetachRolePolicy),
		iamapi.ListAttachedRolePolicies.Bind(s.ListAttachedRolePolicies),
		iamapi.PutRolePermissionsBoundary.Bind(s.PutRolePermissionsBoundary),
		iamapi.DeleteRolePermissionsBoundary.Bind(s.DeleteRolePermissionsBoundary),
		iamapi.ListInstanceProfilesForRole.Bind(s.ListInstanceProfilesForRole),

		iamapi.CreatePolicy.Bind(s.CreatePolicy),
		iamapi.GetPolicy.Bind(s.GetPolicy),
		iamapi.ListPolicies.Bind(s.ListPolicies),
		iamapi.DeletePolicy.Bind(s.DeletePolicy),
		iamapi.CreatePolicyVersion.Bind(s.CreatePolicyVersion),
		iamapi.GetPolicyVersion.Bind(s.GetPolicyVersion),
		iamapi.ListPolicyVersions.Bind(s.ListPolicyVersions),
		iamapi.SetDefaultPolicyVersion.Bind(s.SetDefaultPolicyVersion),
		iamapi.DeletePolicyVersion.Bind(s.DeletePolicyVersion),
		iamapi.TagPolicy.Bind(s.TagPolicy),
		iamapi.UntagPolicy.Bind(s.UntagPolicy),
		iamapi.ListPolicyTags.Bind(s.ListPolicyTags),
		iamapi.ListEntitiesForPolicy.Bind(s.ListEntitiesForPolicy),

		iamapi.CreateUser.Bind(s.CreateUser),
		iamapi.GetUser.Bind(s.GetUser),
		iamapi.ListUsers.Bind(s.ListUsers),
		iamapi.DeleteUser.Bind(s.DeleteUser),
		iamapi.TagUser.Bind(s.TagUser),
		iamapi.UntagUser.Bind(s.UntagUser),
		iamapi.ListUserTags.Bind(s.ListUserTags),
		iamapi.PutUserPolicy.Bind(s.PutUserPolicy),
		iamapi.GetUserPolicy.Bind(s.GetUserPolicy),
		iamapi.ListUserPolicies.Bind(s.ListUserPolicies),
		iamapi.DeleteUserPolicy.Bind(s.DeleteUserPolicy),
		iamapi.AttachUserPolicy.Bind(s.AttachUserPolicy),
		iamapi.DetachUserPolicy.Bind(s.DetachUserPolicy),
		iamapi.ListAttachedUserPolicies.Bind(s.ListAttachedUserPolicies),
		iamapi.ListGroupsForUser.Bind(s.ListGroupsForUser),
		iamapi.CreateAccessKey.Bind(s.CreateAccessKey),
		iamapi.ListAccessKeys.Bind(s.ListAccessKeys),
		iamapi.UpdateAccessKey.Bind(s.UpdateAccessKey),
		iamapi.DeleteAccessKey.Bind(s.DeleteAccessKey),
		iamapi.GetAccountSummary.Bind(s.GetAccountSummary),

		iamapi.UploadServerCertificate.Bind(s.UploadServerCertificate),
		iamapi.GetServerCertificate.Bind(s.GetServerCertificate),
		iamapi.ListServerCertificates.Bind(s.ListServerCertificates),
		iamapi.UpdateServerCertificate.Bind(s.UpdateServerCertificate),
		iamapi.DeleteServerCertificate.Bind(s.DeleteServerCertificate),
		iamapi.TagServerCertificate.Bind(s.TagServerCertificate),
		iamapi.UntagServerCertificate.Bind(s.UntagServerCertificate),
		iamapi.ListServerCertificateTags.Bind(s.ListServerCertificateTags),
	}
}

// Default and largest page of IAM's lists.
const (
	pageDefault = 100
	pageMax     = 1000
)

// listed pages items by name and fills IAM's IsTruncated and Marker.
func listed[T any](items []T, name func(T) string, marker *string, max *int32) (out []T, truncated *bool, next *string, err error) {
	sort.SliceStable(items, func(i, j int) bool { return name(items[i]) < name(items[j]) })
	out, next, err = page.Of(items, name, marker, int(aws.Val(max)), pageDefault, pageMax)
	if out == nil {
		out = []T{}
	}
	return out, new(next != nil), next, err
}

func pathOr(path *string) string {
	if path == nil {
		return "/"
	}
	return *path
}

// encoded is a policy document as IAM returns it: URL-encoded by RFC 3986.
func encoded(document string) *string {
	return new(strings.ReplaceAll(url.QueryEscape(document), "+", "%20"))
}

func checkDocument(text string, kind policy.Kind) error {
	if what := policy.Check(text, kind); what != "" {
		return iamapi.ErrMalformedPolicyDocumentException.New("%s", what)
	}
	return nil
}

// update runs fn in a transaction for a handler that answers out.
func update[O any](ctx context.Context, s *Service, fn func(tx *state.Tx, account string, out *O) error) (*O, error) {
	out := new(O)
	err := s.store.Update(ctx, func(tx *state.Tx) error { return fn(tx, aws.From(ctx).Account, out) })
	return out, err
}

// forbidden is IAM's answer to changing what belongs to AWS.
func forbidden(ctx context.Context, resource string) error {
	call := aws.From(ctx)
	return awserr.New("AccessDenied", http.StatusForbidden, "User: %s is not authorized to perform: iam:%s on resource: policy %s", call.Principal, call.Operation, resource)
}
