package proto

import (
	"errors"
	"net/http"
	"reflect"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
)

// EC2Query is EC2's variety of the query protocol: other parameter names, flat lists, its own envelope.
type EC2Query struct{}

// ec2Common are parameters that any EC2 request may carry beside its input.
var ec2Common = []string{
	"Action", "Version", "AWSAccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "Timestamp", "Expires",
	"SecurityToken", "AUTHPARAMS", "DryRun",
	"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-SignedHeaders",
}

// Decode reads r's form into in. Parameters the model does not know are refused, as EC2 does.
func (EC2Query) Decode(r *Request, in any) error {
	v := reflect.ValueOf(in).Elem()
	root := &r.Form.root
	for _, name := range ec2Common {
		if n := root.next[name]; n != nil {
			n.used = true
		}
	}
	err := formReader{ec2: true}.structure(planOf(v.Type(), r.Info.Service), root, v)
	if p, ok := errors.AsType[*parameterError](err); ok {
		return awserr.New("InvalidParameterValue", http.StatusBadRequest, "Value (%s) for parameter %s is invalid. Invalid %s value.", p.value, p.name, p.kind)
	}
	if err != nil {
		return err
	}
	if name := root.unused(); name != "" {
		return awserr.New("UnknownParameter", http.StatusBadRequest, "The parameter %s is not recognized", name)
	}
	return nil
}

// Encode writes out as a response, its body onto b.
func (EC2Query) Encode(b []byte, info *aws.OperationInfo, requestID string, out any) *Response {
	v := reflect.ValueOf(out).Elem()
	p := planOf(v.Type(), info.Service)
	r := newResponse(http.StatusOK, "text/xml;charset=UTF-8")
	w := xmlWriter{b: append(b, xmlHeader...), itemName: "member"}
	root := info.Name + "Response"
	w.open(root, info.Service.XMLNamespace)
	w.text("requestId", requestID)
	if len(p.fields) == 0 {
		w.text("return", "true")
	}
	w.members(p, v)
	w.close(root)
	r.Body = w.b
	return r
}

// Fail writes e as a response.
func (EC2Query) Fail(_ *aws.OperationInfo, _ *aws.Service, requestID string, e *awserr.Error) *Response {
	r := newResponse(e.Status, "text/xml;charset=UTF-8")
	w := xmlWriter{b: []byte(xmlHeader)}
	w.open("Response", "")
	w.open("Errors", "")
	w.open("Error", "")
	w.text("Code", e.Code)
	w.text("Message", e.Message)
	w.close("Error")
	w.close("Errors")
	w.text("RequestID", requestID)
	w.close("Response")
	r.Body = w.b
	return r
}
