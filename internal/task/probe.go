package task

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// prober runs health checks. Verdicts are observations like the engine's events: they live in memory, and only a change of one is
// told, so that steady containers cost their checks and nothing else. After a restart of the process a container keeps the health
// its row has until it is probed again.
// AWS: "Determine Amazon ECS task health using container health checks".
type prober struct {
	engine  Engine
	changed func(taskARN string)
	lane    *lane
	wake    chan struct{}

	mu     sync.Mutex
	probes map[string]*probe   // by container id
	tasks  map[string][]string // container ids by task ARN
	alarms alarms
}

// probe is the health check of one running container.
type probe struct {
	id, taskARN string
	check       HealthCheck
	since       time.Time // when the container started
	verdict     Health
	failures    int
	proven      bool // it has been healthy: failures count even within the start period
	busy        bool
	cancel      context.CancelFunc
}

func newProber(e Engine, parallel int, changed func(taskARN string)) *prober {
	return &prober{engine: e, changed: changed, lane: newLane(parallel), wake: make(chan struct{}, 1), probes: map[string]*probe{}, tasks: map[string][]string{}}
}

func (c HealthCheck) interval() time.Duration { return seconds(orDefault(c.Interval, 30)) }
func (c HealthCheck) timeout() time.Duration  { return seconds(orDefault(c.Timeout, 5)) }
func (c HealthCheck) retries() int            { return orDefault(c.Retries, 3) }

func orDefault(v, otherwise int) int {
	if v == 0 {
		return otherwise
	}
	return v
}

// command is what to run inside the container.
func (c HealthCheck) command() []string {
	switch c.Command[0] {
	case "CMD":
		return c.Command[1:]
	case "CMD-SHELL":
		return append([]string{"/bin/sh", "-c"}, c.Command[1:]...)
	}
	return append([]string{"/bin/sh", "-c"}, c.Command...)
}

// watch begins to probe a container, once.
func (p *prober) watch(id, taskARN string, check HealthCheck, since time.Time, verdict Health, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.probes[id]; ok {
		return
	}
	p.probes[id] = &probe{id: id, taskARN: taskARN, check: check, since: since, verdict: verdict, proven: verdict == Healthy}
	p.tasks[taskARN] = append(p.tasks[taskARN], id)
	first := since.Add(check.interval())
	if first.Before(now) {
		first = now
	}
	p.alarms.set(id, first)
	p.signal()
}

// forget ends the probing of a container.
func (p *prober) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(id)
}

// forgetTask ends the probing of all containers of a task.
func (p *prober) forgetTask(taskARN string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range slices.Clone(p.tasks[taskARN]) {
		p.drop(id)
	}
}

func (p *prober) drop(id string) {
	x, ok := p.probes[id]
	if !ok {
		return
	}
	if x.cancel != nil {
		x.cancel()
	}
	delete(p.probes, id)
	p.alarms.set(id, time.Time{})
	ids := slices.DeleteFunc(p.tasks[x.taskARN], func(other string) bool { return other == id })
	if p.tasks[x.taskARN] = ids; len(ids) == 0 {
		delete(p.tasks, x.taskARN)
	}
}

// health is the newest verdict.
func (p *prober) health(id string) (Health, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	x, ok := p.probes[id]
	if !ok {
		return "", false
	}
	return x.verdict, true
}

func (p *prober) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Run probes until ctx is done.
func (p *prober) Run(ctx context.Context) error {
	defer p.lane.wait()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		p.mu.Lock()
		for _, id := range p.alarms.due(time.Now()) {
			if x := p.probes[id]; x != nil && !x.busy {
				x.busy = true
				p.lane.submit(func() { p.probe(ctx, x) })
			}
		}
		pause := time.Hour
		if at, ok := p.alarms.next(); ok {
			pause = time.Until(at)
		}
		p.mu.Unlock()
		timer.Reset(pause)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		case <-p.wake:
		}
	}
}

func (p *prober) probe(ctx context.Context, x *probe) {
	ctx, cancel := context.WithTimeout(ctx, x.check.timeout())
	defer cancel()
	p.mu.Lock()
	x.cancel = cancel
	p.mu.Unlock()

	code, _, err := p.engine.Exec(ctx, x.id, ExecSpec{Command: x.check.command()})
	if errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	now := time.Now()

	p.mu.Lock()
	x.busy, x.cancel = false, nil
	told := p.probes[x.id] == x && !errors.Is(err, ErrNotRunning) && x.judge(err == nil && code == 0, now)
	if p.probes[x.id] == x {
		p.alarms.set(x.id, now.Add(x.check.interval()))
		p.signal()
	}
	p.mu.Unlock()
	if told {
		p.changed(x.taskARN)
	}
}

// judge counts one result and tells whether the verdict changed.
func (x *probe) judge(passed bool, now time.Time) bool {
	before := x.verdict
	switch {
	case passed:
		x.failures, x.proven, x.verdict = 0, true, Healthy
	case !x.proven && now.Before(x.since.Add(seconds(x.check.StartPeriod))):
	default:
		if x.failures++; x.failures >= x.check.retries() {
			x.verdict = Unhealthy
		}
	}
	return x.verdict != before
}
