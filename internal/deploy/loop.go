package deploy

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/state"
)

// Loop wakes the scheduler for services that something happened to, and for none else.
type Loop struct {
	Scheduler *Scheduler
	Store     *state.Store
	Log       *slog.Logger
}

// abreast is how many services are planned at once: their writes share the journal's commits.
const abreast = 16

// Run works until ctx is done.
func (l *Loop) Run(ctx context.Context) error {
	s := l.Scheduler
	watched := []state.AnyTable{s.Tables.Services, s.Tables.Deployments, s.Tables.Placements, s.TaskTable}
	if s.Targets != nil {
		watched = append(watched, s.Targets.Watched())
	}
	watch := l.Store.Watch(watched...)
	defer watch.Close()

	wakes := newWakes()
	dirty := newSet()
	for service := range s.Tables.Services.All(l.Store.View(), "") {
		dirty.add(service.ARN)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if err := l.step(ctx, dirty, wakes); err != nil {
			return err
		}
		if at, ok := wakes.first(); ok {
			timer.Reset(time.Until(at))
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-watch.Ready():
			changes, err := watch.Take()
			if err != nil {
				return err
			}
			view := l.Store.View()
			for _, c := range changes {
				l.mark(view, c, dirty)
			}
		case <-timer.C:
		}
		wakes.due(s.Clock.Now(), dirty.add)
	}
}

// step plans for every service in dirty and empties it.
func (l *Loop) step(ctx context.Context, dirty *set, wakes *wakes) error {
	var mu sync.Mutex // guards wakes
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(abreast)
	for _, arn := range dirty.take() {
		group.Go(func() error {
			at, err := l.Scheduler.Step(ctx, l.Store, arn)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if errors.Is(err, state.ErrClosed) {
				return err
			}
			if err != nil {
				l.Log.Error("service not scheduled", "service", arn, "error", err)
				at = l.Scheduler.Clock.Now().Add(NewTiming(l.Scheduler.Clock).Pace)
			}
			mu.Lock()
			defer mu.Unlock()
			wakes.set(arn, at)
			return nil
		})
	}
	return group.Wait()
}

// mark adds the services a change is about.
func (l *Loop) mark(tx *state.Tx, c state.Change, dirty *set) {
	s := l.Scheduler
	switch c.Table {
	case s.Tables.Services.Name():
		dirty.add(c.Key)
	case s.Tables.Deployments.Name(), s.Tables.Placements.Name():
		dirty.add(serviceOf(c.Key))
	case s.TaskTable.Name():
		if t, ok := s.TaskTable.Get(tx, c.Key); ok && t.ServiceARN != "" {
			dirty.add(t.ServiceARN)
		}
	default:
		for d := range s.Tables.Deployments.By(tx, byTargetGroup, s.Targets.GroupOf(c.Key)) {
			dirty.add(d.ServiceARN)
		}
	}
}

// set is a set of services in the order in which they came.
type set struct {
	list []string
	in   map[string]struct{}
}

func newSet() *set { return &set{in: map[string]struct{}{}} }

func (s *set) add(arn string) {
	if _, ok := s.in[arn]; !ok {
		s.in[arn] = struct{}{}
		s.list = append(s.list, arn)
	}
}

func (s *set) take() []string {
	list := s.list
	s.list = nil
	clear(s.in)
	return list
}
