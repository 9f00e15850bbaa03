package sigv4

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

var (
	signedAt    = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	credentials = aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", SessionToken: "token"}
)

// received is the request as a server sees it.
func received(out *http.Request) *http.Request {
	in := httptest.NewRequest(out.Method, out.URL.String(), nil)
	in.Header = out.Header.Clone()
	in.Host = out.URL.Host
	in.ContentLength = out.ContentLength
	return in
}

func signed(t *testing.T, method, address, body string) *http.Request {
	t.Helper()
	out, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	out.Header.Set("Content-Type", "application/x-amz-json-1.1")
	out.Header.Set("X-Amz-Target", "Some.Operation")
	if err := v4.NewSigner().SignHTTP(context.Background(), credentials, out, Hash([]byte(body)), "ecs", "eu-west-1", signedAt); err != nil {
		t.Fatal(err)
	}
	return received(out)
}

func TestVerifyHeader(t *testing.T) {
	for _, address := range []string{
		"http://127.0.0.1:4566/", "http://127.0.0.1:4566", "https://ecs.eu-west-1.localhost/v1/x%20y/arn%3Aaws%3Aecs?b=2&a=1&a=0&empty=",
		"http://localhost/tags/arn:aws:x/y",
	} {
		r := signed(t, http.MethodPost, address, `{"cluster":"web"}`)
		s, err := Parse(r, r.URL.Query())
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		if s.AccessKeyID != credentials.AccessKeyID || s.Region != "eu-west-1" || s.Service != "ecs" || s.Token != "token" {
			t.Errorf("%s: parsed %+v", address, s)
		}
		if err := s.Verify(r, r.URL.Query(), credentials.SecretAccessKey, Hash([]byte(`{"cluster":"web"}`)), signedAt); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	hash := Hash([]byte("{}"))
	for _, tt := range []struct {
		name   string
		change func(*http.Request)
		secret string
		hash   string
		now    time.Time
		want   error
	}{
		{"secret", nil, "other", hash, signedAt, ErrMismatch},
		{"body", nil, credentials.SecretAccessKey, Hash([]byte("{ }")), signedAt, ErrMismatch},
		{"header", func(r *http.Request) { r.Header.Set("X-Amz-Target", "Other") }, credentials.SecretAccessKey, hash, signedAt, ErrMismatch},
		{"path", func(r *http.Request) { r.URL.Path = "/other" }, credentials.SecretAccessKey, hash, signedAt, ErrMismatch},
		{"host", func(r *http.Request) { r.Host = "other" }, credentials.SecretAccessKey, hash, signedAt, ErrMismatch},
		{"late", nil, credentials.SecretAccessKey, hash, signedAt.Add(Skew + time.Second), ErrExpired},
		{"early", nil, credentials.SecretAccessKey, hash, signedAt.Add(-Skew - time.Second), ErrEarly},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := signed(t, http.MethodPost, "http://127.0.0.1:4566/", "{}")
			s, err := Parse(r, r.URL.Query())
			if err != nil {
				t.Fatal(err)
			}
			if tt.change != nil {
				tt.change(r)
			}
			if err := s.Verify(r, r.URL.Query(), tt.secret, tt.hash, tt.now); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestVerifyPresigned(t *testing.T) {
	out, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:4566/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=60", nil)
	if err != nil {
		t.Fatal(err)
	}
	address, _, err := v4.NewSigner().PresignHTTP(context.Background(), credentials, out, Hash(nil), "sts", "us-east-1", signedAt)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, address, nil)
	r.Host = "127.0.0.1:4566"
	s, err := Parse(r, r.URL.Query())
	if err != nil {
		t.Fatal(err)
	}
	if !s.Presigned || s.Expires != time.Minute {
		t.Errorf("parsed %+v", s)
	}
	if err := s.Verify(r, r.URL.Query(), credentials.SecretAccessKey, Hash(nil), signedAt.Add(59*time.Second)); err != nil {
		t.Error(err)
	}
	if err := s.Verify(r, r.URL.Query(), credentials.SecretAccessKey, Hash(nil), signedAt.Add(61*time.Second)); !errors.Is(err, ErrExpired) {
		t.Errorf("late: %v", err)
	}
}

func TestParseIncomplete(t *testing.T) {
	for _, auth := range []string{
		"Basic dGVzdDp0ZXN0", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=x", "AWS4-HMAC-SHA256 Credential=a/20260801/r/s/aws4_request",
		"AWS4-HMAC-SHA256 Credential=a/20260801/r/s/aws4_request, SignedHeaders=host, Signature=00",
		"AWS4-HMAC-SHA256 Credential=/20260801/r/s/aws4_request, SignedHeaders=host, Signature=00",
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("Authorization", auth)
		if s, err := Parse(r, nil); err == nil {
			t.Errorf("%q gave %+v", auth, s)
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	if s, err := Parse(r, nil); s != nil || err != nil {
		t.Errorf("unsigned: %v %v", s, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=a/20260801/r/s/aws4_request, SignedHeaders=host, Signature=00", "X-Amz-Algorithm=AWS4-HMAC-SHA256")
	f.Fuzz(func(t *testing.T, auth, query string) {
		r := &http.Request{Method: http.MethodPost, Header: http.Header{"Authorization": {auth}, "X-Amz-Date": {"20260801T120000Z"}}, URL: &url.URL{Path: "/"}}
		values, _ := url.ParseQuery(query)
		if s, err := Parse(r, values); err == nil && s != nil {
			_ = s.Verify(r, values, "secret", Hash(nil), signedAt)
		}
		r.Header.Del("Authorization")
		_, _ = Parse(r, values)
	})
}
