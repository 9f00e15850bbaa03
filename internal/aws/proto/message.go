package proto

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/neargate/neargate/internal/aws"
)

// Request is an HTTP request whose operation is known.
type Request struct {
	Info   *aws.OperationInfo
	Path   string // escaped, as it came
	Query  url.Values
	Header http.Header
	Body   []byte
	Stream io.Reader // the body where the input has a member that streams; Body is nil then
	Form   *Form     // the parameters of the query protocols
}

// Response is what goes out.
type Response struct {
	Status int
	Header http.Header
	Body   []byte

	// Stream writes a body that is not held in memory, or of which parts come over time: flush sends what was written. It
	// replaces Body.
	Stream func(ctx context.Context, w io.Writer, flush func() error) error
}

func newResponse(status int, contentType string) *Response {
	r := &Response{Status: status, Header: make(http.Header, 4)}
	if contentType != "" {
		r.Header["Content-Type"] = []string{contentType}
	}
	return r
}
