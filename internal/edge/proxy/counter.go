package proxy

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/http1"
)

// listenerCounters are kept per listener ARN and zone for as long as the process lives, shared by the nodes there.
type listenerCounters struct {
	active                                                          atomic.Int64
	connections, rejected, requests, bytesIn, bytesOut              atomic.Uint64
	http2, grpc                                                     atomic.Uint64
	evaluations, redirects, fixed, nonCompliant, invalid, tlsErrors atomic.Uint64
	own3xx, own4xx, own460, own5xx, own500, own502, own503, own504  atomic.Uint64
}

// request counts a request that came by a protocol.
func (c *listenerCounters) request(p http1.Protocol) {
	c.requests.Add(1)
	if p != http1.ProtocolHTTP1 {
		c.http2.Add(1)
		if p == http1.ProtocolGRPC {
			c.grpc.Add(1)
		}
	}
}

// answered counts an answer the load balancer made itself, other than a fixed response or redirect.
func (c *listenerCounters) answered(status int) {
	switch {
	case status < 400:
		c.own3xx.Add(1)
	case status < 500:
		c.own4xx.Add(1)
		if status == 460 {
			c.own460.Add(1)
		}
	default:
		c.own5xx.Add(1)
	}
	switch status {
	case 500:
		c.own500.Add(1)
	case 502:
		c.own502.Add(1)
	case 503:
		c.own503.Add(1)
	case 504:
		c.own504.Add(1)
	}
}

func (c *listenerCounters) read() edgeapi.FrontCounters {
	return edgeapi.FrontCounters{
		ActiveConnections: c.active.Load(), NewConnections: c.connections.Load(), RejectedConnections: c.rejected.Load(),
		Requests: c.requests.Load(), HTTP2Requests: c.http2.Load(), GRPCRequests: c.grpc.Load(),
		BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(),
		RuleEvaluations: c.evaluations.Load(), Redirects: c.redirects.Load(), FixedResponses: c.fixed.Load(),
		ClientTLSErrors: c.tlsErrors.Load(), DesyncNonCompliant: c.nonCompliant.Load(), InvalidHeaders: c.invalid.Load(),
		ELB3xx: c.own3xx.Load(), ELB4xx: c.own4xx.Load(), ELB460: c.own460.Load(),
		ELB5xx: c.own5xx.Load(), ELB500: c.own500.Load(), ELB502: c.own502.Load(), ELB503: c.own503.Load(), ELB504: c.own504.Load(),
	}
}

func addFront(to *edgeapi.FrontCounters, c edgeapi.FrontCounters) {
	to.ActiveConnections += c.ActiveConnections
	to.NewConnections += c.NewConnections
	to.RejectedConnections += c.RejectedConnections
	to.Requests += c.Requests
	to.HTTP2Requests += c.HTTP2Requests
	to.GRPCRequests += c.GRPCRequests
	to.BytesIn += c.BytesIn
	to.BytesOut += c.BytesOut
	to.RuleEvaluations += c.RuleEvaluations
	to.Redirects += c.Redirects
	to.FixedResponses += c.FixedResponses
	to.ClientTLSErrors += c.ClientTLSErrors
	to.DesyncNonCompliant += c.DesyncNonCompliant
	to.InvalidHeaders += c.InvalidHeaders
	to.ELB3xx += c.ELB3xx
	to.ELB4xx += c.ELB4xx
	to.ELB460 += c.ELB460
	to.ELB5xx += c.ELB5xx
	to.ELB500 += c.ELB500
	to.ELB502 += c.ELB502
	to.ELB503 += c.ELB503
	to.ELB504 += c.ELB504
}

// targetCounters are kept per target.
type targetCounters struct {
	connections                         atomic.Int64
	requests, errors, bytesIn, bytesOut atomic.Uint64
	opened, tlsErrors                   atomic.Uint64
	classes                             [5]atomic.Uint64
	latency                             [edgeapi.Buckets]atomic.Uint64
	latencySum                          atomic.Int64
}

// answered counts the head of an answer that took d to arrive.
func (c *targetCounters) answered(status int, d time.Duration) {
	c.classes[status/100-1].Add(1)
	c.latency[edgeapi.Bucket(d)].Add(1)
	c.latencySum.Add(int64(d))
}

// unreachable counts a connection that was not to be had.
func (c *targetCounters) unreachable(err error) {
	if errors.Is(err, errNegotiation) {
		c.tlsErrors.Add(1)
	} else {
		c.errors.Add(1)
	}
}

func (c *targetCounters) read() edgeapi.BackCounters {
	b := edgeapi.BackCounters{
		Connections: c.connections.Load(), Requests: c.requests.Load(), ConnectionErrors: c.errors.Load(),
		Opened: c.opened.Load(), TLSErrors: c.tlsErrors.Load(),
		BytesIn: c.bytesIn.Load(), BytesOut: c.bytesOut.Load(),
	}
	for i := range c.classes {
		b.Classes[i] = c.classes[i].Load()
	}
	b.Latency.Sum = time.Duration(c.latencySum.Load())
	last := 0
	var buckets [edgeapi.Buckets]uint64
	for i := range buckets {
		if buckets[i] = c.latency[i].Load(); buckets[i] > 0 {
			last = i + 1
		}
	}
	if last > 0 {
		b.Latency.Buckets = append(b.Latency.Buckets, buckets[:last]...)
	}
	return b
}

// groupCounters are kept per target group: what belongs to no target, and what targets that are gone have left.
type groupCounters struct {
	unroutable, unhealthy, nonSticky atomic.Uint64

	// Guarded by Engine.mu.
	gone    edgeapi.BackCounters
	leaving []*target // gone, with requests or connections that are not, so that they go on counting
}

// settle takes over what those targets have counted that are done with. Engine.mu is held.
func (c *groupCounters) settle() {
	c.leaving = slices.DeleteFunc(c.leaving, func(t *target) bool {
		done := t.tickets.Empty() && t.counters.connections.Load() == 0
		if done {
			c.gone.Add(t.counters.read())
		}
		return done
	})
}
