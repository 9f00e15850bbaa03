package proto

import (
	"net/http"
	"reflect"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
)

const jsonType = "application/json"

// RESTJSON is restJson1.
type RESTJSON struct{}

// Decode reads path, query string, headers and body into in.
func (RESTJSON) Decode(r *Request, in any) error {
	v := reflect.ValueOf(in).Elem()
	p := planOf(v.Type(), r.Info.Service)
	if err := readBound(r, p, v); err != nil {
		return serializationError(err)
	}
	if err := readRESTJSONBody(r, p, v); err != nil {
		return serializationError(err)
	}
	return nil
}

func readRESTJSONBody(r *Request, p *structure, v reflect.Value) error {
	f := p.payload
	if f == nil {
		return readJSON(r.Body, p, v)
	}
	fv := v.Field(f.index)
	if readRawPayload(r, f, fv) || len(r.Body) == 0 {
		return nil
	}
	j := jsonReader{scanner: scanner{b: r.Body}, time: timeUnix}
	if err := j.value(&f.shape, fv); err != nil {
		return err
	}
	return j.end()
}

// Encode writes out as a response, its body onto b.
func (RESTJSON) Encode(b []byte, info *aws.OperationInfo, _ string, out any) *Response {
	v := reflect.ValueOf(out).Elem()
	p := planOf(v.Type(), info.Service)
	if p.events != nil {
		r := streamEvents(p, v, nil, info.Service)
		writeBound(r, p, v)
		return r
	}
	r := newResponse(successStatus(info), "")
	r.Body = b
	writeBound(r, p, v)
	switch f := p.payload; {
	case f == nil:
		setDefault(r.Header, jsonType)
		r.Body = appendJSON(r.Body, p, v)
	case writeRawPayload(r, f, v.Field(f.index)):
	default:
		setDefault(r.Header, jsonType)
		if fv := v.Field(f.index); fv.IsNil() {
			r.Body = append(r.Body, "{}"...)
		} else {
			r.Body = appendJSONValue(r.Body, &f.shape, fv)
		}
	}
	return r
}

// Fail writes e as a response.
func (RESTJSON) Fail(_ *aws.OperationInfo, svc *aws.Service, _ string, e *awserr.Error) *Response {
	r := jsonError(e, svc, jsonType)
	if r.Status == http.StatusOK {
		r.Status = http.StatusInternalServerError
	}
	return r
}
