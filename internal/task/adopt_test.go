package task_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/internal/task"
)

func TestAdoption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.serve()
		running := w.run(definition(container("app")))
		crashed := w.run(definition(container("app")))
		lost := w.run(definition(container("app")))
		stopping := w.run(definition(container("app")))
		w.pass(time.Second)
		starts := w.engine.Counts().Starts
		w.halt()

		orphan := task.Sandbox{TaskID: "0123456789abcdef0123456789abcdef"}
		for _, err := range []error{
			w.engine.CreateTask(context.Background(), orphan),
			w.engine.CreateContainer(context.Background(), task.ContainerSpec{ID: "orphan", TaskID: orphan.TaskID}),
			w.engine.StartContainer(context.Background(), "orphan"),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		w.engine.Exit(w.container(crashed, "app").ID, 9)
		w.engine.Lose(w.container(lost, "app").ID)
		w.stopTask(stopping)
		w.pass(time.Minute)

		w.serve()
		w.pass(time.Second)
		w.want(running, task.Running)
		w.wantStopped(crashed, task.EssentialContainerExited, "Essential container in task exited")
		if c := w.container(crashed, "app"); *c.ExitCode != 9 || time.Since(c.FinishedAt) < time.Minute {
			t.Errorf("crashed: exit code %d at %v", *c.ExitCode, c.FinishedAt)
		}
		w.wantStopped(lost, task.EssentialContainerExited, "Essential container in task exited")
		w.wantStopped(stopping, task.UserInitiated, "Task stopped by user")
		list, err := w.engine.List(context.Background())
		if err != nil || len(list) != 1 || list[0].TaskID != w.task(running).ID {
			t.Errorf("left on the machine: %v %v", list, err)
		}
		if got := w.engine.Counts().Starts; got != starts+1 { // the orphan
			t.Errorf("%d containers were started, want %d: nothing twice", got, starts+1)
		}
	})
}

// TestReset: rows that vanish take their containers with them.
func TestReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.serve()
		for range 3 {
			w.run(definition(container("app")))
		}
		w.pass(time.Second)
		if err := w.store.Clear(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		w.wantClean()
	})
}

// TestOrphanThatStays: what belongs to no task is removed, however often that fails, and in longer and longer intervals.
func TestOrphanThatStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for _, err := range []error{
			w.engine.CreateTask(context.Background(), task.Sandbox{TaskID: "0123456789abcdef0123456789abcdef"}),
			w.engine.CreateTask(context.Background(), task.Sandbox{TaskID: "fedcba9876543210fedcba9876543210"}),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		var tries atomic.Int64
		w.engine.Fail(func(call string) error {
			if call == "RemoveTask" {
				tries.Add(1)
				return errors.New("device or resource busy")
			}
			return nil
		})
		w.serve()
		w.pass(10 * time.Minute)
		if n := tries.Load(); n < 40 || n > 60 {
			t.Errorf("%d tries in ten minutes to remove two tasks", n)
		}
		w.engine.Fail(nil)
		w.pass(time.Minute)
		w.wantClean()

		arn := w.run(definition(container("app"))) // its row vanishes
		w.pass(time.Second)
		w.want(arn, task.Running)
		w.engine.Fail(func(call string) error {
			if call == "RemoveTask" {
				return errors.New("device or resource busy")
			}
			return nil
		})
		if err := w.store.Clear(context.Background()); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Minute)
		w.engine.Fail(nil)
		w.pass(time.Minute)
		w.wantClean()
	})
}

// TestPullGoesTheTasksWay: images come by the task's own interface.
func TestPullGoesTheTasksWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.serve()
		arn := w.run(definition(container("app")))
		w.pass(time.Second)
		got := w.engine.LastPull()
		if want := "/run/netns/" + w.want(arn, task.Running).Attachment.InterfaceID; got.NetNS != want || got.Ref != "app:1" {
			t.Errorf("%+v, want %s", got, want)
		}
	})
}
