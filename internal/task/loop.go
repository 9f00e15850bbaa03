package task

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/state"
)

// Config is what a Loop works with.
type Config struct {
	Store     *state.Store
	Lifecycle *Lifecycle
	Engine    Engine
	Network   Network
	Traffic   Traffic // may be nil where no task has targets
	Logs      Logs    // may be nil: streams are then not opened before containers start
	// Draining are the tables whose changes may move Traffic.Detached.
	Draining []state.AnyTable
	Log      *slog.Logger
	// Parallel is how many containers are started at a time, and how many stopped; 0 means twice the cores, beyond which a machine
	// only gets slower.
	Parallel int
}

// Loop takes every task of the table one step further whenever something about it changed, until it is where its wish wants it.
// It works on many tasks at once and never on one twice. What it remembers beside the table it can find out again: a Loop that
// dies is replaced by a new one that adopts what runs.
type Loop struct {
	Config
	life *Lifecycle
	road []step

	rows, network, pulls, starts, stops *lane
	prober                              *prober
	sandboxes                           set // tasks the engine knows something of

	writing context.Context // of the transactions a running Loop makes

	ready chan struct{} // a token while pending is not empty

	mu      sync.Mutex
	pending []string                    // tasks to be looked at, in order
	queued  map[string]bool             // those in pending
	working map[string]*work            // tasks in a lane
	seen    map[string][]ContainerState // by task id: the engine's last words
	byID    map[string]string           // task id → ARN
	alarms  alarms                      // by ARN; touched by Run's goroutine alone
}

// work is the step a task is in.
type work struct {
	step   *step
	cancel context.CancelFunc
}

// NewLoop makes a loop that Run starts.
func NewLoop(c Config) *Loop {
	if c.Parallel <= 0 {
		c.Parallel = 2 * runtime.GOMAXPROCS(0)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	l := &Loop{
		Config: c, life: c.Lifecycle,
		rows:    newLane(64), // they wait for the journal, which commits them together
		network: newLane(c.Parallel),
		pulls:   newLane(4 * c.Parallel),
		starts:  newLane(c.Parallel),
		stops:   newLane(c.Parallel),
		ready:   make(chan struct{}, 1),
		queued:  map[string]bool{},
		working: map[string]*work{},
		seen:    map[string][]ContainerState{},
		byID:    map[string]string{},
	}
	l.prober = newProber(c.Engine, 8*c.Parallel, func(arn string) { l.Wake(arn) })
	l.road = l.steps()
	return l
}

// Run adopts what the engine runs, then works until ctx is done. It returns when the steps under way have ended; containers go on.
func (l *Loop) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	l.writing = context.WithoutCancel(ctx) // what was learnt is kept, also when asked to end
	group.Go(func() error { return l.prober.Run(ctx) })
	group.Go(func() error { return l.run(ctx) })
	err := group.Wait()
	for _, lane := range []*lane{l.rows, l.network, l.pulls, l.starts, l.stops} {
		lane.wait()
	}
	return err
}

func (l *Loop) run(ctx context.Context) error {
	tasks := l.Store.Watch(l.life.tables.Tasks)
	defer tasks.Close()
	draining := l.Store.Watch(l.Draining...)
	defer draining.Close()

	events, err := l.adopt(ctx)
	if err != nil {
		return err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tasks.Ready():
			changes, err := tasks.Take()
			if err != nil {
				return err
			}
			for _, c := range changes {
				l.Wake(c.Key)
			}
		case <-draining.Ready():
			if _, err := draining.Take(); err != nil {
				return err
			}
			for t := range l.life.tables.Tasks.By(l.Store.View(), ByStatus, string(Deactivating)) {
				l.Wake(t.ARN)
			}
		case e, ok := <-events:
			if !ok {
				if events, err = l.adopt(ctx); err != nil {
					return err
				}
				continue
			}
			l.witness(e)
		case <-timer.C:
		case <-l.ready:
		}
		now := l.life.now()
		for _, arn := range l.alarms.due(now) {
			l.Wake(arn)
		}
		for _, arn := range l.take() {
			l.look(ctx, arn)
		}
		if at, ok := l.alarms.next(); ok {
			timer.Reset(time.Until(at))
		}
	}
}

// Wake has a task looked at. It is only needed for changes outside the watched tables.
func (l *Loop) Wake(taskARN string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.enqueue(taskARN)
}

func (l *Loop) enqueue(arn string) {
	if l.queued[arn] {
		return
	}
	l.queued[arn] = true
	l.pending = append(l.pending, arn)
	select {
	case l.ready <- struct{}{}:
	default:
	}
}

func (l *Loop) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	arns := l.pending
	l.pending = nil
	clear(l.queued)
	return arns
}

// witness takes an engine's event.
func (l *Loop) witness(e ContainerState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	arn, ok := l.byID[e.TaskID]
	if !ok || e.ID == "" {
		return // not a task of the table, or an orphan on its way out
	}
	if l.note(e) {
		l.enqueue(arn)
	}
}

// note keeps a container's state and tells whether it is news. An end is final: older events may be repeated after it.
func (l *Loop) note(e ContainerState) bool {
	states := l.seen[e.TaskID]
	for i := range states {
		if states[i].ID == e.ID {
			if states[i].Status == StatusStopped {
				return false
			}
			states[i] = e
			return true
		}
	}
	l.seen[e.TaskID] = append(states, e)
	return true
}

