package task

import (
	"context"
	"fmt"
	"time"
)

// bury removes what is left of a task whose row is gone.
func (l *Loop) bury(ctx context.Context, arn string) {
	id := idOf(arn)
	l.alarms.set(arn, time.Time{})
	l.mu.Lock()
	delete(l.byID, id)
	delete(l.seen, id)
	l.mu.Unlock()
	l.prober.forgetTask(arn)
	if l.sandboxes.has(id) {
		l.removeOrphan(ctx, id)
	}
}

// removeOrphan removes a task nobody knows from the engine, however often it takes.
func (l *Loop) removeOrphan(ctx context.Context, id string) {
	l.stops.submit(func() {
		err := l.Engine.RemoveTask(ctx, id)
		switch {
		case err == nil:
			l.sandboxes.remove(id)
			l.Log.Info("orphan removed", "task", id)
		case ctx.Err() == nil:
			l.Log.Warn("orphan stays", "task", id, "err", fmt.Errorf("remove: %w", err))
		}
	})
}
