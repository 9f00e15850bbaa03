package deploy

import (
	"time"

	"github.com/neargate/neargate/internal/task"
)

// Service is the row of one ECS service. Everything but Observed is the wish and written by Services; Observed is the
// scheduler's own. What a deployment replaces (image, network, targets) is in the Revision of its deployments.
type Service struct {
	ARN         string
	Name        string
	Account     string
	Region      string
	ClusterARN  string
	ClusterName string
	Status      Status
	Desired     int

	MinimumHealthyPercent int
	MaximumPercent        int
	Breaker               Breaker
	Grace                 *int // healthCheckGracePeriodSeconds; nil: not given
	Rebalancing           bool // availabilityZoneRebalancing
	RoleARN               string

	PropagateTags string // "", SERVICE, TASK_DEFINITION
	ManagedTags   bool
	Execute       bool // enableExecuteCommand
	Tags          []task.Tag

	CreatedAt time.Time
	CreatedBy string
	DeletedAt time.Time `json:",omitzero"` // when DeleteService was called

	Primary   string // id of the deployment that tasks are started for
	Release   string // ARN of the newest release
	Completed string `json:",omitempty"` // id of the last deployment that completed: where a rollback goes

	Observed Observed
}

// Status of a service.
//
//	ACTIVE → DRAINING → INACTIVE → forgotten
type Status string

// Values of Status.
const (
	Active   Status = "ACTIVE"
	Draining Status = "DRAINING" // deleted, tasks are still stopping
	Inactive Status = "INACTIVE" // deleted, still described for a while
)

// Breaker is the deployment circuit breaker.
type Breaker struct {
	Set      bool // given by the user, so that it is described
	Enable   bool
	Rollback bool
}

// Observed is what the scheduler remembers about a service between two plans.
type Observed struct {
	Steady     bool      `json:",omitempty"`
	SteadyAt   time.Time `json:",omitzero"`  // when that was last said
	InactiveAt time.Time `json:",omitzero"`  // when the last task of a deleted service was gone
	Unbalanced bool      `json:",omitempty"` // zones are being rebalanced
	Said       []Said    `json:",omitempty"` // warnings whose cause lasts
}

// Said is a warning that is not repeated while its cause lasts, except every six hours.
// AWS: "Viewing Amazon ECS service event messages".
type Said struct {
	Message string
	At      time.Time
}

// grace is how long after its start a task's failing health checks are ignored.
func (s *Service) grace() time.Duration {
	if s.Grace == nil {
		return 0
	}
	return time.Duration(*s.Grace) * time.Second
}

// floor is the number of healthy tasks the scheduler never goes below by its own doing: the percentage rounded up.
func (s *Service) floor() int { return (s.Desired*s.MinimumHealthyPercent + 99) / 100 }

// ceiling is the number of tasks the scheduler never goes above: the percentage rounded down.
func (s *Service) ceiling() int { return s.Desired * s.MaximumPercent / 100 }
