package proxy

import (
	"strconv"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/http1"
)

// composeRequest appends the request head as the target is to see it. Fields keep their order and spelling; what is copied
// is copied in runs of adjacent lines. now is the time in seconds.
func (v *listener) composeRequest(b []byte, r *http1.Request, from *peer, now int64) []byte {
	b = append(b, r.Method...)
	b = append(b, ' ')
	b = append(b, r.Target...)
	b = append(b, " HTTP/1.1\r\n"...)
	if v.settings.ForwardedFor == edgeapi.ForwardedForAppend {
		b = v.forwardedFor(b, r, from)
	}
	b = append(b, v.forwarded...)
	if from.session != nil {
		b = append(b, from.identify(v)...)
	}
	drop := v.drop
	if r.NewHost || !r.HasHost || v.hostPort != "" {
		drop |= 1 << http1.Host
		b = v.host(b, r)
	}
	b = appendTrace(b, r, now)
	if r.Continue {
		drop |= 1 << http1.Expect // answered here
	}
	slow := r.ExtraOptions || r.InvalidNames && v.settings.DropInvalidHeaders || len(v.attributes.RequestHeaders) > 0
	start, end := uint32(0), uint32(0)
	for i, f := range r.Fields {
		if drop>>f.Kind&1 != 0 || slow && v.dropsField(r, f) {
			continue
		}
		if f.Line != end {
			b = append(b, r.Head[start:end]...)
			start = f.Line
		}
		end = r.LineEnd(i)
	}
	b = append(b, r.Head[start:end]...)
	switch {
	case r.Framing == http1.Chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
	case r.Framing == http1.Sized || r.Announced():
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, r.Length, 10)
		b = append(b, "\r\n"...)
	}
	switch {
	case r.WebSocket:
		b = append(b, "Connection: Upgrade\r\nUpgrade: websocket\r\n"...)
	case r.Tier == http1.Ambiguous:
		b = append(b, "Connection: close\r\n"...)
	}
	return append(b, "\r\n"...)
}

// dropsField decides about the fields that need a closer look.
func (v *listener) dropsField(r *http1.Request, f http1.Field) bool {
	return f.Invalid && v.settings.DropInvalidHeaders || v.pretends(r.Name(f)) ||
		r.ExtraOptions && f.Kind.Ordinary() && r.NamedByConnection(r.Name(f))
}

// forwardedFor appends one X-Forwarded-For line: what the request brought, then the client.
func (v *listener) forwardedFor(b []byte, r *http1.Request, from *peer) []byte {
	b = append(b, "X-Forwarded-For: "...)
	for _, f := range r.Fields {
		if f.Kind == http1.ForwardedFor {
			if v := r.Value(f); len(v) > 0 {
				b = append(b, v...)
				b = append(b, ", "...)
			}
		}
	}
	b = append(b, from.text...)
	if v.settings.ForwardedForClientPort {
		b = append(b, ':')
		b = strconv.AppendUint(b, uint64(from.address.Port()), 10)
	}
	return append(b, "\r\n"...)
}

// host appends a Host line that differs from the request's.
func (v *listener) host(b []byte, r *http1.Request) []byte {
	host := r.Host
	b = append(b, "Host: "...)
	if !r.HasHost && !r.NewHost {
		b = v.node.Address.AppendTo(b) // an HTTP/1.0 request
	} else {
		b = append(b, host...)
	}
	if !hasPort(host) && (len(host) > 0 || !r.HasHost) {
		b = append(b, v.hostPort...)
	}
	return append(b, "\r\n"...)
}

func hasPort(host []byte) bool {
	for i := len(host) - 1; i >= 0 && host[i] != ']'; i-- {
		if host[i] == ':' {
			return true
		}
	}
	return false
}

// neverReturned are the kinds of response fields that end here or are written anew.
const neverReturned = 1<<http1.TransferEncoding | 1<<http1.Connection | 1<<http1.KeepAlive | 1<<http1.ProxyConnection |
	1<<http1.TE | 1<<http1.Upgrade | 1<<http1.Lookalike

// composeResponse appends the response head as the client is to see it.
func (x *exchange) composeResponse(b []byte, chunked, keep bool) []byte {
	v, r := x.listener, &x.work.response
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(r.Status), 10)
	b = append(b, ' ')
	b = append(b, r.Reason...)
	b = append(b, "\r\n"...)
	drop := uint32(neverReturned)
	if !chunked {
		drop |= 1 << http1.Trailer
	}
	if !r.HasLength || r.Status < 200 || r.Status == 204 {
		drop |= 1 << http1.ContentLength
	}
	start, end := uint32(0), uint32(0)
	for i, f := range r.Fields {
		if drop>>f.Kind&1 != 0 || len(v.setFields) > 0 && v.sets(r.Name(f)) ||
			r.ExtraOptions && f.Kind.Ordinary() && r.NamedByConnection(r.Name(f)) {
			continue
		}
		if f.Kind == http1.ContentLength {
			drop |= 1 << http1.ContentLength // repeated ones, which say the same
		}
		if f.Line != end {
			b = append(b, r.Head[start:end]...)
			start = f.Line
		}
		end = r.LineEnd(i)
	}
	b = append(b, r.Head[start:end]...)
	b = append(b, v.setFields...)
	if x.bonds != [2]*issue{} && (r.Status >= 200 || r.Status == 101) {
		for _, i := range x.due(r) {
			if i != nil {
				b = append(b, i.lines...)
			}
		}
	}
	if r.Status >= 200 {
		if !r.HasDate {
			b = append(b, "Date: "...)
			b = append(b, *x.client.sweeper.date.Load()...)
			b = append(b, "\r\n"...)
		}
		if chunked {
			b = append(b, "Transfer-Encoding: chunked\r\n"...)
		}
		b = append(b, connectionField(keep)...)
	}
	if r.Status == 101 {
		b = append(b, "Connection: Upgrade\r\nUpgrade: websocket\r\n"...)
	}
	return append(b, "\r\n"...)
}

// equalFold compares in any ASCII case.
func equalFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range b {
		if lower(b[i]) != lower(s[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
