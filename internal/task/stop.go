package task

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"

	"github.com/neargate/neargate/internal/state"
)

func hasStoppable(v *view) bool { return len(stoppable(v.task, v.def, v.now)) > 0 }

// stoppable are the running containers to be signalled now, by index: those on which no running container depends, when they have
// not been asked yet, or when the time they were given is over.
func stoppable(t *Task, d *Definition, now time.Time) []int {
	if t.Status != Stopping {
		return nil
	}
	needed := map[string]bool{}
	for i := range t.Containers {
		if cd, ok := d.container(t.Containers[i].Name); ok && t.Containers[i].Status == Running {
			for _, dep := range cd.dependencies() {
				needed[dep.Container] = true
			}
		}
	}
	var out []int
	for i := range t.Containers {
		if c := &t.Containers[i]; c.Status == Running && !needed[c.Name] && !now.Before(c.KillAt) {
			out = append(out, i)
		}
	}
	return out
}

// killGrace is how long a killed container may take to be told of before it is removed by force.
const killGrace = 10 * time.Second

// stopContainers takes each container a rung further: asked, killed, removed.
func (l *Loop) stopContainers(ctx context.Context, v *view) (change, error) {
	turn := stoppable(v.task, v.def, v.now)
	errs := make([]error, len(turn))
	var group sync.WaitGroup
	for n, i := range turn {
		group.Go(func() {
			c := &v.task.Containers[i]
			switch {
			case c.KillAt.IsZero():
				errs[n] = l.Engine.Signal(ctx, c.ID, signalNumber(c.StopSignal))
			case !c.Killed:
				errs[n] = l.Engine.Signal(ctx, c.ID, syscall.SIGKILL)
			default:
				errs[n] = l.Engine.RemoveContainer(ctx, c.ID)
			}
		})
	}
	group.Wait()
	now := l.life.now()
	return func(_ *state.Tx, t *Task) error {
		for n, i := range turn {
			if c := &t.Containers[i]; errs[n] == nil && c.Status == Running {
				c.rung(v.def, now)
			}
		}
		return nil
	}, errors.Join(errs...)
}

// rung notes that the container was asked, killed or removed.
func (c *Container) rung(d *Definition, now time.Time) {
	switch {
	case c.KillAt.IsZero():
		timeout := 0
		if cd, ok := d.container(c.Name); ok {
			timeout = cd.StopTimeout
		}
		if timeout == 0 {
			timeout = 30
		}
		c.KillAt = now.Add(seconds(timeout))
	case !c.Killed:
		c.Killed, c.KillAt = true, now.Add(killGrace)
	default:
		c.Status, c.FinishedAt, c.ExitCode = Stopped, now, new(137)
		c.Reason = "CannotStopContainerError: the container did not end after SIGKILL and was removed"
	}
}
