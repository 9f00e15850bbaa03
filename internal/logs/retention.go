package logs

import (
	"context"
	"fmt"
	"time"
)

// sweepEvery is the time between two looks for events past their retention. AWS
// deletes them within three days; nobody waits for that.
const sweepEvery = time.Hour

// Retain deletes events older than their group's retention until ctx is done.
func (e *Engine) Retain(ctx context.Context) error {
	for {
		for g := range e.tables.Groups.All(e.store.View(), "") {
			if g.Retention == 0 {
				continue
			}
			before := millis(e.clock.Now().AddDate(0, 0, -int(g.Retention)))
			if err := e.events.expire(ctx, g.ID, before); err != nil && ctx.Err() == nil {
				return fmt.Errorf("log group %s: retention: %w", g.Name, err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(e.clock.Wait(sweepEvery)):
		}
	}
}
