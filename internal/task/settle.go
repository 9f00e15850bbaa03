package task

import (
	"log/slog"

	"github.com/neargate/neargate/internal/state"
)

// settle writes down what a step learnt, what followed and whether it failed, in one transaction.
func (l *Loop) settle(s *step, v *view, learnt change, failed error) error {
	tables := l.life.tables
	var before, after *Task
	err := l.Store.Update(l.writing, func(tx *state.Tx) error {
		row, ok := tables.Tasks.Get(tx, v.task.ARN)
		if !ok {
			return nil
		}
		t := row.clone()
		if learnt != nil {
			if err := learnt(tx, t); err != nil {
				return &changeError{err}
			}
		}
		now := l.life.now()
		switch {
		case failed != nil:
			s.failure(t, failed, now)
		case t.Retry.Step == s.name:
			t.Retry = Retry{}
		}
		t.advance(v.def, l, now)
		if !same(t, row) {
			before, after = row, t
			l.life.put(tx, row, t)
		}
		return nil
	})
	if err == nil && after != nil {
		l.told(before, after)
	}
	return err
}

// told logs where the task has got to. What a person waits for, running and stopped, is worth a line; the rest is detail.
func (l *Loop) told(before, after *Task) {
	if before.Status == after.Status {
		return
	}
	level := slog.LevelDebug
	if after.Status == Running || after.Status == Stopped {
		level = slog.LevelInfo
	}
	attrs := []slog.Attr{slog.String("task", after.ID), slog.String("group", after.Group), slog.Any("status", after.Status)}
	if after.StopCode != "" {
		attrs = append(attrs, slog.Any("code", after.StopCode), slog.String("reason", after.StoppedReason))
	}
	l.Log.LogAttrs(l.writing, level, "task", attrs...)
}

// changeError is a step's own transaction that did not work out, as opposed to a store that does not work.
type changeError struct{ err error }

func (e *changeError) Error() string { return e.err.Error() }
func (e *changeError) Unwrap() error { return e.err }
