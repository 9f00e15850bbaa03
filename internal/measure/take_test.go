package measure

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/metric"
)

const (
	albARN = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/web/50dc6c495c0c9188"
	nlbARN = "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/net/tcp/1234567890123456"
	tgARN  = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/web/73e2d6bc24d8a067"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// written writes data one a line: name dimensions: sum/count.
func written(t *testing.T, data []metric.Datum) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, d := range data {
		var dims []string
		for _, x := range d.Metric.Dimensions {
			short := map[string]string{"LoadBalancer": "lb", "TargetGroup": "tg", "AvailabilityZone": "az"}[x.Name]
			if short == "az" {
				short = x.Value[len(x.Value)-1:]
			}
			dims = append(dims, short)
		}
		slices.Sort(dims)
		key := d.Metric.Name + " " + strings.Join(dims, " ")
		if _, twice := out[key]; twice {
			t.Errorf("%s is there twice", key)
		}
		out[key] = fmt.Sprintf("%.4g/%.4g", d.Point.Sum, d.Point.Count)
		if !d.At.Equal(noon) || d.Metric.Account != "000000000000" || d.Metric.Region != "us-east-1" {
			t.Errorf("%+v", d)
		}
	}
	return out
}

func alb() Balancer {
	return Balancer{
		ARN: albARN, Account: "000000000000", Region: "us-east-1", Zones: []string{"us-east-1a", "us-east-1b"},
		Groups: []Group{{
			ARN: tgARN, CrossZone: true, DNS: balance.MinimumHealthy{Count: 1}, Routing: balance.MinimumHealthy{Percent: 60},
			Targets: []Target{
				{ID: "10.0.0.1", Port: 80, Zone: "us-east-1a", Healthy: true}, {ID: "10.0.1.1", Port: 80, Zone: "us-east-1b", Unhealthy: true},
			},
		}},
	}
}

// quiet are an Application Load Balancer's metrics of an interval without traffic.
var quiet = map[string]string{
	"ConsumedLCUs lb": "0/1",
	"RequestCount lb": "0/1", "RequestCount a lb": "0/1", "RequestCount b lb": "0/1", "RequestCount lb tg": "0/1",
	"RequestCountPerTarget tg": "0/1", "RequestCountPerTarget lb tg": "0/1",
	"DroppedInvalidHeaderRequestCount lb": "0/1", "DroppedInvalidHeaderRequestCount a lb": "0/1", "DroppedInvalidHeaderRequestCount b lb": "0/1",
	"ForwardedInvalidHeaderRequestCount lb": "0/1", "ForwardedInvalidHeaderRequestCount a lb": "0/1", "ForwardedInvalidHeaderRequestCount b lb": "0/1",
	"HealthyHostCount lb tg": "1/1", "HealthyHostCount a lb tg": "1/1", "HealthyHostCount b lb tg": "0/1",
	"UnHealthyHostCount lb tg": "1/1", "UnHealthyHostCount a lb tg": "0/1", "UnHealthyHostCount b lb tg": "1/1",
	"HealthyStateDNS lb tg": "2/1", "HealthyStateDNS a lb tg": "1/1", "HealthyStateDNS b lb tg": "1/1",
	"UnhealthyStateDNS lb tg": "0/1", "UnhealthyStateDNS a lb tg": "0/1", "UnhealthyStateDNS b lb tg": "0/1",
	"HealthyStateRouting lb tg": "0/1", "HealthyStateRouting a lb tg": "0/1", "HealthyStateRouting b lb tg": "0/1",
	"UnhealthyStateRouting lb tg": "2/1", "UnhealthyStateRouting a lb tg": "1/1", "UnhealthyStateRouting b lb tg": "1/1",
}

func compare(t *testing.T, got, want map[string]string) {
	t.Helper()
	for key, v := range want {
		if got[key] != v {
			t.Errorf("%s is %q, want %q", key, got[key], v)
		}
	}
	for key, v := range got {
		if want[key] == "" {
			t.Errorf("%s is there: %s", key, v)
		}
	}
}

// TestApplicationQuiet: without traffic there is what AWS always reports, and nothing else.
func TestApplicationQuiet(t *testing.T) {
	c := traffic(1)
	in := Input{From: noon, To: noon.Add(time.Minute), At: noon, Before: c, After: c, Balancers: []Balancer{alb()}}
	compare(t, written(t, Take(in)), quiet)
	in.Before, in.After = &edgeapi.Counters{}, &edgeapi.Counters{} // edge knows nothing of it yet
	compare(t, written(t, Take(in)), quiet)
}

