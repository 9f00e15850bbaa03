package fabric

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestInterfaceLinkName(t *testing.T) {
	tests := []struct{ id, want string }{
		{"eni-0123456789abcdef0", "e3456789abcdef0"},
		{"eni-1", "e" + digest("eni-1", 14)},
		{"eni-of-something-long", "e" + digest("eni-of-something-long", 14)},
	}
	for _, test := range tests {
		got := interfaceLinkName(test.id)
		expect(t, test.id, got, test.want)
		if len(got) > 15 || got == insideName || got == uplinkName {
			t.Errorf("%s: %s cannot be a link", test.id, got)
		}
	}
}

func TestHostLinkName(t *testing.T) {
	a, b := hostLinkName("0123abcd", "vpc-0123456789abcdef0", 0), hostLinkName("0123abcd", "vpc-0123456789abcdef0", 1)
	if a == b || len(a) != 15 || !strings.HasPrefix(b, linkPrefix("0123abcd")) {
		t.Errorf("names %s and %s", a, b)
	}
	if label := poolLabel("0123abcd"); len(label) > 15 {
		t.Errorf("label %s is too long", label)
	}
}

func TestInstance(t *testing.T) {
	dir := t.TempDir()
	a, err := Instance(dir)
	check(t, err)
	b, err := Instance(filepath.Join(dir, "sub", ".."))
	check(t, err)
	c, err := Instance(filepath.Join(dir, "other"))
	check(t, err)
	if a != b || a == c || !validInstance(a) {
		t.Errorf("instances %s, %s, %s", a, b, c)
	}
	for _, bad := range []string{"", "0123abc", "0123ABCD", "0123abcg", "0123abcde"} {
		if validInstance(bad) {
			t.Errorf("instance %q is valid", bad)
		}
	}
}
