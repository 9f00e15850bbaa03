package sts

import (
	"context"
	"errors"
	"testing"
	"time"

	stsapi "github.com/neargate/neargate/internal/api/sts"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/policy"
	"github.com/neargate/neargate/internal/state"
)

const account = "000000000000"

func open(t *testing.T) *Service {
	t.Helper()
	schema := state.NewSchema()
	tables := policy.NewTables(schema)
	store, err := state.Open(t.Context(), schema, state.Memory())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return New(store, tables)
}

func caller(ctx context.Context, principal string) context.Context {
	return aws.With(ctx, &aws.Call{Account: account, Region: "us-east-1", Principal: principal, Now: time.Now(), AccessKeyID: "test"})
}

func (s *Service) addRole(t *testing.T, name, trust string) string {
	t.Helper()
	r := &policy.Role{Entity: policy.Entity{Account: account, Name: name, ID: "AROATEST", ARN: "arn:aws:iam::" + account + ":role/" + name}, Trust: trust, MaxSession: 3600}
	if err := s.store.Update(t.Context(), func(tx *state.Tx) error { s.tables.Roles.Put(tx, r); return nil }); err != nil {
		t.Fatal(err)
	}
	return r.ARN
}

func TestAssumeRole(t *testing.T) {
	owner := "arn:aws:iam::" + account + ":root"
	trustOwner := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}]}`
	for _, c := range []struct {
		name, trust string
		in          stsapi.AssumeRoleInput
		code        string
	}{
		{name: "the account is trusted", trust: trustOwner},
		{name: "only a service is trusted", code: "AccessDenied", trust: `{"Statement":{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}}`},
		{name: "a deny wins", code: "AccessDenied", trust: `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:*"},{"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`},
		{name: "an external id is missing", code: "AccessDenied", trust: `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}}}`},
		{name: "an external id is given", in: stsapi.AssumeRoleInput{ExternalId: new("x")}, trust: `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}}}`},
		{name: "a condition that can't be decided", code: "NotImplemented", trust: `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}}`},
		{name: "longer than the role allows", trust: trustOwner, in: stsapi.AssumeRoleInput{DurationSeconds: new(int32(7200))}, code: "ValidationError"},
		{name: "a session policy", trust: trustOwner, in: stsapi.AssumeRoleInput{Policy: new("{}")}, code: "NotImplemented"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			c.in.RoleArn, c.in.RoleSessionName = new(s.addRole(t, "r", c.trust)), new("me")
			out, err := s.AssumeRole(caller(t.Context(), owner), &c.in)
			var e *awserr.Error
			switch {
			case c.code == "" && err != nil:
				t.Fatal(err)
			case c.code != "" && (!errors.As(err, &e) || e.Code != c.code):
				t.Fatalf("error %v, want %s", err, c.code)
			case c.code != "":
				return
			}
			if got, want := *out.AssumedRoleUser.Arn, "arn:aws:sts::"+account+":assumed-role/r/me"; got != want {
				t.Errorf("session of %s, want %s", got, want)
			}
			k, ok := s.tables.Keys.Get(s.store.View(), *out.Credentials.AccessKeyId)
			if !ok || k.Secret != *out.Credentials.SecretAccessKey || k.Principal != *out.AssumedRoleUser.Arn {
				t.Errorf("the session's keys are not in the table: %+v", k)
			}
		})
	}
}

func TestUnknownRoleIsDenied(t *testing.T) {
	s := open(t)
	_, err := s.AssumeRole(caller(t.Context(), "arn:aws:iam::"+account+":root"), &stsapi.AssumeRoleInput{
		RoleArn: new("arn:aws:iam::" + account + ":role/none"), RoleSessionName: new("me"),
	})
	var e *awserr.Error
	if !errors.As(err, &e) || e.Code != "AccessDenied" || e.Status != 403 {
		t.Fatalf("error %v, want AccessDenied 403", err)
	}
}

func TestEndedSessionsAreRemoved(t *testing.T) {
	s := open(t)
	now := time.Now()
	for _, at := range []time.Time{now.Add(-2 * time.Hour), now} {
		if err := s.store.Update(t.Context(), func(tx *state.Tx) error {
			s.tables.NewSession(tx, at, account, "p", "id", time.Hour)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.tables.Keys.Len(s.store.View()); n != 1 {
		t.Errorf("%d sessions kept, want the live one", n)
	}
}
