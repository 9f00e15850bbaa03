package rules

import (
	"net/netip"
	"testing"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/http1"
)

func request(t testing.TB, raw string) *http1.Request {
	t.Helper()
	var r http1.Request
	if n, err := r.Parse([]byte(raw)); err != nil || n == 0 {
		t.Fatalf("%q: %d %v", raw, n, err)
	}
	return &r
}

var client = netip.MustParseAddr("192.0.2.7")

func TestConditions(t *testing.T) {
	r := request(t, "GET /Img/a.png?version=V1&b=two&flag HTTP/1.1\r\nHost: Shop.Example.com:8080\r\n"+
		"User-Agent: Mozilla (Chrome)\r\nX-Multi: one\r\nX-Multi: two\r\n\r\n")
	values := func(field string, v ...string) edgeapi.Condition { return edgeapi.Condition{Field: field, Values: v} }
	header := func(name string, v ...string) edgeapi.Condition {
		return edgeapi.Condition{Field: edgeapi.FieldHeader, Header: name, Values: v}
	}
	query := func(key, value string) edgeapi.Condition {
		return edgeapi.Condition{Field: edgeapi.FieldQuery, Query: []edgeapi.QueryValue{{Key: key, Value: value}}}
	}
	for _, c := range []struct {
		condition edgeapi.Condition
		want      bool
	}{
		{values(edgeapi.FieldHost, "shop.example.com"), true},
		{values(edgeapi.FieldHost, "*.EXAMPLE.com"), true},
		{values(edgeapi.FieldHost, "a.example.com", "shop.*"), true},
		{values(edgeapi.FieldHost, "example.com"), false},
		{values(edgeapi.FieldPath, "/Img/*"), true},
		{values(edgeapi.FieldPath, "/img/*"), false},
		{values(edgeapi.FieldPath, "*version*"), false},
		{values(edgeapi.FieldMethod, "POST", "GET"), true},
		{values(edgeapi.FieldMethod, "get"), false},
		{values(edgeapi.FieldMethod, "*"), false},
		{header("user-agent", "*chrome*"), true},
		{header("User-Agent", "*safari*"), false},
		{header("x-multi", "TWO"), true},
		{header("x-none", "*"), false},
		{query("version", "v1"), true},
		{query("VERSION", "v?"), true},
		{query("version", "two"), false},
		{query("", "two"), true},
		{query("", "version"), false},
		{query("flag", ""), true},
		{query("b*", "*"), true},
		{values(edgeapi.FieldSourceIP, "198.51.100.0/24", "192.0.2.0/24"), true},
		{values(edgeapi.FieldSourceIP, "192.0.2.6/32"), false},
		{values(edgeapi.FieldSourceIP, "2001:db8::/32"), false},
	} {
		compiled := compile(c.condition)
		if got := compiled.match(r, client); got != c.want {
			t.Errorf("%+v: %v", c.condition, got)
		}
	}
}

func TestMatch(t *testing.T) {
	path := func(p string) edgeapi.Condition {
		return edgeapi.Condition{Field: edgeapi.FieldPath, Values: []string{p}}
	}
	post := edgeapi.Condition{Field: edgeapi.FieldMethod, Values: []string{"POST"}}
	l := Compile([]edgeapi.Rule{
		{Conditions: []edgeapi.Condition{path("/a"), post}},
		{Conditions: []edgeapi.Condition{path("/a*")}},
		{Conditions: []edgeapi.Condition{path("/*")}},
		{},
	})
	for raw, want := range map[string]int{
		"POST /a HTTP/1.1\r\nHost: x\r\n\r\n":   0,
		"GET /a HTTP/1.1\r\nHost: x\r\n\r\n":    1,
		"GET /b HTTP/1.1\r\nHost: x\r\n\r\n":    2,
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n": 3,
	} {
		if got := l.Match(request(t, raw), client); got != want {
			t.Errorf("%q: rule %d", raw, got)
		}
	}
}

func TestHostname(t *testing.T) {
	for host, want := range map[string]string{"a": "a", "a:80": "a", "[::1]": "[::1]", "[::1]:80": "[::1]", "": ""} {
		if got := string(hostname([]byte(host))); got != want {
			t.Errorf("%q: %q", host, got)
		}
	}
}

func TestRedirect(t *testing.T) {
	same := edgeapi.Redirect{Protocol: "#{protocol}", Host: "#{host}", Port: "#{port}", Path: "/#{path}", Query: "#{query}"}
	with := func(change func(*edgeapi.Redirect)) edgeapi.Redirect {
		r := same
		change(&r)
		return r
	}
	o := Origin{Protocol: "HTTP", Host: []byte("shop.example.com:8080"), Port: 8080, Path: []byte("/a/b"), Query: []byte("c=d")}
	for _, c := range []struct {
		redirect edgeapi.Redirect
		want     string
	}{
		{with(func(r *edgeapi.Redirect) { r.Protocol, r.Port = "HTTPS", "443" }), "https://shop.example.com:443/a/b?c=d"},
		{with(func(r *edgeapi.Redirect) { r.Path = "/new/#{path}" }), "http://shop.example.com:8080/new/a/b?c=d"},
		{with(func(r *edgeapi.Redirect) { r.Query = "" }), "http://shop.example.com:8080/a/b"},
		{
			with(func(r *edgeapi.Redirect) { r.Host, r.Query = "www.#{host}", "from=#{host}#{path}&#{query}" }),
			"http://www.shop.example.com:8080/a/b?from=shop.example.coma/b&c=d",
		},
	} {
		if got := string(AppendLocation(nil, &c.redirect, &o)); got != c.want {
			t.Errorf("%+v: %s, want %s", c.redirect, got, c.want)
		}
	}
}
