package measure

import (
	"strings"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/metric"
)

// Namespaces and dimensions of Elastic Load Balancing.
const (
	namespaceApplication = "AWS/ApplicationELB"
	namespaceNetwork     = "AWS/NetworkELB"

	dimensionBalancer = "LoadBalancer"
	dimensionGroup    = "TargetGroup"
	dimensionZone     = "AvailabilityZone"
)

// Units.
const (
	count   = "Count"
	bytes   = "Bytes"
	seconds = "Seconds"
)

// Take computes the metrics of an interval.
func Take(in Input) []metric.Datum {
	t := &taking{Input: in, before: index(in.Before), after: index(in.After)}
	for i := range in.Balancers {
		b := &in.Balancers[i]
		t.sink = sink{account: b.Account, region: b.Region, at: in.At, data: t.data}
		if b.Network {
			t.namespace = namespaceNetwork
			t.network(b)
		} else {
			t.namespace = namespaceApplication
			t.application(b)
		}
		t.health(b)
	}
	return t.data
}

// taking is the work of one Take.
type taking struct {
	Input
	before, after indexed
	sink
}

// elapsed is the length of the interval; rates need it.
func (t *taking) elapsed() time.Duration { return max(t.To.Sub(t.From), time.Millisecond) }

// indexed are counters by what they are of.
type indexed struct {
	balancers map[string]*edgeapi.LoadBalancerCounters
	groups    map[string]*edgeapi.TargetGroupCounters
}

func index(c *edgeapi.Counters) indexed {
	out := indexed{map[string]*edgeapi.LoadBalancerCounters{}, map[string]*edgeapi.TargetGroupCounters{}}
	for i := range c.LoadBalancers {
		out.balancers[c.LoadBalancers[i].ARN] = &c.LoadBalancers[i]
	}
	for i := range c.TargetGroups {
		out.groups[c.TargetGroups[i].ARN] = &c.TargetGroups[i]
	}
	return out
}

func (x indexed) balancer(arn string) *edgeapi.LoadBalancerCounters {
	if c := x.balancers[arn]; c != nil {
		return c
	}
	return &edgeapi.LoadBalancerCounters{}
}

func (x indexed) group(arn string) *edgeapi.TargetGroupCounters {
	if c := x.groups[arn]; c != nil {
		return c
	}
	return &edgeapi.TargetGroupCounters{}
}

// sink takes data.
type sink struct {
	account, region, namespace string
	at                         time.Time
	data                       []metric.Datum
}

// put records a value, whatever it is.
func (s *sink) put(name, unit string, value float64, dimensions ...metric.Dimension) {
	s.point(name, unit, metric.Value(value, 1), dimensions...)
}

// total records a value that is left out when it is zero ("Reporting criteria: there is a nonzero value").
func (s *sink) total(name, unit string, value uint64, dimensions ...metric.Dimension) {
	if value > 0 {
		s.put(name, unit, float64(value), dimensions...)
	}
}

// each records n events of which every one is a sample of one: "Minimum, Maximum, and Average all return 1".
func (s *sink) each(name string, n uint64, dimensions ...metric.Dimension) {
	if n > 0 {
		s.point(name, count, metric.Value(1, float64(n)), dimensions...)
	}
}

// always is each for metrics that are reported without events too.
func (s *sink) always(name string, n uint64, dimensions ...metric.Dimension) {
	if n == 0 {
		s.put(name, count, 0, dimensions...)
		return
	}
	s.each(name, n, dimensions...)
}

func (s *sink) point(name, unit string, p metric.Point, dimensions ...metric.Dimension) {
	s.data = append(s.data, metric.Datum{
		Metric: metric.Metric{Account: s.account, Region: s.region, Namespace: s.namespace, Name: name, Dimensions: dimensions},
		Unit:   unit, At: s.at, Point: p,
	})
}

// balancerDimension is what a load balancer is called in dimensions: app/my-load-balancer/50dc6c495c0c9188.
func balancerDimension(arn string) metric.Dimension {
	_, name, _ := strings.Cut(arn, ":loadbalancer/")
	return metric.Dimension{Name: dimensionBalancer, Value: name}
}

// groupDimension is what a target group is called in dimensions: targetgroup/my-targets/73e2d6bc24d8a067.
func groupDimension(arn string) metric.Dimension {
	return metric.Dimension{Name: dimensionGroup, Value: arn[strings.LastIndexByte(arn, ':')+1:]}
}

func zoneDimension(zone string) metric.Dimension {
	return metric.Dimension{Name: dimensionZone, Value: zone}
}
