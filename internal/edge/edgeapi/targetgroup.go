package edgeapi

import (
	"net/netip"
	"time"
)

// Algorithms (load_balancing.algorithm.type).
const (
	AlgorithmRoundRobin       = "round_robin"
	AlgorithmLeastOutstanding = "least_outstanding_requests"
	AlgorithmWeightedRandom   = "weighted_random"
)

// Versions of HTTP spoken with targets.
const (
	VersionHTTP1 = "HTTP1"
	VersionHTTP2 = "HTTP2"
	VersionGRPC  = "GRPC"
)

// Types of stickiness of targets (stickiness.type).
const (
	StickyLBCookie  = "lb_cookie"
	StickyAppCookie = "app_cookie"
	StickySourceIP  = "source_ip" // of network groups
)

// Types of targets.
const (
	TargetIP  = "ip"
	TargetALB = "alb" // the targets of such a group are the nodes of an Application Load Balancer
)

// PortTraffic as HealthCheck.Port means the port each target receives traffic on.
const PortTraffic = "traffic-port"

// TargetGroup is a set of targets that receive requests by the same rules.
//
// Only groups some rule forwards to are probed; the targets of others are reported unused.
type TargetGroup struct {
	ARN             string      `json:"arn"`
	Name            string      `json:"name"`
	Type            string      `json:"type,omitempty"`  // empty: ip
	Protocol        string      `json:"protocol"`        // HTTP, HTTPS, TCP, TLS, UDP or TCP_UDP
	ProtocolVersion string      `json:"protocolVersion"` // of HTTP and HTTPS
	Algorithm       string      `json:"algorithm"`       // of HTTP and HTTPS
	HealthCheck     HealthCheck `json:"healthCheck"`
	Targets         []Target    `json:"targets,omitempty"`

	AnomalyMitigation bool          `json:"anomalyMitigation,omitempty"` // load_balancing.algorithm.anomaly_mitigation, with weighted random
	SlowStart         time.Duration `json:"slowStart,omitempty"`         // slow_start.duration_seconds; 0: none
	Stickiness        *Stickiness   `json:"stickiness,omitempty"`
	// CrossZone overrides the load balancer's setting (load_balancing.cross_zone.enabled of the group).
	CrossZone *bool    `json:"crossZone,omitempty"`
	Routing   Failover `json:"routing,omitzero"` // target_group_health.unhealthy_state_routing

	// Of network groups.
	PreserveClientIP bool `json:"preserveClientIP,omitempty"`
	ProxyProtocol    bool `json:"proxyProtocol,omitempty"` // version 2
	// TerminateDeregistered closes connections when the deregistration delay is over (deregistration_delay.connection_termination.enabled).
	// Without it they live on to their own end.
	TerminateDeregistered bool `json:"terminateDeregistered,omitempty"`
	// TerminateUnhealthy closes the connections of a target that became unhealthy (target_health_state.unhealthy.connection_termination.enabled),
	// UnhealthyDrain after it did (target_health_state.unhealthy.draining_interval_seconds).
	TerminateUnhealthy bool          `json:"terminateUnhealthy,omitempty"`
	UnhealthyDrain     time.Duration `json:"unhealthyDrain,omitempty"`
}

// Stickiness binds a client to a target.
type Stickiness struct {
	Type     string        `json:"type"`
	Duration time.Duration `json:"duration,omitempty"` // of lb_cookie and app_cookie
	Cookie   string        `json:"cookie,omitempty"`   // name of the application's cookie, of app_cookie
}

// allZones is the Availability Zone of a target outside the VPC, which is registered for all of them.
const allZones = "all"

// AnyZone reports whether a target in that zone belongs to no single one.
func AnyZone(zone string) bool { return zone == "" || zone == allZones }

// Failover is how many targets of a group must be healthy in a zone: with fewer all of them are routed to. Zero is "off"; AWS's default is one
// target.
type Failover struct {
	Count   int `json:"count,omitempty"`
	Percent int `json:"percent,omitempty"`
}

// HealthCheck is how the targets of a group are probed. See "Health checks for Application Load Balancer target groups".
type HealthCheck struct {
	Protocol           string        `json:"protocol"`  // HTTP, HTTPS or TCP; with HTTP and version GRPC the path is a method and the matcher has gRPC codes
	Port               string        `json:"port"`      // a number or traffic-port
	Path               string        `json:"path"`      // begins with /
	Interval           time.Duration `json:"interval"`  // between the starts of two probes of one target
	Timeout            time.Duration `json:"timeout"`   // less than or equal to Interval
	HealthyThreshold   int           `json:"healthy"`   // successes in a row that make an unhealthy target healthy
	UnhealthyThreshold int           `json:"unhealthy"` // failures in a row that make a healthy target unhealthy
	Matcher            string        `json:"matcher"`   // e.g. 200-299,301
}

// Target is one address and port. (group, ID, Port) is its identity: health and connections survive new snapshots as long
// as these stay.
//
// A target marked Draining receives no new request from the moment the snapshot's generation is acknowledged. It stays in
// the snapshot until Status reports it Drained; connections still busy at DrainUntil are cut.
type Target struct {
	ID               string     `json:"id"` // as registered: an address for groups of type ip
	Address          netip.Addr `json:"address"`
	Port             int        `json:"port"`
	AvailabilityZone string     `json:"availabilityZone,omitempty"`
	Draining         bool       `json:"draining,omitempty"`
	DrainUntil       time.Time  `json:"drainUntil,omitzero"`
}
