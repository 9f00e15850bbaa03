package gateway

import (
	"context"
	"net/http"
	"net/url"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/proto"
	"github.com/neargate/neargate/internal/aws/sigv4"
)

// pipeline is the order in which a request is served. Each step does its part and goes on with x.next, or ends the request
// with an error.
func (g *Gateway) pipeline() []step {
	return []step{
		g.recover,      // a panic becomes an internal error
		g.greet,        // a browser, and that is all
		g.detect,       // which service and operation, in which protocol
		g.read,         // the body, within limits
		g.authenticate, // SigV4; account, region and principal
		g.decode,       // into the operation's input
		g.validate,     // against the model's constraints
		g.audit,        // the outcome of what follows
		g.authorize,    // may the caller?
		g.call,         // the front's handler
	}
}

// invocation is the part of the pipeline for calls by name: their input is typed, their caller known.
func (g *Gateway) invocation() []step {
	return []step{g.recover, g.validate, g.audit, g.authorize, g.call}
}

type step func(x *exchange) error

// codec is one protocol.
type codec interface {
	Decode(r *proto.Request, in any) error
	Encode(b []byte, info *aws.OperationInfo, requestID string, out any) *proto.Response
	Fail(info *aws.OperationInfo, svc *aws.Service, requestID string, e *awserr.Error) *proto.Response
}

// exchange is one request on its way through the pipeline.
type exchange struct {
	gateway *Gateway
	steps   []step // that are left

	http      *http.Request
	writer    http.ResponseWriter
	ctx       context.Context // set by authenticate: carries call
	call      *aws.Call
	query     url.Values
	path      string // escaped; the bucket leads it, wherever the request named it
	signature *sigv4.Signature
	chain     *sigv4.Chain // of the body's chunks, once the head's signature is verified

	codec     codec
	service   *aws.Service
	info      *aws.OperationInfo
	binding   aws.Binding
	form      *proto.Form
	body      []byte // as received
	read      bool
	continued bool    // 100 Continue was sent for a body without octets
	buffer    *[]byte // that body is in

	in, out any
}

func (x *exchange) next() error {
	s := x.steps[0]
	x.steps = x.steps[1:]
	return s(x)
}

// ServeHTTP serves one request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := newRequestID()
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	x := &exchange{
		gateway: g, steps: g.steps, http: r, writer: w, ctx: r.Context(), path: r.URL.EscapedPath(), codec: proto.JSON{Version: "1.1"},
		call: &aws.Call{RequestID: id, Host: r.Host, Scheme: scheme, SourceIP: sourceIP(r), Now: g.now()},
	}
	if r.URL.RawQuery != "" {
		x.query = r.URL.Query()
	}
	out := buffers.Get().(*[]byte)
	answer := x.serve((*out)[:0])
	x.reply(answer)
	if answer.Body != nil {
		*out = answer.Body
	}
	recycle(out)
	recycle(x.buffer)
}

// serve takes the request through the pipeline; the answer's body is appended to b where that is possible.
func (x *exchange) serve(b []byte) *proto.Response {
	if err := x.next(); err != nil {
		return x.fail(err)
	}
	return x.codec.Encode(b, x.info, x.call.RequestID, x.out)
}
