package proto

import (
	"net/http"
	"reflect"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
)

// CBOR is Smithy's rpcv2Cbor: the operation in the path, one CBOR map each way.
type CBOR struct{}

// Decode reads r's body into in.
func (CBOR) Decode(r *Request, in any) error {
	if len(r.Body) == 0 {
		return nil
	}
	v := reflect.ValueOf(in).Elem()
	c := cborReader{b: r.Body}
	h, err := c.head()
	if err == nil {
		err = c.structure(planOf(v.Type(), r.Info.Service), h, v)
	}
	if err == nil && c.i != len(c.b) {
		err = errCBOR
	}
	if err != nil {
		return serializationError(err)
	}
	return nil
}

func newCBORResponse(status int) *Response {
	r := newResponse(status, "application/cbor")
	r.Header["Smithy-Protocol"] = []string{"rpc-v2-cbor"}
	return r
}

// Encode writes out as a response, its body onto b.
func (CBOR) Encode(b []byte, info *aws.OperationInfo, _ string, out any) *Response {
	v := reflect.ValueOf(out).Elem()
	r := newCBORResponse(http.StatusOK)
	r.Body = appendCBOR(b, planOf(v.Type(), info.Service), v)
	return r
}

// Fail writes e as a response.
func (CBOR) Fail(_ *aws.OperationInfo, svc *aws.Service, _ string, e *awserr.Error) *Response {
	r := newCBORResponse(e.Status)
	setQueryError(r.Header, e, svc)
	r.Body = appendCBORHead(r.Body, cborMap, uint64(2+len(e.Fields)))
	r.Body = appendCBORText(appendCBORText(r.Body, "__type"), shapeName(e))
	r.Body = appendCBORText(appendCBORText(r.Body, "message"), e.Message)
	for _, key := range sortedKeys(reflect.ValueOf(e.Fields)) {
		s, v := shapeOf(e.Fields[key.String()])
		r.Body = appendCBORText(r.Body, key.String())
		r.Body = appendCBORValue(r.Body, s, v)
	}
	return r
}
