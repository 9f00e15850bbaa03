package proto

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/internal/aws/awserr"
)

const fullJSON = `{"Name":"a\"\n\té","mode":"FAST","count":3,"size":9007199254740993,"ratio":0.25,"on":false,"at":1785585600.25,` +
	`"day":"2026-08-01T12:00:00Z","mail":"Sat, 01 Aug 2026 12:00:00 GMT","data":"AAEC","names":["x","y"],"flat":[],` +
	`"children":[{"Name":"b"},{}],"labels":{"k":"v"},"trees":{"t":{"on":true}},"numbers":{"n":[1,-2]},"parent":{"parent":{}},` +
	`"either":{"a":"x"},"free":{"list":[1,2.5,"x",null,true]},"modes":["SLOW"]}`

func TestJSONRoundTrip(t *testing.T) {
	var s sample
	if err := readJSON([]byte(fullJSON), plan[sample](), reflect.ValueOf(&s).Elem()); err != nil {
		t.Fatal(err)
	}
	if *s.Size != 9007199254740993 || !s.At.Equal(time.Date(2026, 8, 1, 12, 0, 0, 250e6, time.UTC)) || string(s.Data) != "\x00\x01\x02" {
		t.Errorf("read %+v", s)
	}
	if s.Flat == nil || s.Children[1].Name != nil || s.Parent.Parent == nil {
		t.Error("empty and absent are mixed up")
	}
	if got := string(appendJSON(nil, plan[sample](), reflect.ValueOf(&s).Elem())); got != fullJSON {
		t.Errorf("wrote\n%s\nwant\n%s", got, fullJSON)
	}
}

func TestJSONValues(t *testing.T) {
	for _, tt := range []struct {
		body string
		get  func(*sample) any
		want any
	}{
		{`{"Name":"\ud83d\ude00"}`, func(s *sample) any { return *s.Name }, "😀"},
		{`{"Name":"\ud83d"}`, func(s *sample) any { return *s.Name }, "\uFFFD"},
		{`{"Name":"\ud83dx"}`, func(s *sample) any { return *s.Name }, "\uFFFDx"},
		{`{"Name":"\/\b\f"}`, func(s *sample) any { return *s.Name }, "/\b\f"},
		{`{"Name":null}`, func(s *sample) any { return s.Name }, (*string)(nil)},
		{`{"name":"other case"}`, func(s *sample) any { return s.Name }, (*string)(nil)},
		{`{"Name":"a","Name":"b"}`, func(s *sample) any { return *s.Name }, "b"},
		{`{"count":1e1}`, func(s *sample) any { return *s.Count }, int32(10)},
		{`{"ratio":"Infinity"}`, func(s *sample) any { return *s.Ratio }, math.Inf(1)},
		{`{"at":-1}`, func(s *sample) any { return s.At.Unix() }, int64(-1)},
		{`{"at":1.7855856e9}`, func(s *sample) any { return s.At.Unix() }, int64(1785585600)},
		{`{"labels":{"a":null,"b":"c"}}`, func(s *sample) any { return s.Labels }, map[string]string{"b": "c"}},
		{`{"names":[null]}`, func(s *sample) any { return s.Names }, []string{}},
		{`{"free":null}`, func(s *sample) any { return s.Free }, nil},
		{`{"free":12345678901234567}`, func(s *sample) any { return s.Free }, int64(12345678901234567)},
		{` `, func(s *sample) any { return s.Name }, (*string)(nil)},
	} {
		var s sample
		if err := readJSON([]byte(tt.body), plan[sample](), reflect.ValueOf(&s).Elem()); err != nil {
			t.Errorf("%s: %v", tt.body, err)
			continue
		}
		if diff := cmp.Diff(tt.want, tt.get(&s)); diff != "" {
			t.Errorf("%s: %s", tt.body, diff)
		}
	}
}

func TestJSONRefuses(t *testing.T) {
	for _, body := range []string{
		`{`, `}`, `[]`, `"x"`, `nul`, `{"Name"}`, `{"Name":}`, `{"Name":"a"`, `{"Name":"a"}}`, `{,}`, `{"a":1,}`, `{"a":[1,]}`, `{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":+1}`,
		`{"a":1e}`, `{"a":-}`, `{"a":"\x"}`, `{"a":"\u12"}`, `{'a':1}`, `{"a":tru}`, "{\"a\":\"\n\"}", "{\"a\":\"\xc3\"}", "{\"\xff\":1}", `{"a":1 "b":2}`, `{"free":1e999}`,
		`{"Name":true}`, `{"Name":{}}`, `{"Name":[]}`, `{"count":"1"}`, `{"count":1.5}`, `{"count":2147483648}`, `{"size":9223372036854775808}`, `{"on":"true"}`, `{"on":1}`,
		`{"at":"2026-08-01T12:00:00Z"}`, `{"at":1e300}`, `{"day":1}`, `{"day":"yesterday"}`, `{"data":"!"}`, `{"data":1}`, `{"names":{}}`, `{"names":"x"}`, `{"labels":[]}`, `{"parent":[]}`,
		`{"ratio":"1.5"}`, `{"names":[1]}`, `{"children":["x"]}`,
		`{"free":` + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth) + `}`,
	} {
		var s sample
		err := JSON{Version: "1.1"}.Decode(&Request{Info: operation(""), Body: []byte(body)}, &s)
		if e, ok := errors.AsType[*awserr.Error](err); !ok || e.Code != "SerializationException" || e.Status != 400 {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestJSONError(t *testing.T) {
	e := awserr.New("LoadBalancerNotFound", 404, "a \"b\"").With("ids", []string{"x"}).With("count", int64(2))
	e.Shape = "LoadBalancerNotFoundException"
	compatible := *testService
	compatible.QueryErrors = true
	r := JSON{Version: "1.0"}.Fail(nil, &compatible, "", e)
	const want = `{"__type":"LoadBalancerNotFoundException","message":"a \"b\"","count":2,"ids":["x"]}`
	if string(r.Body) != want || r.Status != 404 {
		t.Errorf("%d %s", r.Status, r.Body)
	}
	if got := r.Header.Get("x-amzn-query-error"); got != "LoadBalancerNotFound;Sender" {
		t.Errorf("query error %q", got)
	}
	if got := r.Header.Get("Content-Type"); got != "application/x-amz-json-1.0" {
		t.Errorf("content type %q", got)
	}
}

func BenchmarkJSONRead(b *testing.B) {
	body := []byte(fullJSON)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		var s sample
		if err := readJSON(body, plan[sample](), reflect.ValueOf(&s).Elem()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkJSONWrite(b *testing.B) {
	var s sample
	if err := readJSON([]byte(fullJSON), plan[sample](), reflect.ValueOf(&s).Elem()); err != nil {
		b.Fatal(err)
	}
	var out []byte
	for b.Loop() {
		out = appendJSON(out[:0], plan[sample](), reflect.ValueOf(&s).Elem())
	}
}

func TestJSONDoubles(t *testing.T) {
	for f, want := range map[float64]string{0: "0.0", 3: "3.0", -3: "-3.0", 0.5: "0.5", 1e20: "100000000000000000000.0", 1e21: "1e+21", 1e-7: "1e-07", math.Inf(1): `"Infinity"`} {
		if got := string(appendJSONDouble(nil, f)); got != want {
			t.Errorf("%v is %s, want %s", f, got, want)
		}
	}
}
