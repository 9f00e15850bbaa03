package iam

import (
	"context"
	"errors"
	"net/url"
	"testing"
	"time"

	iamapi "github.com/neargate/neargate/internal/api/iam"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/cert"
	"github.com/neargate/neargate/internal/cert/certtest"
	"github.com/neargate/neargate/internal/policy"
	"github.com/neargate/neargate/internal/state"
)

const (
	account  = "000000000000"
	trust    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	identity = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"*"}]}`
	exec     = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
)

func open(t *testing.T) (*Service, context.Context) {
	t.Helper()
	s, ctx, _ := openWith(t)
	return s, ctx
}

// openWith also returns what says which load balancers use certificates.
func openWith(t *testing.T) (*Service, context.Context, certtest.Users) {
	t.Helper()
	schema := state.NewSchema()
	tables, certificates := policy.NewTables(schema), cert.NewTables(schema)
	store, err := state.Open(t.Context(), schema, state.Memory())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	call := &aws.Call{Account: account, Region: "us-east-1", Principal: "arn:aws:iam::" + account + ":root", Now: time.Now()}
	users := certtest.Users{}
	engine := cert.New(cert.Config{Store: store, Tables: certificates, Users: users})
	return New(store, tables, engine), aws.With(t.Context(), call), users
}

func code(err error) string {
	var e *awserr.Error
	if errors.As(err, &e) {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func want(t *testing.T, what string, err error, wanted string) {
	t.Helper()
	if got := code(err); got != wanted {
		t.Errorf("%s: %v, want code %q", what, err, wanted)
	}
}

func TestRoleLife(t *testing.T) {
	s, ctx := open(t)
	made, err := s.CreateRole(ctx, &iamapi.CreateRoleInput{RoleName: new("app"), AssumeRolePolicyDocument: new(trust), Tags: []iamapi.Tag{{Key: new("a"), Value: new("1")}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := *made.Role.Arn; got != "arn:aws:iam::"+account+":role/app" {
		t.Errorf("arn %s", got)
	}
	if doc, err := url.PathUnescape(*made.Role.AssumeRolePolicyDocument); err != nil || doc != trust {
		t.Errorf("trust policy comes back as %s (%v)", doc, err)
	}
	_, err = s.CreateRole(ctx, &iamapi.CreateRoleInput{RoleName: new("APP"), AssumeRolePolicyDocument: new(trust)})
	want(t, "the same name in another case", err, "EntityAlreadyExists")

	_, err = s.AttachRolePolicy(ctx, &iamapi.AttachRolePolicyInput{RoleName: new("app"), PolicyArn: new(exec)})
	want(t, "attach", err, "")
	_, err = s.AttachRolePolicy(ctx, &iamapi.AttachRolePolicyInput{RoleName: new("app"), PolicyArn: new("arn:aws:iam::aws:policy/None")})
	want(t, "attach an unknown policy", err, "NoSuchEntity")
	attached, err := s.ListAttachedRolePolicies(ctx, &iamapi.ListAttachedRolePoliciesInput{RoleName: new("app")})
	if err != nil || len(attached.AttachedPolicies) != 1 || *attached.AttachedPolicies[0].PolicyName != "AmazonECSTaskExecutionRolePolicy" {
		t.Errorf("attached %+v, %v", attached, err)
	}
	_, err = s.PutRolePolicy(ctx, &iamapi.PutRolePolicyInput{RoleName: new("app"), PolicyName: new("logs"), PolicyDocument: new(identity)})
	want(t, "inline", err, "")
	_, err = s.PutRolePolicy(ctx, &iamapi.PutRolePolicyInput{RoleName: new("app"), PolicyName: new("bad"), PolicyDocument: new("{")})
	want(t, "malformed", err, "MalformedPolicyDocument")

	_, err = s.DeleteRole(ctx, &iamapi.DeleteRoleInput{RoleName: new("app")})
	want(t, "delete with a managed policy", err, "DeleteConflict")
	_, err = s.DetachRolePolicy(ctx, &iamapi.DetachRolePolicyInput{RoleName: new("app"), PolicyArn: new(exec)})
	want(t, "detach", err, "")
	_, err = s.DetachRolePolicy(ctx, &iamapi.DetachRolePolicyInput{RoleName: new("app"), PolicyArn: new(exec)})
	want(t, "detach again", err, "NoSuchEntity")
	_, err = s.DeleteRole(ctx, &iamapi.DeleteRoleInput{RoleName: new("app")})
	want(t, "delete with an inline policy", err, "DeleteConflict")
	_, err = s.DeleteRolePolicy(ctx, &iamapi.DeleteRolePolicyInput{RoleName: new("app"), PolicyName: new("logs")})
	want(t, "delete inline", err, "")
	_, err = s.DeleteRole(ctx, &iamapi.DeleteRoleInput{RoleName: new("app")})
	want(t, "delete", err, "")
	_, err = s.GetRole(ctx, &iamapi.GetRoleInput{RoleName: new("app")})
	want(t, "get after delete", err, "NoSuchEntity")
}

func TestTrustPolicyIsChecked(t *testing.T) {
	s, ctx := open(t)
	for name, document := range map[string]string{
		"no json":      "hello",
		"no principal": `{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole"}]}`,
		"a resource":   `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}]}`,
		"no statement": `{"Version":"2012-10-17"}`,
		"bad effect":   `{"Statement":[{"Effect":"allow","Principal":"*","Action":"sts:AssumeRole"}]}`,
		"bad version":  `{"Version":"2020-01-01","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]}`,
	} {
		_, err := s.CreateRole(ctx, &iamapi.CreateRoleInput{RoleName: new("r"), AssumeRolePolicyDocument: &document})
		want(t, name, err, "MalformedPolicyDocument")
	}
}

