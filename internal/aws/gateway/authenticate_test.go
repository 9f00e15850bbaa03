package gateway

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/sigv4"
)

var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

type keys map[string]Key

func (k keys) Lookup(id string) (Key, bool) {
	key, ok := k[id]
	return key, ok
}

var issued = keys{
	"AKIAUSER":    {Secret: "s1", Account: "111111111111", Principal: "arn:aws:iam::111111111111:user/u"},
	"ASIASESSION": {Secret: "s2", Account: "111111111111", Principal: "arn:aws:sts::111111111111:assumed-role/r/s", Token: "tok", Expires: noon.Add(time.Minute)},
	"ASIAOVER":    {Secret: "s2", Account: "111111111111", Token: "tok", Expires: noon.Add(-time.Minute)},
	"AKIAOFF":     {Secret: "s1", Account: "111111111111", Inactive: true},
}

// signedForm is a query request signed at a time.
func signedForm(t *testing.T, address, service, body string, c sdk.Credentials, at time.Time) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, address+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.AccessKeyID == "" {
		return r
	}
	if err := v4.NewSigner().SignHTTP(context.Background(), c, r, sigv4.Hash([]byte(body)), service, "eu-west-1", at); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAuthenticate(t *testing.T) {
	now := func() time.Time { return noon }
	loopback := serve(t, func(c *Config) { c.Keys, c.Now = issued, now })
	enforced := serve(t, func(c *Config) { c.Keys, c.Now, c.Enforce = issued, now, true })
	credentials := func(id, secret, token string) sdk.Credentials {
		return sdk.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: token}
	}
	const (
		identity = "Action=GetCallerIdentity&Version=2011-06-15"
		vpcs     = "Action=DescribeVpcs&Version=2016-11-15"
	)
	for _, tt := range []struct {
		name        string
		address     string
		service     string
		body        string
		credentials sdk.Credentials
		at          time.Time
		status      int
		want        string
	}{
		{"static key", loopback, "sts", identity, credentials("test", "x", ""), noon, 200, "<Account>000000000000</Account>"},
		{"account by key", loopback, "sts", identity, credentials("123456789012", "x", ""), noon, 200, "arn:aws:iam::123456789012:root"},
		{"unsigned", loopback, "sts", identity, sdk.Credentials{}, noon, 200, "<Account>000000000000</Account>"},
		{"issued key", loopback, "sts", identity, credentials("AKIAUSER", "s1", ""), noon, 200, "arn:aws:iam::111111111111:user/u"},
		{"issued key, wrong secret", loopback, "sts", identity, credentials("AKIAUSER", "no", ""), noon, 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"session", loopback, "sts", identity, credentials("ASIASESSION", "s2", "tok"), noon, 200, "assumed-role/r/s"},
		{"session without token", loopback, "sts", identity, credentials("ASIASESSION", "s2", ""), noon, 403, "<Code>InvalidClientTokenId</Code>"},
		{"session over", loopback, "sts", identity, credentials("ASIAOVER", "s2", "tok"), noon, 403, "<Code>ExpiredToken</Code>"},
		{"inactive key", loopback, "sts", identity, credentials("AKIAOFF", "s1", ""), noon, 403, "<Code>InvalidClientTokenId</Code>"},
		{"too old", loopback, "sts", identity, credentials("AKIAUSER", "s1", ""), noon.Add(-20 * time.Minute), 403, "Signature expired: 20260801T114000Z is now earlier than 20260801T114500Z (20260801T120000Z - 15 min.)"},
		{"ec2, too old", loopback, "ec2", vpcs, credentials("AKIAUSER", "s1", ""), noon.Add(-20 * time.Minute), 400, "<Code>RequestExpired</Code>"},
		{"ec2, wrong secret", loopback, "ec2", vpcs, credentials("AKIAUSER", "no", ""), noon, 401, "<Code>AuthFailure</Code>"},
		{"enforced: unsigned", enforced, "sts", identity, sdk.Credentials{}, noon, 403, "<Code>MissingAuthenticationToken</Code>"},
		{"enforced: unknown key", enforced, "sts", identity, credentials("test", "x", ""), noon, 403, "<Code>InvalidClientTokenId</Code>"},
		{"enforced: ec2, unknown key", enforced, "ec2", vpcs, credentials("test", "x", ""), noon, 401, "<Code>AuthFailure</Code>"},
		{"enforced: issued key", enforced, "sts", identity, credentials("AKIAUSER", "s1", ""), noon, 200, "user/u"},
		{
			"enforced: needs no signature", enforced, "sts",
			"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::111111111111:role/r&RoleSessionName=s2&WebIdentityToken=token",
			sdk.Credentials{},
			noon, 200, "<AssumeRoleWithWebIdentityResult>",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, err := http.DefaultClient.Do(signedForm(t, tt.address, tt.service, tt.body, tt.credentials, tt.at))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var b strings.Builder
			if err := resp.Write(&b); err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.status || !strings.Contains(b.String(), tt.want) {
				t.Errorf("%d %s\nwant %d %s", resp.StatusCode, b.String(), tt.status, tt.want)
			}
		})
	}
}

