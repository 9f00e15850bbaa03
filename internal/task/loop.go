package task

import (
	"context"
	"log/slog"
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

	ready chan struct{} // a token while pending is not empty, or a chore has got its time

	mu      sync.Mutex
	pending []string                    // tasks to be looked at, in order
	queued  map[string]bool             // those in pending
	working map[string]*work            // tasks in a lane
	seen    map[string][]ContainerState // by task id: the engine's last words
	byID    map[string]string           // task id → ARN
	chores  map[string]*chore
	alarms  alarms // by ARN; touched by Run's goroutine alone
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
		chores:  map[string]*chore{},
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
		next := l.doChores(ctx, now)
		if at, ok := l.alarms.next(); ok && (next.IsZero() || at.Before(next)) {
			next = at
		}
		if !next.IsZero() {
			timer.Reset(time.Until(next))
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
	l.poke()
}

// poke has Run look around.
func (l *Loop) poke() {
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
