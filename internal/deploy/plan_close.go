package deploy

import "github.com/neargate/neargate/internal/task"

// close takes a deleted service down: DRAINING until its last task has stopped, INACTIVE for a while, then forgotten.
func (p *planning) close() {
	if p.service.Status == Active {
		return
	}
	p.closed = true
	for _, c := range p.wanted() {
		p.scaleIn(c)
	}
	p.sayStopped()
	for _, c := range p.wanted() {
		if c.Status != task.Stopped {
			return
		}
	}
	for _, c := range p.gone {
		if c.Status != task.Stopped {
			return
		}
	}
	if p.service.Status == Draining {
		p.service.Status = Inactive
		p.service.Observed.InactiveAt = p.Now
		for _, d := range p.deployments {
			if d.live() {
				p.touch(d).Role = Retired
				d.RetiredAt = p.Now
			}
		}
		if p.release != nil && !p.release.Status.Done() {
			p.release.Status = ReleaseStopped
			p.release.StoppedAt, p.release.FinishedAt = p.Now, p.Now
		}
	}
	if end := p.service.Observed.InactiveAt.Add(p.Timing.Forget); p.Now.Before(end) {
		p.at(end)
	} else {
		p.changes = append(p.changes, ForgetService{})
	}
}
