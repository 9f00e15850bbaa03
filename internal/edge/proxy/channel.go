package proxy

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/http2"

	"github.com/neargate/neargate/internal/edge/http1"
)

// channel is a connection to a target that carries many requests by HTTP/2. It is an upstream in use for as long as it lives,
// so that it is cut off when the target's time is over.
type channel struct{ *upstream }

// Close closes the connection. Doing so twice does no harm.
func (c channel) Close() error {
	c.endpoint.discard(c.upstream)
	return nil
}

func (c channel) LocalAddr() net.Addr  { return &net.TCPAddr{} } // nobody asks
func (c channel) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.far) }

// Deadlines belong to requests here, which have contexts.
func (channel) SetDeadline(time.Time) error      { return nil }
func (channel) SetReadDeadline(time.Time) error  { return nil }
func (channel) SetWriteDeadline(time.Time) error { return nil }

// channels are an endpoint's connections of this kind.
type channels struct {
	mu        sync.Mutex
	transport *http2.Transport // nil until the first request
}

// roundTrip sends a request to the target and returns the head of its answer.
func (e *endpoint) roundTrip(r *http.Request) (*http.Response, error) {
	return e.channels.over(e).RoundTrip(r)
}

func (c *channels) over(e *endpoint) *http2.Transport {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.transport == nil {
		c.transport = &http2.Transport{
			AllowHTTP: true, DisableCompression: true, MaxHeaderListSize: http1.MaxHead,
			IdleConnTimeout: channelIdle, ReadIdleTimeout: channelIdle, PingTimeout: connectTimeout,
			DialTLSContext: func(context.Context, string, string, *tls.Config) (net.Conn, error) {
				u, err := e.open()
				if err != nil {
					return nil, err
				}
				return channel{u}, nil
			},
		}
	}
	return c.transport
}

// channelIdle is how long such a connection is kept without a request, and how long it may be silent before it is asked for a
// sign of life.
const channelIdle = 60 * time.Second

// closeIdle closes the connections that have no request.
func (c *channels) closeIdle() {
	c.mu.Lock()
	t := c.transport
	c.mu.Unlock()
	if t != nil {
		t.CloseIdleConnections()
	}
}
