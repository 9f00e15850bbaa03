package proto

import (
	"net/http"
	"reflect"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
)

// JSON is awsJson 1.0 and 1.1: the operation in X-Amz-Target, everything else in one JSON object.
type JSON struct{ Version string }

func (j JSON) contentType() string { return "application/x-amz-json-" + j.Version }

// Decode reads r's body into in.
func (j JSON) Decode(r *Request, in any) error {
	v := reflect.ValueOf(in).Elem()
	if err := readJSON(r.Body, planOf(v.Type(), r.Info.Service), v); err != nil {
		return serializationError(err)
	}
	return nil
}

// serializationError is what the JSON protocols and CBOR answer to a body they cannot read.
func serializationError(err error) error {
	return awserr.New("SerializationException", http.StatusBadRequest, "%s", err.Error())
}

// Encode writes out as a response, its body onto b.
func (j JSON) Encode(b []byte, info *aws.OperationInfo, _ string, out any) *Response {
	v := reflect.ValueOf(out).Elem()
	p := planOf(v.Type(), info.Service)
	if p.events != nil {
		initial := event{kind: "initial-response", contentType: j.contentType(), payload: appendJSON(nil, p, v)}
		return streamEvents(p, v, &initial, info.Service)
	}
	r := newResponse(http.StatusOK, j.contentType())
	r.Body = appendJSON(b, p, v)
	return r
}

// Fail writes e as a response. info is nil where the operation is not known.
func (j JSON) Fail(_ *aws.OperationInfo, svc *aws.Service, _ string, e *awserr.Error) *Response {
	return jsonError(e, svc, j.contentType())
}

func jsonError(e *awserr.Error, svc *aws.Service, contentType string) *Response {
	r := newResponse(e.Status, contentType)
	name := shapeName(e)
	r.Header.Set("x-amzn-ErrorType", name)
	setQueryError(r.Header, e, svc)
	r.Body = append(r.Body, `{"__type":`...)
	r.Body = appendJSONString(r.Body, name)
	if e.Message != "" {
		r.Body = append(r.Body, `,"message":`...)
		r.Body = appendJSONString(r.Body, e.Message)
	}
	for _, key := range sortedKeys(reflect.ValueOf(e.Fields)) {
		s, v := shapeOf(e.Fields[key.String()])
		r.Body = append(appendJSONString(append(r.Body, ','), key.String()), ':')
		r.Body = appendJSONValue(r.Body, s, v)
	}
	r.Body = append(r.Body, '}')
	return r
}

func shapeName(e *awserr.Error) string {
	if e.Shape != "" {
		return e.Shape
	}
	return e.Code
}

// setQueryError tells clients that came from the query protocol the code they know.
func setQueryError(h http.Header, e *awserr.Error, svc *aws.Service) {
	if svc == nil || !svc.QueryErrors {
		return
	}
	fault := "Sender"
	if e.Server {
		fault = "Receiver"
	}
	h.Set("x-amzn-query-error", e.Code+";"+fault)
}
