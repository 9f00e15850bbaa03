package proto

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"testing"
)

// FuzzJSON holds the reader against the standard library's idea of well-formed JSON, and against its own writer.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{"Name":"a","count":3,"size":-9223372036854775808,"ratio":1e-3,"on":true,"at":1.5,"day":"2026-08-01T00:00:00Z","data":"AAEC"}`,
		`{"names":["x",null],"children":[{"Name":"b"}],"labels":{"k":"v"},"numbers":{"n":[1,2]},"free":{"a":[1,2.5,"x",null,true]}}`,
		`{"Name":"\ud83d\ude00\u0000\"\\","mail":"Sat, 01 Aug 2026 00:00:00 GMT","ratio":"NaN"}`, `[`, `{"a":`, ` {} `, `{"Name":1}`, "{\"Name\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var first sample
		err := readJSON(body, plan[sample](), reflect.ValueOf(&first).Elem())
		if err == nil && len(body) > 0 && !json.Valid(body) && plainSpace(body) {
			t.Fatalf("read what is not JSON: %q", body)
		}
		if err != nil {
			return
		}
		text := appendJSON(nil, plan[sample](), reflect.ValueOf(&first).Elem())
		if !json.Valid(text) {
			t.Fatalf("wrote %q for %q", text, body)
		}
		var second sample
		if err := readJSON(text, plan[sample](), reflect.ValueOf(&second).Elem()); err != nil {
			t.Fatalf("%q became %q: %v", body, text, err)
		}
		if again := appendJSON(nil, plan[sample](), reflect.ValueOf(&second).Elem()); string(again) != string(text) {
			t.Fatalf("%q became %q, then %q", body, text, again)
		}
		Validate(testService, &first)
	})
}

// plainSpace is false for bodies of white space alone, which count as empty.
func plainSpace(body []byte) bool {
	for _, c := range body {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return true
		}
	}
	return false
}

func FuzzDocument(f *testing.F) {
	f.Add([]byte(`{"a":[1,-2.5e3,"x\n",null,true,{}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		s := scanner{b: body}
		d, err := s.document(true)
		if err != nil {
			return
		}
		if text := appendDocument(nil, d); !json.Valid(text) {
			t.Fatalf("%q became %q", body, text)
		}
	})
}

func FuzzCBOR(f *testing.F) {
	info := operation("")
	var full sample
	if err := readJSON([]byte(fullJSON), plan[sample](), reflect.ValueOf(&full).Elem()); err != nil {
		f.Fatal(err)
	}
	full.Free = nil // CBOR has no documents
	f.Add(appendCBOR(nil, plan[sample](), reflect.ValueOf(&full).Elem()))
	f.Add([]byte("\xbf\x64Name\x7f\x61a\x61b\xff\xff"))
	f.Add([]byte("\xa1\x62at\xc1\xf9\x3c\x00"))
	f.Add([]byte("\x9f\x9f\x9f\x9f\x9f"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var first, second sample
		if CBOR.Decode(CBOR{}, &Request{Info: info, Body: body}, &first) != nil {
			return
		}
		b := appendCBOR(nil, plan[sample](), reflect.ValueOf(&first).Elem())
		if err := (CBOR{}).Decode(&Request{Info: info, Body: b}, &second); err != nil {
			t.Fatalf("%x became %x: %v", body, b, err)
		}
		if again := appendCBOR(nil, plan[sample](), reflect.ValueOf(&second).Elem()); string(again) != string(b) {
			t.Fatalf("%x became %x, then %x", body, b, again)
		}
	})
}

func FuzzQuery(f *testing.F) {
	f.Add("Action=Do&Version=1&Name=a", "names.member.1=x&names.member.2=y&labels.entry.1.key=k&labels.entry.1.value=v&children.child.1.Name=z")
	f.Add("", "Names.1=x&Flat.2=b&Flat.1=a&Parent.Parent.Count=3&At=2026-08-01T00%3A00%3A00Z&Data=AAEC")
	f.Fuzz(func(t *testing.T, query, body string) {
		form, err := ParseForm(query, body)
		if err != nil {
			return
		}
		for _, codec := range []interface{ Decode(*Request, any) error }{Query{}, EC2Query{}} {
			var in sample
			if err := codec.Decode(&Request{Info: operation(""), Form: form}, &in); err == nil {
				Validate(testService, &in)
			}
		}
	})
}

func FuzzXML(f *testing.F) {
	f.Add([]byte(`<X><Name>a</Name><names><member>x</member></names><Flat>a</Flat><Flat>b</Flat><labels><entry><key>k</key><value>v</value></entry></labels><parent><on>true</on></parent></X>`))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var first sample
		if readXMLBody(&Request{Body: body}, plan[sample](), reflect.ValueOf(&first).Elem()) != nil {
			return
		}
		r := RESTXML{}.Encode(nil, operation(""), "", &first)
		var second sample
		if err := readXMLBody(&Request{Body: r.Body}, plan[sample](), reflect.ValueOf(&second).Elem()); err != nil {
			t.Fatalf("%q became %q: %v", body, r.Body, err)
		}
	})
}

func FuzzREST(f *testing.F) {
	f.Add("/things/a%2Fb/x/y", "filter=1&filter=2&since=2026-08-01", "Sat, 01 Aug 2026 00:00:00 GMT, Sun, 02 Aug 2026 00:00:00 GMT", `"a,b", c`, []byte(`{"note":"n"}`))
	f.Fuzz(func(t *testing.T, path, query, dates, words string, body []byte) {
		values, _ := url.ParseQuery(query)
		r := &Request{
			Info: operation("/things/{Id}/{path+}"), Path: path, Query: values, Body: body,
			Header: http.Header{"X-Dates": {dates}, "X-Words": {words}, "X-Meta-A": {words}},
		}
		var in bound
		_ = RESTJSON{}.Decode(r, &in)
		_ = RESTXML{}.Decode(r, &in)
	})
}
