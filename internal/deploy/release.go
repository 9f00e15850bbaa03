package deploy

import "time"

// Release is what the API calls a service deployment: one try to bring a service to a revision, with its outcome. A new
// Deployment begins a Release; a rollback is part of the Release that failed.
type Release struct {
	ARN        string
	ServiceARN string
	ClusterARN string
	Target     string   // deployment id
	Sources    []Source `json:",omitempty"`
	Status     ReleaseStatus
	Reason     string `json:",omitempty"`

	MinimumHealthyPercent int
	MaximumPercent        int
	Breaker               Breaker
	Failures              int
	Threshold             int

	RolledBackTo   string    `json:",omitempty"` // deployment id
	RollbackAt     time.Time `json:",omitzero"`
	RollbackReason string    `json:",omitempty"`

	CreatedAt  time.Time
	StartedAt  time.Time `json:",omitzero"`
	UpdatedAt  time.Time
	StoppedAt  time.Time `json:",omitzero"`
	FinishedAt time.Time `json:",omitzero"`
}

// Source is a revision a release replaces, and how many tasks it had.
type Source struct {
	Deployment                  string
	Requested, Running, Pending int
}

// ReleaseStatus is the status of a service deployment.
type ReleaseStatus string

// Values of ReleaseStatus.
const (
	ReleasePending            ReleaseStatus = "PENDING"
	ReleaseInProgress         ReleaseStatus = "IN_PROGRESS"
	ReleaseSuccessful         ReleaseStatus = "SUCCESSFUL"
	ReleaseStopped            ReleaseStatus = "STOPPED"
	ReleaseRollbackInProgress ReleaseStatus = "ROLLBACK_IN_PROGRESS"
	ReleaseRollbackSuccessful ReleaseStatus = "ROLLBACK_SUCCESSFUL"
	ReleaseRollbackFailed     ReleaseStatus = "ROLLBACK_FAILED"
)

// Done is whether the release will not change any more.
func (s ReleaseStatus) Done() bool {
	switch s {
	case ReleaseSuccessful, ReleaseStopped, ReleaseRollbackSuccessful, ReleaseRollbackFailed:
		return true
	}
	return false
}
