package edgeapi

import (
	"math/bits"
	"time"
)

// Counters are totals since Started, except Active which is now. A reader takes differences, and starts anew when Started
// changes. What a removed listener, rule or target had counted stays in the totals of its load balancer and group.
type Counters struct {
	Started       time.Time              `json:"started"`
	LoadBalancers []LoadBalancerCounters `json:"loadBalancers,omitempty"`
	TargetGroups  []TargetGroupCounters  `json:"targetGroups,omitempty"`
}

// LoadBalancerCounters carry what CloudWatch's AWS/ApplicationELB namespace has per load balancer.
type LoadBalancerCounters struct {
	ARN string `json:"arn"`
	FrontCounters
	Listeners []ListenerCounters `json:"listeners,omitempty"`
	Zones     []ZoneCounters     `json:"zones,omitempty"` // the same total, by the zone of the node that took the connection
	Flows     []FlowCounters     `json:"flows,omitempty"` // of network load balancers, which have nothing else
}

// ZoneCounters are the share of a load balancer's nodes in one availability zone.
type ZoneCounters struct {
	AvailabilityZone string `json:"availabilityZone"`
	FrontCounters
}

// ListenerCounters are one listener's share.
type ListenerCounters struct {
	ARN string `json:"arn"`
	FrontCounters
	Rules []RuleCounters `json:"rules,omitempty"`
}

// RuleCounters count the requests a rule decided.
type RuleCounters struct {
	ARN      string `json:"arn"`
	Requests uint64 `json:"requests"`
}

// FrontCounters are counted where clients connect.
type FrontCounters struct {
	ActiveConnections   int64  `json:"activeConnections"`
	NewConnections      uint64 `json:"newConnections"`
	RejectedConnections uint64 `json:"rejectedConnections"` // over the connection limit
	Requests            uint64 `json:"requests"`
	HTTP2Requests       uint64 `json:"http2Requests,omitempty"` // those of them that came by HTTP/2, gRPC among them
	GRPCRequests        uint64 `json:"grpcRequests,omitempty"`
	BytesIn             uint64 `json:"bytesIn"`
	BytesOut            uint64 `json:"bytesOut"`
	RuleEvaluations     uint64 `json:"ruleEvaluations"` // conditions' rules looked at, without the default rule
	Redirects           uint64 `json:"redirects"`
	FixedResponses      uint64 `json:"fixedResponses"`
	ClientTLSErrors     uint64 `json:"clientTLSErrors,omitempty"` // handshakes that failed
	DesyncNonCompliant  uint64 `json:"desyncNonCompliant"`
	InvalidHeaders      uint64 `json:"invalidHeaders"` // requests that carried a field name ELB calls invalid

	// Answers the load balancer made itself (HTTPCode_ELB_*).
	ELB3xx uint64 `json:"elb3xx"`
	ELB4xx uint64 `json:"elb4xx"`
	ELB460 uint64 `json:"elb460"` // client went away before the answer; part of ELB4xx
	ELB5xx uint64 `json:"elb5xx"`
	ELB500 uint64 `json:"elb500"` // part of ELB5xx, as those that follow
	ELB502 uint64 `json:"elb502"`
	ELB503 uint64 `json:"elb503"`
	ELB504 uint64 `json:"elb504"`
}

// TargetGroupCounters are the sums over a group's targets.
type TargetGroupCounters struct {
	ARN string `json:"arn"`
	BackCounters
	Unroutable uint64           `json:"unroutable"`          // requests that found no target: 503
	Unhealthy  uint64           `json:"unhealthy,omitempty"` // requests routed by failing open
	NonSticky  uint64           `json:"nonSticky,omitempty"` // of a group with stickiness: requests for which a target had to be chosen
	Targets    []TargetCounters `json:"targets,omitempty"`
}

// TargetCounters are one target's share.
type TargetCounters struct {
	Target string `json:"target"`
	Port   int    `json:"port"`
	BackCounters
}

// BackCounters are counted where targets are spoken to.
type BackCounters struct {
	Active           int64     `json:"active"` // requests in flight
	Connections      int64     `json:"connections"`
	Opened           uint64    `json:"opened,omitempty"` // connections ever made
	Requests         uint64    `json:"requests"`
	ConnectionErrors uint64    `json:"connectionErrors"`
	TLSErrors        uint64    `json:"tlsErrors,omitempty"` // handshakes that failed
	BytesIn          uint64    `json:"bytesIn"`             // from the target
	BytesOut         uint64    `json:"bytesOut"`            // to the target
	Classes          [5]uint64 `json:"classes"`             // answers by class, 1xx to 5xx
	Latency          Histogram `json:"latency"`             // request sent to first byte of the answer
}

// Add adds what has been counted elsewhere.
func (b *BackCounters) Add(c BackCounters) {
	b.Active += c.Active
	b.Connections += c.Connections
	b.Requests += c.Requests
	b.Opened += c.Opened
	b.TLSErrors += c.TLSErrors
	b.ConnectionErrors += c.ConnectionErrors
	b.BytesIn += c.BytesIn
	b.BytesOut += c.BytesOut
	for i := range c.Classes {
		b.Classes[i] += c.Classes[i]
	}
	b.Latency.Sum += c.Latency.Sum
	for i, n := range c.Latency.Buckets {
		if i == len(b.Latency.Buckets) {
			b.Latency.Buckets = append(b.Latency.Buckets, 0)
		}
		b.Latency.Buckets[i] += n
	}
}

// Histogram counts durations in buckets that are a quarter of a power of two wide. Trailing empty buckets are left out.
type Histogram struct {
	Buckets []uint64      `json:"buckets,omitempty"`
	Sum     time.Duration `json:"sum,omitempty"`
}

// Buckets is the number of buckets of a full histogram; the last one holds everything above about an hour.
const Buckets = 128

// Bucket is the index of the bucket that counts d: under 4 µs one bucket each, then four to every power of two.
func Bucket(d time.Duration) int {
	us := uint64(max(d, 0) / time.Microsecond)
	if us < 4 {
		return int(us)
	}
	exp := bits.Len64(us) - 3 // us>>exp is 4–7
	return min(exp*4+int(us>>exp), Buckets-1)
}

// BucketStart is the smallest duration that Bucket counts under i.
func BucketStart(i int) time.Duration {
	if i < 4 {
		return time.Duration(i) * time.Microsecond
	}
	exp := i/4 - 1
	return time.Duration(uint64(4+i%4)<<exp) * time.Microsecond
}

// Count is the number of durations counted.
func (h Histogram) Count() (n uint64) {
	for _, b := range h.Buckets {
		n += b
	}
	return n
}

// Quantile estimates the duration below which the share q (0–1) of all lies, to the upper edge of its bucket.
func (h Histogram) Quantile(q float64) time.Duration {
	n := h.Count()
	if n == 0 {
		return 0
	}
	want, seen := uint64(q*float64(n)), uint64(0)
	for i, b := range h.Buckets {
		seen += b
		if seen > want || seen == n {
			return BucketStart(i + 1)
		}
	}
	return BucketStart(len(h.Buckets))
}
