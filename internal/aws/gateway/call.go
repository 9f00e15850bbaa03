package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/page"
	"github.com/neargate/neargate/internal/aws/proto"
)

// recover turns a panic into an internal error, for this request alone.
func (g *Gateway) recover(x *exchange) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			g.log.Error("panic in request", "request_id", x.call.RequestID, "service", x.call.Service, "operation", x.call.Operation,
				"panic", p, "stack", string(debug.Stack()))
			err = internalError(x.info, x.codec)
		}
	}()
	return x.next()
}

// authorize asks the hook.
func (g *Gateway) authorize(x *exchange) error {
	if g.config.Authorize != nil {
		if err := g.config.Authorize(x.ctx, x.info, x.in); err != nil {
			return err
		}
	}
	if err := x.dryRun(); err != nil {
		return err
	}
	return x.next()
}

// audit tells log and hook how the request ended.
func (g *Gateway) audit(x *exchange) error {
	start := time.Now()
	err := x.next()
	took := time.Since(start)
	err = g.visible(x, err)
	if g.log.Enabled(x.ctx, slog.LevelDebug) {
		g.log.Debug("request", "request_id", x.call.RequestID, "service", x.call.Service, "operation", x.call.Operation,
			"account", x.call.Account, "region", x.call.Region, "error", err, "took", took)
	}
	if g.config.Audit != nil {
		g.config.Audit(x.ctx, Record{Operation: x.info, Input: x.in, Output: x.out, Err: err, Took: took})
	}
	return err
}

// call runs the handler.
func (g *Gateway) call(x *exchange) (err error) {
	x.out, err = x.binding.Call(x.ctx, x.in)
	return err
}

// visible is the error as clients may see it: an *awserr.Error.
func (g *Gateway) visible(x *exchange, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*awserr.Error](err); ok {
		if x.service != nil && errors.Is(e, page.ErrToken) && x.service.TokenCode != "" {
			return awserr.New(x.service.TokenCode, e.Status, "%s", e.Message)
		}
		return e
	}
	if c, ok := errors.AsType[*awserr.Class](err); ok {
		return c.New("")
	}
	if errors.Is(err, context.Canceled) && x.http != nil && x.http.Context().Err() != nil {
		// Nobody is there to read the answer.
		return awserr.New("RequestAborted", 499, "The client closed the request.")
	}
	g.log.Error("request failed", "request_id", x.call.RequestID, "service", x.call.Service, "operation", x.call.Operation, "error", err)
	return internalError(x.info, x.codec)
}

// internalError is the server fault that the operation's model has, else the one common to its protocol.
func internalError(info *aws.OperationInfo, c codec) error {
	const message = "An internal error has occurred. Retry your request, and look into the log of neargate if the problem persists."
	if info != nil {
		for _, class := range info.Errors {
			if class.Server {
				return class.New(message)
			}
		}
	}
	code := "InternalFailure"
	if _, ok := c.(proto.EC2Query); ok {
		code = "InternalError"
	}
	return awserr.New(code, http.StatusInternalServerError, "%s", message)
}
