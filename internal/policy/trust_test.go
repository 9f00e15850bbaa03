package policy

import (
	"strings"
	"testing"
)

func TestRoleOf(t *testing.T) {
	if got := roleOf("arn:aws:sts::123456789012:assumed-role/app/me"); got != "arn:aws:iam::123456789012:role/app" {
		t.Error(got)
	}
}

func TestAWSManaged(t *testing.T) {
	p, ok := AWSManaged("arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")
	if !ok || !strings.Contains(p.Versions[0].Text, "ecr:GetAuthorizationToken") {
		t.Fatalf("%+v %v", p, ok)
	}
	for _, p := range AllAWSManaged() {
		if what := Check(p.Versions[0].Text, IdentityKind); what != "" {
			t.Errorf("%s: %s", p.ARN, what)
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(`{"Statement":{"Effect":"Allow","Action":["a:b"],"Resource":"*"}}`)
	f.Fuzz(func(_ *testing.T, text string) {
		Check(text, IdentityKind)
		Check(text, TrustKind)
		r := Role{Trust: text}
		r.Trusts(TrustRequest{Action: "sts:AssumeRole", Account: "1", Principal: "p"})
	})
}
