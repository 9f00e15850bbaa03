package gateway

import (
	"net/http"
	"strings"
	"testing"
)

// Browsers are told where they are; whoever may be an AWS client is not.
func TestGreeting(t *testing.T) {
	address := serve(t, func(c *Config) { c.Version = "v1.2" })
	const html = "text/html,application/xhtml+xml,*/*;q=0.8"
	for _, tt := range []struct {
		name, path, accept, authorization, host string
		greeted                                 bool
	}{
		{"browser", "/", html, "", "", true},
		{"curl", "/", "*/*", "", "", false},
		{"signed", "/", html, "AWS4-HMAC-SHA256 Credential=test/20260801/us-east-1/ecs/aws4_request, SignedHeaders=host, Signature=00", "", false},
		{"action", "/?Action=GetCallerIdentity&Version=2011-06-15", html, "", "", false},
		{"elsewhere", "/nothing", html, "", "", false},
		{"bucket", "/", html, "", "bucket.s3.localhost", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequest(http.MethodGet, address+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = tt.host
			r.Header.Set("Accept", tt.accept)
			if tt.authorization != "" {
				r.Header.Set("Authorization", tt.authorization)
			}
			status, header, body := send(t, r)
			greeted := status == http.StatusOK && strings.HasPrefix(header.Get("Content-Type"), "text/plain") &&
				strings.HasPrefix(body, "This is Neargate v1.2. Point AWS clients") && strings.Contains(body, "`neargate status`")
			if greeted != tt.greeted {
				t.Errorf("%d %s %s", status, header.Get("Content-Type"), body)
			}
		})
	}
}
