package task

import (
	"errors"
	"time"
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
	t.Retry = Retry{Step: s.name, Attempts: attempts, At: now.Add(pauseAfter(attempts))}
}

// pauseAfter is how long to wait after that many failures.
func pauseAfter(attempts int) time.Duration {
	if attempts >= 8 {
		return lastRetry
	}
	return min(firstRetry<<(attempts-1), lastRetry)
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
