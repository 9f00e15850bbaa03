package task

import (
	"context"
	"time"

	"github.com/neargate/neargate/internal/state"
)

// keepStopped is how long a stopped task is told of.
// AWS: "DescribeTasks": stopped tasks appear for at least one hour.
const keepStopped = time.Hour

func (l *Loop) release(ctx context.Context, v *view) (change, error) {
	if l.sandboxes.has(v.task.ID) || v.task.Sandboxed {
		if err := l.Engine.RemoveTask(ctx, v.task.ID); err != nil {
			return nil, err
		}
		l.sandboxes.remove(v.task.ID)
	}
	return func(tx *state.Tx, t *Task) error {
		if t.Status != Deprovisioning {
			return nil
		}
		if id := t.Attachment.InterfaceID; id != "" {
			if err := l.Network.DeleteInterface(tx, id); err != nil {
				return err
			}
		}
		t.Attachment.Status = AttachmentDeleted
		t.Status, t.StoppedAt = Stopped, l.life.now()
		return nil
	}, nil
}

func outlived(v *view) bool {
	return v.task.Status == Stopped && !v.now.Before(v.task.StoppedAt.Add(keepStopped))
}

// forget drops the row, and the definition when no other task was made from it.
func (l *Loop) forget(ctx context.Context, v *view) (change, error) {
	tables := l.life.tables
	return nil, l.Store.Update(ctx, func(tx *state.Tx) error {
		tables.Tasks.Delete(tx, v.task.ARN)
		for range tables.Tasks.By(tx, ByDefinition, v.task.DefinitionARN) {
			return nil
		}
		tables.Definitions.Delete(tx, v.task.DefinitionARN)
		return nil
	})
}
