package proxy

import (
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/http1"
	"github.com/neargate/neargate/internal/edge/http2"
	"github.com/neargate/neargate/internal/edge/rules"
)

// stream is one request that came by HTTP/2. From the moment its head is known it is treated as one that came by HTTP/1.1:
// the same parser, rules, limits and head for the target.
type stream struct {
	*session
	in *http2.Stream
	decision

	entry    *logEntry // nil without an access log
	request  http1.Request
	response http1.Response
	out      []byte // the request composed for the target
	block    []byte // the header block of the answer
	room     []byte // octets from the target

	endpoint *endpoint
	up       *upstream
	upload   *streamUpload // nil when the whole body was sent together with the head
	got      int           // octets of the answer in room
	answered bool          // the target has sent something
	idle     time.Duration
	began    time.Duration // when the request was sent, on the engine's clock

	gone func() // x.abandoned, made once
}

// streamRoom is what is read at a time from a target: a frame's worth.
const streamRoom = 16 << 10

var streams = sync.Pool{New: func() any {
	x := &stream{out: make([]byte, 0, 2<<10), block: make([]byte, 0, 1<<10), room: make([]byte, streamRoom)}
	x.gone = x.abandoned
	return x
}}

func takeStream(s *session, in *http2.Stream) *stream {
	x := streams.Get().(*stream)
	x.session, x.in = s, in
	return x
}

func (x *stream) giveBack() {
	x.in.WhenGone(nil)
	if cap(x.out) > streamRoom || cap(x.block) > streamRoom || len(x.room) > streamRoom || cap(x.request.Fields) > 256 {
		return // grown for an unusual request: not worth keeping
	}
	x.request.Reset()
	x.response.Reset()
	*x = stream{request: x.request, response: x.response, out: x.out[:0], block: x.block[:0], room: x.room, gone: x.gone}
	streams.Put(x)
}

// serve answers the request.
func (x *stream) serve() {
	v := x.engine.listener(x.server)
	if v == nil {
		x.page(nil, 503)
		return
	}
	x.idle = v.settings.IdleTimeout
	x.in.SetDeadline(x.sweeper.after(x.idle))
	if v.log != nil {
		x.entry = x.engine.newLogEntry(v, &x.peer)
		defer x.entry.write(x.engine, v.log)
	}
	if err := x.parse(); err != nil {
		if x.entry != nil {
			x.entry.unread(err, len(x.in.Head))
		}
		v.counters.request(http1.ProtocolHTTP2)
		v.counters.nonCompliant.Add(1)
		x.page(v, statusOf(err))
		return
	}
	if x.entry != nil {
		x.entry.request(&x.request)
	}
	x.decision = x.engine.route(x.server, &x.request, &x.peer)
	if x.entry != nil {
		x.entry.decided(&x.request, &x.decision)
	}
	switch {
	case x.listener == nil || x.refusal != 0:
		x.page(x.listener, x.refusal)
	case x.target == nil:
		x.own()
	default:
		defer x.target.tickets.Return()
		x.idle = x.listener.settings.IdleTimeout
		x.exchange()
	}
}

var (
	errConnect     = &http1.Refusal{Status: 405, Reason: "method not allowed"}
	errHeadTooLong = &http1.Refusal{Status: 400, Reason: "head too long"}
	errNoEnd       = &http1.Refusal{Status: 408, Reason: "no end of the request"}
	errHeadShape   = &http1.Refusal{Status: 400, Reason: "head of another shape"}
)

// parse reads the head as if it had come by HTTP/1.1, and then says about the body what HTTP/2 says.
func (x *stream) parse() error {
	r := &x.request
	switch {
	case x.in.Connect:
		return errConnect
	case x.in.TooLong:
		return errHeadTooLong
	}
	n, err := r.Parse(x.in.Head)
	if err != nil {
		return err
	}
	if n != len(x.in.Head) {
		return errHeadShape
	}
	r.Protocol = http1.ProtocolHTTP2
	if x.in.GRPC {
		r.Protocol = http1.ProtocolGRPC
	}
	switch {
	case x.in.Whole || x.in.Length > 0:
		return nil
	case x.in.Length == 0:
		return x.expectEnd()
	}
	// A body of unknown length. If it is all here already its length is known after all.
	if n, last := x.in.Buffered(); last {
		if r.Length = int64(n); n > 0 {
			r.Framing = http1.Sized
		}
	} else {
		r.Framing = http1.Chunked
	}
	if m := string(r.Method); r.Framing != http1.NoBody && (m == "GET" || m == "HEAD") {
		r.Tier = http1.Ambiguous // to the target, as in http1
	}
	return nil
}

