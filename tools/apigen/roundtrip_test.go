package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/gateway"
)

// mirror is a front for an API that no package is generated for: it checks each input against what the client was told to
// send, and answers with a given output.
type mirror struct {
	t     *testing.T
	calls map[string]exchange // by operation
	model *model
	api   *aws.Service
}

type exchange struct{ in, out string } // JSON by member names; an out of "!Code" is an error

func newMirror(t *testing.T, data, name string, calls map[string]exchange) *mirror {
	t.Helper()
	versions, err := filepath.Glob(filepath.Join(data, name, "*", "service-2.json*"))
	if err != nil || len(versions) == 0 {
		t.Skipf("no model of %s in %s", name, data)
	}
	slices.Sort(versions)
	b, err := readMaybeGzip(strings.TrimSuffix(versions[len(versions)-1], ".gz"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := parseModel(name, b)
	if err != nil {
		t.Fatal(err)
	}
	md := m.Metadata
	api := &aws.Service{
		Name: name, SigningName: md.SigningName, EndpointPrefix: md.EndpointPrefix, APIVersion: md.APIVersion, JSONVersion: md.JSONVersion,
		TargetPrefix: md.TargetPrefix, Protocols: m.protocols(), QueryErrors: len(md.AWSQueryCompatible) > 0, InvalidCode: "ValidationException",
	}
	if api.SigningName == "" {
		api.SigningName = md.EndpointPrefix
	}
	for _, op := range m.Operations {
		api.Operations = append(api.Operations, aws.Route{Name: op.Name, Method: op.HTTP.Method, Path: op.HTTP.RequestURI})
	}
	return &mirror{t: t, calls: calls, model: m, api: api}
}

func (f *mirror) Operations() []aws.Binding {
	var out []aws.Binding
	for name, x := range f.calls {
		out = append(out, f.binding(f.model.Operations[name], x))
	}
	return out
}

func (f *mirror) binding(op *operation, x exchange) aws.Binding {
	d := newDynamic(f.model)
	in, err := d.structOf(op.Input.Shape)
	if err != nil {
		f.t.Fatal(err)
	}
	info := suite{Metadata: f.model.Metadata}.info(given{operation: *op})
	info.Service = f.api
	if op.Output != nil {
		info.ResultWrapper, info.OutputRoot = op.Output.ResultWrapper, op.Output.Shape
	}
	return aws.Binding{
		Info: info,
		New:  func() any { return reflect.New(in).Interface() },
		Call: func(_ context.Context, got any) (any, error) {
			want, err := d.valueOf(op.Input.Shape, in, x.in)
			if err != nil {
				return nil, err
			}
			if diff := compare(want, reflect.ValueOf(got)); diff != "" {
				f.t.Errorf("%s: want - got +\n%s", op.Name, diff)
			}
			if code, ok := strings.CutPrefix(x.out, "!"); ok {
				return nil, awserr.New(code, http.StatusBadRequest, "as asked").With("resourceIds", []string{"a"})
			}
			out := reflect.TypeFor[struct{}]()
			if op.Output == nil {
				return reflect.New(out).Interface(), nil
			}
			if out, err = d.structOf(op.Output.Shape); err != nil {
				return nil, err
			}
			v, err := d.valueOf(op.Output.Shape, out, x.out)
			return v.Interface(), err
		},
	}
}

// valueOf is a pointer to a value of the shape, read from JSON.
func (d *dynamic) valueOf(shapeName string, t reflect.Type, text string) (reflect.Value, error) {
	v := reflect.New(t)
	var values map[string]any
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		return v, fmt.Errorf("%s: %w", text, err)
	}
	return v, d.setMembers(shapeName, v.Elem(), values)
}

// TestOtherProtocols lets the Python SDK speak to APIs of the protocols that none of the generated packages has yet: CBOR
// and the query protocol with JSON's error codes (CloudWatch), REST with XML (Route 53) and with JSON (Lambda).
func TestOtherProtocols(t *testing.T) {
	data, err := findBotocore()
	if err != nil {
		t.Skip("botocore is not installed: ", err)
	}
	cloudwatch := newMirror(t, data, "cloudwatch", map[string]exchange{
		"PutMetricData": {
			`{"Namespace":"N","MetricData":[{"MetricName":"m","Dimensions":[{"Name":"d","Value":"é"}],"Timestamp":1785585600,"Value":1.5,"Values":[1,2.25],"Unit":"Count","StorageResolution":60}]}`,
			`{}`,
		},
		"GetMetricData": {
			`{"MetricDataQueries":[{"Id":"a","Expression":"m","ReturnData":true}],"StartTime":1785585600,"EndTime":1785585660,"MaxDatapoints":70000}`,
			`{"MetricDataResults":[{"Id":"a","Label":"l","Timestamps":[1785585600],"Values":[-0.5,1e300],"StatusCode":"Complete"}],"Messages":[]}`,
		},
		"DeleteAlarms": {`{"AlarmNames":["x"]}`, `!ResourceNotFound`},
	})
	route53 := newMirror(t, data, "route53", map[string]exchange{
		"ChangeResourceRecordSets": {
			`{"HostedZoneId":"Z1","ChangeBatch":{"Comment":"a <b> & c","Changes":[{"Action":"UPSERT","ResourceRecordSet":{"Name":"x.","Type":"A","TTL":60,"ResourceRecords":[{"Value":"10.0.0.1"},{"Value":"10.0.0.2"}]}}]}}`,
			`{"ChangeInfo":{"Id":"/change/C1","Status":"INSYNC","SubmittedAt":1785585600}}`,
		},
		"ListResourceRecordSets": {
			`{"HostedZoneId":"Z1","StartRecordName":"a.","MaxItems":"2"}`,
			`{"ResourceRecordSets":[{"Name":"x.","Type":"A","TTL":60,"ResourceRecords":[{"Value":"\"a\""}]}],"IsTruncated":false,"MaxItems":"2"}`,
		},
		"GetHostedZone": {`{"Id":"Z9"}`, `!NoSuchHostedZone`},
	})
	lambda := newMirror(t, data, "lambda", map[string]exchange{
		"CreateFunction": {
			`{"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r","Code":{"ZipFile":"zip\u0000"},"Environment":{"Variables":{"AB":"1"}},"Timeout":3,"Architectures":["arm64"]}`,
			`{"FunctionName":"f","CodeSize":5000000000,"LastModified":"x","Environment":{"Variables":{"AB":"1"}}}`,
		},
		"Invoke":        {`{"FunctionName":"arn:aws:lambda:us-east-1:000000000000:function:f","Payload":"{\"x\":1}","Qualifier":"v-1","LogType":"Tail"}`, `{"StatusCode":202,"Payload":"pay","LogResult":"bG9n"}`},
		"ListFunctions": {`{"MaxItems":5}`, `{"Functions":[]}`},
		"DeleteFunction": {
			`{"FunctionName":"nope"}`, `!ResourceNotFoundException`,
		},
	})
	g := gateway.Handler(gateway.Config{Account: "000000000000", Region: "us-east-1", Log: slog.New(slog.DiscardHandler)}, cloudwatch, route53, lambda)
	s := httptest.NewServer(g)
	defer s.Close()
	out, err := exec.Command("python3", "testdata/roundtrip.py", s.URL).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "ok" {
		t.Fatalf("%v\n%s", err, out)
	}
}
