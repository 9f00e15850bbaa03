package gateway

import (
	"net/http"

	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/proto"
)

// decode reads the request into a fresh input of the operation.
func (g *Gateway) decode(x *exchange) error {
	r := proto.Request{
		Info: x.info, Path: x.path, Query: x.query, Header: x.http.Header, Form: x.form,
	}
	switch {
	case x.service.BucketHosts:
		if err := x.payload(&r); err != nil {
			return err
		}
	case x.info.StreamsInput:
		r.Stream = x.http.Body
	case x.form == nil:
		body, err := x.plainBody()
		if err != nil {
			return err
		}
		r.Body = body
	}
	x.in = x.binding.New()
	if err := x.codec.Decode(&r, x.in); err != nil {
		return err
	}
	return x.next()
}

// dryRun is EC2's way to ask whether a request would be allowed.
func (x *exchange) dryRun() error {
	if _, ok := x.codec.(proto.EC2Query); ok && x.form.IsTrue("DryRun") {
		return awserr.New("DryRunOperation", http.StatusPreconditionFailed, "Request would have succeeded, but DryRun flag is set.")
	}
	return nil
}
