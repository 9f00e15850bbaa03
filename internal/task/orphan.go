package task

import (
	"context"
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
	l.insist(ctx, "task "+id, func() error {
		err := l.Engine.RemoveTask(ctx, id)
		if err == nil {
			l.sandboxes.remove(id)
			l.Log.Info("orphan removed", "task", id)
		}
		return err
	})
}

// chore is a removal that no row asks for, so that none can remember to repeat it.
type chore struct {
	do       func() error
	attempts int
	at       time.Time // of the next attempt; zero while one is under way
}

// insist does something in the lane of stops until it succeeds. A name stands for one thing.
func (l *Loop) insist(ctx context.Context, name string, do func() error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.chores[name] == nil {
		c := &chore{do: do}
		l.chores[name] = c
		l.attempt(ctx, name, c)
	}
}

func (l *Loop) attempt(ctx context.Context, name string, c *chore) {
	c.at = time.Time{}
	l.stops.submit(func() {
		err := c.do()
		l.mu.Lock()
		defer l.mu.Unlock()
		if err == nil {
			delete(l.chores, name)
			return
		}
		c.attempts++
		c.at = l.life.now().Add(pauseAfter(c.attempts))
		if ctx.Err() == nil {
			l.Log.Warn("removal fails", "of", name, "attempts", c.attempts, "err", err)
			l.poke()
		}
	})
}

// doChores tries again what is due, and tells when to look next; zero: not by itself.
func (l *Loop) doChores(ctx context.Context, now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	var next time.Time
	for name, c := range l.chores {
		switch {
		case c.at.IsZero():
		case !c.at.After(now):
			l.attempt(ctx, name, c)
		case next.IsZero() || c.at.Before(next):
			next = c.at
		}
	}
	return next
}
