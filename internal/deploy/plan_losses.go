package deploy

import (
	"strings"
	"time"

	"github.com/neargate/neargate/internal/task"
)

// accountLosses tells and counts what happened to tasks that are no longer wanted. A task that never ran delays its successors
// more and more; one that ran and fell over soon delays them a little, and one that was healthy not at all.
//
// AWS: "Amazon ECS service throttle logic". AWS does not document the steps of its delays, only the longest one.
func (p *planning) accountLosses() {
	draining, deregistered := newTally(), newTally()
	for _, c := range p.gone {
		if !c.placement.Released && !c.placement.Lost {
			c.placement.Lost = true
			c.noted = true
			p.lose(c)
		}
		left := c.Status == task.Deactivating || task.Deactivating.Before(c.Status)
		if left && c.placement.Registered && !c.placement.Drained {
			c.placement.Drained = true
			c.noted = true
			for _, target := range c.Targets {
				deregistered.add(target.Group)
			}
			if len(c.Targets) > 0 {
				draining.add(c.placement.Deployment)
			}
		}
	}
	for _, group := range deregistered.keys {
		p.say("deregistered %d targets in (target-group %s)", deregistered.counts[group], group)
	}
	for _, d := range draining.keys {
		p.changes = append(p.changes, Say{Message: drainingText(p.service.Name, d, draining.counts[d])})
	}
}

// lose counts one task that stopped without having been asked by the scheduler.
func (p *planning) lose(c *candidate) {
	d := p.deployments[c.placement.Deployment]
	if d == nil || c.StopCode == task.UserInitiated || c.StopCode == task.SpotInterruption {
		return
	}
	if c.StartedAt.IsZero() {
		p.touch(d).Failed++
		switch {
		case strings.HasPrefix(c.StoppedReason, task.Unregistered):
			p.warn("%s", c.StoppedReason)
		case c.StoppedReason != "":
			p.warn("was unable to place a task. Reason: %s", sentence(c.StoppedReason))
		}
		if exhausted(c.StoppedReason) && c.Subnet != "" {
			d.avoid(c.Subnet, p.Now, p.Timing)
		}
		p.setback(d)
		return
	}
	if c.placement.Proven {
		return
	}
	p.touch(d).Failed++
	if retry := p.Now.Add(p.Timing.Pace); c.StoppingAt.Sub(c.StartedAt) < p.Timing.Brief && retry.After(d.RetryAt) {
		d.RetryAt = retry
	}
}

// setback delays the next start of a deployment whose tasks do not come to run.
func (p *planning) setback(d *Deployment) {
	if setback(d, p.Now, p.Timing) {
		if p.warn(inconsistently) {
			p.changes = append(p.changes, Tell{Level: "WARN", Name: "SERVICE_TASK_START_IMPAIRED"})
		}
	}
}

// setback counts a failed batch and returns whether the user is to be told. Tasks that fail while the delay runs are of the batch
// that began it.
func setback(d *Deployment, now time.Time, t Timing) bool {
	if now.Before(d.RetryAt) {
		return false
	}
	d.Setbacks++
	d.RetryAt = now.Add(t.backoff(d.Setbacks))
	return d.Setbacks >= impaired
}

// exhausted is whether a task failed because its subnet has no address left.
func exhausted(reason string) bool {
	return strings.Contains(reason, "InsufficientFreeAddressesInSubnet") || strings.Contains(reason, "does not have enough free addresses") ||
		strings.Contains(reason, "insufficient free addresses")
}

// avoid puts a subnet last for a while.
func (d *Deployment) avoid(subnet string, now time.Time, t Timing) {
	m := map[string]time.Time{subnet: now.Add(t.Avoid)}
	for s, until := range d.Exhausted {
		if s != subnet && until.After(now) {
			m[s] = until
		}
	}
	d.Exhausted = m
}
