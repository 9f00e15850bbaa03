package rules

import (
	"testing"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

func TestTransforms(t *testing.T) {
	url := func(regex, replace string) edgeapi.Transform {
		return edgeapi.Transform{Type: edgeapi.RewriteURL, Regex: regex, Replace: replace}
	}
	host := func(regex, replace string) edgeapi.Transform {
		return edgeapi.Transform{Type: edgeapi.RewriteHost, Regex: regex, Replace: replace}
	}
	for _, c := range []struct {
		name, target, host string
		transforms         []edgeapi.Transform
		want               string // "" when the transform fails
	}{
		{"group", "/dp/B09G3HRMW", "x.com", []edgeapi.Transform{url("^/dp/([A-Za-z0-9]+)/?$", "/product.php?id=$1")}, "x.com/product.php?id=B09G3HRMW"},
		{"no match", "/dq/B09", "x.com", []edgeapi.Transform{url("^/dp/", "/")}, "x.com/dq/B09"},
		{"the first match only", "/a/a/a", "x.com", []edgeapi.Transform{url("a", "b")}, "x.com/b/a/a"},
		{"query", "/p?id=7&x=1", "x.com", []edgeapi.Transform{url(`\?id=(\d+)&(.*)$`, "/$1?$2")}, "x.com/p/7?x=1"},
		{"groups that are not there", "/a", "x.com", []edgeapi.Transform{url("a(b)?", "c$1$2$d$")}, "x.com/c$d$"},
		{"host", "/", "mywebsite-example.com:8080", []edgeapi.Transform{host(`^mywebsite-(.+).com$`, "internal.dev.$1.myweb.com")}, "internal.dev.example.myweb.com:8080/"},
		{"host in any case", "/", "API.Example.com", []edgeapi.Transform{host(`^api\.(.*)$`, "$1")}, "Example.com/"},
		{"both", "/a", "x.com", []edgeapi.Transform{host("x", "y"), url("a", "b")}, "y.com/b"},
		{"no URL", "/a", "x.com", []edgeapi.Transform{url("^/", "")}, ""},
		{"fragment", "/a", "x.com", []edgeapi.Transform{url("a", "b#c")}, ""},
		{"no host", "/a", "x.com", []edgeapi.Transform{host("x.com", "")}, ""},
		{"two hosts", "/a", "x.com", []edgeapi.Transform{host("x", "y/z@")}, ""},
	} {
		r := request(t, "GET "+c.target+" HTTP/1.1\r\nHost: "+c.host+"\r\n\r\n")
		got := ""
		if outcome := CompileTransforms(c.transforms).Apply(r); outcome == "" || outcome == Transformed {
			got = string(r.Host) + string(r.Target)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestRegexConditions shows what regular expressions are compared with.
func TestRegexConditions(t *testing.T) {
	r := request(t, "GET /Api/v2/users?q HTTP/1.1\r\nHost: Shop.Example.com:8080\r\nUser-Agent: Mozilla (Chrome)\r\n\r\n")
	for _, c := range []struct {
		field, regex string
		want         bool
	}{
		{edgeapi.FieldHost, `^shop\.example\.(com|org)$`, true},
		{edgeapi.FieldHost, `^shop$`, false},
		{edgeapi.FieldPath, `^/Api/v[0-9]+/users$`, true},
		{edgeapi.FieldPath, `^/api/`, false},
		{edgeapi.FieldPath, `v2`, true},
		{edgeapi.FieldHeader, `Chrome`, true},
		{edgeapi.FieldHeader, `chrome`, false},
	} {
		l := Compile([]edgeapi.Rule{{Conditions: []edgeapi.Condition{{Field: c.field, Header: "User-Agent", Regex: []string{c.regex}}}}, {}})
		if got := l.Match(r, client) == 0; got != c.want {
			t.Errorf("%s %s: %v", c.field, c.regex, got)
		}
	}
}
