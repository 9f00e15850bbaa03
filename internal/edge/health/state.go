package health

import (
	"fmt"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// Outcome is how a probe went.
type Outcome struct {
	OK     bool
	Reason string // of edgeapi, when not OK
	Code   int    // HTTP status, when there was one
}

// State is what is known about a target. The zero State is a target never probed.
type State struct {
	State       edgeapi.TargetState `json:"state"`
	Reason      string              `json:"reason,omitempty"`
	Description string              `json:"description,omitempty"`
	Code        int                 `json:"code,omitempty"`

	streak int // successes in a row when positive, failures when negative
}

// registered is the state of a target that has not been probed yet.
func registered() State {
	return State{
		State: edgeapi.TargetInitial, Reason: edgeapi.ReasonRegistrationInProgress, Description: "Target registration is in progress",
	}
}

// next is the state after an outcome. A success of an initial target counts at once: "After your target is registered, it
// must pass one health check to be considered healthy."
func (s State) next(o Outcome, c *edgeapi.HealthCheck) State {
	n := s
	n.Code = o.Code
	if o.OK {
		n.streak = max(s.streak, 0) + 1
	} else {
		n.streak = min(s.streak, 0) - 1
	}
	switch {
	case o.OK && (s.State != edgeapi.TargetUnhealthy || n.streak >= c.HealthyThreshold):
		n.State, n.Reason, n.Description = edgeapi.TargetHealthy, "", ""
	case o.OK:
		// unhealthy, and not yet often enough well: the reason of the last failure stays
	case s.State == edgeapi.TargetUnhealthy || -n.streak >= c.UnhealthyThreshold:
		n.State, n.Reason, n.Description = edgeapi.TargetUnhealthy, o.Reason, describe(o)
	case s.State == edgeapi.TargetInitial:
		n.Reason, n.Description = edgeapi.ReasonInitialHealthChecking, "Initial health checks in progress"
	}
	return n
}

// describe is the description that goes with a reason code in DescribeTargetHealth.
func describe(o Outcome) string {
	switch o.Reason {
	case edgeapi.ReasonResponseCodeMismatch:
		return fmt.Sprintf("Health checks failed with these codes: [%d]", o.Code)
	case edgeapi.ReasonTimeout:
		return "Request timed out"
	default:
		return "Health checks failed"
	}
}