func (l *Loop) state(taskID, containerID string) (ContainerState, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.seen[taskID] {
		if s.ID == containerID {
			return s, true
		}
	}
	return ContainerState{}, false
}

func (l *Loop) health(id string) (Health, bool) { return l.prober.health(id) }

// look finds the step a task is due for and sends it on its way.
func (l *Loop) look(ctx context.Context, arn string) {
	tx := l.Store.View()
	t, ok := l.life.tables.Tasks.Get(tx, arn)
	if l.interrupt(arn, t) {
		return
	}
	if !ok {
		l.bury(ctx, arn)
		return
	}
	def, ok := l.life.tables.Definition(tx, t)
	if !ok {
		l.Log.Error("task without definition", "task", t.ID, "definition", t.DefinitionARN)
		return
	}
	v := &view{observed: l, now: l.life.now(), tx: tx, task: t, def: def, traffic: l.Traffic}
	l.remember(v)
	for i := range l.road {
		if s := &l.road[i]; !s.held(t, v.now) && s.due(v) {
			l.alarms.set(arn, time.Time{})
			l.send(ctx, s, v)
			return
		}
	}
	l.alarms.set(arn, v.wakeAt())
}

// interrupt tells whether the task is in a lane; if it is to stop and its step can be interrupted, it is.
func (l *Loop) interrupt(arn string, t *Task) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	w, busy := l.working[arn]
	if !busy {
		return false
	}
	if w.step.interruptible && (t == nil || t.Desired == Stopped) {
		w.cancel()
	}
	return true
}

// remember keeps what is held beside the row in step with it.
func (l *Loop) remember(v *view) {
	t := v.task
	l.mu.Lock()
	if l.byID[t.ID] == "" {
		l.byID[t.ID] = t.ARN
	}
	if t.Status == Stopped {
		delete(l.seen, t.ID)
	}
	l.mu.Unlock()
	for i := range t.Containers {
		c := &t.Containers[i]
		cd, ok := v.def.container(c.Name)
		if !ok || !cd.HealthCheck.enabled() {
			continue
		}
		if t.Desired == Running && c.Status == Running && !c.Restarting {
			l.prober.watch(c.ID, t.ARN, *cd.HealthCheck, c.StartedAt, c.Health, v.now)
		} else {
			l.prober.forget(c.ID)
		}
		if c.RestartCount > 0 {
			l.prober.forget(containerID(t.ID, c.Name, c.RestartCount-1))
		}
	}
}

func (l *Loop) send(ctx context.Context, s *step, v *view) {
	v.tx = nil // a queue of views would hold as many versions of the state
	ctx, cancel := context.WithCancel(ctx)
	l.mu.Lock()
	l.working[v.task.ARN] = &work{step: s, cancel: cancel}
	l.mu.Unlock()
	s.lane.submit(func() {
		defer cancel()
		l.step(ctx, s, v)
		l.mu.Lock()
		delete(l.working, v.task.ARN)
		l.enqueue(v.task.ARN)
		l.mu.Unlock()
	})
}

// step acts and writes down.
func (l *Loop) step(ctx context.Context, s *step, v *view) {
	var learnt change
	var failed error
	if s.do != nil && ctx.Err() == nil {
		learnt, failed = s.do(ctx, v)
	}
	if ctx.Err() != nil { // interrupted, which is no failure
		if failed = nil; learnt == nil {
			return
		}
	}
	l.report(s, v, failed)
	err := l.settle(s, v, learnt, failed)
	if refused := (*changeError)(nil); errors.As(err, &refused) {
		l.report(s, v, refused.err)
		err = l.settle(s, v, nil, refused.err)
	}
	if err != nil {
		l.Log.Error("task step not written", "task", v.task.ID, "step", s.name, "err", err)
		select { // a store that refuses writes is not asked again at once
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (l *Loop) report(s *step, v *view, err error) {
	if err != nil {
		l.Log.Warn("task step failed", "task", v.task.ID, "step", s.name, "err", err)
	}
}

// wakeAt is when time alone will make a step due, zero if never.
func (v *view) wakeAt() time.Time {
	t := v.task
	var at time.Time
	sooner := func(x time.Time) {
		if x.After(v.now) && (at.IsZero() || x.Before(at)) {
			at = x
		}
	}
	sooner(t.Retry.At)
	switch t.Status {
	case Pending:
		for i := range v.def.Containers {
			for _, dep := range v.def.Containers[i].dependencies() {
				if on, ok := t.Container(dep.Container); ok {
					sooner(startDeadline(v.def, on, dep))
				}
			}
		}
	case Deactivating:
		sooner(v.now.Add(time.Second)) // draining that ends by time alone changes no row
	case Stopping:
		for i := range t.Containers {
			if c := &t.Containers[i]; c.Status == Running {
				sooner(c.KillAt)
			}
		}
	case Stopped:
		sooner(t.StoppedAt.Add(keepStopped))
	}
	return at
}

// same tells whether two rows say the same.
func same(a, b *Task) bool { return reflect.DeepEqual(a, b) }

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
