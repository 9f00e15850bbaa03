package task

import (
	"context"
	"errors"
	"fmt"

	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/state"
)

// TargetError is a target group that does not take a task: it is gone, or full. A task that it goes on refusing fails to start;
// its service says why in an event.
// AWS: "Amazon ECS service event messages"; the event's text is AWS's, stoppedReason is not documented for this case.
type TargetError struct {
	TargetGroupARN string
	Err            error
}

func (e *TargetError) Unwrap() error { return e.Err }
func (e *TargetError) Error() string {
	message := e.Err.Error()
	if a := (*awserr.Error)(nil); errors.As(e.Err, &a) {
		message = a.Message
	}
	return fmt.Sprintf("%s(target-group %s) with (error %s)", Unregistered, e.TargetGroupARN, message)
}

// Unregistered begins the stopped reason of a task that a target group did not take.
const Unregistered = "failed to register targets in "

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
