package sigv4

import (
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"
)

func TestPresign(t *testing.T) {
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	for _, path := range []string{"/bucket/ca.pem", "/bucket/a b+c/ü$&.pem"} {
		link := Presign(url.URL{Scheme: "http", Host: "127.0.0.1:4566", Path: path, RawQuery: "versionId=a%2Fb"},
			Credentials{AccessKeyID: "ASIAX", Secret: "secret", Token: "to/ken="}, "us-east-1", now, 10*time.Minute)
		r, err := http.NewRequest(http.MethodGet, link, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.URL.Path != path || r.URL.Query().Get("versionId") != "a/b" {
			t.Errorf("%s leads to %s", link, r.URL)
		}
		s, err := Parse(r, r.URL.Query())
		if err != nil {
			t.Fatal(err)
		}
		if s.AccessKeyID != "ASIAX" || s.Token != "to/ken=" || s.Service != "s3" || s.Region != "us-east-1" {
			t.Errorf("signature %+v", s)
		}
		for at, want := range map[time.Duration]error{0: nil, 10 * time.Minute: nil, 11 * time.Minute: ErrExpired} {
			if err := s.Verify(r, r.URL.Query(), "secret", "UNSIGNED-PAYLOAD", now.Add(at)); !errors.Is(err, want) {
				t.Errorf("%s after %v: %v", path, at, err)
			}
		}
		if err := s.Verify(r, r.URL.Query(), "other", "UNSIGNED-PAYLOAD", now); !errors.Is(err, ErrMismatch) {
			t.Errorf("another secret: %v", err)
		}
	}
}
