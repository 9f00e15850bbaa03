package balance

import (
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

// Traffic registers tasks as targets. It is the task.Traffic of a platform with load balancers.
type Traffic struct{ Balance *Balance }

var _ task.Traffic = Traffic{}

// Attach registers the task's targets.
func (f Traffic) Attach(tx *state.Tx, t *task.Task) error {
	for _, target := range t.Targets {
		if err := f.Balance.Register(tx, target.TargetGroupARN, specs(t, target)); err != nil {
			return &task.TargetError{TargetGroupARN: target.TargetGroupARN, Err: err}
		}
	}
	return nil
}

// Detach deregisters them. A target group that is gone has let go of them already.
func (f Traffic) Detach(tx *state.Tx, t *task.Task) error {
	for _, target := range t.Targets {
		if _, ok := f.Balance.TargetGroups.Get(tx, target.TargetGroupARN); !ok {
			continue
		}
		if err := f.Balance.Deregister(tx, target.TargetGroupARN, specs(t, target)); err != nil {
			return err
		}
	}
	return nil
}

// Detached is whether all of them are gone.
func (f Traffic) Detached(tx *state.Tx, t *task.Task) bool {
	for _, target := range t.Targets {
		if !f.Balance.Deregistered(tx, target.TargetGroupARN, t.Attachment.PrivateIP, target.ContainerPort) {
			return false
		}
	}
	return true
}

func specs(t *task.Task, target task.Target) []TargetSpec {
	return []TargetSpec{{ID: t.Attachment.PrivateIP, Port: target.ContainerPort}}
}
