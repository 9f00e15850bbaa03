package proxy

import (
	"bytes"
	"cmp"
	"strings"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/edge/accesslog"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/http1"
)

// logEntry is what the access log will say of the request under way. Requests to load balancers without an access log have
// none: nil.
type logEntry struct {
	accesslog.Entry
	text []byte // what the entry's octets point into: requests are overwritten before they have ended

	// On the engine's clock; 0: did not happen.
	received time.Duration // the request's head
	sent     time.Duration // the request, to the target
	answered time.Duration // the target's head
	returned time.Duration // the first of the answer, to the client
	ended    time.Duration // an answer of the load balancer's own, after which the connection may linger
}

var logEntries = sync.Pool{New: func() any { return &logEntry{} }}

// newLogEntry starts the entry of a request that came in by v.
func (e *Engine) newLogEntry(v *listener, from *peer) *logEntry {
	r := logEntries.Get().(*logEntry)
	*r = logEntry{text: r.text[:0], received: e.clock()}
	r.LoadBalancer, r.Port, r.Host = v.balancer, uint16(v.port), v.dnsName
	r.Client = from.address
	r.Created = e.started.Add(r.received)
	r.Priority = accesslog.NoRule
	r.Type, r.Scheme = accesslog.TypeHTTP, "http"
	if v.protocol == edgeapi.ProtocolHTTPS {
		r.Type, r.Scheme = accesslog.TypeHTTPS, "https"
	}
	if s := from.session; s != nil {
		r.Cipher, r.TLSProtocol, r.ServerName, r.Certificate = s.Cipher, s.Version, s.ServerName, s.Certificate
	}
	r.ConnectionTrace, r.Node = from.traced(), v.node.Address
	return r
}

// request notes what was asked, before anything is rewritten.
func (r *logEntry) request(q *http1.Request) {
	r.Method = r.keep(q.Method)
	r.URI = r.keep(q.Target)
	if len(q.Host) > 0 {
		r.Host = r.keep(q.Host[:len(q.Host)-len(portOf(q.Host))])
	}
	for _, f := range q.Fields {
		switch {
		case f.Kind == http1.TraceID:
			r.Trace = r.keep(q.Value(f))
		case f.Kind == http1.Other && http1.EqualFold(q.Name(f), "user-agent"):
			r.UserAgent = r.keep(q.Value(f))
		}
	}
	r.Received = int64(len(q.Head))
	r.Protocol = "HTTP/1.1"
	switch {
	case q.Protocol == http1.ProtocolHTTP2:
		r.Type, r.Protocol = accesslog.TypeH2, "HTTP/2.0"
	case q.Protocol == http1.ProtocolGRPC:
		r.Type, r.Protocol = accesslog.TypeGRPCS, "HTTP/2.0"
	case q.WebSocket && r.Type == accesslog.TypeHTTPS:
		r.Type, r.Scheme = accesslog.TypeWSS, "wss"
	case q.WebSocket:
		r.Type, r.Scheme = accesslog.TypeWS, "ws"
	case q.Minor == 0:
		r.Protocol = "HTTP/1.0"
	}
	if q.Tier != http1.Compliant {
		r.Classification, r.ClassificationReason = q.Tier.String(), string(q.Reason)
	}
}

// unread notes that the head of a request by HTTP/2 could not be understood.
func (r *logEntry) unread(err error, size int) {
	r.Type, r.Protocol, r.Received = accesslog.TypeH2, "HTTP/2.0", int64(size)
	if reason := severe(err); reason != "" {
		r.Classification, r.ClassificationReason = "Severe", string(reason)
	}
}

// keep returns a copy of b that lives as long as the entry.
func (r *logEntry) keep(b []byte) []byte {
	r.text = append(r.text, b...)
	return r.text[len(r.text)-len(b) : len(r.text) : len(r.text)]
}

// composed notes the trace id in the head that is sent to the target.
func (r *logEntry) composed(head []byte) {
	if _, rest, ok := bytes.Cut(head, []byte("\r\nX-Amzn-Trace-Id: ")); ok {
		id, _, _ := bytes.Cut(rest, []byte{'\r'})
		r.Trace = r.keep(id)
	}
}

// decided notes what is going to be done.
func (r *logEntry) decided(q *http1.Request, d *decision) {
	a := d.action
	if a == nil {
		return
	}
	r.Priority = a.priority
	switch {
	case a.forward != nil:
		r.Actions = "forward"
	case a.redirect != nil:
		r.Actions = "redirect"
	default:
		r.Actions = "fixed-response"
	}
	if d.group != nil {
		r.TargetGroup = d.group.arn
	}
	if d.transform == "" {
		return
	}
	r.TransformStatus = d.transform
	if name := q.Host[:len(q.Host)-len(portOf(q.Host))]; string(name) != string(r.Host) {
		r.TransformedHost = name
	}
	if string(q.Target) != string(r.URI) {
		r.TransformedURI = q.Target
	}
}

// write ends the entry.
func (r *logEntry) write(e *Engine, to *accesslog.Log) {
	since := func(to, from time.Duration) time.Duration {
		if from == 0 || to == 0 || r.answered == 0 {
			return accesslog.NotApplicable
		}
		return to - from
	}
	r.Time = e.started.Add(cmp.Or(r.ended, e.clock()))
	r.RequestTime, r.TargetTime, r.ResponseTime = since(r.sent, r.received), since(r.answered, r.sent), since(r.returned, r.answered)
	to.Write(&r.Entry)
	if cap(r.text) <= 4*http1.MaxLine {
		logEntries.Put(r)
	}
}

// portOf is the end of a Host value that names a port, with its colon.
func portOf(host []byte) []byte {
	for i := len(host) - 1; i >= 0 && host[i] != ']'; i-- {
		if host[i] == ':' {
			return host[i:]
		}
	}
	return nil
}

// logName is what the access log calls a load balancer: app/name/id of its ARN.
func logName(arn string) string {
	_, name, _ := strings.Cut(arn, ":loadbalancer/")
	return name
}
