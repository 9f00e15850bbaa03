package deploy

import (
	"strings"
	"time"

	"github.com/neargate/neargate/internal/task"
)

// Deployment is a revision of a service and how far it has come: one element of DescribeServices' deployments. A rollback makes
// the deployment it returns to PRIMARY again, under the same id, as on AWS.
//
//	PRIMARY ─ superseded ─▶ ACTIVE ─ its last task stopped ─▶ INACTIVE
//	   ▲                      │                                  │
//	   └──────────────────────┴──────── rolled back to ──────────┘
type Deployment struct {
	ServiceARN string
	ID         string // "ecs-svc/1234567890123456789"
	Revision   Revision
	Role       Role

	Rollout RolloutState
	Reason  string // rolloutStateReason
	Failed  int    // tasks failed in a row

	Setbacks  int                  `json:",omitempty"` // batches of tasks in a row that never ran
	RetryAt   time.Time            `json:",omitzero"`  // no task is started before
	Exhausted map[string]time.Time `json:",omitempty"` // subnets without free addresses, and until when they are tried last

	CreatedAt time.Time
	UpdatedAt time.Time
	RetiredAt time.Time `json:",omitzero"`
}

// Role is a deployment's status in the API.
type Role string

// Values of Role.
const (
	Primary    Role = "PRIMARY"
	Superseded Role = "ACTIVE"
	Retired    Role = "INACTIVE"
)

// RolloutState is how a deployment goes.
type RolloutState string

// Values of RolloutState.
const (
	InProgress RolloutState = "IN_PROGRESS"
	Completed  RolloutState = "COMPLETED"
	Failed     RolloutState = "FAILED"
)

// Revision is everything about a service that only a new deployment changes. It is immutable.
type Revision struct {
	DefinitionARN   string
	Definition      *task.Definition
	DefinitionTags  []task.Tag `json:",omitempty"` // for propagateTags TASK_DEFINITION
	LaunchType      string     `json:",omitempty"` // empty with a strategy
	Strategy        []Capacity `json:",omitempty"`
	PlatformVersion string     // as asked for: LATEST or a number
	PlatformFamily  string
	Network         Network
	LoadBalancers   []task.Target `json:",omitempty"`
}

// Capacity is one item of a capacity provider strategy.
type Capacity struct {
	Provider string
	Weight   int
	Base     int
}

// Network is where tasks get their interfaces.
type Network struct {
	Subnets        []string
	SecurityGroups []string
	AssignPublicIP bool
}

// deploymentKey orders a service's deployments under one prefix.
func deploymentKey(service, id string) string { return service + "|" + id }

// serviceOf is the service's ARN in a key of deployments, placements or events.
func serviceOf(key string) string {
	service, _, _ := strings.Cut(key, "|")
	return service
}

// live is whether the deployment is listed in DescribeServices.
func (d *Deployment) live() bool { return d.Role != Retired }

// checked are the names of the revision's essential containers that have a health check.
func (r *Revision) checked() (names []string) {
	for i := range r.Definition.Containers {
		c := &r.Definition.Containers[i]
		if h := c.HealthCheck; c.Essential && h != nil && (len(h.Command) == 0 || h.Command[0] != "NONE") {
			names = append(names, c.Name)
		}
	}
	return names
}
