package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/neargate/neargate/internal/clock"
	"github.com/neargate/neargate/internal/event"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

// Tasks starts and stops tasks. task.Lifecycle does.
type Tasks interface {
	Run(tx *state.Tx, s task.RunSpec) (*task.Task, error)
	Stop(tx *state.Tx, taskARN string, code task.StopCode, reason string) error
}

// Targets tells what load balancers think of tasks.
type Targets interface {
	// Health is a registered target's state and the description that goes with it, in AWS's words; false when it is not registered.
	Health(tx *state.Tx, targetGroupARN, ip string, port int) (state, description string, ok bool)
	// Watched is the table whose rows change when health does, and GroupOf the target group that a key of it is about.
	Watched() state.AnyTable
	GroupOf(key string) string
}

// Zones tells where subnets are.
type Zones interface {
	Zone(tx *state.Tx, subnetID string) (availabilityZone string, ok bool)
}

// Facts takes what EventBridge is told. event.Outbox does.
type Facts interface {
	Emit(tx *state.Tx, f event.Fact)
}

// Scheduler carries plans out. Targets may be nil where there are no load balancers.
type Scheduler struct {
	Tables    *Tables
	TaskTable *state.Table[task.Task] // by ARN
	Tasks     Tasks
	Targets   Targets
	Zones     Zones
	Facts     Facts
	Clock     clock.Clock
}

// Step plans for one service and applies the plan. It returns when the service wants to be looked at again without anything having
// changed; zero for never.
func (s *Scheduler) Step(ctx context.Context, store *state.Store, serviceARN string) (time.Time, error) {
	in, ok := s.input(store.View(), serviceARN)
	if !ok {
		return time.Time{}, nil
	}
	if wake, idle := onlyWake(Plan(in)); idle {
		return wake, nil
	}
	var wake time.Time
	err := store.Update(ctx, func(tx *state.Tx) error {
		in, ok := s.input(tx, serviceARN)
		if !ok {
			return nil
		}
		var err error
		wake, err = s.apply(tx, in, Plan(in))
		return err
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("service %s: %w", serviceARN, err)
	}
	return wake, nil
}

// onlyWake is whether changes write nothing, and when to look again.
func onlyWake(changes []Change) (time.Time, bool) {
	var wake time.Time
	for _, c := range changes {
		w, ok := c.(WakeAt)
		if !ok {
			return time.Time{}, false
		}
		wake = w.At
	}
	return wake, true
}

// errGone is what applying a plan to a service that vanished in the same transaction would be: a programming error.
var errGone = errors.New("deploy: service vanished while it was being planned")
