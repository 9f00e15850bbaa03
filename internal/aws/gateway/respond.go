package gateway

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/proto"
)

// fail writes an error as the protocol does.
func (x *exchange) fail(err error) *proto.Response {
	e, ok := errors.AsType[*awserr.Error](x.gateway.visible(x, err))
	if !ok {
		e = awserr.New("InternalFailure", http.StatusInternalServerError, "")
	}
	x.discard()
	return x.codec.Fail(x.info, x.service, x.call.RequestID, e)
}

// reply sends the response.
func (x *exchange) reply(r *proto.Response) {
	h := x.writer.Header()
	for key, values := range r.Header {
		h[key] = values
	}
	h["X-Amzn-Requestid"] = []string{x.call.RequestID}
	if x.service != nil && x.service.BucketHosts {
		h["X-Amz-Request-Id"], h["X-Amz-Id-2"] = h["X-Amzn-Requestid"], h["X-Amzn-Requestid"]
	}
	if x.expects() {
		h["Connection"] = []string{"close"}
	}
	if r.Stream == nil {
		// An answer to HEAD tells the length of what it leaves out.
		if x.http.Method != http.MethodHead || len(h["Content-Length"]) == 0 {
			h["Content-Length"] = []string{strconv.Itoa(len(r.Body))}
		}
		x.writer.WriteHeader(r.Status)
		_, _ = x.writer.Write(r.Body) // a client that left needs no answer
		return
	}
	x.writer.WriteHeader(r.Status)
	flush := http.NewResponseController(x.writer).Flush
	_ = flush() // should the client be gone, the stream ends at its first write, and gives back what it holds
	if err := r.Stream(x.ctx, x.writer, flush); err != nil && x.ctx.Err() == nil {
		x.gateway.log.Debug("response stream ended", "request_id", x.call.RequestID, "operation", x.call.Operation, "error", err)
	}
}
