package task_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/task"
	"github.com/neargate/neargate/internal/task/simulated"
)

func TestRunsAndStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.engine.Behave("app:1", simulated.Behaviour{PullTime: 2 * time.Second, StartTime: time.Second, StopTime: 4 * time.Second})
		w.serve()
		begin := time.Now()
		arn := w.run(definition(container("app")))
		w.pass(time.Second)
		if x := w.want(arn, task.Pending); x.Attachment.Status != task.AttachmentAttached || x.Connectivity != "CONNECTED" || x.PullStartedAt.IsZero() {
			t.Errorf("while pulling: %+v", x)
		}
		w.pass(5 * time.Second)
		x := w.want(arn, task.Running)
		if got := x.StartedAt.Sub(begin); got < 3*time.Second || got > 4*time.Second {
			t.Errorf("started after %v, want 3 s", got)
		}
		if c := x.Containers[0]; c.Status != task.Running || !strings.HasPrefix(c.Digest, "sha256:") || !strings.HasPrefix(c.RuntimeID, x.ID+"-") {
			t.Errorf("container %+v", c)
		}
		w.stopTask(arn)
		w.pass(time.Second)
		if x := w.want(arn, task.Stopping); x.StoppingAt.IsZero() {
			t.Error("no stoppingAt")
		}
		w.pass(5 * time.Second)
		x = w.wantStopped(arn, task.UserInitiated, "Task stopped by user")
		if x.ExecutionStoppedAt.IsZero() || x.StoppedAt.IsZero() || x.Attachment.Status != task.AttachmentDeleted {
			t.Errorf("stopped: %+v", x)
		}
		if c := x.Containers[0]; c.ExitCode == nil || *c.ExitCode != 143 {
			t.Errorf("exit code %v, want 143", c.ExitCode)
		}
		w.wantClean()
		want := []string{"PROVISIONING", "PENDING", "RUNNING", "STOPPING", "DEPROVISIONING", "STOPPED"}
		if got := w.statuses(); !slices.Equal(got, want) {
			t.Errorf("told of %v, want %v", got, want)
		}
		w.pass(time.Hour)
		if w.tables.Tasks.Len(w.store.View()) != 0 || w.tables.Definitions.Len(w.store.View()) != 0 {
			t.Error("the stopped task is still told of after an hour")
		}
	})
}

func TestEssentialContainer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.serve()
		arn := w.run(definition(container("app", "after", "10s", ",", "exit", "3"), sidecar("log"), sidecar("once", "exit", "0")))
		w.pass(5 * time.Second)
		w.want(arn, task.Running)
		if c := w.container(arn, "once"); c.Status != task.Stopped || *c.ExitCode != 0 {
			t.Errorf("non-essential container %+v", c)
		}
		w.pass(10 * time.Second)
		w.wantStopped(arn, task.EssentialContainerExited, "Essential container in task exited")
		if c := w.container(arn, "app"); *c.ExitCode != 3 {
			t.Errorf("exit code %d, want 3", *c.ExitCode)
		}
		if c := w.container(arn, "log"); *c.ExitCode != 143 {
			t.Errorf("the other container's exit code %d, want 143", *c.ExitCode)
		}
		w.wantClean()
	})
}

func TestOutOfMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.serve()
		app := container("app", "alloc", "600")
		app.Memory = 128
		arn := w.run(definition(app))
		w.pass(time.Minute)
		w.wantStopped(arn, task.EssentialContainerExited, "Essential container in task exited")
		if c := w.container(arn, "app"); *c.ExitCode != 137 || c.Reason != "OutOfMemoryError: Container killed due to memory usage" {
			t.Errorf("container %d %q", *c.ExitCode, c.Reason)
		}
	})
}

func TestFailuresToStart(t *testing.T) {
	pull := &task.PullError{Ref: "app:1", Reason: "pull image manifest has been retried 1 time(s): failed to resolve ref docker.io/library/app:1: not found"}
	flaky := &task.PullError{Ref: "app:1", Reason: "ref pull has been retried 5 time(s): timeout", Retry: true}
	nogroup := awserr.New("ResourceNotFoundException", 400, "The specified log group does not exist.")
	start := &task.StartError{Container: "app", Reason: "ResourceInitializationError: failed to create new container runtime task: exec: \"/nope\": no such file"}
	for _, c := range []struct {
		name, reason string
		change       func(*world)
	}{
		{"no image", "CannotPullContainerError: " + pull.Reason, func(w *world) { w.engine.Behave("app:1", simulated.Behaviour{PullError: pull}) }},
		{"registry down", "CannotPullContainerError: " + flaky.Reason, func(w *world) { w.engine.Behave("app:1", simulated.Behaviour{PullError: flaky}) }},
		{"no executable", "CannotStartContainerError: " + start.Reason, func(w *world) { w.engine.Behave("app:1", simulated.Behaviour{StartError: start}) }},
		{"no log group", "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. : exit status 1", func(w *world) { w.logs = nogroup }},
		{"logs down", "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: disk full : exit status 1", func(w *world) { w.logs = errors.New("disk full") }},
		{"subnet full", "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment disabled in subnet 'subnet-1': InsufficientFreeAddressesInSubnet", func(w *world) { w.network.full = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				c.change(w)
				w.serve()
				app := container("app")
				app.Log = &task.LogConfiguration{Driver: "awslogs", Options: map[string]string{"awslogs-group": "/web"}}
				arn := w.run(definition(app))
				w.pass(time.Minute)
				x := w.wantStopped(arn, task.TaskFailedToStart, c.reason)
				if !x.StartedAt.IsZero() {
					t.Error("it has a startedAt")
				}
				w.wantClean()
			})
		})
	}
}

func TestStopTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.engine.Behave("app:1", simulated.Behaviour{IgnoresTerm: true})
		w.serve()
		app := container("app")
		app.StopTimeout = 7
		arn := w.run(definition(app))
		other := definition(container("app"))
		other.ARN += "0"
		plain := w.run(other)
		w.pass(time.Second)
		w.stopTask(arn)
		w.stopTask(plain)
		w.pass(6 * time.Second)
		w.want(arn, task.Stopping)
		w.pass(2 * time.Second)
		w.wantStopped(arn, task.UserInitiated, "Task stopped by user")
		if c := w.container(arn, "app"); *c.ExitCode != 137 {
			t.Errorf("exit code %d, want 137", *c.ExitCode)
		}
		w.pass(21 * time.Second)
		w.want(plain, task.Stopping)
		w.pass(2 * time.Second)
		w.want(plain, task.Stopped)
	})
}

func TestStopWhilePulling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.engine.Behave("app:1", simulated.Behaviour{PullTime: time.Hour})
		w.serve()
		arn := w.run(definition(container("app")))
		w.pass(time.Second)
		w.want(arn, task.Pending)
		w.stopTask(arn)
		w.pass(time.Second)
		w.wantStopped(arn, task.UserInitiated, "Task stopped by user")
		w.wantClean()
	})
}

func TestStopBeforeAnything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		arn := w.run(definition(container("app")))
		w.stopTask(arn)
		w.serve()
		w.pass(time.Second)
		w.wantStopped(arn, task.UserInitiated, "Task stopped by user")
		if n := w.engine.Counts(); n.Pulls+n.Sandboxes > 0 {
			t.Errorf("something was done for it: %+v", n)
		}
	})
}

func TestTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.serve()
		arn := w.run(definition(container("app")), func(s *task.RunSpec) {
			s.Targets = []task.Target{{TargetGroupARN: "tg", ContainerName: "app", ContainerPort: 80}}
		})
		w.pass(time.Second)
		w.want(arn, task.Running)
		if !w.attached(arn) {
			t.Error("targets are not registered")
		}
		w.stopTask(arn)
		w.pass(time.Minute)
		w.want(arn, task.Deactivating)
		if w.attached(arn) || w.container(arn, "app").Status != task.Running {
			t.Error("a draining task must be deregistered and go on running")
		}
		w.traffic.drain(arn)
		w.pass(2 * time.Second)
		w.want(arn, task.Stopped)
		want := []string{"PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"}
		if got := w.statuses(); !slices.Equal(got, want) {
			t.Errorf("told of %v, want %v", got, want)
		}
	})
}

func TestRefusedTargetFailsToStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		gone := awserr.New("TargetGroupNotFound", 400, "Target groups 'tg' not found")
		w.traffic.refused = &task.TargetError{TargetGroupARN: "tg", Err: gone}
		w.serve()
		arn := w.run(definition(container("app")), func(s *task.RunSpec) {
			s.Targets = []task.Target{{TargetGroupARN: "tg", ContainerName: "app", ContainerPort: 80}}
		})
		w.pass(5 * time.Second)
		w.want(arn, task.Activating)
		w.pass(2 * time.Minute)
		w.wantStopped(arn, task.TaskFailedToStart, "failed to register targets in (target-group tg) with (error Target groups 'tg' not found)")
	})
}

func TestCrashedTargetDoesNotDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.serve()
		arn := w.run(definition(container("app", "after", "5s", ",", "exit", "1")), func(s *task.RunSpec) {
			s.Targets = []task.Target{{TargetGroupARN: "tg", ContainerName: "app", ContainerPort: 80}}
		})
		w.pass(10 * time.Second)
		w.wantStopped(arn, task.EssentialContainerExited, "Essential container in task exited")
		if w.attached(arn) {
			t.Error("its targets are still registered")
		}
	})
}
