package deploy

import (
	"strings"
	"time"

	"github.com/neargate/neargate/internal/task"
)

// verdict is whether a task counts.
type verdict int

const (
	unproven verdict = iota // starting, or not long enough up to tell
	healthy
	unhealthy
)

// cause is which health check an unhealthy task fails.
type cause struct {
	target *Target // nil: a container's
}

// judge is the verdict on a wanted task: running, its essential containers' checks passed, its targets healthy. A task with
// neither check nor target counts a settling time after it started. A task that was healthy once stays so until a check says
// otherwise, so that a gap in what is known never looks like a failure. When until is not zero the verdict may change then
// without anything else changing.
//
// AWS: "DeploymentConfiguration", minimumHealthyPercent; "CreateService", healthCheckGracePeriodSeconds.
func judge(t *Task, proven bool, now time.Time, timing Timing, grace time.Duration) (v verdict, why cause, until time.Time) {
	if t.Status != task.Running {
		return unproven, cause{}, time.Time{}
	}
	if why, bad := failing(t); bad {
		if end := t.StartedAt.Add(grace); now.Before(end) {
			if proven {
				return healthy, cause{}, end
			}
			return unproven, cause{}, end
		}
		return unhealthy, why, time.Time{}
	}
	if proven {
		return healthy, cause{}, time.Time{}
	}
	if t.Checked && t.Container != task.Healthy {
		return unproven, cause{}, time.Time{}
	}
	for _, target := range t.Targets {
		if target.State != TargetHealthy {
			return unproven, cause{}, time.Time{}
		}
	}
	if !t.Checked && len(t.Targets) == 0 {
		if settled := t.StartedAt.Add(timing.Settle); now.Before(settled) {
			return unproven, cause{}, settled
		}
	}
	return healthy, cause{}, time.Time{}
}

// failing returns the health check a task fails.
func failing(t *Task) (cause, bool) {
	if t.Checked && t.Container == task.Unhealthy {
		return cause{}, true
	}
	for i := range t.Targets {
		if t.Targets[i].failing() {
			return cause{target: &t.Targets[i]}, true
		}
	}
	return cause{}, false
}

// failing is whether the load balancer will not send the target requests: its health checks fail, or it is in a zone the load
// balancer does not serve.
func (t *Target) failing() bool {
	return t.State == TargetUnhealthy || t.State == TargetUnused && strings.Contains(t.Reason, "Availability Zone")
}

// observe judges every task and tells what became of it.
func (p *planning) observe() {
	registered := newTally()
	for _, c := range p.wanted() {
		var until time.Time
		c.health, c.cause, until = judge(c.Task, c.placement.Proven, p.Now, p.Timing, p.service.grace())
		if !until.IsZero() {
			p.at(until)
		}
		if c.Status == task.Running && !c.placement.Registered {
			c.placement.Registered = true
			c.noted = true
			for _, target := range c.Targets {
				registered.add(target.Group)
			}
		}
		switch c.health {
		case healthy:
			p.healthy++
			p.prove(c)
		case unhealthy:
			p.fault(c)
		}
	}
	for _, group := range registered.keys {
		p.say("registered %d targets in (target-group %s)", registered.counts[group], group)
	}
}

// prove notes that a task became healthy: its deployment's failures were not the revision's.
func (p *planning) prove(c *candidate) {
	if c.placement.Proven {
		return
	}
	c.placement.Proven = true
	c.noted = true
	if d := p.deployments[c.placement.Deployment]; d != nil && (d.Failed > 0 || d.Setbacks > 0) {
		p.touch(d)
		d.Failed, d.Setbacks, d.RetryAt = 0, 0, time.Time{}
	}
}

// fault counts a task's failing health checks once.
func (p *planning) fault(c *candidate) {
	if c.placement.Faulted {
		return
	}
	c.placement.Faulted = true
	c.noted = true
	if d := p.deployments[c.placement.Deployment]; d != nil {
		p.touch(d).Failed++
	}
	if c.cause.target == nil {
		p.say("(task %s) failed container health checks.", c.ID)
		return
	}
	t := c.cause.target
	p.say("(task %s) (port %d) is unhealthy in (target-group %s) due to (reason %s).", c.ID, t.Port, t.Group, t.Reason)
}

// stopReason is the stoppedReason of a task that fails its health checks.
func (c *candidate) stopReason() string {
	if c.cause.target != nil {
		return "Task failed ELB health checks in (target-group " + c.cause.target.Group + ")"
	}
	return "Task failed container health checks"
}
