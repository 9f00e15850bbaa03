package deploy

// threshold is the number of failures in a row that fails a deployment: half the desired count, at least 3, at most 200.
// AWS: "How the Amazon ECS deployment circuit breaker detects failures".
func threshold(desired int) int { return min(max((desired+1)/2, 3), 200) }

// trip fails a deployment whose tasks keep failing and, when asked to, returns to the last one that completed. A rollback is never
// rolled back.
func (p *planning) trip() {
	d := p.primary
	if p.closed || d == nil || d.Rollout != InProgress {
		return
	}
	if p.release != nil && p.release.RolledBackTo == "" {
		p.release.Failures = d.Failed
	}
	if !p.service.Breaker.Enable || d.Failed < threshold(p.service.Desired) || p.rollingBack() {
		return
	}
	p.touch(d).Rollout = Failed
	d.Reason = "ECS deployment circuit breaker: tasks failed to start."
	p.say("(deployment %s) deployment failed: tasks failed to start.", d.ID)
	p.changes = append(p.changes, Tell{Level: "ERROR", Name: "SERVICE_DEPLOYMENT_FAILED", Deployment: d.ID, Reason: d.Reason})
	back := p.deployments[p.service.Completed]
	if p.service.Breaker.Rollback && back != nil && back != d {
		p.rollBack(d, back)
		return
	}
	if p.release == nil {
		return
	}
	p.release.Status, p.release.Reason = ReleaseStopped, "Service deployment stopped because the circuit breaker threshold was exceeded."
	if p.service.Breaker.Rollback {
		p.release.Status, p.release.Reason = ReleaseRollbackFailed, "No rollback candidate was found to run the rollback."
	}
	p.release.StoppedAt, p.release.FinishedAt = p.Now, p.Now
}

// rollingBack is whether the primary deployment is itself the way back.
func (p *planning) rollingBack() bool {
	return p.release != nil && p.release.RolledBackTo == p.primary.ID
}

// rollBack makes an earlier deployment the primary one again.
func (p *planning) rollBack(failed, back *Deployment) {
	failed.Role = Superseded
	p.touch(back).Role = Primary
	back.Rollout = InProgress
	back.Reason = "ECS deployment circuit breaker: rolling back to deploymentId " + back.ID + "."
	back.Failed, back.Setbacks = 0, 0
	p.service.Primary = back.ID
	p.primary = back
	p.say("rolling back to deployment %s.", back.ID)
	p.changes = append(p.changes, Tell{Level: "INFO", Name: "SERVICE_DEPLOYMENT_IN_PROGRESS", Deployment: back.ID, Reason: back.Reason})
	if p.release != nil {
		p.release.Status = ReleaseRollbackInProgress
		p.release.Reason = "Service deployment rolled back because the circuit breaker threshold was exceeded."
		p.release.RolledBackTo, p.release.RollbackAt = back.ID, p.Now
		p.release.RollbackReason = p.release.Reason
	}
	p.regroup()
}

// regroup sorts the wanted tasks anew after the primary deployment changed.
func (p *planning) regroup() {
	all := p.wanted()
	p.current, p.old = nil, nil
	for _, c := range all {
		if c.placement.Deployment == p.primary.ID {
			p.current = append(p.current, c)
		} else {
			p.old = append(p.old, c)
		}
	}
}
