package policy

import (
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestWildcard compares with path.Match, which agrees where neither side has a slash or a bracket.
func TestWildcard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?]{0,8}`).Draw(t, "pattern")
		s := rapid.StringMatching(`[ab]{0,10}`).Draw(t, "s")
		want, err := path.Match(pattern, s)
		if err != nil {
			t.Skip()
		}
		if got := wildcard(pattern, s); got != want {
			t.Fatalf("wildcard(%q, %q) = %v", pattern, s, got)
		}
	})
}

func TestWildcardIsLinear(t *testing.T) {
	if wildcard(strings.Repeat("*a", 1000)+"b", strings.Repeat("a", 100_000)) {
		t.Error("matched")
	}
}

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
