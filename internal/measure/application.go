package measure

import (
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/metric"
)

// application takes the metrics of an Application Load Balancer: "CloudWatch metrics for your Application Load Balancer". What
// is counted at clients is in the zone of the node that they connected to, what is counted at targets in the target's.
func (t *taking) application(b *Balancer) {
	lb := balancerDimension(b.ARN)
	whole := share{}
	zones := map[string]*share{}
	for _, zone := range b.Zones {
		zones[zone] = &share{}
	}
	before := map[string]*edgeapi.FrontCounters{}
	had, has := t.before.balancer(b.ARN), t.after.balancer(b.ARN)
	for i := range had.Zones {
		before[had.Zones[i].AvailabilityZone] = &had.Zones[i].FrontCounters
	}
	for i := range has.Zones {
		z := &has.Zones[i]
		was := before[z.AvailabilityZone]
		if was == nil {
			was = &edgeapi.FrontCounters{}
		}
		if to := zones[z.AvailabilityZone]; to != nil {
			to.front = front(&z.FrontCounters, was)
		}
	}
	whole.front = front(&has.FrontCounters, &had.FrontCounters)
	for i := range b.Groups {
		g := &b.Groups[i]
		all, byZone := t.group(g)
		t.targets(g, all, uint64(len(g.Targets)), lb, groupDimension(g.ARN))
		for zone, of := range byZone {
			t.answers(of, lb, groupDimension(g.ARN), zoneDimension(zone))
			t.each("RequestCount", of.requests, lb, groupDimension(g.ARN), zoneDimension(zone))
			if to := zones[zone]; to != nil {
				to.back.merge(of)
			}
		}
		whole.back.merge(all)
	}
	t.balancer(b, &whole, lb)
	t.always("RequestCount", whole.front.Requests, lb)
	for _, zone := range b.Zones {
		t.balancer(b, zones[zone], lb, zoneDimension(zone))
		t.always("RequestCount", zones[zone].front.Requests, lb, zoneDimension(zone))
	}
	t.put("ConsumedLCUs", count, t.applicationUnits(&whole), lb)
}

// share is what was counted of a load balancer, or of its part in a zone.
type share struct {
	front edgeapi.FrontCounters
	back  back
}

func (b *back) merge(o *back) {
	b.connections += o.connections
	b.requests += o.requests
	b.opened += o.opened
	b.errors += o.errors
	b.tlsErrors += o.tlsErrors
	b.bytes += o.bytes
	for i := range b.classes {
		b.classes[i] += o.classes[i]
	}
	for i := range b.latency {
		b.latency[i] += o.latency[i]
	}
	b.latencySum += o.latencySum
}

// group is what was counted of a target group, and of its targets by zone.
func (t *taking) group(g *Group) (all *back, zones map[string]*back) {
	had, has := t.before.group(g.ARN), t.after.group(g.ARN)
	all, zones = &back{}, map[string]*back{}
	all.add(&has.BackCounters, &had.BackCounters)
	type identity struct {
		id   string
		port int
	}
	zoneOf, before := map[identity]string{}, map[identity]*edgeapi.BackCounters{}
	for _, x := range g.Targets {
		zoneOf[identity{x.ID, x.Port}] = x.Zone
	}
	for i := range had.Targets {
		before[identity{had.Targets[i].Target, had.Targets[i].Port}] = &had.Targets[i].BackCounters
	}
	for i := range has.Targets {
		id := identity{has.Targets[i].Target, has.Targets[i].Port}
		zone, known := zoneOf[id]
		if !known || zone == balance.AllZones {
			continue
		}
		if zones[zone] == nil {
			zones[zone] = &back{}
		}
		was := before[id]
		if was == nil {
			was = &edgeapi.BackCounters{}
		}
		zones[zone].add(&has.Targets[i].BackCounters, was)
	}
	return all, zones
}

