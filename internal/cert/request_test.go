package cert

import (
	"regexp"
	"testing"
)

func TestRecord(t *testing.T) {
	name, value := Record("123456789012", "www.Example.com")
	if !regexp.MustCompile(`^_[0-9a-f]{32}\.www\.example\.com\.$`).MatchString(name) {
		t.Errorf("name %s", name)
	}
	if !regexp.MustCompile(`^_[0-9a-f]{32}\.acm-validations\.aws\.$`).MatchString(value) {
		t.Errorf("value %s", value)
	}
	for domain, same := range map[string]bool{"www.example.com": true, "*.www.example.com": true, "example.com": false} {
		n, v := Record("123456789012", domain)
		if (n == name && v == value) != same {
			t.Errorf("%s: %s %s", domain, n, v)
		}
	}
	if n, v := Record("210987654321", "www.example.com"); n == name || v == value {
		t.Error("two accounts have one record")
	}
}

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		domain, name string
		want         bool
	}{
		{"example.com", "example.com", true},
		{"example.com", "www.example.com", true},
		{"Example.com", "*.example.com", true},
		{"www.example.com", "example.com", false},
		{"ample.com", "example.com", false},
		{"com", "example.com", false},
	} {
		if got := Covers(c.domain, c.name); got != c.want {
			t.Errorf("Covers(%s, %s) = %v", c.domain, c.name, got)
		}
	}
}

func TestARN(t *testing.T) {
	arn := newARN("123456789012", "us-east-1")
	if !regexp.MustCompile(`^arn:aws:acm:us-east-1:123456789012:certificate/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(arn) {
		t.Error(arn)
	}
}
