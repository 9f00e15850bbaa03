package edgeapi

import (
	"net/netip"
	"time"
)

// AlgorithmRoundRobin is the load_balancing.algorithm.type edge knows now.
const AlgorithmRoundRobin = "round_robin"

// PortTraffic as HealthCheck.Port means the port each target receives traffic on.
const PortTraffic = "traffic-port"

// TargetGroup is a set of targets that receive requests by the same rules.
//
// Only groups some rule forwards to are probed; the targets of others are reported unused.
type TargetGroup struct {
	ARN             string      `json:"arn"`
	Name            string      `json:"name"`
	Protocol        string      `json:"protocol"`        // HTTP
	ProtocolVersion string      `json:"protocolVersion"` // HTTP1
	Algorithm       string      `json:"algorithm"`       // round_robin
	HealthCheck     HealthCheck `json:"healthCheck"`
	Targets         []Target    `json:"targets,omitempty"`
}

// HealthCheck is how the targets of a group are probed. See "Health checks for Application Load Balancer target groups".
type HealthCheck struct {
	Protocol           string        `json:"protocol"`  // HTTP
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
