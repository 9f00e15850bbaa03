package task

import (
	"fmt"
	"slices"
	"time"
)

// observed is what is known of a task's containers from outside its row.
type observed interface {
	// state is the engine's last word on a container of the task.
	state(taskID, containerID string) (ContainerState, bool)
	// health is the verdict of its health check.
	health(containerID string) (Health, bool)
}

// advance writes what was observed into the task and draws every conclusion that needs no action. It is a function of values: the
// same row, definition, observations and time give the same result, and a second call changes nothing.
func (t *Task) advance(d *Definition, o observed, now time.Time) {
	for i := range t.Containers {
		if cd, ok := d.container(t.Containers[i].Name); ok {
			t.observe(&t.Containers[i], cd, o, now)
		}
	}
	if t.Desired == Running {
		t.giveUpDependents(d, now)
		t.start(now)
		t.stopWithEssential()
	}
	if t.Desired == Stopped {
		t.stop(now)
	}
	t.Health = t.judge()
}

// observe takes one container's state from the engine into the row.
func (t *Task) observe(c *Container, cd *ContainerDefinition, o observed, now time.Time) {
	if c.Status == Stopped {
		return
	}
	if s, ok := o.state(t.ID, c.ID); ok {
		t.Sandboxed = true
		switch {
		case s.Status == StatusRunning && (c.Status == Pending || c.Restarting):
			c.started(s.StartedAt, now)
		case s.Status == StatusStopped:
			t.exited(c, cd, s, now)
		}
	}
	if c.Status == Running && !c.Restarting && t.Desired == Running {
		if h, ok := o.health(c.ID); ok {
			c.Health = h
		}
	}
}

func (c *Container) started(at, now time.Time) {
	if at.IsZero() {
		at = now
	}
	c.Status, c.Restarting, c.StartedAt = Running, false, stamp(at)
}

const reasonOOM = "OutOfMemoryError: Container killed due to memory usage"

// exited takes the end of a container into the row, or begins its next incarnation.
func (t *Task) exited(c *Container, cd *ContainerDefinition, s ContainerState, now time.Time) {
	if s.StartedAt.IsZero() && c.StartedAt.IsZero() {
		t.failContainer(c, "CannotStartContainerError: "+s.Err)
		return
	}
	if c.StartedAt.IsZero() || c.Restarting {
		c.started(s.StartedAt, now)
	}
	c.FinishedAt = now
	if !s.FinishedAt.IsZero() {
		c.FinishedAt = stamp(s.FinishedAt)
	}
	code := s.ExitCode
	c.ExitCode, c.OOMKilled, c.Reason = &code, s.OOMKilled, ""
	switch {
	case s.OOMKilled:
		c.Reason = reasonOOM
	case s.Err != "":
		c.Reason, c.ExitCode = s.Err, nil
	}
	if t.Desired == Running && cd.restarts(c) {
		c.RestartCount++
		c.ID = containerID(t.ID, c.Name, c.RestartCount)
		c.Restarting, c.Health, c.ExitCode, c.OOMKilled, c.Reason = true, Unknown, nil, false, ""
		return
	}
	c.Status = Stopped
}

// restarts tells whether the container that has just exited is to run again in its place.
// AWS: "Restart individual containers in Amazon ECS tasks with container restart policies".
func (cd *ContainerDefinition) restarts(c *Container) bool {
	p := cd.RestartPolicy
	if p == nil || !p.Enabled || c.ExitCode == nil || slices.Contains(p.IgnoredExitCodes, *c.ExitCode) {
		return false
	}
	period := p.AttemptPeriod
	if period == 0 {
		period = 300
	}
	return c.FinishedAt.Sub(c.StartedAt) >= seconds(period)
}

// failContainer ends a container that never ran. Without an essential one the task cannot start.
func (t *Task) failContainer(c *Container, reason string) {
	c.Status, c.Restarting, c.Reason = Stopped, false, reason
	if c.Essential {
		t.wishStop(TaskFailedToStart, reason)
	}
}

// giveUpDependents ends containers that wait for what can no longer happen or has taken too long.
func (t *Task) giveUpDependents(d *Definition, now time.Time) {
	for again := true; again; {
		again = false
		for i := range t.Containers {
			c := &t.Containers[i]
			cd, ok := d.container(c.Name)
			if c.Status != Pending || !ok {
				continue
			}
			for _, dep := range cd.dependencies() {
				if reason := t.hopeless(d, dep, now); reason != "" {
					c.Status, c.Reason, again = Stopped, reason, true
					if c.Essential {
						t.wishStop(TaskFailedToStart, "Task failed to start")
					}
					break
				}
			}
		}
	}
}

