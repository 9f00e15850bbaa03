package task_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
	"github.com/neargate/neargate/internal/task/simulated"
)

// TestCrashAnywhere kills the control plane at random actions, before an engine call or before a write became durable, many times
// in the life of a few tasks, and looks at what must hold at every moment and in the end.
func TestCrashAnywhere(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { crashes(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func crashes(t *testing.T, r *rand.Rand) {
	w := newWorld(t)
	w.engine.Behave("app:1", simulated.Behaviour{StartTime: 100 * time.Millisecond, StopTime: 300 * time.Millisecond})
	w.engine.Behave("db:1", simulated.Behaviour{PullTime: 200 * time.Millisecond})
	power := &power{left: r.IntN(12)}
	cut := func(string) error { return power.use() }
	w.engine.Fail(cut)
	w.disk.fault = power.use

	oneshot := definition(container("once", "after", "700ms", ",", "exit", "5"))
	oneshot.ARN += "1"
	service := definition(needs(container("app"), "db", task.ConditionStart), sidecar("db"))
	target := func(s *task.RunSpec) {
		s.Targets = []task.Target{{TargetGroupARN: "tg", ContainerName: "app", ContainerPort: 80}}
	}

	stays, goes, short := w.run0(power, service, target), w.run0(power, service, target), w.run0(power, oneshot)
	early := w.run0(power, service)
	history := map[string]task.State{}
	for life := range 25 {
		power.on(r.IntN(14))
		w.serve()
		w.pass(time.Duration(r.IntN(1500)) * time.Millisecond)
		w.kill()
		for _, arn := range []string{stays, goes, short, early} {
			now := w.task(arn).Status
			if last, ok := history[arn]; ok && now.Before(last) {
				t.Fatalf("life %d: task went back from %s to %s", life, last, now)
			}
			history[arn] = now
		}
		power.on(1 << 30)
		w.wantOneEach()
		if life == 2 {
			w.stopTask(early)
		}
		if life == 12 {
			w.stopTask(goes)
			w.traffic.drain(goes)
		}
	}
	power.on(1 << 30)
	w.serve()
	w.pass(time.Minute)
	w.want(stays, task.Running)
	w.wantStopped(goes, task.UserInitiated, "Task stopped by user")
	w.wantStopped(early, task.UserInitiated, "Task stopped by user")
	x := w.wantStopped(short, task.EssentialContainerExited, "Essential container in task exited")
	if c := x.Containers[0]; c.ExitCode == nil || *c.ExitCode != 5 {
		t.Errorf("exit code %v, want 5", c.ExitCode)
	}
	if n := w.network.interfaces.Len(w.store.View()); n != 1 {
		t.Errorf("%d interfaces, want the one of the task that stays", n)
	}
	list, err := w.engine.List(context.Background())
	if err != nil || len(list) != 2 {
		t.Errorf("left on the machine: %v %v", list, err)
	}
	for _, s := range list {
		if s.TaskID != w.task(stays).ID || s.Status != task.StatusRunning {
			t.Errorf("left on the machine: %+v", s)
		}
	}
	if !w.attached(stays) || w.attached(goes) {
		t.Error("the wrong tasks' targets are registered")
	}
}

// wantOneEach: no container of a definition runs twice in a task.
func (w *world) wantOneEach() {
	w.t.Helper()
	list, err := w.engine.List(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, s := range list {
		key := s.TaskID + "/" + s.Name
		if s.ID != "" && seen[key] {
			w.t.Errorf("container %s twice", key)
		}
		seen[key] = true
	}
}

// kill ends the loop however it is.
func (w *world) kill() {
	w.stop()
	<-w.stopped
	w.stop = nil
}

// run0 runs a task while the power is surely on.
func (w *world) run0(p *power, d *task.Definition, change ...func(*task.RunSpec)) string {
	p.on(1 << 30)
	return w.run(d, change...)
}

// power goes out after a number of actions.
type power struct {
	mu   sync.Mutex
	left int
}

var errOut = errors.New("the power is out")

func (p *power) use() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left <= 0 {
		return errOut
	}
	p.left--
	return nil
}

func (p *power) on(actions int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = actions
}

var _ state.Journal = (*disk)(nil)