// TestSignatureIsForOneOperation: a signature that was made for one service or operation does for no other.
func TestSignatureIsForOneOperation(t *testing.T) {
	address := serve(t, func(c *Config) { c.Keys, c.Enforce = issued, true })
	for _, tt := range []struct {
		name, service string
		before, after string // the target when the request is signed, and when it is sent
		status        int
		want          string
	}{
		{"as signed", "ecs", "ListClusters", "ListClusters", 200, "clusterArns"},
		{"another service", "sts", "ListClusters", "ListClusters", 400, "Credential should be scoped to correct service: 'ecs'. "},
		{"another operation", "ecs", "DescribeClusters", "ListClusters", 400, "InvalidSignatureException"},
		{"an operation that was not signed", "ecs", "", "ListClusters", 400, "InvalidSignatureException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequest(http.MethodPost, address+"/", strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			set := func(operation string) {
				if operation != "" {
					r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+operation)
				}
			}
			set(tt.before)
			c := sdk.Credentials{AccessKeyID: "AKIAUSER", SecretAccessKey: "s1"}
			if err := v4.NewSigner().SignHTTP(t.Context(), c, r, sigv4.Hash([]byte("{}")), tt.service, "eu-west-1", time.Now()); err != nil {
				t.Fatal(err)
			}
			set(tt.after)
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != tt.status || !strings.Contains(string(body), tt.want) {
				t.Errorf("%d %s %v\nwant %d %s", resp.StatusCode, body, err, tt.status, tt.want)
			}
		})
	}
}

func TestAuthenticateJSONCodes(t *testing.T) {
	address := serve(t, func(c *Config) { c.Keys, c.Enforce = issued, true })
	for _, tt := range []struct{ auth, want string }{
		{"", "MissingAuthenticationTokenException"},
		{"AWS4-HMAC-SHA256 Credential=x", "IncompleteSignatureException"},
		{"AWS4-HMAC-SHA256 Credential=test/20260801/r/ecs/aws4_request, SignedHeaders=host, Signature=" + hex.EncodeToString(make([]byte, 32)), "UnrecognizedClientException"},
		{"AWS4-HMAC-SHA256 Credential=AKIAUSER/20260801/r/ecs/aws4_request, SignedHeaders=host, Signature=" + hex.EncodeToString(make([]byte, 32)), "InvalidSignatureException"},
	} {
		s := ecs("ListClusters", "{}")
		if tt.auth != "" {
			s.header["Authorization"], s.header["X-Amz-Date"] = tt.auth, "20260801T120000Z"
		}
		if status, _, body := s.do(t, address); status < 400 || !strings.Contains(body, tt.want) {
			t.Errorf("%q: %d %s, want %s", tt.auth, status, body, tt.want)
		}
	}
}

func TestAuthorizeAndAudit(t *testing.T) {
	denied := &awserr.Class{Code: "AccessDeniedException", Status: 400}
	var records []Record
	address := serve(t, func(c *Config) {
		c.Authorize = func(_ context.Context, op *aws.OperationInfo, _ any) error {
			if op.Name == "CreateCluster" {
				return denied.New("no")
			}
			return nil
		}
		c.Audit = func(ctx context.Context, r Record) {
			if aws.From(ctx).RequestID == "" {
				t.Error("audit without a call")
			}
			records = append(records, r)
		}
	})
	if status, _, body := ecs("CreateCluster", "{}").do(t, address); status != 400 || !strings.Contains(body, "AccessDeniedException") {
		t.Errorf("%d %s", status, body)
	}
	ecs("ListClusters", "{}").do(t, address)
	if len(records) != 2 || !errors.Is(records[0].Err, denied) || records[1].Err != nil || records[1].Output == nil {
		t.Errorf("audited %+v", records)
	}
}
