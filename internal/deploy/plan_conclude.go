package deploy

// conclude notes that a deployment completed and that the service is steady.
func (p *planning) conclude() {
	if p.closed {
		return
	}
	steady := p.steady()
	if !steady {
		p.service.Observed.Steady = false
		return
	}
	if p.primary.Rollout == InProgress {
		for _, d := range p.deployments {
			if d.Role == Superseded {
				return // its last tasks are stopping
			}
		}
		p.complete()
	}
	o := &p.service.Observed
	if !o.Steady || !p.Now.Before(o.SteadyAt.Add(p.Timing.Repeat)) {
		o.Steady, o.SteadyAt, o.Said = true, p.Now, nil
		p.say("has reached a steady state.")
		p.changes = append(p.changes, Tell{Level: "INFO", Name: "SERVICE_STEADY_STATE"})
	}
	p.at(o.SteadyAt.Add(p.Timing.Repeat))
}

// steady is whether exactly the desired tasks run, all healthy, and nothing is left to do.
func (p *planning) steady() bool {
	if p.primary.Rollout == Failed || len(p.starts) > 0 || len(p.old) > 0 || len(p.current) != p.service.Desired {
		return false
	}
	for _, c := range p.current {
		if c.stopping || c.health != healthy {
			return false
		}
	}
	return true
}

// complete ends the primary deployment's rollout.
func (p *planning) complete() {
	d := p.touch(p.primary)
	back := p.rollingBack()
	d.Rollout = Completed
	d.Reason = "ECS deployment " + d.ID + " completed."
	p.service.Completed = d.ID
	p.say("(deployment %s) deployment completed.", d.ID)
	p.changes = append(p.changes, Tell{Level: "INFO", Name: "SERVICE_DEPLOYMENT_COMPLETED", Deployment: d.ID, Reason: d.Reason})
	if p.release == nil || p.release.Status.Done() {
		return
	}
	p.release.FinishedAt = p.Now
	if back {
		p.release.Status = ReleaseRollbackSuccessful
		return
	}
	p.release.Status = ReleaseSuccessful
	p.release.Failures = d.Failed
}
