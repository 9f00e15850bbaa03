package task

import (
	"context"

	"github.com/neargate/neargate/internal/state"
)

func needsTargets(v *view) bool { return v.task.Status == Activating && v.task.Desired == Running }

func (l *Loop) activate(context.Context, *view) (change, error) {
	return func(tx *state.Tx, t *Task) error {
		if t.Status != Activating || t.Desired != Running {
			return nil
		}
		if err := l.Traffic.Attach(tx, t); err != nil {
			return err
		}
		t.Attached = true
		t.running(l.life.now())
		return nil
	}, nil
}

func hasTargets(v *view) bool {
	return (v.task.Status == Running || v.task.Status == Activating) && v.task.Desired == Stopped && v.task.Attached
}

func (l *Loop) deactivate(context.Context, *view) (change, error) {
	return func(tx *state.Tx, t *Task) error {
		if t.Status != Running && t.Status != Activating {
			return nil
		}
		if err := l.Traffic.Detach(tx, t); err != nil {
			return err
		}
		t.Status, t.StoppingAt = Deactivating, l.life.now()
		return nil
	}, nil
}

// drained: nothing is in flight any more, or there is nobody left to answer it.
func drained(v *view) bool {
	t := v.task
	return t.Status == Deactivating && (t.StopCode == EssentialContainerExited || v.traffic.Detached(v.tx, t))
}

func (l *Loop) drain(context.Context, *view) (change, error) {
	return func(_ *state.Tx, t *Task) error {
		if t.Status == Deactivating {
			t.stopping(l.life.now())
		}
		return nil
	}, nil
}