// expectEnd waits for the end of a request that says that nothing else follows.
func (x *stream) expectEnd() error {
	_, err := x.in.Read(x.room[:1])
	switch {
	case isEOF(err):
		return nil
	case errors.Is(err, http2.ErrTimeout):
		return errNoEnd
	}
	return errHeadShape // which nobody will hear of
}

// received counts octets of the body, and sent those of the answer.
func (x *stream) received(n int) {
	x.listener.counters.bytesIn.Add(uint64(n))
	if x.entry != nil {
		x.entry.Received += int64(n)
	}
}

func (x *stream) sent(n int) {
	x.listener.counters.bytesOut.Add(uint64(n))
	if x.entry != nil {
		x.entry.Sent += int64(n)
	}
}

// answeredWith notes that the target has answered, and that the answer goes on to the client.
func (x *stream) answeredWith(status int) {
	now := x.engine.clock()
	x.target.counters.answered(status, now-x.began)
	if x.entry != nil {
		x.entry.answered, x.entry.TargetStatus = now, status
		x.entry.returned, x.entry.Status = now, status
	}
}

// gaveUp notes that the client did not wait for an answer.
func (x *stream) gaveUp() {
	x.listener.counters.answered(460)
	if x.entry != nil {
		x.entry.Status = 460
	}
	x.in.Reset(http2.Cancel)
}

// own answers without a target.
func (x *stream) own() {
	v, a := x.listener, x.action
	switch {
	case a.fixed != nil:
		v.counters.fixed.Add(1)
		x.answer(v, a.fixed.code, a.fixed.contentType, a.fixed.body, "")
	case a.redirect != nil:
		v.counters.redirects.Add(1)
		v.counters.answered(a.redirect.StatusCode)
		location := x.location(v, a.redirect)
		if x.entry != nil {
			x.entry.RedirectURL = location
		}
		x.answer(v, a.redirect.StatusCode, "text/html", pages[a.redirect.StatusCode], location)
	default:
		x.page(v, 503)
	}
}

func (x *stream) location(v *listener, r *edgeapi.Redirect) string {
	q := &x.request
	o := rules.Origin{Protocol: edgeapi.ProtocolHTTPS, Host: q.Host, Port: v.port, Path: q.Path, Query: q.Query}
	return string(rules.AppendLocation(nil, r, &o))
}

// page answers with one of pages and counts it. gRPC clients get it as well: they take the meaning from the status.
func (x *stream) page(v *listener, status int) {
	if v != nil {
		v.counters.answered(status)
	}
	x.answer(v, status, "text/html", pages[status], "")
}

// answer answers with a response of the load balancer's own.
func (x *stream) answer(v *listener, status int, contentType, body, location string) {
	b := http2.AppendStatus(x.block[:0], status)
	if v == nil || !v.attributes.ServerHeaderOff {
		b = http2.AppendField(b, fieldServer, "awselb/2.0")
	}
	b = http2.AppendField(b, fieldDate, *x.sweeper.date.Load())
	if body != "" {
		b = http2.AppendField(b, fieldContentType, contentType)
	}
	b = http2.AppendField(b, fieldContentLength, strconv.Itoa(len(body)))
	if location != "" {
		b = http2.AppendField(b, fieldLocation, location)
	}
	if v != nil {
		b = appendHeaders(b, v.attributes.ResponseHeaders)
	}
	if string(x.request.Method) == "HEAD" {
		body = ""
	}
	x.block = b
	x.in.SetDeadline(x.sweeper.after(x.idle))
	if x.in.Send(b, []byte(body), true) == nil && v != nil {
		v.counters.bytesOut.Add(uint64(len(b) + len(body)))
	}
	if x.entry != nil {
		x.entry.Status = status
		x.entry.Sent += int64(len(b) + len(body))
	}
}

var (
	fieldServer        = []byte("server")
	fieldDate          = []byte("date")
	fieldContentType   = []byte("content-type")
	fieldContentLength = []byte("content-length")
	fieldLocation      = []byte("location")
)

func appendHeaders(b []byte, headers []edgeapi.Header) []byte {
	for _, h := range headers {
		b = http2.AppendField(b, []byte(h.Name), h.Value)
	}
	return b
}