// traffic are counters after n times the same traffic.
func traffic(n uint64) *edgeapi.Counters {
	a := edgeapi.FrontCounters{
		NewConnections: 600 * n, Requests: 120 * n, GRPCRequests: 5 * n, BytesIn: 1000 * n, BytesOut: 4000 * n, RuleEvaluations: 3000 * n,
		Redirects: 3 * n, FixedResponses: 2 * n, ClientTLSErrors: n, DesyncNonCompliant: 4 * n, InvalidHeaders: 6 * n,
		ELB3xx: n, ELB4xx: 7 * n, ELB5xx: 12 * n, ELB500: n, ELB502: 2 * n, ELB503: 3 * n, ELB504: 4 * n,
	}
	b := edgeapi.FrontCounters{NewConnections: 900 * n, Requests: 30 * n, RejectedConnections: 8 * n}
	total := edgeapi.FrontCounters{
		NewConnections: 1500 * n, Requests: 150 * n, GRPCRequests: 5 * n, BytesIn: 1000 * n, BytesOut: 4000 * n, RuleEvaluations: 3000 * n,
		RejectedConnections: 8 * n, Redirects: 3 * n, FixedResponses: 2 * n, ClientTLSErrors: n, DesyncNonCompliant: 4 * n, InvalidHeaders: 6 * n,
		ELB3xx: n, ELB4xx: 7 * n, ELB5xx: 12 * n, ELB500: n, ELB502: 2 * n, ELB503: 3 * n, ELB504: 4 * n,
	}
	one := edgeapi.BackCounters{Requests: 100 * n, Opened: 10 * n, Classes: [5]uint64{0, 90 * n, 1 * n, 6 * n, 3 * n}, ConnectionErrors: 2 * n}
	one.Latency.Buckets = make([]uint64, edgeapi.Bucket(50*time.Millisecond)+1)
	one.Latency.Buckets[edgeapi.Bucket(time.Millisecond)] = 99 * n
	one.Latency.Buckets[edgeapi.Bucket(50*time.Millisecond)] = n
	one.Latency.Sum = time.Duration(n) * 150 * time.Millisecond
	return &edgeapi.Counters{
		LoadBalancers: []edgeapi.LoadBalancerCounters{{
			ARN: albARN, FrontCounters: total,
			Zones: []edgeapi.ZoneCounters{{AvailabilityZone: "us-east-1a", FrontCounters: a}, {AvailabilityZone: "us-east-1b", FrontCounters: b}},
		}},
		TargetGroups: []edgeapi.TargetGroupCounters{{
			ARN: tgARN, BackCounters: one, Unhealthy: 9 * n, NonSticky: 11 * n, Targets: []edgeapi.TargetCounters{{Target: "10.0.0.1", Port: 80, BackCounters: one}},
		}},
	}
}

func TestApplication(t *testing.T) {
	lb := alb()
	lb.Groups[0].Sticky, lb.DropsInvalid = true, true
	want := map[string]string{}
	for key, v := range quiet {
		want[key] = v
	}
	for _, at := range []string{"lb", "a lb"} { // the traffic of the first zone is all but for a few counters
		for key, v := range map[string]string{
			"ProcessedBytes": "5000/1", "RuleEvaluations": "3000/1", "HTTP_Redirect_Count": "3/1", "HTTP_Fixed_Response_Count": "2/1",
			"ClientTLSNegotiationErrorCount": "1/1", "DesyncMitigationMode_NonCompliant_Request_Count": "4/1", "GrpcRequestCount": "5/5",
			"HTTPCode_ELB_3XX_Count": "4/1", "HTTPCode_ELB_4XX_Count": "7/7", "HTTPCode_ELB_5XX_Count": "12/12", "HTTPCode_ELB_500_Count": "1/1",
			"HTTPCode_ELB_502_Count": "2/1", "HTTPCode_ELB_503_Count": "3/1", "HTTPCode_ELB_504_Count": "4/1", "DroppedInvalidHeaderRequestCount": "6/6",
		} {
			want[key+" "+at] = v
		}
	}
	for _, at := range []string{"lb", "a lb", "lb tg", "a lb tg"} { // all targets with traffic are there
		for key, v := range map[string]string{
			"HTTPCode_Target_2XX_Count": "90/90", "HTTPCode_Target_3XX_Count": "1/1", "HTTPCode_Target_4XX_Count": "6/6", "HTTPCode_Target_5XX_Count": "3/3",
			"TargetConnectionErrorCount": "2/1", "TargetResponseTime": "0.15/100",
		} {
			want[key+" "+at] = v
		}
	}
	for key, v := range map[string]string{
		"NewConnectionCount lb": "1510/1", "NewConnectionCount a lb": "610/1", "NewConnectionCount b lb": "900/1",
		"RejectedConnectionCount lb": "8/1", "RejectedConnectionCount b lb": "8/1", "ConsumedLCUs lb": "1/1",
		"RequestCount lb": "150/150", "RequestCount a lb": "120/120", "RequestCount b lb": "30/30",
		"RequestCount lb tg": "100/100", "RequestCount a lb tg": "100/100", "RequestCountPerTarget tg": "50/1", "RequestCountPerTarget lb tg": "50/1",
		"UnhealthyRoutingRequestCount lb tg": "9/1", "NonStickyRequestCount lb tg": "11/1",
	} {
		want[key] = v
	}
	data := Take(Input{From: noon, To: noon.Add(time.Minute), At: noon, Before: traffic(2), After: traffic(3), Balancers: []Balancer{lb}})
	compare(t, written(t, data), want)
	p99, err := metric.ParseStatistic("p99")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range data {
		if d.Metric.Name == "TargetResponseTime" {
			if v, ok := p99.Of(&d.Point); !ok || v < 0.0009 || v > 0.0012 || d.Unit != "Seconds" {
				t.Errorf("p99 of 99 times 1 ms and once 50 ms is %v, %v", v, ok)
			}
		}
	}
}

