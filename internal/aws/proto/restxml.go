package proto

import (
	"errors"
	"maps"
	"net/http"
	"reflect"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
)

// RESTXML is restXml.
type RESTXML struct{}

// Decode reads path, query string, headers and body into in.
func (RESTXML) Decode(r *Request, in any) error {
	v := reflect.ValueOf(in).Elem()
	p := planOf(v.Type(), r.Info.Service)
	if err := readBound(r, p, v); err != nil {
		if b, ok := errors.AsType[*boundError](err); ok {
			return awserr.New("InvalidArgument", http.StatusBadRequest, "%s is not valid", b.member)
		}
		return awserr.New("InvalidURI", http.StatusBadRequest, "Couldn't parse the specified URI.")
	}
	if err := readXMLBody(r, p, v); err != nil {
		return awserr.New("MalformedXML", http.StatusBadRequest, "The XML you provided was not well-formed or did not validate against our published schema")
	}
	return nil
}

func readXMLBody(r *Request, p *structure, v reflect.Value) error {
	f := p.payload
	if f != nil && readRawPayload(r, f, v.Field(f.index)) || len(r.Body) == 0 || f == nil && !p.hasBody() {
		return nil
	}
	root, err := parseXML(r.Body)
	if err != nil {
		return err
	}
	if f != nil {
		return xmlReader{}.value(&f.shape, root, v.Field(f.index))
	}
	return xmlReader{}.structure(p, root, v)
}

func (p *structure) hasBody() bool {
	for i := range p.fields {
		if p.fields[i].location == inBody {
			return true
		}
	}
	return false
}

// Encode writes out as a response, its body onto b.
func (RESTXML) Encode(b []byte, info *aws.OperationInfo, _ string, out any) *Response {
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
	if r.Header.Get("Content-Range") != "" {
		r.Status = http.StatusPartialContent // the model has no word for it
	}
	switch f := p.payload; {
	case f == nil && p.hasBody():
		setDefault(r.Header, "application/xml")
		w := xmlWriter{b: append(r.Body, xmlHeader...), itemName: "member"}
		w.open(info.OutputRoot, info.OutputNamespace)
		if info.OutputBare {
			w.bare(p, v)
		} else {
			w.members(p, v)
		}
		w.close(info.OutputRoot)
		r.Body = w.b
	case f == nil, writeRawPayload(r, f, v.Field(f.index)):
	default:
		if fv := v.Field(f.index); !fv.IsNil() {
			setDefault(r.Header, "application/xml")
			w := xmlWriter{b: append(r.Body, xmlHeader...), itemName: "member"}
			s := f.shape
			if s.namespace == "" {
				s.namespace = info.OutputNamespace
			}
			w.value(&s, fv, payloadRoot(f))
			r.Body = w.b
		}
	}
	return r
}

// payloadRoot is the root element of a payload: its own name, else that of its type.
func payloadRoot(f *field) string {
	if name := f.shape.structure.typ.Name(); f.wire == f.name && name != "" {
		return name
	}
	return f.wire
}

// Fail writes e as a response.
func (RESTXML) Fail(_ *aws.OperationInfo, svc *aws.Service, requestID string, e *awserr.Error) *Response {
	if svc != nil && svc.BareErrors {
		return bareError(e, requestID)
	}
	r := errorResponse(e, svc, requestID)
	r.Header.Set("Content-Type", "application/xml")
	return r
}

// bareError is an error whose root element is Error itself.
func bareError(e *awserr.Error, requestID string) *Response {
	r := newResponse(e.Status, "application/xml")
	maps.Copy(r.Header, e.Header)
	w := xmlWriter{b: []byte(xmlHeader), itemName: "member"}
	w.open("Error", "")
	w.text("Code", e.Code)
	w.text("Message", e.Message)
	for _, key := range sortedKeys(reflect.ValueOf(e.Fields)) {
		s, v := shapeOf(e.Fields[key.String()])
		w.value(s, v, key.String())
	}
	w.text("RequestId", requestID)
	w.text("HostId", requestID)
	w.close("Error")
	r.Body = w.b
	return r
}
