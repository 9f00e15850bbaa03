package proto

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/internal/aws/awserr"
)

type decoder interface {
	Decode(r *Request, in any) error
}

func TestForms(t *testing.T) {
	noon := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name  string
		codec decoder
		body  string
		want  sample
	}{
		{"scalars", Query{}, "Name=a+b%26&count=3&size=-5&ratio=1.5&on=true&at=2026-08-01T12%3A00%3A00Z&data=AAEC", sample{
			Name: new("a b&"), Count: new(int32(3)), Size: new(int64(-5)), Ratio: new(1.5), On: new(true), At: &noon, Data: []byte{0, 1, 2},
		}},
		{"empty string", Query{}, "Name=", sample{Name: new("")}},
		{"last value wins", Query{}, "Name=a&Name=b", sample{Name: new("b")}},
		{"unknown parameters", Query{}, "Nmae=a&x.y.z=1", sample{}},
		{"list", Query{}, "names.member.2=b&names.member.10=c&names.member.1=a", sample{Names: []string{"a", "b", "c"}}},
		{"empty list", Query{}, "names=", sample{Names: []string{}}},
		{"named items", Query{}, "children.child.1.Name=a&children.child.2.count=2", sample{Children: []sample{{Name: new("a")}, {Count: new(int32(2))}}}},
		{"items under the common name", Query{}, "children.member.1.Name=a", sample{Children: []sample{{Name: new("a")}}}},
		{"flat list", Query{}, "Flat.1=a&Flat.2=b", sample{Flat: []string{"a", "b"}}},
		{"map", Query{}, "labels.entry.1.key=k&labels.entry.1.value=v&labels.entry.2.key=l&labels.entry.2.value=", sample{Labels: map[string]string{"k": "v", "l": ""}}},
		{"nested", Query{}, "parent.parent.Name=a", sample{Parent: &sample{Parent: &sample{Name: new("a")}}}},
		{"map of lists", Query{}, "numbers.entry.1.key=n&numbers.entry.1.value.member.1=7", sample{Numbers: map[string][]int64{"n": {7}}}},
		{"ec2: names and flat lists", EC2Query{}, "Name=a&Names.1=x&Names.2=y&Children.1.Names.1=z&DryRun=false", sample{
			Name: new("a"), Names: []string{"x", "y"}, Children: []sample{{Names: []string{"z"}}},
		}},
		{"ec2: empty number", EC2Query{}, "Count=", sample{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			form, err := ParseForm("", tt.body)
			if err != nil {
				t.Fatal(err)
			}
			var got sample
			if err := tt.codec.Decode(&Request{Info: operation(""), Form: form}, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFormsRefuse(t *testing.T) {
	for _, tt := range []struct {
		codec      decoder
		body, code string
	}{
		{Query{}, "count=x", "MalformedInput"},
		{Query{}, "count=3000000000", "MalformedInput"},
		{Query{}, "on=yes", "MalformedInput"},
		{Query{}, "at=today", "MalformedInput"},
		{Query{}, "data=%21", "MalformedInput"},
		{EC2Query{}, "Count=x", "InvalidParameterValue"},
		{EC2Query{}, "Nmae=x", "UnknownParameter"},
		{EC2Query{}, "Names.1.x=y", "UnknownParameter"},
		{EC2Query{}, "Names.first=y", "UnknownParameter"},
	} {
		form, err := ParseForm("", tt.body)
		if err != nil {
			t.Fatal(err)
		}
		var in sample
		err = tt.codec.Decode(&Request{Info: operation(""), Form: form}, &in)
		if e, ok := errors.AsType[*awserr.Error](err); !ok || e.Code != tt.code {
			t.Errorf("%s: %v, want %s", tt.body, err, tt.code)
		}
	}
	for _, body := range []string{"a=%", "a=%zz", "%ff=1", "a=%ff", strings.Repeat("a.", 1000) + "=1", strings.Repeat("a=1&", maxParameters+1)} {
		if _, err := ParseForm("", body); err == nil {
			t.Errorf("parsed %.20s", body)
		}
	}
}

func TestQueryResponses(t *testing.T) {
	noon := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	out := sample{
		Name: new("a<b>&\"\x00\r"), Count: new(int32(3)), On: new(false), At: &noon, Names: []string{"x"}, Flat: []string{"f", "g"}, Children: []sample{},
		Labels: map[string]string{"b": "2", "a": "1"}, Parent: &sample{}, Data: []byte("\x00"),
	}
	const members = `<Name>a&lt;b&gt;&amp;&quot;` + "\uFFFD" + `&#xD;</Name><count>3</count><on>false</on><at>2026-08-01T12:00:00Z</at><data>AA==</data>` +
		`<names><member>x</member></names><Flat>f</Flat><Flat>g</Flat><children></children>` +
		`<labels><entry><key>a</key><value>1</value></entry><entry><key>b</key><value>2</value></entry></labels><parent></parent>`
	for _, tt := range []struct {
		name string
		got  *Response
		want string
	}{
		{
			"query", Query{}.Encode(nil, operation(""), "id", &out),
			`<DoResponse xmlns="http://test/"><DoResult>` + members + `<modes></modes></DoResult><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></DoResponse>`,
		},
		{"ec2", EC2Query{}.Encode(nil, operation(""), "id", &out), xmlHeader + `<DoResponse xmlns="http://test/"><requestId>id</requestId>` + members + `</DoResponse>`},
		{"ec2, nothing", EC2Query{}.Encode(nil, operation(""), "id", &struct{}{}), xmlHeader + `<DoResponse xmlns="http://test/"><requestId>id</requestId><return>true</return></DoResponse>`},
		{
			"query error", Query{}.Fail(nil, testService, "id", awserr.New("Gone", 404, "a<b").With("ids", []string{"x"})),
			`<ErrorResponse xmlns="http://test/"><Error><Type>Sender</Type><Code>Gone</Code><Message>a&lt;b</Message><ids><member>x</member></ids></Error><RequestId>id</RequestId></ErrorResponse>`,
		},
		{
			"ec2 error", EC2Query{}.Fail(nil, testService, "id", awserr.New("Gone", 404, "a")),
			xmlHeader + `<Response><Errors><Error><Code>Gone</Code><Message>a</Message></Error></Errors><RequestID>id</RequestID></Response>`,
		},
	} {
		if string(tt.got.Body) != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, tt.got.Body, tt.want)
		}
	}
}
