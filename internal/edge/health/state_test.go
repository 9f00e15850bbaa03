package health

import (
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

func TestStates(t *testing.T) {
	config := &edgeapi.HealthCheck{HealthyThreshold: 3, UnhealthyThreshold: 2}
	ok := Outcome{OK: true, Code: 200}
	code := Outcome{Reason: edgeapi.ReasonResponseCodeMismatch, Code: 500}
	late := Outcome{Reason: edgeapi.ReasonTimeout}
	refused := Outcome{Reason: edgeapi.ReasonFailedHealthChecks}
	for _, c := range []struct {
		outcomes    []Outcome
		state       edgeapi.TargetState
		reason      string
		description string
	}{
		{nil, edgeapi.TargetInitial, edgeapi.ReasonRegistrationInProgress, "Target registration is in progress"},
		{[]Outcome{ok}, edgeapi.TargetHealthy, "", ""},
		{[]Outcome{refused}, edgeapi.TargetInitial, edgeapi.ReasonInitialHealthChecking, "Initial health checks in progress"},
		{[]Outcome{refused, ok}, edgeapi.TargetHealthy, "", ""},
		{[]Outcome{refused, refused}, edgeapi.TargetUnhealthy, edgeapi.ReasonFailedHealthChecks, "Health checks failed"},
		{[]Outcome{ok, code}, edgeapi.TargetHealthy, "", ""},
		{[]Outcome{ok, code, ok, code}, edgeapi.TargetHealthy, "", ""},
		{[]Outcome{ok, late, code}, edgeapi.TargetUnhealthy, edgeapi.ReasonResponseCodeMismatch, "Health checks failed with these codes: [500]"},
		{[]Outcome{ok, code, late}, edgeapi.TargetUnhealthy, edgeapi.ReasonTimeout, "Request timed out"},
		{[]Outcome{code, code, late}, edgeapi.TargetUnhealthy, edgeapi.ReasonTimeout, "Request timed out"},
		{[]Outcome{late, late, ok, ok}, edgeapi.TargetUnhealthy, edgeapi.ReasonTimeout, "Request timed out"},
		{[]Outcome{late, late, ok, ok, late, ok, ok}, edgeapi.TargetUnhealthy, edgeapi.ReasonTimeout, "Request timed out"},
		{[]Outcome{late, late, ok, ok, ok}, edgeapi.TargetHealthy, "", ""},
	} {
		s := registered()
		var names []string
		for _, o := range c.outcomes {
			s = s.next(o, config)
			names = append(names, o.Reason)
		}
		if s.State != c.state || s.Reason != c.reason || s.Description != c.description {
			t.Errorf("after [%s]: %+v", strings.Join(names, " "), s)
		}
	}
}
