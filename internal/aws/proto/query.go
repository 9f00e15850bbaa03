package proto

import (
	"errors"
	"net/http"
	"reflect"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
)

// Query is awsQuery: Action and dotted parameters in a form, XML back.
type Query struct{}

// Decode reads r's form into in.
func (Query) Decode(r *Request, in any) error {
	v := reflect.ValueOf(in).Elem()
	err := formReader{}.structure(planOf(v.Type(), r.Info.Service), &r.Form.root, v)
	if p, ok := errors.AsType[*parameterError](err); ok {
		return awserr.New("MalformedInput", http.StatusBadRequest, "%s", p.Error())
	}
	return err
}

// Encode writes out as a response, its body onto b.
func (Query) Encode(b []byte, info *aws.OperationInfo, requestID string, out any) *Response {
	v := reflect.ValueOf(out).Elem()
	r := newResponse(http.StatusOK, "text/xml")
	w := xmlWriter{b: b, itemName: "member"}
	root := info.Name + "Response"
	w.open(root, info.Service.XMLNamespace)
	if info.ResultWrapper != "" {
		w.open(info.ResultWrapper, "")
	}
	w.result(planOf(v.Type(), info.Service), v)
	if info.ResultWrapper != "" {
		w.close(info.ResultWrapper)
	}
	w.open("ResponseMetadata", "")
	w.text("RequestId", requestID)
	w.close("ResponseMetadata")
	w.close(root)
	r.Body = w.b
	return r
}

// Fail writes e as a response. svc is nil where the service is not known.
func (Query) Fail(_ *aws.OperationInfo, svc *aws.Service, requestID string, e *awserr.Error) *Response {
	return errorResponse(e, svc, requestID)
}

// errorResponse is the form of awsQuery and restXml.
func errorResponse(e *awserr.Error, svc *aws.Service, requestID string) *Response {
	r := newResponse(e.Status, "text/xml")
	w := xmlWriter{itemName: "member"}
	namespace := ""
	if svc != nil {
		namespace = svc.XMLNamespace
	}
	w.open("ErrorResponse", namespace)
	w.open("Error", "")
	fault := "Sender"
	if e.Server {
		fault = "Receiver"
	}
	w.text("Type", fault)
	w.text("Code", e.Code)
	w.text("Message", e.Message)
	for _, key := range sortedKeys(reflect.ValueOf(e.Fields)) {
		s, v := shapeOf(e.Fields[key.String()])
		w.value(s, v, key.String())
	}
	w.close("Error")
	w.text("RequestId", requestID)
	w.close("ErrorResponse")
	r.Body = w.b
	return r
}
