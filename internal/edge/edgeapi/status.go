package edgeapi

// Status is what edge observes. Seq changes whenever anything but InFlight does; it also differs after a restart of edge, so
// a long poll returns as soon as Seq is not the one the caller knows.
type Status struct {
	Seq        uint64         `json:"seq"`
	Generation uint64         `json:"generation"` // the snapshot being served; 0: none yet
	Targets    []TargetStatus `json:"targets,omitempty"`
	Nodes      []SocketStatus `json:"nodes,omitempty"`
	Zones      []SocketStatus `json:"zones,omitempty"`
	Doors      []SocketStatus `json:"doors,omitempty"`
}

// TargetState is the state of TargetHealth in the Elastic Load Balancing API.
type TargetState string

const (
	TargetInitial           TargetState = "initial"
	TargetHealthy           TargetState = "healthy"
	TargetUnhealthy         TargetState = "unhealthy"
	TargetUnhealthyDraining TargetState = "unhealthy.draining" // gets no new flows and keeps those it has for a while
	TargetUnused            TargetState = "unused"
	TargetDraining          TargetState = "draining"
)

// Reason codes of TargetHealth.
const (
	ReasonRegistrationInProgress   = "Elb.RegistrationInProgress"
	ReasonInitialHealthChecking    = "Elb.InitialHealthChecking"
	ReasonResponseCodeMismatch     = "Target.ResponseCodeMismatch"
	ReasonTimeout                  = "Target.Timeout"
	ReasonFailedHealthChecks       = "Target.FailedHealthChecks"
	ReasonNotInUse                 = "Target.NotInUse"
	ReasonDeregistrationInProgress = "Target.DeregistrationInProgress"
)

// TargetStatus is the health of one target and the requests it is busy with.
type TargetStatus struct {
	Group       string      `json:"group"` // ARN
	Target      string      `json:"target"`
	Port        int         `json:"port"`
	State       TargetState `json:"state"`
	Reason      string      `json:"reason,omitempty"`      // empty when healthy
	Description string      `json:"description,omitempty"` // AWS's text for the reason
	Code        int         `json:"code,omitempty"`        // HTTP status of the last probe, when it answered
	InFlight    int64       `json:"inFlight,omitempty"`    // requests and tunnels
	Drained     bool        `json:"drained,omitempty"`     // draining, and the last of them has ended
}

// SocketStatus tells whether something edge listens on is open.
type SocketStatus struct {
	ID      string `json:"id"`      // of a node: interface id; of a zone: VPC; of a door: load balancer ARN
	Address string `json:"address"` // address:port
	Open    bool   `json:"open"`
	Error   string `json:"error,omitempty"` // why not, while edge retries
}
