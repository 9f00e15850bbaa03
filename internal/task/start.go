package task

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/neargate/neargate/internal/state"
)

func hasStartable(v *view) bool { return len(startable(v.task, v.def)) > 0 }

// startable are the containers whose turn has come, by index.
func startable(t *Task, d *Definition) []int {
	if t.Desired != Running || t.PullStoppedAt.IsZero() || t.Status != Pending && t.Status != Activating && t.Status != Running {
		return nil
	}
	var out []int
	for i := range t.Containers {
		c := &t.Containers[i]
		if cd, ok := d.container(c.Name); ok && (c.Restarting || c.Status == Pending && t.ready(cd)) {
			out = append(out, i)
		}
	}
	return out
}

func (t *Task) ready(cd *ContainerDefinition) bool {
	for _, dep := range cd.dependencies() {
		if on, ok := t.Container(dep.Container); !ok || meets(on, dep.Condition) != satisfied {
			return false
		}
	}
	return true
}

// startContainers makes the sandbox if need be and starts the containers whose turn it is, at once.
func (l *Loop) startContainers(ctx context.Context, v *view) (change, error) {
	if !v.task.Sandboxed {
		place, err := l.Network.Realise(ctx, v.task.Attachment.InterfaceID)
		if err != nil {
			return nil, fmt.Errorf("ResourceInitializationError: failed to join network interface %s: %w", v.task.Attachment.InterfaceID, err)
		}
		l.sandboxes.add(v.task.ID)
		if err := l.Engine.CreateTask(ctx, v.task.sandbox(v.def, place)); err != nil {
			return nil, fmt.Errorf("ResourceInitializationError: failed to create the task's sandbox: %w", err)
		}
	}
	turn := startable(v.task, v.def)
	errs := make([]error, len(turn))
	var group sync.WaitGroup
	for n, i := range turn {
		group.Go(func() { errs[n] = l.startContainer(ctx, v, &v.task.Containers[i]) })
	}
	group.Wait()
	now := l.life.now()
	return func(_ *state.Tx, t *Task) error {
		t.Sandboxed = true
		for n, i := range turn {
			c := &t.Containers[i]
			var refused *StartError
			switch {
			case errors.As(errs[n], &refused):
				t.failContainer(c, refused.text())
			case errs[n] == nil && (c.Status == Pending || c.Restarting):
				c.started(now, now)
			}
		}
		return nil
	}, transient(errs)
}

func (l *Loop) startContainer(ctx context.Context, v *view, c *Container) error {
	cd, _ := v.def.container(c.Name)
	if c.RestartCount > 0 {
		if err := l.Engine.RemoveContainer(ctx, containerID(v.task.ID, c.Name, c.RestartCount-1)); err != nil {
			return err
		}
	}
	if err := l.Engine.CreateContainer(ctx, v.task.spec(v.def, cd, c)); err != nil {
		return err
	}
	return l.Engine.StartContainer(ctx, c.ID)
}

func (e *StartError) text() string {
	if e.Kind != "" {
		return e.Kind + ": " + e.Reason
	}
	return "CannotStartContainerError: " + e.Reason
}

// transient is the first error that is not the container's own fault.
func transient(errs []error) error {
	for _, err := range errs {
		var refused *StartError
		if err != nil && !errors.As(err, &refused) {
			return fmt.Errorf("ContainerRuntimeError: %w", err)
		}
	}
	return nil
}
