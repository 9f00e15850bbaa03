package health

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"golang.org/x/net/http2"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// askHTTP2 is ask for targets that speak HTTP/2. Of gRPC targets the answer is the gRPC status, or the HTTP status if that is
// not 200.
func askHTTP2(ctx context.Context, conn net.Conn, c *check) (int, error) {
	transport := &http2.Transport{AllowHTTP: true, DisableCompression: true}
	cc, err := transport.NewClientConn(conn)
	if err != nil {
		return 0, err
	}
	defer cc.Close()
	response, err := cc.RoundTrip(c.requestHTTP2().WithContext(ctx))
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if c.version != edgeapi.VersionGRPC || response.StatusCode != http.StatusOK {
		return response.StatusCode, nil
	}
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, maxProbeBody)); err != nil {
		return 0, err
	}
	status := response.Trailer.Get("Grpc-Status")
	if status == "" {
		status = response.Header.Get("Grpc-Status") // an answer that is nothing but trailers
	}
	return strconv.Atoi(status)
}

// maxProbeBody is how much of an answer is read to reach its trailers.
const maxProbeBody = 1 << 20

// requestHTTP2 is the probe: a GET, or a call with an empty message.
func (c *check) requestHTTP2() *http.Request {
	scheme := "http"
	if c.config.Protocol == edgeapi.ProtocolHTTPS {
		scheme = "https"
	}
	r := &http.Request{
		Method: http.MethodGet, URL: &url.URL{Scheme: scheme, Host: c.address.String(), Opaque: c.config.Path},
		Host: c.address.String(), Header: http.Header{"User-Agent": {"ELB-HealthChecker/2.0"}},
	}
	if c.version == edgeapi.VersionGRPC {
		r.Method = http.MethodPost
		r.Header.Set("Content-Type", "application/grpc")
		r.Header.Set("Te", "trailers")
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(make([]byte, 5))), 5
	} else {
		r.Header.Set("Accept-Encoding", "gzip, compressed")
	}
	return r
}
