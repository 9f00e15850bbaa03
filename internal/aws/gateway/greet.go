package gateway

import (
	"net/http"
	"strings"

	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/proto"
)

// greet answers people: who opens the endpoint in a browser has no use for an AWS error.
func (g *Gateway) greet(x *exchange) error {
	if !byBrowser(x.http) {
		return x.next()
	}
	x.codec = greeting{version: g.config.Version}
	return nil
}

// byBrowser tells a browser from AWS's clients: these sign or name an operation, and do not ask for HTML. A bucket's own host has
// something to show itself.
func byBrowser(r *http.Request) bool {
	_, buckets := BucketHost(r.Host)
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.URL.Path == "/" && r.URL.RawQuery == "" && !buckets &&
		r.Header.Get("Authorization") == "" && r.Header.Get("X-Amz-Target") == "" && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// greeting is a codec of one answer, which cannot fail.
type greeting struct {
	proto.JSON
	version string
}

// Encode writes the answer.
func (c greeting) Encode(b []byte, _ *aws.OperationInfo, _ string, _ any) *proto.Response {
	b = append(b, strings.TrimSpace("This is Neargate "+c.version)...)
	b = append(b, ". Point AWS clients at this address (AWS_ENDPOINT_URL); `neargate status` shows what runs.\n"...)
	return &proto.Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, Body: b}
}
