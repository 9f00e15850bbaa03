package task

import (
	"context"
	"errors"
	"reflect"
	"time"
)

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
