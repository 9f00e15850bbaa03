package measure

import (
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/metric"
)

// network takes the metrics of a Network Load Balancer: "CloudWatch metrics for your Network Load Balancer".
func (t *taking) network(b *Balancer) {
	lb := balancerDimension(b.ARN)
	type key struct{ protocol, zone string }
	before := map[key]*edgeapi.FlowCounters{}
	had, has := t.before.balancer(b.ARN), t.after.balancer(b.ARN)
	for i := range had.Flows {
		before[key{had.Flows[i].Protocol, had.Flows[i].AvailabilityZone}] = &had.Flows[i]
	}
	all, zones := flowsOf{}, map[string]flowsOf{}
	for _, zone := range b.Zones {
		zones[zone] = flowsOf{}
	}
	for i := range has.Flows {
		f := &has.Flows[i]
		was := before[key{f.Protocol, f.AvailabilityZone}]
		if was == nil {
			was = &edgeapi.FlowCounters{}
		}
		d := flows(f, was)
		all.add(&d)
		if zone := zones[f.AvailabilityZone]; zone != nil {
			zone.add(&d)
		}
	}
	t.flows(all, lb)
	for _, zone := range b.Zones {
		t.flows(zones[zone], lb, zoneDimension(zone))
	}
	units := 0.0
	for _, protocol := range protocols {
		n := t.networkUnits(protocol, all.of(protocol))
		units += n
		t.put("ConsumedLCUs_"+protocol, count, n, lb)
	}
	t.put("ConsumedLCUs", count, units, lb)
}

// protocols are the suffixes of metrics by protocol.
var protocols = []string{edgeapi.ProtocolTCP, edgeapi.ProtocolTLS, edgeapi.ProtocolUDP}

// flowsOf are flows by protocol.
type flowsOf map[string]*edgeapi.FlowCounters

func (f flowsOf) of(protocol string) *edgeapi.FlowCounters {
	if f[protocol] == nil {
		f[protocol] = &edgeapi.FlowCounters{Protocol: protocol}
	}
	return f[protocol]
}

func (f flowsOf) add(c *edgeapi.FlowCounters) { addFlows(f.of(c.Protocol), c) }

func (t *taking) flows(of flowsOf, dimensions ...metric.Dimension) {
	var all edgeapi.FlowCounters
	for _, protocol := range protocols {
		f := of.of(protocol)
		addFlows(&all, f)
		t.total("ActiveFlowCount_"+protocol, count, uint64(max(f.Active, 0)), dimensions...)
		t.total("NewFlowCount_"+protocol, count, f.New, dimensions...)
		t.total("ProcessedBytes_"+protocol, bytes, f.Bytes, dimensions...)
	}
	t.total("RejectedFlowCount_TCP", count, of.of(edgeapi.ProtocolTCP).Rejected+of.of(edgeapi.ProtocolTLS).Rejected, dimensions...)
	t.total("ActiveFlowCount", count, uint64(max(all.Active, 0)), dimensions...)
	t.total("NewFlowCount", count, all.New, dimensions...)
	t.total("ProcessedBytes", bytes, all.Bytes, dimensions...)
	t.total("RejectedFlowCount", count, all.Rejected, dimensions...)
	t.total("UnhealthyRoutingFlowCount", count, all.Unhealthy, dimensions...)
	t.total("PortAllocationErrorCount", count, all.PortErrors, dimensions...)
	t.total("TCP_Client_Reset_Count", count, all.ClientResets, dimensions...)
	t.total("TCP_Target_Reset_Count", count, all.TargetResets, dimensions...)
	t.total("TCP_ELB_Reset_Count", count, all.Resets, dimensions...)
	t.total("ClientTLSNegotiationErrorCount", count, all.ClientTLSErrors, dimensions...)
	t.total("TargetTLSNegotiationErrorCount", count, all.TargetTLSErrors, dimensions...)
}
