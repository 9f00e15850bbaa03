package sts

import (
	"context"
	"net/http"
	"strings"
	"time"

	stsapi "github.com/neargate/neargate/internal/api/sts"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/policy"
	"github.com/neargate/neargate/internal/state"
)

// Session lengths in seconds: AssumeRole and GetSessionToken, DurationSeconds.
const (
	assumeRoleDefault   = 3600
	sessionTokenDefault = 43200
	ownerMax            = 3600 // sessions of an account owner
	chainedMax          = 3600 // a role assumed from a role
)

// Service is the STS front.
type Service struct {
	store  *state.Store
	tables *policy.Tables
}

// New returns the front over the store's policy tables.
func New(store *state.Store, tables *policy.Tables) *Service {
	return &Service{store: store, tables: tables}
}

// Operations are the operations this front serves.
func (s *Service) Operations() []aws.Binding {
	return []aws.Binding{
		stsapi.AssumeRole.Bind(s.AssumeRole),
		stsapi.GetAccessKeyInfo.Bind(s.GetAccessKeyInfo),
		stsapi.GetCallerIdentity.Bind(s.GetCallerIdentity),
		stsapi.GetSessionToken.Bind(s.GetSessionToken),
	}
}

// userID is the caller's unique id: AIDA… of a user, AROA…:session of a role, the account number of its owner.
func (s *Service) userID(tx *state.Tx, call *aws.Call) string {
	if k, ok := s.tables.Keys.Get(tx, call.AccessKeyID); ok {
		return k.UserID
	}
	return call.Account
}

// GetCallerIdentity answers who signed the request.
func (s *Service) GetCallerIdentity(ctx context.Context, _ *stsapi.GetCallerIdentityInput) (*stsapi.GetCallerIdentityOutput, error) {
	call := aws.From(ctx)
	return &stsapi.GetCallerIdentityOutput{
		Account: new(call.Account), Arn: new(call.Principal), UserId: new(s.userID(s.store.View(), call)),
	}, nil
}

// GetAccessKeyInfo answers which account a key belongs to.
func (s *Service) GetAccessKeyInfo(_ context.Context, in *stsapi.GetAccessKeyInfoInput) (*stsapi.GetAccessKeyInfoOutput, error) {
	k, ok := s.tables.Keys.Get(s.store.View(), *in.AccessKeyId)
	if !ok {
		return nil, awserr.New("ValidationError", http.StatusBadRequest, "Invalid access key id: %s", *in.AccessKeyId)
	}
	return &stsapi.GetAccessKeyInfoOutput{Account: new(k.Account)}, nil
}

// AssumeRole issues a session of a role whose trust policy admits the caller.
func (s *Service) AssumeRole(ctx context.Context, in *stsapi.AssumeRoleInput) (*stsapi.AssumeRoleOutput, error) {
	// What narrows a session, or asks for a second factor, must never be ignored.
	switch {
	case in.Policy != nil:
		return nil, awserr.NotImplemented("sts AssumeRole Policy")
	case len(in.PolicyArns) > 0:
		return nil, awserr.NotImplemented("sts AssumeRole PolicyArns")
	case len(in.Tags) > 0 || len(in.TransitiveTagKeys) > 0:
		return nil, awserr.NotImplemented("sts AssumeRole Tags")
	case in.SerialNumber != nil || in.TokenCode != nil:
		return nil, awserr.NotImplemented("sts AssumeRole SerialNumber")
	case len(in.ProvidedContexts) > 0:
		return nil, awserr.NotImplemented("sts AssumeRole ProvidedContexts")
	case in.SourceIdentity != nil:
		return nil, awserr.NotImplemented("sts AssumeRole SourceIdentity")
	}
	call := aws.From(ctx)
	out := &stsapi.AssumeRoleOutput{}
	err := s.store.Update(ctx, func(tx *state.Tx) error {
		r, ok := s.roleByARN(tx, *in.RoleArn)
		if ok {
			trusted, err := r.Trusts(policy.TrustRequest{
				Action: "sts:AssumeRole", Account: call.Account, Principal: call.Principal,
				Context: conditions(in, call.Principal),
			})
			if err != nil {
				return awserr.Unsupported(err)
			}
			ok = trusted
		}
		if !ok {
			return awserr.New("AccessDenied", http.StatusForbidden, "User: %s is not authorized to perform: sts:AssumeRole on resource: %s", call.Principal, *in.RoleArn)
		}
		seconds, err := sessionSeconds(in.DurationSeconds, r, call.Principal)
		if err != nil {
			return err
		}
		principal := arn.New("sts", "", r.Account, "assumed-role/"+r.Name+"/"+*in.RoleSessionName)
		id := r.ID + ":" + *in.RoleSessionName
		k := s.tables.NewSession(tx, call.Now, r.Account, principal, id, time.Duration(seconds)*time.Second)
		out.Credentials = credentials(k)
		out.AssumedRoleUser = &stsapi.AssumedRoleUser{Arn: new(principal), AssumedRoleId: new(id)}
		return nil
	})
	return out, err
}

