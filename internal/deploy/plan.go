package deploy

import (
	"cmp"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/task"
)

// Input is all that Plan looks at.
type Input struct {
	Now         time.Time
	Timing      Timing
	Service     *Service
	Deployments []*Deployment // all that are live, and the one a rollback would return to
	Release     *Release      // of the newest deployment; nil once forgotten
	Tasks       []Task        // every task with a Placement, in any order
	Subnets     []Subnet      // of the primary deployment, in the user's order
}

// Task is one task of the service as observed.
type Task struct {
	ARN       string
	ID        string
	Placement *Placement

	Wanted   bool // desired status RUNNING
	Status   task.State
	Occupies bool // a container of it still runs or may still start

	Subnet   string
	Zone     string
	Provider string

	CreatedAt     time.Time
	StartedAt     time.Time // zero: never reached RUNNING
	StoppingAt    time.Time
	StopCode      task.StopCode
	StoppedReason string

	Checked   bool        // an essential container has a health check
	Container task.Health // verdict of those checks
	Targets   []Target
}

// Target is one of a task's places in a target group.
type Target struct {
	Group  string
	Port   int
	State  TargetState
	Reason string // AWS's description of the state
}

// TargetState is a target's health as the load balancer sees it.
type TargetState string

// Values of TargetState. Others are neither good nor bad.
const (
	TargetUnknown   TargetState = "" // not registered
	TargetInitial   TargetState = "initial"
	TargetHealthy   TargetState = "healthy"
	TargetUnhealthy TargetState = "unhealthy"
	TargetDraining  TargetState = "draining"
	TargetUnused    TargetState = "unused"
)

// Subnet is a place for tasks.
type Subnet struct{ ID, Zone string }

// Plan decides what a service needs now. It is a function of its input.
func Plan(in Input) []Change {
	p := newPlanning(in)
	for _, step := range steps {
		step(p)
	}
	return p.result()
}

// steps is the order of decisions. Each sees what the ones before it decided.
var steps = []func(*planning){
	(*planning).observe,          // health verdicts; what is told once about a task
	(*planning).accountLosses,    // tasks that stopped by themselves
	(*planning).close,            // a deleted service
	(*planning).trip,             // circuit breaker and rollback
	(*planning).retire,           // deployments without tasks
	(*planning).releaseOld,       // tasks of superseded deployments
	(*planning).releaseUnhealthy, // tasks whose health checks fail
	(*planning).releaseSurplus,   // more tasks than desired
	(*planning).startMissing,     // fewer tasks than desired
	(*planning).rebalance,        // zones
	(*planning).conclude,         // completed, steady
}

// planning is a plan in the making: the input, and the counts as they will be once its changes are applied.
type planning struct {
	Input
	service     Service
	primary     *Deployment // nil when the service is being deleted
	deployments map[string]*Deployment
	release     *Release

	current []*candidate // wanted tasks of the primary deployment
	old     []*candidate // wanted tasks of other deployments
	gone    []*candidate // no longer wanted

	total   int // tasks that occupy a place
	healthy int // wanted and healthy tasks

	starts  []Start
	stops   []string // ids of running tasks that stop, not told yet
	changes []Change
	dirty   map[string]bool // deployments that changed
	wake    time.Time
	closed  bool // nothing more to decide
}

// candidate is a task and the verdict on it.
type candidate struct {
	*Task
	placement Placement
	noted     bool // placement changed
	health    verdict
	cause     cause
	stopping  bool // released by this plan
}

func newPlanning(in Input) *planning {
	p := &planning{Input: in, service: *in.Service, deployments: map[string]*Deployment{}, dirty: map[string]bool{}}
	p.service.Observed.Said = slices.Clone(in.Service.Observed.Said)
	for _, d := range in.Deployments {
		c := *d
		p.deployments[d.ID] = &c
	}
	p.primary = p.deployments[in.Service.Primary]
	if in.Release != nil {
		r := *in.Release
		p.release = &r
	}
	tasks := slices.Clone(in.Tasks)
	slices.SortFunc(tasks, func(a, b Task) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ARN, b.ARN))
	})
	for i := range tasks {
		t := &tasks[i]
		c := &candidate{Task: t, placement: *t.Placement}
		switch {
		case !t.Wanted:
			p.gone = append(p.gone, c)
		case p.primary != nil && t.Placement.Deployment == p.primary.ID:
			p.current = append(p.current, c)
		default:
			p.old = append(p.old, c)
		}
		if t.Wanted || t.Occupies {
			p.total++
		}
	}
	return p
}

