package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/proto"
)

// Invoke calls an operation by name on behalf of the call in ctx, which gives account, region and principal. in is the
// operation's input (*Input), or JSON (json.RawMessage) as the JSON protocols would carry it. The input is validated and
// the call authorised and audited as if it had come in over HTTP.
func (g *Gateway) Invoke(ctx context.Context, service, operation string, in any) (out any, err error) {
	a := g.apis.byName[service]
	if a == nil || !a.known[operation] {
		return nil, awserr.New("UnknownOperationException", http.StatusBadRequest, "%s %s", service, operation)
	}
	b, ok := a.bound[operation]
	if !ok {
		return nil, awserr.NotImplemented(service + " " + operation)
	}
	call := *aws.From(ctx)
	call.RequestID, call.Service, call.Operation, call.Now = newRequestID(), service, operation, g.now()
	x := &exchange{
		gateway: g, steps: g.named, ctx: aws.With(ctx, &call), call: &call, codec: proto.JSON{Version: "1.1"},
		service: a.service, info: b.Info, binding: b,
	}
	if err := x.take(in); err != nil {
		return nil, err
	}
	if err := x.next(); err != nil {
		return nil, g.visible(x, err)
	}
	return x.out, nil
}

func (x *exchange) take(in any) error {
	x.in = x.binding.New()
	if text, ok := in.(json.RawMessage); ok {
		return x.codec.Decode(&proto.Request{Info: x.info, Body: text}, x.in)
	}
	if in == nil {
		return nil
	}
	if reflect.TypeOf(in) != reflect.TypeOf(x.in) {
		return fmt.Errorf("%s %s: input is %T, want %T", x.info.Service.Name, x.info.Name, in, x.in)
	}
	x.in = in
	return nil
}
