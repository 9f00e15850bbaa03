package task

import (
	"context"
	"errors"
	"fmt"

	"github.com/neargate/neargate/internal/aws/awserr"
)

// Logs are where containers' output is delivered to.
type Logs interface {
	// Open makes the place ready: the group, if the spec says that it may be created, and the stream. An *awserr.Error is what the
	// user did wrong.
	Open(ctx context.Context, s LogSpec) error
}

// openLogs makes every container's log stream ready, as Fargate does before it starts anything.
func (l *Loop) openLogs(ctx context.Context, t *Task) error {
	if l.Logs == nil {
		return nil
	}
	for i := range t.Containers {
		s := t.Containers[i].Log
		if s.Driver != "awslogs" {
			continue
		}
		if err := l.Logs.Open(ctx, s); err != nil {
			return &logsError{err}
		}
	}
	return nil
}

// logsError is a log stream that could not be made ready.
// AWS: "Amazon ECS stopped task error messages", ResourceInitializationError.
type logsError struct{ err error }

func (e *logsError) Unwrap() error { return e.err }
func (e *logsError) Error() string {
	return fmt.Sprintf("ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: %s : exit status 1", e.err)
}

// refused tells whether the user's own doing is the reason, which trying again does not change.
func (e *logsError) refused() bool {
	var a *awserr.Error
	return errors.As(e.err, &a)
}