// TestRestartedEdge: what a new process counted is all new.
func TestRestartedEdge(t *testing.T) {
	got := written(t, Take(Input{From: noon, To: noon.Add(time.Minute), At: noon, Before: traffic(5), After: traffic(1), Balancers: []Balancer{alb()}}))
	if got["RequestCount lb"] != "150/150" || got["TargetResponseTime lb"] != "0.15/100" {
		t.Errorf("%v", got)
	}
}

func TestNetwork(t *testing.T) {
	lb := Balancer{
		ARN: nlbARN, Account: "000000000000", Region: "us-east-1", Network: true, Zones: []string{"us-east-1a", "us-east-1b"},
		Groups: []Group{{ARN: tgARN, DNS: balance.MinimumHealthy{Count: 1}, Routing: balance.MinimumHealthy{Count: 1}, Targets: []Target{
			{ID: "10.0.0.1", Port: 80, Zone: "us-east-1a", Healthy: true}, {ID: "10.0.1.1", Port: 80, Zone: "us-east-1b"},
		}}},
	}
	counters := func(n uint64) *edgeapi.Counters {
		return &edgeapi.Counters{LoadBalancers: []edgeapi.LoadBalancerCounters{{ARN: nlbARN, Flows: []edgeapi.FlowCounters{
			{Protocol: "TCP", AvailabilityZone: "us-east-1a", Active: 3, New: 48_000 * n, Bytes: 1000 * n, TargetResets: n},
			{Protocol: "TLS", AvailabilityZone: "us-east-1a", Active: 2, New: 6000 * n, ClientTLSErrors: n},
			{Protocol: "UDP", AvailabilityZone: "us-east-1b", New: 12_000 * n, Bytes: 7 * n},
		}}}}
	}
	got := written(t, Take(Input{From: noon, To: noon.Add(time.Minute), At: noon, Before: counters(1), After: counters(2), Balancers: []Balancer{lb}}))
	compare(t, got, map[string]string{
		"ConsumedLCUs lb": "3.5/1", "ConsumedLCUs_TCP lb": "1/1", "ConsumedLCUs_TLS lb": "2/1", "ConsumedLCUs_UDP lb": "0.5/1",
		"ActiveFlowCount lb": "5/1", "ActiveFlowCount a lb": "5/1", "ActiveFlowCount_TCP lb": "3/1", "ActiveFlowCount_TCP a lb": "3/1",
		"ActiveFlowCount_TLS lb": "2/1", "ActiveFlowCount_TLS a lb": "2/1",
		"NewFlowCount lb": "6.6e+04/1", "NewFlowCount a lb": "5.4e+04/1", "NewFlowCount b lb": "1.2e+04/1",
		"NewFlowCount_TCP lb": "4.8e+04/1", "NewFlowCount_TCP a lb": "4.8e+04/1", "NewFlowCount_TLS lb": "6000/1", "NewFlowCount_TLS a lb": "6000/1",
		"NewFlowCount_UDP lb": "1.2e+04/1", "NewFlowCount_UDP b lb": "1.2e+04/1",
		"ProcessedBytes lb": "1007/1", "ProcessedBytes a lb": "1000/1", "ProcessedBytes b lb": "7/1",
		"ProcessedBytes_TCP lb": "1000/1", "ProcessedBytes_TCP a lb": "1000/1", "ProcessedBytes_UDP lb": "7/1", "ProcessedBytes_UDP b lb": "7/1",
		"TCP_Target_Reset_Count lb": "1/1", "TCP_Target_Reset_Count a lb": "1/1", "ClientTLSNegotiationErrorCount lb": "1/1", "ClientTLSNegotiationErrorCount a lb": "1/1",
		"HealthyHostCount lb tg": "1/1", "HealthyHostCount a lb tg": "1/1", "HealthyHostCount b lb tg": "0/1",
		"UnHealthyHostCount lb tg": "0/1", "UnHealthyHostCount a lb tg": "0/1", "UnHealthyHostCount b lb tg": "0/1",
		"HealthyStateDNS lb tg": "1/1", "HealthyStateDNS a lb tg": "1/1", "HealthyStateDNS b lb tg": "0/1",
		"UnhealthyStateDNS lb tg": "1/1", "UnhealthyStateDNS a lb tg": "0/1", "UnhealthyStateDNS b lb tg": "1/1",
		"HealthyStateRouting lb tg": "1/1", "HealthyStateRouting a lb tg": "1/1", "HealthyStateRouting b lb tg": "0/1",
		"UnhealthyStateRouting lb tg": "1/1", "UnhealthyStateRouting a lb tg": "0/1", "UnhealthyStateRouting b lb tg": "1/1",
	})
}
