package measure

import (
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// since is how far a counter went. One that is smaller than before belongs to something that was made anew.
func since(after, before uint64) uint64 {
	if after < before {
		return after
	}
	return after - before
}

// front is what was counted where clients connect in an interval; what is now, as it is.
func front(after, before *edgeapi.FrontCounters) edgeapi.FrontCounters {
	return edgeapi.FrontCounters{
		ActiveConnections:   after.ActiveConnections,
		NewConnections:      since(after.NewConnections, before.NewConnections),
		RejectedConnections: since(after.RejectedConnections, before.RejectedConnections),
		Requests:            since(after.Requests, before.Requests),
		HTTP2Requests:       since(after.HTTP2Requests, before.HTTP2Requests),
		GRPCRequests:        since(after.GRPCRequests, before.GRPCRequests),
		BytesIn:             since(after.BytesIn, before.BytesIn),
		BytesOut:            since(after.BytesOut, before.BytesOut),
		RuleEvaluations:     since(after.RuleEvaluations, before.RuleEvaluations),
		Redirects:           since(after.Redirects, before.Redirects),
		FixedResponses:      since(after.FixedResponses, before.FixedResponses),
		ClientTLSErrors:     since(after.ClientTLSErrors, before.ClientTLSErrors),
		DesyncNonCompliant:  since(after.DesyncNonCompliant, before.DesyncNonCompliant),
		InvalidHeaders:      since(after.InvalidHeaders, before.InvalidHeaders),
		ELB3xx:              since(after.ELB3xx, before.ELB3xx),
		ELB4xx:              since(after.ELB4xx, before.ELB4xx),
		ELB460:              since(after.ELB460, before.ELB460),
		ELB5xx:              since(after.ELB5xx, before.ELB5xx),
		ELB500:              since(after.ELB500, before.ELB500),
		ELB502:              since(after.ELB502, before.ELB502),
		ELB503:              since(after.ELB503, before.ELB503),
		ELB504:              since(after.ELB504, before.ELB504),
	}
}

// back is what was counted towards targets in an interval, as histograms without trailing gaps.
type back struct {
	connections                                int64 // now
	requests, opened, errors, tlsErrors, bytes uint64
	classes                                    [5]uint64
	latency                                    [edgeapi.Buckets]uint64
	latencySum                                 time.Duration
}

// add counts what went on between two readings.
func (b *back) add(after, before *edgeapi.BackCounters) {
	b.connections += after.Connections
	b.requests += since(after.Requests, before.Requests)
	b.opened += since(after.Opened, before.Opened)
	b.errors += since(after.ConnectionErrors, before.ConnectionErrors)
	b.tlsErrors += since(after.TLSErrors, before.TLSErrors)
	b.bytes += since(after.BytesIn, before.BytesIn) + since(after.BytesOut, before.BytesOut)
	for i := range b.classes {
		b.classes[i] += since(after.Classes[i], before.Classes[i])
	}
	for i, n := range after.Latency.Buckets {
		var had uint64
		if i < len(before.Latency.Buckets) {
			had = before.Latency.Buckets[i]
		}
		if i < len(b.latency) {
			b.latency[i] += since(n, had)
		}
	}
	b.latencySum += time.Duration(since(uint64(after.Latency.Sum), uint64(before.Latency.Sum)))
}

// flows is what was counted of network flows in an interval.
func flows(after, before *edgeapi.FlowCounters) edgeapi.FlowCounters {
	return edgeapi.FlowCounters{
		Protocol: after.Protocol, AvailabilityZone: after.AvailabilityZone, Active: after.Active,
		New:             since(after.New, before.New),
		Bytes:           since(after.Bytes, before.Bytes),
		Packets:         since(after.Packets, before.Packets),
		Rejected:        since(after.Rejected, before.Rejected),
		Unhealthy:       since(after.Unhealthy, before.Unhealthy),
		PortErrors:      since(after.PortErrors, before.PortErrors),
		ClientResets:    since(after.ClientResets, before.ClientResets),
		TargetResets:    since(after.TargetResets, before.TargetResets),
		Resets:          since(after.Resets, before.Resets),
		ClientTLSErrors: since(after.ClientTLSErrors, before.ClientTLSErrors),
		TargetTLSErrors: since(after.TargetTLSErrors, before.TargetTLSErrors),
	}
}

func addFlows(to *edgeapi.FlowCounters, f *edgeapi.FlowCounters) {
	to.Active += f.Active
	to.New += f.New
	to.Bytes += f.Bytes
	to.Packets += f.Packets
	to.Rejected += f.Rejected
	to.Unhealthy += f.Unhealthy
	to.PortErrors += f.PortErrors
	to.ClientResets += f.ClientResets
	to.TargetResets += f.TargetResets
	to.Resets += f.Resets
	to.ClientTLSErrors += f.ClientTLSErrors
	to.TargetTLSErrors += f.TargetTLSErrors
}
