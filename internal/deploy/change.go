package deploy

import "time"

// Change is one thing a plan wants done. Apply carries changes out in their order.
type Change interface{ change() }

// Start runs one task of a deployment.
type Start struct {
	Deployment string
	Provider   string   // capacity provider, empty with a launch type
	Subnets    []string // in the order in which to try them
	Why        StartReason
	Zone       string // of the first subnet
}

// StartReason decides how the start is told.
type StartReason int

// Values of StartReason.
const (
	StartWanted  StartReason = iota // fewer tasks than desired
	StartReplace                    // one of them is unhealthy
	StartBalance                    // zones are uneven
)

// Stop asks one task to stop.
type Stop struct {
	Task   string
	Reason string // the task's stoppedReason
}

// Say appends a service event.
type Say struct{ Message string }

// Tell emits a fact for EventBridge. AWS: "Amazon ECS service action events", "Amazon ECS service deployment state change events".
type Tell struct {
	Level      string // INFO, WARN, ERROR
	Name       string // SERVICE_STEADY_STATE, …
	Deployment string // given: a deployment state change
	Reason     string
}

// SetService stores what the scheduler remembers about the service.
type SetService struct {
	Status    Status
	Primary   string
	Completed string
	Observed  Observed
}

// SetDeployment stores a deployment.
type SetDeployment struct{ Deployment *Deployment }

// SetRelease stores a release.
type SetRelease struct{ Release *Release }

// SetPlacement stores what is noted about a task.
type SetPlacement struct{ Placement *Placement }

// Forget drops what was noted about a task that has stopped.
type Forget struct{ Task string }

// ForgetService drops a service that has been INACTIVE for long enough, with everything it had.
type ForgetService struct{}

// WakeAt asks for another plan at that time.
type WakeAt struct{ At time.Time }

func (Start) change()         {}
func (Stop) change()          {}
func (Say) change()           {}
func (Tell) change()          {}
func (SetService) change()    {}
func (SetDeployment) change() {}
func (SetRelease) change()    {}
func (SetPlacement) change()  {}
func (Forget) change()        {}
func (ForgetService) change() {}
func (WakeAt) change()        {}