// conditions are the context keys a trust policy may ask for.
func conditions(in *stsapi.AssumeRoleInput, principal string) map[string]string {
	c := map[string]string{"sts:rolesessionname": *in.RoleSessionName, "aws:principalarn": principal}
	if in.ExternalId != nil {
		c["sts:externalid"] = *in.ExternalId
	}
	return c
}

func sessionSeconds(asked *int32, r *policy.Role, caller string) (int32, error) {
	switch {
	case asked == nil:
		return assumeRoleDefault, nil
	case *asked > r.MaxSession:
		return 0, awserr.New("ValidationError", http.StatusBadRequest, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	case *asked > chainedMax && strings.Contains(caller, ":assumed-role/"):
		return 0, awserr.New("ValidationError", http.StatusBadRequest, "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	}
	return *asked, nil
}

// roleByARN finds a role in any account.
func (s *Service) roleByARN(tx *state.Tx, text string) (*policy.Role, bool) {
	a, err := arn.Parse(text)
	if err != nil || a.Service != "iam" {
		return nil, false
	}
	r, ok := s.tables.Roles.Get(tx, policy.Key(a.Account, a.Resource[strings.LastIndexByte(a.Resource, '/')+1:]))
	return r, ok && r.ARN == text
}

// GetSessionToken issues a session of the calling user or account owner.
func (s *Service) GetSessionToken(ctx context.Context, in *stsapi.GetSessionTokenInput) (*stsapi.GetSessionTokenOutput, error) {
	if in.SerialNumber != nil || in.TokenCode != nil {
		return nil, awserr.NotImplemented("sts GetSessionToken SerialNumber")
	}
	call := aws.From(ctx)
	if strings.Contains(call.Principal, ":assumed-role/") {
		return nil, awserr.New("AccessDenied", http.StatusForbidden, "Cannot call GetSessionToken with session credentials")
	}
	seconds := int32(sessionTokenDefault)
	if in.DurationSeconds != nil {
		seconds = *in.DurationSeconds
	}
	if strings.HasSuffix(call.Principal, ":root") {
		seconds = min(seconds, ownerMax)
	}
	out := &stsapi.GetSessionTokenOutput{}
	err := s.store.Update(ctx, func(tx *state.Tx) error {
		out.Credentials = credentials(s.tables.NewSession(tx, call.Now, call.Account, call.Principal, s.userID(tx, call), time.Duration(seconds)*time.Second))
		return nil
	})
	return out, err
}

func credentials(k *policy.AccessKey) *stsapi.Credentials {
	return &stsapi.Credentials{AccessKeyId: new(k.ID), SecretAccessKey: new(k.Secret), SessionToken: new(k.Token), Expiration: new(k.Expires.UTC())}
}
