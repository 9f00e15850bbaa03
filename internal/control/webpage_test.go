package control

import (
	"net/http/httptest"
	"testing"
)

func TestFromWebPage(t *testing.T) {
	for _, c := range []struct {
		method, host, header, value string
		want                        bool
	}{
		{"POST", "127.0.0.1:4566", "", "", false},
		{"POST", "ec2.us-east-1.amazonaws.com", "", "", false},
		{"POST", "aws.example.com:4566", "", "", false}, // a program that was told a name of its own
		{"GET", "localhost:4566", "", "", false},
		{"GET", "[::1]:4566", "", "", false},
		{"GET", "neargate:4566", "", "", false},
		{"GET", "streaming-logs.neargate.localhost:4566", "", "", false},
		{"GET", "000000000000.dkr.ecr.us-east-1.amazonaws.com", "", "", false},
		{"POST", "127.0.0.1:4566", "Origin", "http://localhost:3000", false},
		{"POST", "127.0.0.1:4566", "Origin", "http://127.0.0.1:3000", false},

		{"POST", "127.0.0.1:4566", "Origin", "https://evil.example.com", true},
		{"POST", "evil.example.com:4566", "Origin", "http://evil.example.com:4566", true},
		{"POST", "127.0.0.1:4566", "Origin", "null", true},
		{"GET", "127.0.0.1:4566", "Sec-Fetch-Site", "cross-site", true},
		{"GET", "evil.example.com:4566", "", "", true},
		{"HEAD", "127.0.0.1.nip.io:4566", "", "", true},
	} {
		r := httptest.NewRequest(c.method, "/?Action=DeleteVpc", nil)
		r.Host = c.host
		if c.header != "" {
			r.Header.Set(c.header, c.value)
		}
		if got := fromWebPage(r); got != c.want {
			t.Errorf("%s to %s with %s %q: %v", c.method, c.host, c.header, c.value, got)
		}
	}
}
