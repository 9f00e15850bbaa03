package task

import (
	"errors"
	"time"

	"github.com/neargate/neargate/internal/state"
)

const (
	firstRetry = 250 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// failure decides what becomes of a task whose step failed: it is tried again later, or the task fails.
func (s *step) failure(t *Task, err error, now time.Time) {
	attempts := 1
	if t.Retry.Step == s.name {
		attempts = t.Retry.Attempts + 1
	}
	if hopelessly(err) || s.patience > 0 && attempts >= s.patience {
		t.Retry = Retry{}
		t.fail(err)
		return
	}
	pause := lastRetry
	if attempts < 8 {
		pause = min(firstRetry<<(attempts-1), lastRetry)
	}
	t.Retry = Retry{Step: s.name, Attempts: attempts, At: now.Add(pause)}
}

// hopelessly tells whether trying again would only repeat the error.
func hopelessly(err error) bool {
	var pull *PullError
	var logs *logsError
	return errors.As(err, &pull) && !pull.Retry || errors.As(err, &logs) && logs.refused()
}

// fail makes the task one that could not be started, or, when it runs, ends the containers that could not be started again.
func (t *Task) fail(err error) {
	reason := err.Error()
	if pull := (*PullError)(nil); errors.As(err, &pull) {
		reason = pull.text()
		for i := range t.Containers {
			if t.Containers[i].Image == pull.Ref {
				t.Containers[i].Reason = reason
			}
		}
	}
	if !t.StartedAt.IsZero() {
		for i := range t.Containers {
			if c := &t.Containers[i]; c.Restarting {
				c.Status, c.Restarting, c.Reason = Stopped, false, reason
			}
		}
		return
	}
	t.wishStop(TaskFailedToStart, reason)
}

func (e *PullError) text() string {
	if e.Kind != "" {
		return e.Kind + ": " + e.Reason
	}
	return "CannotPullContainerError: " + e.Reason
}

// held tells whether the step waits for its next attempt.
func (s *step) held(t *Task, now time.Time) bool {
	return t.Retry.Step == s.name && now.Before(t.Retry.At)
}

// settle writes down what a step learnt, what followed and whether it failed, in one transaction.
func (l *Loop) settle(s *step, v *view, learnt change, failed error) error {
	tables := l.life.tables
	return l.Store.Update(l.writing, func(tx *state.Tx) error {
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
			l.life.put(tx, row, t)
		}
		return nil
	})
}

// changeError is a step's own transaction that did not work out, as opposed to a store that does not work.
type changeError struct{ err error }

func (e *changeError) Error() string { return e.err.Error() }
func (e *changeError) Unwrap() error { return e.err }