// hopeless tells why a dependency will not be met, empty while it may be.
func (t *Task) hopeless(d *Definition, dep Dependency, now time.Time) string {
	on, ok := t.Container(dep.Container)
	if !ok {
		return fmt.Sprintf("container dependency '%s' does not exist", dep.Container)
	}
	switch meets(on, dep.Condition) {
	case hopeless:
		return fmt.Sprintf("failed to resolve container ordering dependency '%s': condition %s can no longer be met", dep.Container, dep.Condition)
	case waiting:
		if at := startDeadline(d, on, dep); !at.IsZero() && !now.Before(at) {
			return fmt.Sprintf("container ordering dependency '%s' has timed out waiting for condition %s", dep.Container, dep.Condition)
		}
	}
	return ""
}

// startDeadline is when the dependency's startTimeout is over, zero if it has none or has not begun.
func startDeadline(d *Definition, on *Container, dep Dependency) time.Time {
	cd, ok := d.container(dep.Container)
	if !ok || cd.StartTimeout == 0 || on.StartedAt.IsZero() || dep.Condition == ConditionStart || dep.Condition == conditionCreate {
		return time.Time{}
	}
	return on.StartedAt.Add(seconds(cd.StartTimeout))
}

// start moves a task on whose containers have all been started.
func (t *Task) start(now time.Time) {
	if t.Status != Pending || !t.Sandboxed || slices.ContainsFunc(t.Containers, func(c Container) bool { return c.Status == Pending }) {
		return
	}
	if len(t.Targets) > 0 {
		t.Status = Activating
		return
	}
	t.running(now)
}

func (t *Task) running(now time.Time) { t.Status, t.StartedAt = Running, now }

func (t *Task) stopWithEssential() {
	for _, c := range t.Containers {
		if c.Essential && c.Status == Stopped {
			t.wishStop(EssentialContainerExited, "Essential container in task exited")
		}
	}
}

// stop moves a task that is to stop as far as it can go without anybody doing anything.
func (t *Task) stop(now time.Time) {
	switch t.Status {
	case Provisioning:
		t.settle(now)
	case Pending:
		t.stopping(now)
	case Activating, Running:
		if !t.Attached { // else deactivate deregisters first
			t.stopping(now)
		}
	}
	if t.Status != Stopping {
		return
	}
	for i := range t.Containers {
		if c := &t.Containers[i]; c.Status == Pending || c.Restarting {
			c.Status, c.Restarting = Stopped, false
		}
	}
	if !slices.ContainsFunc(t.Containers, func(c Container) bool { return c.Status != Stopped }) {
		t.ExecutionStoppedAt = now
		t.settle(now)
	}
}

func (t *Task) stopping(now time.Time) {
	t.Status = Stopping
	if t.StoppingAt.IsZero() {
		t.StoppingAt = now
	}
}

// settle leaves nothing to do but give back what the task was given.
func (t *Task) settle(now time.Time) {
	if t.StoppingAt.IsZero() {
		t.StoppingAt = now
	}
	for i := range t.Containers {
		t.Containers[i].Status = Stopped
	}
	t.Status = Deprovisioning
	if t.Attachment.InterfaceID != "" {
		t.Attachment.Status = AttachmentDetaching
	}
}

// judge is the task's health, made from its essential containers'; one without a health check is UNKNOWN and makes the task so.
// AWS: "HealthCheck" in the API reference.
func (t *Task) judge() Health {
	return t.worst(func(c *Container) bool { return c.Essential })
}

// HealthOf is the health that the containers of those names make.
func (t *Task) HealthOf(names []string) Health {
	return t.worst(func(c *Container) bool { return slices.Contains(names, c.Name) })
}

func (t *Task) worst(counts func(*Container) bool) Health {
	verdict := Healthy
	for i := range t.Containers {
		switch c := &t.Containers[i]; {
		case !counts(c):
		case c.Health == Unhealthy:
			return Unhealthy
		case c.Health != Healthy:
			verdict = Unknown
		}
	}
	return verdict
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
