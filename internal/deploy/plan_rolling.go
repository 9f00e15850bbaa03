package deploy

import (
	"cmp"
	"slices"

	"github.com/neargate/neargate/internal/task"
)

// retire takes superseded deployments without tasks off the list.
func (p *planning) retire() {
	if p.closed {
		return
	}
	busy := map[string]bool{}
	for _, c := range slices.Concat(p.current, p.old, p.gone) {
		if c.Status != task.Stopped {
			busy[c.placement.Deployment] = true
		}
	}
	for _, d := range p.deployments {
		if d.Role == Superseded && !busy[d.ID] {
			p.touch(d).Role = Retired
			d.RetiredAt = p.Now
		}
	}
}

// releaseOld stops tasks of superseded deployments as far as enough healthy ones remain. A task that has not come to run yet is no
// loss. A deployment that failed leaves the old tasks alone.
func (p *planning) releaseOld() {
	if p.closed || p.primary.Rollout == Failed {
		return
	}
	defer p.sayStopped()
	for _, c := range p.old {
		if c.Status.Before(task.Running) {
			p.scaleIn(c)
		}
	}
	old := remaining(p.old)
	slices.SortStableFunc(old, byUsefulness(zones(old)))
	for _, c := range old {
		switch {
		case c.health == healthy && p.healthy > p.service.floor():
			p.scaleIn(c)
		case c.health != healthy && (p.healthy >= p.service.floor() || p.cramped()):
			p.scaleIn(c)
		}
	}
}

// cramped is whether tasks are missing and there is no room to start one.
func (p *planning) cramped() bool {
	return p.missing() > 0 && p.total >= p.service.ceiling() && !p.freeing()
}

// freeing is whether a place is about to become free.
func (p *planning) freeing() bool {
	for _, c := range p.gone {
		if c.Occupies {
			return true
		}
	}
	for _, c := range slices.Concat(p.current, p.old) {
		if c.stopping {
			return true
		}
	}
	return false
}

// missing is how many tasks the primary deployment lacks, not counting unhealthy ones.
func (p *planning) missing() int {
	good := 0
	for _, c := range p.current {
		if !c.stopping && c.health != unhealthy {
			good++
		}
	}
	return p.service.Desired - good
}

// releaseUnhealthy stops tasks that fail their health checks: once their replacements are healthy, when a replacement fails as well,
// or one at a time where maximumPercent leaves no room for a replacement beside them.
//
// AWS: "DeploymentConfiguration", maximumPercent and minimumHealthyPercent.
func (p *planning) releaseUnhealthy() {
	if p.closed {
		return
	}
	defer p.sayStopped()
	bad, good, pending := 0, 0, 0
	for _, c := range p.current {
		switch {
		case c.stopping:
		case c.health == unhealthy:
			bad++
		case c.health == healthy:
			good++
		default:
			pending++
		}
	}
	surplus := bad - max(0, p.service.Desired-good)
	if surplus <= 0 && bad > 0 && pending == 0 && p.cramped() {
		surplus = 1
	}
	if p.primary.Rollout == Failed {
		surplus = bad
	}
	for _, c := range p.current {
		if surplus <= 0 {
			return
		}
		if c.health == unhealthy && !c.stopping {
			p.stop(c, c.stopReason())
			surplus--
		}
	}
}

// releaseSurplus stops what is above the desired count: tasks that do not run yet first, then from the fullest zone.
func (p *planning) releaseSurplus() {
	if p.closed {
		return
	}
	defer p.sayStopped()
	for {
		var extra []*candidate
		for _, c := range p.current {
			awaited := c.placement.Rebalance && c.health == unproven
			if !c.stopping && c.health != unhealthy && !awaited {
				extra = append(extra, c)
			}
		}
		if len(extra) <= p.service.Desired {
			return
		}
		slices.Reverse(extra) // of equals the youngest goes
		slices.SortStableFunc(extra, byUsefulness(zones(extra)))
		c := extra[0] // when it is healthy all are, and they are more than minimumHealthyPercent can ask for
		if p.service.Observed.Unbalanced && c.health == healthy {
			p.sayStopped()
			p.scaleIn(c)
			p.stops = nil
			p.say("has stopped 1 running tasks in %s due to AZ rebalancing: (task %s).", c.Zone, c.ID)
			continue
		}
		p.scaleIn(c)
	}
}

// startMissing starts what the primary deployment lacks, as far as maximumPercent has room and the delay after failures is over.
func (p *planning) startMissing() {
	if p.closed || p.primary.Rollout == Failed {
		return
	}
	missing := p.missing()
	if missing <= 0 {
		return
	}
	if p.Now.Before(p.primary.RetryAt) {
		p.at(p.primary.RetryAt)
		return
	}
	room := p.service.ceiling() - p.total
	if room <= 0 {
		p.explainStuck()
		return
	}
	replaced := 0
	for _, c := range p.current {
		if c.health == unhealthy {
			replaced++
		}
	}
	spread := p.newSpread()
	for i := range min(missing, room) {
		why := StartWanted
		if i < replaced {
			why = StartReplace
		}
		p.start(spread.next(why))
	}
}

func (p *planning) start(s Start) {
	p.starts = append(p.starts, s)
	p.total++
}

// explainStuck says that the percentages leave nothing to do.
func (p *planning) explainStuck() {
	if len(remaining(p.old)) == 0 || p.freeing() || p.healthy > p.service.floor() {
		return
	}
	for _, c := range p.wanted() {
		if c.health != healthy {
			return
		}
	}
	p.warn("was unable to stop or start tasks during a deployment because of the service deployment configuration. " +
		"Update the minimumHealthyPercent or maximumPercent value and try again.")
}

// byUsefulness orders tasks from the one missed least: unhealthy, not yet running, running, then by how full the zone is.
func byUsefulness(zones map[string]int) func(a, b *candidate) int {
	rank := func(c *candidate) int {
		switch {
		case c.health == unhealthy:
			return 0
		case c.Status.Before(task.Running):
			return 1
		case c.health == unproven:
			return 2
		}
		return 3
	}
	return func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(zones[b.Zone], zones[a.Zone]))
	}
}

func zones(cs []*candidate) map[string]int {
	n := map[string]int{}
	for _, c := range cs {
		n[c.Zone]++
	}
	return n
}