func TestManagedPolicyVersions(t *testing.T) {
	s, ctx := open(t)
	made, err := s.CreatePolicy(ctx, &iamapi.CreatePolicyInput{PolicyName: new("p"), PolicyDocument: new(identity)})
	if err != nil {
		t.Fatal(err)
	}
	arn := made.Policy.Arn
	for range maxVersions - 1 {
		_, err := s.CreatePolicyVersion(ctx, &iamapi.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: new(identity), SetAsDefault: new(true)})
		want(t, "version", err, "")
	}
	_, err = s.CreatePolicyVersion(ctx, &iamapi.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: new(identity)})
	want(t, "a sixth version", err, "LimitExceeded")
	_, err = s.DeletePolicyVersion(ctx, &iamapi.DeletePolicyVersionInput{PolicyArn: arn, VersionId: new("v5")})
	want(t, "delete the default", err, "DeleteConflict")
	_, err = s.DeletePolicy(ctx, &iamapi.DeletePolicyInput{PolicyArn: arn})
	want(t, "delete with versions", err, "DeleteConflict")
	for _, v := range []string{"v1", "v2", "v3", "v4"} {
		_, err := s.DeletePolicyVersion(ctx, &iamapi.DeletePolicyVersionInput{PolicyArn: arn, VersionId: &v})
		want(t, "delete "+v, err, "")
	}
	list, err := s.ListPolicyVersions(ctx, &iamapi.ListPolicyVersionsInput{PolicyArn: arn})
	if err != nil || len(list.Versions) != 1 || *list.Versions[0].VersionId != "v5" {
		t.Errorf("versions %+v, %v", list, err)
	}
	_, err = s.DeletePolicy(ctx, &iamapi.DeletePolicyInput{PolicyArn: arn})
	want(t, "delete", err, "")
	_, err = s.DeletePolicy(ctx, &iamapi.DeletePolicyInput{PolicyArn: new(exec)})
	want(t, "delete one of AWS's", err, "AccessDenied")
}

func TestListPages(t *testing.T) {
	s, ctx := open(t)
	for _, name := range []string{"c", "a", "b"} {
		if _, err := s.CreateRole(ctx, &iamapi.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: new(trust)}); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	var marker *string
	for {
		out, err := s.ListRoles(ctx, &iamapi.ListRolesInput{MaxItems: new(int32(2)), Marker: marker})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.Roles {
			names = append(names, *r.RoleName)
		}
		if marker = out.Marker; marker == nil {
			if *out.IsTruncated {
				t.Error("truncated without a marker")
			}
			break
		}
	}
	if len(names) != 3 || names[0] != "a" || names[2] != "c" {
		t.Errorf("pages hold %v", names)
	}
}

func TestCallerWithoutName(t *testing.T) {
	s, ctx := open(t)
	out, err := s.GetUser(ctx, &iamapi.GetUserInput{})
	if err != nil || *out.User.Arn != "arn:aws:iam::"+account+":root" {
		t.Fatalf("%+v, %v", out, err)
	}
	if _, err := s.CreateUser(ctx, &iamapi.CreateUserInput{UserName: new("bob")}); err != nil {
		t.Fatal(err)
	}
	bob := aws.With(t.Context(), &aws.Call{Account: account, Principal: "arn:aws:iam::" + account + ":user/bob", Now: time.Now()})
	out, err = s.GetUser(bob, &iamapi.GetUserInput{})
	if err != nil || *out.User.UserName != "bob" {
		t.Fatalf("%+v, %v", out, err)
	}
	for range maxKeys {
		_, err := s.CreateAccessKey(bob, &iamapi.CreateAccessKeyInput{})
		want(t, "key", err, "")
	}
	_, err = s.CreateAccessKey(ctx, &iamapi.CreateAccessKeyInput{UserName: new("bob")})
	want(t, "a third key", err, "LimitExceeded")
	_, err = s.DeleteUser(ctx, &iamapi.DeleteUserInput{UserName: new("bob")})
	want(t, "delete with keys", err, "DeleteConflict")
}
