package iam

import (
	"context"
	"strings"
	"time"

	iamapi "github.com/neargate/neargate/internal/api/iam"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/policy"
	"github.com/neargate/neargate/internal/state"
)

// maxKeys is IAM's quota of access keys of one user.
const maxKeys = 2

// accountBeginning is the creation date shown for account owners.
var accountBeginning = time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC)

// keyOwner is the user a key operation is about: the named one, else the caller.
// The account owner's name is empty.
func (s *Service) keyOwner(ctx context.Context, tx *state.Tx, name *string) (user, principal, id string, err error) {
	call := aws.From(ctx)
	if name == nil && call.Principal == arn.New("iam", "", call.Account, "root") {
		return "", call.Principal, call.Account, nil
	}
	if name == nil {
		rest, ok := strings.CutPrefix(call.Principal, arn.New("iam", "", call.Account, "user/"))
		if !ok {
			return "", "", "", iamapi.ErrInvalidInputException.New("Must specify userName when calling with non-User credentials")
		}
		name = new(rest[strings.LastIndexByte(rest, '/')+1:])
	}
	u, err := s.user(tx, call.Account, name)
	if err != nil {
		return "", "", "", err
	}
	return u.Name, u.ARN, u.ID, nil
}

// longLived are a user's keys without those of sessions.
func (s *Service) longLived(tx *state.Tx, account, user string) []*policy.AccessKey {
	var out []*policy.AccessKey
	for _, k := range s.tables.KeysOf(tx, account, user) {
		if k.Token == "" {
			out = append(out, k)
		}
	}
	return out
}

func keyStatus(k *policy.AccessKey) *string {
	if k.Active {
		return new("Active")
	}
	return new("Inactive")
}

// CreateAccessKey issues a pair of keys: the only time the secret is shown.
func (s *Service) CreateAccessKey(ctx context.Context, in *iamapi.CreateAccessKeyInput) (*iamapi.CreateAccessKeyOutput, error) {
	return update(ctx, s, func(tx *state.Tx, account string, out *iamapi.CreateAccessKeyOutput) error {
		user, principal, id, err := s.keyOwner(ctx, tx, in.UserName)
		if err != nil {
			return err
		}
		if len(s.longLived(tx, account, user)) >= maxKeys {
			return iamapi.ErrLimitExceededException.New("Cannot exceed quota for AccessKeysPerUser: %d", maxKeys)
		}
		k := &policy.AccessKey{
			ID: policy.NewKeyID("AKIA"), Secret: policy.NewSecret(), Account: account, UserName: user,
			Principal: principal, UserID: id, Active: true, Created: aws.From(ctx).Now.UTC(),
		}
		s.tables.Keys.Put(tx, k)
		shown := user
		if shown == "" {
			shown = "root"
		}
		out.AccessKey = &iamapi.AccessKey{
			UserName: new(shown), AccessKeyId: new(k.ID), SecretAccessKey: new(k.Secret),
			Status: keyStatus(k), CreateDate: new(k.Created),
		}
		return nil
	})
}

// ListAccessKeys lists a user's keys without their secrets.
func (s *Service) ListAccessKeys(ctx context.Context, in *iamapi.ListAccessKeysInput) (*iamapi.ListAccessKeysOutput, error) {
	tx := s.store.View()
	user, _, _, err := s.keyOwner(ctx, tx, in.UserName)
	if err != nil {
		return nil, err
	}
	var keys []iamapi.AccessKeyMetadata
	for _, k := range s.longLived(tx, aws.From(ctx).Account, user) {
		keys = append(keys, iamapi.AccessKeyMetadata{UserName: new(user), AccessKeyId: new(k.ID), Status: keyStatus(k), CreateDate: new(k.Created)})
	}
	out := &iamapi.ListAccessKeysOutput{}
	out.AccessKeyMetadata, out.IsTruncated, out.Marker, err = listed(keys, func(k iamapi.AccessKeyMetadata) string { return *k.AccessKeyId }, in.Marker, in.MaxItems)
	return out, err
}

func (s *Service) key(ctx context.Context, tx *state.Tx, userName, id *string) (*policy.AccessKey, error) {
	user, _, _, err := s.keyOwner(ctx, tx, userName)
	if err != nil {
		return nil, err
	}
	k, ok := s.tables.Keys.Get(tx, *id)
	if !ok || k.Account != aws.From(ctx).Account || k.UserName != user || k.Token != "" {
		return nil, iamapi.ErrNoSuchEntityException.New("The Access Key with id %s cannot be found.", *id)
	}
	return k, nil
}

// UpdateAccessKey activates or deactivates a key.
func (s *Service) UpdateAccessKey(ctx context.Context, in *iamapi.UpdateAccessKeyInput) (*iamapi.UpdateAccessKeyOutput, error) {
	return update(ctx, s, func(tx *state.Tx, _ string, _ *iamapi.UpdateAccessKeyOutput) error {
		have, err := s.key(ctx, tx, in.UserName, in.AccessKeyId)
		if err != nil {
			return err
		}
		k := *have
		k.Active = *in.Status == "Active"
		s.tables.Keys.Put(tx, &k)
		return nil
	})
}

// DeleteAccessKey deletes a key.
func (s *Service) DeleteAccessKey(ctx context.Context, in *iamapi.DeleteAccessKeyInput) (*iamapi.DeleteAccessKeyOutput, error) {
	return update(ctx, s, func(tx *state.Tx, _ string, _ *iamapi.DeleteAccessKeyOutput) error {
		k, err := s.key(ctx, tx, in.UserName, in.AccessKeyId)
		if err != nil {
			return err
		}
		s.tables.Keys.Delete(tx, k.ID)
		return nil
	})
}

// GetAccountSummary counts what the account has, and the quotas that are enforced.
func (s *Service) GetAccountSummary(ctx context.Context, _ *iamapi.GetAccountSummaryInput) (*iamapi.GetAccountSummaryOutput, error) {
	tx, account := s.store.View(), aws.From(ctx).Account
	var roles, users int32
	for range s.tables.Roles.All(tx, account+"/") {
		roles++
	}
	for range s.tables.Users.All(tx, account+"/") {
		users++
	}
	return &iamapi.GetAccountSummaryOutput{SummaryMap: map[string]int32{
		"Roles": roles, "Users": users, "Policies": int32(len(s.tables.PoliciesOf(tx, account))),
		"AccessKeysPerUserQuota": maxKeys, "VersionsPerPolicyQuota": maxVersions, "PolicySizeQuota": maxPolicyLength,
		"AttachedPoliciesPerRoleQuota": maxAttached, "AttachedPoliciesPerUserQuota": maxAttached,
		"Groups": 0, "InstanceProfiles": 0,
		"ServerCertificates": int32(s.countServerCertificates(tx, account)), "ServerCertificatesQuota": maxServerCertificates,
	}}, nil
}
