package proto

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/internal/aws/awserr"
)

func TestTemplate(t *testing.T) {
	for _, tt := range []struct {
		template, path, query string
		want                  map[string]string
	}{
		{"/things/{Id}", "/things/a%2Fb", "", map[string]string{"Id": "a/b"}},
		{"/things/{Id}", "/things/", "", nil},
		{"/things/{Id}", "/things/a/b", "", nil},
		{"/things/{Id}", "/others/a", "", nil},
		{"/{Bucket}/{Key+}", "/b/k/l/m", "", map[string]string{"Bucket": "b", "Key": "k/l/m"}},
		{"/{Bucket}/{Key+}", "/b", "", nil},
		{"/{a+}/tail/{b}", "/x/y/tail/z", "", map[string]string{"a": "x/y", "b": "z"}},
		{"/{a+}/tail/{b}", "/x/y/other/z", "", nil},
		{"/{Bucket}?tagging", "/b", "tagging", map[string]string{"Bucket": "b"}},
		{"/{Bucket}?tagging", "/b", "", nil},
		{"/{Bucket}?list-type=2", "/b", "list-type=2&prefix=x", map[string]string{"Bucket": "b"}},
		{"/{Bucket}?list-type=2", "/b", "list-type=1", nil},
		{"/", "/", "", map[string]string{}},
		{"/x", "/%zz", "", nil},
	} {
		query, err := url.ParseQuery(tt.query)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := ParseTemplate(tt.template).Match(tt.path, query)
		if ok != (tt.want != nil) || ok && !maps.Equal(got, tt.want) {
			t.Errorf("%s on %s?%s: %v %v", tt.template, tt.path, tt.query, got, ok)
		}
	}
	for _, pair := range [][2]string{{"/fixed/{x}", "/{Bucket}/{Key+}"}, {"/{Bucket}?tagging", "/{Bucket}"}, {"/{Bucket}/{Key}", "/{Bucket}/{Key+}"}} {
		if ParseTemplate(pair[0]).Specificity() <= ParseTemplate(pair[1]).Specificity() {
			t.Errorf("%s does not come before %s", pair[0], pair[1])
		}
	}
}

func TestBound(t *testing.T) {
	noon := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	r := Request{
		Info: operation("/things/{Id}/{path+}"), Path: "/things/a%20b/x/y",
		Query: url.Values{"filter": {"1", "2"}, "since": {"2026-08-01T12:00:00Z"}},
		Header: http.Header{
			"X-Token": {" t "}, "X-Dates": {"Sat, 01 Aug 2026 12:00:00 GMT, Sat, 01 Aug 2026 12:00:00 GMT"}, "X-Words": {`"a, b", c`, `d\"`},
			"X-Meta-Colour": {"red"},
		},
	}
	want := bound{
		ID: new("a b"), Path: new("x/y"), Filter: []string{"1", "2"}, Since: &noon, Token: new("t"), Dates: []time.Time{noon, noon},
		Words: []string{"a, b", "c", `d\"`}, Meta: map[string]string{"colour": "red"}, Note: new("n"), Comment: new("c"),
	}
	for _, tt := range []struct {
		codec decoder
		body  string
	}{
		{RESTJSON{}, `{"note":"n","Remark":"c","id":"from the body"}`},
		{RESTXML{}, `<DoRequest xmlns="x"><note>n</note><Remark>c</Remark></DoRequest>`},
	} {
		r.Body = []byte(tt.body)
		var got bound
		if err := tt.codec.Decode(&r, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestBoundResponse(t *testing.T) {
	noon := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	out := bound{Token: new("t"), Dates: []time.Time{noon}, Words: []string{"a, b", "c"}, Meta: map[string]string{"colour": "red"}, Status: new(int32(202)), Note: new("n")}
	for _, tt := range []struct {
		r    *Response
		want string
	}{
		{RESTJSON{}.Encode(nil, operation(""), "id", &out), `{"note":"n"}`},
		{RESTXML{}.Encode(nil, operation(""), "id", &out), xmlHeader + `<DoResult><note>n</note></DoResult>`},
	} {
		if string(tt.r.Body) != tt.want || tt.r.Status != 202 {
			t.Errorf("%d %s", tt.r.Status, tt.r.Body)
		}
		for name, want := range map[string]string{
			"X-Token": "t", "X-Dates": "Sat, 01 Aug 2026 12:00:00 GMT", "X-Words": `"a, b", c`,
		} {
			if got := tt.r.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		//lint:ignore SA1008 keys of maps keep their letters
		if got := tt.r.Header["X-Meta-colour"]; len(got) != 1 || got[0] != "red" {
			t.Errorf("%v: the map's key is not as it was", tt.r.Header)
		}
	}
}

func TestStreamedBodies(t *testing.T) {
	var in streamed
	r := Request{Info: operation("/"), Path: "/", Header: http.Header{"X-Kind": {"k"}}, Stream: strings.NewReader("body")}
	if err := (RESTXML{}).Decode(&r, &in); err != nil {
		t.Fatal(err)
	}
	answer := RESTJSON{}.Encode(nil, operation("/"), "id", &in)
	var b strings.Builder
	if err := answer.Stream(context.Background(), &b, func() error { return nil }); err != nil || b.String() != "body" || answer.Header.Get("X-Kind") != "k" {
		t.Errorf("%q %v %v", b.String(), answer.Header, err)
	}
	var _ io.Reader = in.Body
}

func TestRESTRefuses(t *testing.T) {
	header := func(k, v string) http.Header { return http.Header{k: {v}} }
	for _, tt := range []struct {
		name  string
		codec decoder
		r     Request
		code  string
	}{
		{"json", RESTJSON{}, Request{Path: "/things/a/b", Body: []byte(`{`)}, "SerializationException"},
		{"json, date in header", RESTJSON{}, Request{Path: "/things/a/b", Header: header("X-Dates", "x, y")}, "SerializationException"},
		{"xml", RESTXML{}, Request{Path: "/things/a/b", Body: []byte(`<a><b></a>`)}, "MalformedXML"},
		{"xml, cut", RESTXML{}, Request{Path: "/things/a/b", Body: []byte(`<a><b>`)}, "MalformedXML"},
		{"xml, two roots", RESTXML{}, Request{Path: "/things/a/b", Body: []byte(`<a></a><a></a>`)}, "MalformedXML"},
		{"xml, document type", RESTXML{}, Request{Path: "/things/a/b", Body: []byte(`<!DOCTYPE a [<!ENTITY b "c">]><a></a>`)}, "MalformedXML"},
		{"xml, entity", RESTXML{}, Request{Path: "/things/a/b", Body: []byte(`<a><note>&b;</note></a>`)}, "MalformedXML"},
		{"xml, deep", RESTXML{}, Request{Path: "/things/a/b", Body: []byte(strings.Repeat("<a>", 1000) + strings.Repeat("</a>", 1000))}, "MalformedXML"},
		{"xml, date in query", RESTXML{}, Request{Path: "/things/a/b", Query: url.Values{"since": {"x"}}}, "InvalidArgument"},
	} {
		var in bound
		tt.r.Info = operation("/things/{Id}/{path+}")
		err := tt.codec.Decode(&tt.r, &in)
		if e, ok := errors.AsType[*awserr.Error](err); !ok || e.Code != tt.code {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
		}
	}
}
