package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	xhttp2 "golang.org/x/net/http2"

	"github.com/neargate/neargate/internal/edge/http1"
	"github.com/neargate/neargate/internal/edge/http2"
)

// exchangeHTTP2 has a target that speaks HTTP/2 answer the request. Head, body and trailers are passed on as they come, in both
// directions at the same time, as streaming calls of gRPC need it.
func (x *stream) exchangeHTTP2() {
	x.endpoint = x.listener.node.endpoint(x.target)
	ctx, cancel := context.WithCancelCause(x.engine.ctx)
	defer cancel(nil)
	call := &call{stream: x, cancel: cancel}
	call.watch()
	defer call.end()
	x.in.WhenGone(func() { cancel(errAbandoned) })
	defer x.in.WhenGone(nil)

	trace := &httptrace.ClientTrace{Got1xxResponse: call.interim}
	request := call.request(httptrace.WithClientTrace(ctx, trace))
	x.target.counters.requests.Add(1)
	x.began = x.engine.clock()
	if x.entry != nil {
		x.entry.Target, x.entry.sent = x.target.address, x.began
		x.entry.composed(x.out)
	}
	response, err := x.endpoint.roundTrip(request)
	if err != nil {
		call.failed(ctx, err)
		return
	}
	defer response.Body.Close()
	if response.StatusCode > 599 { // what HTTP has no class for
		x.page(x.listener, 502)
		return
	}
	x.answeredWith(response.StatusCode)
	call.relay(response)
}

var (
	errAbandoned = errors.New("abandoned by the client")
	errSilent    = errors.New("nothing sent or received for the idle timeout")
)

// call is a request carried by HTTP/2 to a target.
type call struct {
	*stream
	cancel  context.CancelCauseFunc
	timer   *time.Timer
	touched atomic.Int64 // tick

	// What others call, at a time of their own choosing, uses the stream with one of these held, and not once it is over.
	mu      sync.Mutex
	reading sync.Mutex // held while the client's body is waited for
	over    bool       // written with both held
}

// watch ends the call when nothing has happened for the idle timeout.
func (c *call) watch() {
	c.mark()
	idle, sw := c.idle, c.sweeper // the stream may be somebody else's when the timer fires
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timer = time.AfterFunc(idle, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		left := idle - time.Duration(sw.now()-c.touched.Load())*tick
		switch {
		case c.over:
		case left > 0:
			c.timer.Reset(left)
		default:
			c.cancel(errSilent)
		}
	})
}

// mark notes that something was sent or received.
func (c *call) mark() {
	c.touched.Store(c.sweeper.now())
	c.in.SetDeadline(c.sweeper.after(c.idle))
}

// end is the end of the call, after which nothing uses the stream.
func (c *call) end() {
	c.in.CloseRead() // what the client still has to send is not wanted
	c.reading.Lock()
	c.mu.Lock()
	c.over = true
	c.timer.Stop()
	c.mu.Unlock()
	c.reading.Unlock()
	if c.target.tickets.Draining() || c.listener.node.gone.Load() {
		c.endpoint.channels.closeIdle()
	}
}

// request makes the request for the target out of the head it would be sent by HTTP/1.1.
func (c *call) request(ctx context.Context) *http.Request {
	r := &c.stream.request
	c.out = c.listener.composeRequest(c.out[:0], r, &c.peer, c.sweeper.unix.Load())
	lines := c.out[bytes.IndexByte(c.out, '\n')+1:]
	fields := http.Header{"User-Agent": {""}} // or it would be Go's
	host := ""
	for {
		var line []byte
		if line, lines, _ = bytes.Cut(lines, []byte("\r\n")); len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch key := textproto.CanonicalMIMEHeaderKey(string(name)); key {
		case "Host":
			host = string(value)
		case "Content-Length", "Transfer-Encoding", "Connection":
		case "User-Agent":
			fields[key] = []string{string(value)}
		default:
			fields[key] = append(fields[key], string(value))
		}
	}
	if c.in.Trails {
		fields["Te"] = []string{"trailers"}
	}
	scheme := "http"
	if c.target.secure {
		scheme = "https"
	}
	target := string(r.Target)
	if len(target) > 1 && target[1] == '/' {
		target = scheme + "://" + host + target // or it would be taken for an authority
	}
	out := &http.Request{
		Method: string(r.Method), URL: &url.URL{Scheme: scheme, Host: c.target.address.String(), Opaque: target},
		Host: host, Header: fields, Proto: "HTTP/2.0", ProtoMajor: 2,
	}
	c.target.counters.bytesOut.Add(uint64(len(c.out)))
	if r.Framing != http1.NoBody {
		out.Body = callBody{c}
		out.ContentLength = -1
		if r.Framing == http1.Sized {
			out.ContentLength = r.Length
		}
	}
	return out.WithContext(ctx)
}