// wanted are all tasks that shall run.
func (p *planning) wanted() []*candidate { return slices.Concat(p.current, p.old) }

func (p *planning) say(format string, args ...any) {
	p.changes = append(p.changes, Say{Message: text(p.service.Name, format, args...)})
}

// warn says something whose cause lasts, once per six hours, and returns whether it did.
func (p *planning) warn(format string, args ...any) bool {
	message := text(p.service.Name, format, args...)
	if !note(&p.service.Observed, message, p.Now, p.Timing) {
		return false
	}
	p.changes = append(p.changes, Say{Message: message})
	return true
}

// note remembers a warning and returns whether it is to be said now.
func note(o *Observed, message string, now time.Time, t Timing) bool {
	for i, s := range o.Said {
		if s.Message != message {
			continue
		}
		if now.Before(s.At.Add(t.Repeat)) {
			return false
		}
		o.Said[i].At = now
		return true
	}
	if len(o.Said) >= maxSaid {
		o.Said = slices.Delete(o.Said, 0, 1)
	}
	o.Said = append(o.Said, Said{Message: message, At: now})
	return true
}

// maxSaid bounds the warnings remembered; a service has one or two.
const maxSaid = 10

// at asks for a plan at a later time.
func (p *planning) at(t time.Time) {
	if p.wake.IsZero() || t.Before(p.wake) {
		p.wake = t
	}
}

// touch returns a deployment for changing.
func (p *planning) touch(d *Deployment) *Deployment {
	p.dirty[d.ID] = true
	d.UpdatedAt = p.Now
	return d
}

// stop releases a wanted task.
func (p *planning) stop(c *candidate, reason string) {
	c.stopping = true
	c.placement.Released = true
	c.noted = true
	if c.health == healthy {
		p.healthy--
	}
	p.changes = append(p.changes, Stop{Task: c.ARN, Reason: reason})
	if !c.StartedAt.IsZero() {
		p.stops = append(p.stops, c.ID)
	}
}

// scaleIn stops a task that the service's primary deployment has no use for.
func (p *planning) scaleIn(c *candidate) { p.stop(c, scalingReason(p.service.Primary)) }

// sayStopped tells of the running tasks that stop since the last time.
func (p *planning) sayStopped() {
	for ids := range slices.Chunk(p.stops, listed) {
		p.say("has stopped %d running tasks: %s.", len(ids), taskList(ids))
	}
	p.stops = nil
}

// remaining are the tasks of cs that this plan does not stop.
func remaining(cs []*candidate) []*candidate {
	return slices.DeleteFunc(slices.Clone(cs), func(c *candidate) bool { return c.stopping })
}

// result orders what was decided: bookkeeping before the starts, whose outcome may add to it.
func (p *planning) result() []Change {
	changes := p.changes
	for _, c := range slices.Concat(p.current, p.old, p.gone) {
		switch {
		case c.Status == task.Stopped:
			changes = append(changes, Forget{Task: c.ARN})
		case c.noted:
			n := c.placement
			changes = append(changes, SetPlacement{Placement: &n})
		}
	}
	for _, d := range p.Deployments {
		if p.dirty[d.ID] {
			changes = append(changes, SetDeployment{Deployment: p.deployments[d.ID]})
		}
	}
	if p.release != nil && !sameRelease(p.release, p.Release) {
		p.release.UpdatedAt = p.Now
		changes = append(changes, SetRelease{Release: p.release})
	}
	if p.serviceChanged() {
		s := p.service
		changes = append(changes, SetService{Status: s.Status, Primary: s.Primary, Completed: s.Completed, Observed: s.Observed})
	}
	for _, s := range p.starts {
		changes = append(changes, s)
	}
	if !p.wake.IsZero() {
		changes = append(changes, WakeAt{At: p.wake})
	}
	return changes
}

func (p *planning) serviceChanged() bool {
	a, b := &p.service, p.Service
	return a.Status != b.Status || a.Primary != b.Primary || a.Completed != b.Completed ||
		a.Observed.Steady != b.Observed.Steady || !a.Observed.SteadyAt.Equal(b.Observed.SteadyAt) ||
		!a.Observed.InactiveAt.Equal(b.Observed.InactiveAt) || a.Observed.Unbalanced != b.Observed.Unbalanced ||
		!slices.Equal(a.Observed.Said, b.Observed.Said)
}

func sameRelease(a, b *Release) bool {
	return a.Status == b.Status && a.Reason == b.Reason && a.Failures == b.Failures && a.RolledBackTo == b.RolledBackTo
}
