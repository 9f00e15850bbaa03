package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/proto"
)

// suite is one group of AWS's protocol test vectors: a small model and cases. They tell what a client sends for some
// parameters, and what result it must read from some response; we check the other end of both.
type suite struct {
	Description string            `json:"description"`
	Metadata    metadata          `json:"metadata"`
	Shapes      map[string]*shape `json:"shapes"`
	Cases       []vector          `json:"cases"`
}

type vector struct {
	Given      given          `json:"given"`
	Params     map[string]any `json:"params"`
	Serialized struct {
		Method  string            `json:"method"`
		URI     string            `json:"uri"`
		Body    string            `json:"body"`
		Headers map[string]string `json:"headers"`
	} `json:"serialized"`
	Result   map[string]any `json:"result"`
	Response struct {
		Status  int               `json:"status_code"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	} `json:"response"`
}

// given is an operation; the vectors have the payload trait at the reference, models at the shape.
type given struct {
	operation
	Input  *payloadRef `json:"input"`
	Output *payloadRef `json:"output"`
}

type payloadRef struct {
	ref
	Payload string `json:"payload"`
}

type protocol interface {
	Decode(r *proto.Request, in any) error
	Encode(b []byte, info *aws.OperationInfo, requestID string, out any) *proto.Response
}

func protocolOf(name string) protocol {
	switch name {
	case "json":
		return proto.JSON{Version: "1.1"}
	case "query":
		return proto.Query{}
	case "ec2":
		return proto.EC2Query{}
	case "rest-json":
		return proto.RESTJSON{}
	}
	return proto.RESTXML{}
}

func readSuites(t *testing.T, path string) []suite {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var suites []suite
	if err := json.Unmarshal(b, &suites); err != nil {
		t.Fatal(err)
	}
	return suites
}

func (s suite) model(op given) *model {
	if op.Input != nil && op.Input.Payload != "" {
		s.Shapes[op.Input.Shape].Payload = op.Input.Payload
	}
	return &model{Metadata: s.Metadata, Shapes: s.Shapes}
}

func (s suite) info(op given) *aws.OperationInfo {
	info := &aws.OperationInfo{
		Service: &aws.Service{Name: "test", Protocols: []string{s.Metadata.Protocol}, APIVersion: s.Metadata.APIVersion},
		Name:    op.Name, Method: op.HTTP.Method, Path: op.HTTP.RequestURI, Status: op.HTTP.ResponseCode,
	}
	if op.Output != nil {
		info.ResultWrapper = op.Output.ResultWrapper
		info.OutputRoot = op.Output.Shape
	}
	return info
}

// eachVector calls f for every vector of the files, those named in skip aside. A skip that no longer is needed fails.
func eachVector(t *testing.T, pattern string, skip map[string]string, f func(s suite, v vector) error) {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	used := map[string]bool{}
	for _, file := range files {
		for _, s := range readSuites(t, file) {
			for i, v := range s.Cases {
				name := fmt.Sprintf("%s/%s/%d", strings.TrimSuffix(filepath.Base(file), ".json"), s.Description, i)
				t.Run(name, func(t *testing.T) {
					err := f(s, v)
					reason, skipped := skip[name]
					used[name] = true
					switch {
					case skipped && err == nil:
						t.Errorf("passes now, but is skipped: %s", reason)
					case skipped:
						t.Skip(reason)
					case err != nil:
						t.Error(err)
					}
				})
			}
		}
	}
	for name := range skip {
		if !used[name] {
			t.Errorf("skipped vector %s does not exist", name)
		}
	}
}

func TestRequestVectors(t *testing.T) {
	eachVector(t, "testdata/vectors/input-*.json", skippedRequests, func(s suite, v vector) error {
		if v.Given.Input == nil {
			return nil
		}
		d := newDynamic(s.model(v.Given))
		typ, err := d.structOf(v.Given.Input.Shape)
		if err != nil {
			return err
		}
		want := reflect.New(typ)
		if err := d.setMembers(v.Given.Input.Shape, want.Elem(), v.Params); err != nil {
			return err
		}
		r, err := v.request(s.info(v.Given))
		if err != nil {
			return err
		}
		got := reflect.New(typ)
		if err := protocolOf(s.Metadata.Protocol).Decode(r, got.Interface()); err != nil {
			return fmt.Errorf("decode %+v: %w", v.Serialized, err)
		}
		if diff := compare(want, got); diff != "" {
			return fmt.Errorf("%+v\nwant - got +\n%s", v.Serialized, diff)
		}
		return nil
	})
}

// compare shows how two values differ. Streams are read.
func compare(want, got reflect.Value) string {
	return cmp.Diff(want.Interface(), got.Interface(), cmp.Comparer(func(a, b io.Reader) bool {
		if a == nil || b == nil {
			return a == nil && b == nil
		}
		x, errX := io.ReadAll(a)
		y, errY := io.ReadAll(b)
		return errX == nil && errY == nil && string(x) == string(y)
	}))
}

func (v vector) request(info *aws.OperationInfo) (*proto.Request, error) {
	u, err := url.Parse(v.Serialized.URI)
	if err != nil {
		return nil, err
	}
	r := &proto.Request{Info: info, Path: u.EscapedPath(), Query: u.Query(), Header: http.Header{}, Body: []byte(v.Serialized.Body)}
	for key, value := range v.Serialized.Headers {
		r.Header.Set(key, value)
	}
	r.Stream = strings.NewReader(v.Serialized.Body)
	if r.Form, err = proto.ParseForm(u.RawQuery, v.Serialized.Body); err != nil && !strings.HasPrefix(info.Service.Protocols[0], "rest") && info.Service.Protocols[0] != "json" {
		return nil, err
	}
	return r, nil
}

func TestResponseVectors(t *testing.T) {
	eachVector(t, "testdata/vectors/output-*.json", skippedResponses, func(s suite, v vector) error {
		if v.Given.Output == nil {
			return nil
		}
		d := newDynamic(s.model(v.Given))
		typ, err := d.structOf(v.Given.Output.Shape)
		if err != nil {
			return err
		}
		out := reflect.New(typ)
		if err := d.setMembers(v.Given.Output.Shape, out.Elem(), v.Result); err != nil {
			return err
		}
		r := protocolOf(s.Metadata.Protocol).Encode(nil, s.info(v.Given), "request-id", out.Interface())
		return v.check(s.Metadata.Protocol, r)
	})
}

func (v vector) check(protocol string, r *proto.Response) error {
	if r.Stream != nil {
		var b strings.Builder
		if err := r.Stream(nil, &b, func() error { return nil }); err != nil { //nolint:staticcheck // no context is needed to copy a string
			return err
		}
		r.Body = []byte(b.String())
	}
	if v.Response.Status != 0 && v.Response.Status != r.Status {
		return fmt.Errorf("status %d, want %d", r.Status, v.Response.Status)
	}
	for key, want := range v.Response.Headers {
		if got := r.Header.Get(key); got != want && key != "Content-Type" && key != "Content-Length" {
			return fmt.Errorf("header %s: %q, want %q", key, got, want)
		}
	}
	if string(r.Body) == v.Response.Body {
		return nil
	}
	var want, got any
	if strings.HasSuffix(protocol, "json") {
		if err := errors.Join(json.Unmarshal([]byte(v.Response.Body), &want), json.Unmarshal(r.Body, &got)); err != nil {
			return fmt.Errorf("%w\n%s\n%s", err, v.Response.Body, r.Body)
		}
	} else {
		want, got = outline(v.Response.Body), outline(string(r.Body))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("want %s\ngot %s\n%s", v.Response.Body, r.Body, diff)
	}
	return nil
}

// outline is an XML document without what clients do not look at: order, white space, root name and request ids. One line
// per leaf.
func outline(text string) []string {
	d := xml.NewDecoder(strings.NewReader(text))
	var path []string
	lines := []string{}
	leaf := ""
	for {
		token, err := d.Token()
		if err != nil {
			slices.Sort(lines)
			return slices.DeleteFunc(lines, func(l string) bool { return strings.Contains(strings.ToLower(l), "requestid") })
		}
		switch x := token.(type) {
		case xml.StartElement:
			path = append(path, x.Name.Local)
			leaf = ""
			for _, a := range x.Attr {
				if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
					lines = append(lines, strings.Join(path[1:], "/")+"@"+a.Name.Local+"="+a.Value)
				}
			}
		case xml.CharData:
			leaf += string(x)
		case xml.EndElement:
			if strings.TrimSpace(leaf) != "" {
				lines = append(lines, strings.Join(path[1:], "/")+"="+strings.TrimSpace(leaf))
			}
			path, leaf = path[:len(path)-1], ""
		}
	}
}