// balancer records what a load balancer has counted, in all or in a zone.
func (t *taking) balancer(b *Balancer, s *share, dimensions ...metric.Dimension) {
	f := &s.front
	t.total("ActiveConnectionCount", count, uint64(max(f.ActiveConnections+s.back.connections, 0)), dimensions...)
	t.total("NewConnectionCount", count, f.NewConnections+s.back.opened, dimensions...)
	t.total("RejectedConnectionCount", count, f.RejectedConnections, dimensions...)
	t.total("ClientTLSNegotiationErrorCount", count, f.ClientTLSErrors, dimensions...)
	t.total("ProcessedBytes", bytes, f.BytesIn+f.BytesOut, dimensions...)
	t.total("RuleEvaluations", count, f.RuleEvaluations, dimensions...)
	t.total("HTTP_Redirect_Count", count, f.Redirects, dimensions...)
	t.total("HTTP_Fixed_Response_Count", count, f.FixedResponses, dimensions...)
	t.total("DesyncMitigationMode_NonCompliant_Request_Count", count, f.DesyncNonCompliant, dimensions...)
	t.each("GrpcRequestCount", f.GRPCRequests, dimensions...)
	t.total("HTTPCode_ELB_3XX_Count", count, f.ELB3xx+f.Redirects, dimensions...)
	t.each("HTTPCode_ELB_4XX_Count", f.ELB4xx, dimensions...)
	t.each("HTTPCode_ELB_5XX_Count", f.ELB5xx, dimensions...)
	t.total("HTTPCode_ELB_500_Count", count, f.ELB500, dimensions...)
	t.total("HTTPCode_ELB_502_Count", count, f.ELB502, dimensions...)
	t.total("HTTPCode_ELB_503_Count", count, f.ELB503, dimensions...)
	t.total("HTTPCode_ELB_504_Count", count, f.ELB504, dimensions...)
	dropped, forwarded := f.InvalidHeaders, uint64(0)
	if !b.DropsInvalid {
		dropped, forwarded = forwarded, dropped
	}
	t.always("DroppedInvalidHeaderRequestCount", dropped, dimensions...)
	t.always("ForwardedInvalidHeaderRequestCount", forwarded, dimensions...)
	t.answers(&s.back, dimensions...)
}

// targets records what was counted of a target group as a whole.
func (t *taking) targets(g *Group, all *back, targets uint64, lb, group metric.Dimension) {
	t.answers(all, lb, group)
	t.always("RequestCount", all.requests, lb, group)
	if targets > 0 {
		each := float64(all.requests) / float64(targets)
		t.put("RequestCountPerTarget", count, each, group)
		t.put("RequestCountPerTarget", count, each, lb, group)
	}
	had, has := t.before.group(g.ARN), t.after.group(g.ARN)
	t.total("UnhealthyRoutingRequestCount", count, since(has.Unhealthy, had.Unhealthy), lb, group)
	if g.Sticky {
		t.put("NonStickyRequestCount", count, float64(since(has.NonSticky, had.NonSticky)), lb, group)
	}
}

// answers records what targets did.
func (t *taking) answers(b *back, dimensions ...metric.Dimension) {
	for i, name := range []string{"HTTPCode_Target_2XX_Count", "HTTPCode_Target_3XX_Count", "HTTPCode_Target_4XX_Count", "HTTPCode_Target_5XX_Count"} {
		t.each(name, b.classes[i+1], dimensions...)
	}
	t.total("TargetConnectionErrorCount", count, b.errors, dimensions...)
	t.total("TargetTLSNegotiationErrorCount", count, b.tlsErrors, dimensions...)
	var values, counts []float64
	for i, n := range b.latency {
		if n > 0 {
			middle := (edgeapi.BucketStart(i) + edgeapi.BucketStart(i+1)) / 2
			values, counts = append(values, middle.Seconds()), append(counts, float64(n))
		}
	}
	if len(values) > 0 {
		t.point("TargetResponseTime", seconds, metric.Sampled(values, counts, b.latencySum.Seconds()), dimensions...)
	}
}