// callBody is the request's body as the target's connection reads it.
type callBody struct{ *call }

func (c callBody) Read(p []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	if c.over {
		return 0, errAbandoned
	}
	n, err := c.in.Read(p)
	if n > 0 {
		c.mark()
		c.received(n)
		c.target.counters.bytesOut.Add(uint64(n))
	}
	return n, err
}

// Close is called when the target wants no more of the body.
func (callBody) Close() error { return nil }

// interim passes a 1xx answer on; 100 has been given by ourselves if it was asked for.
func (c *call) interim(status int, fields textproto.MIMEHeader) error {
	if status == 100 || status == 101 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return errAbandoned
	}
	c.mark()
	return c.in.Send(c.composeHeader(http2.AppendStatus(nil, status), http.Header(fields), status), nil, false)
}

// composeHeader appends the target's fields as the client is to see them.
func (c *call) composeHeader(b []byte, fields http.Header, status int) []byte {
	v := c.listener
	for name, values := range fields {
		if http1.IsHop(name) || len(v.setFields) > 0 && v.sets([]byte(name)) {
			continue
		}
		for _, value := range values {
			b = http2.AppendField(b, []byte(name), value)
		}
	}
	b = appendHeaders(b, v.attributes.ResponseHeaders)
	if status < 200 {
		return b
	}
	if c.bonds != [2]*issue{} {
		for _, i := range c.dueTo(fields["Set-Cookie"]) {
			if i != nil {
				b = appendLines(b, i.lines)
			}
		}
	}
	if fields["Date"] == nil {
		b = http2.AppendField(b, fieldDate, *c.sweeper.date.Load())
	}
	return b
}

// dueTo is due for an answer with these Set-Cookie fields.
func (c *call) dueTo(set []string) [2]*issue {
	out := c.bonds
	if c.awaited != "" && !slices.ContainsFunc(set, func(v string) bool {
		name, _, _ := nextCookie([]byte(v))
		return string(name) == c.awaited
	}) {
		out[1] = nil
	}
	return out
}

// relay passes the answer on.
func (c *call) relay(r *http.Response) {
	c.mark()
	c.block = c.composeHeader(http2.AppendStatus(c.block[:0], r.StatusCode), r.Header, r.StatusCode)
	block := c.block
	if r.ContentLength != 0 && string(c.stream.request.Method) != "HEAD" {
		// The head alone may be all there is for long.
		if c.pass(block, nil, false) != nil {
			return
		}
		block = nil
	}
	for {
		n, err := r.Body.Read(c.room)
		c.mark()
		if n > 0 && c.pass(block, c.room[:n], false) == nil {
			block = nil
		} else if n > 0 {
			return
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			c.finish(block, r.Trailer)
			return
		default:
			code := http2.InternalError
			var reset xhttp2.StreamError
			if errors.As(err, &reset) {
				code = http2.Code(reset.Code)
			}
			c.in.Reset(code)
			return
		}
	}
}

// finish ends the answer, with trailers if there are any. block is the head unless that was sent.
func (c *call) finish(block []byte, trailers http.Header) {
	if len(trailers) == 0 {
		c.pass(block, nil, true)
		return
	}
	if block != nil && c.pass(block, nil, false) != nil {
		return
	}
	var b []byte
	for name, values := range trailers {
		if http1.IsHop(name) {
			continue
		}
		for _, value := range values {
			b = http2.AppendField(b, []byte(name), value)
		}
	}
	c.pass(b, nil, true)
}

func (c *call) pass(block, data []byte, end bool) error {
	c.target.counters.bytesIn.Add(uint64(len(data)))
	c.sent(len(block) + len(data))
	return c.in.Send(block, data, end)
}

// failed answers a request whose target did not.
func (c *call) failed(ctx context.Context, err error) {
	cause := context.Cause(ctx)
	var reset xhttp2.StreamError
	switch {
	case errors.Is(cause, errAbandoned) || c.in.Err() != nil:
		c.gaveUp()
	case errors.Is(cause, errSilent):
		c.page(c.listener, 504)
	case c.in.GRPC && errors.As(err, &reset): // which means something to clients of gRPC, such as a deadline that has passed
		if c.entry != nil {
			c.entry.Status = 502
		}
		c.in.Reset(http2.Code(reset.Code))
	default:
		c.target.counters.unreachable(err)
		c.page(c.listener, dialStatus(err))
	}
}
