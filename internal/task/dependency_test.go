package task_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/internal/task"
	"github.com/neargate/neargate/internal/task/simulated"
)

func TestDependsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.engine.Behave("db:1", simulated.Behaviour{Healthy: func(up time.Duration) bool { return up > 25*time.Second }})
		w.serve()
		db := sidecar("db")
		db.HealthCheck = &task.HealthCheck{Command: []string{"CMD-SHELL", "pg_isready"}, Interval: 10}
		app := needs(needs(needs(container("app"), "db", task.ConditionHealthy), "migrate", task.ConditionSuccess), "proxy", task.ConditionStart)
		migrate := needs(sidecar("migrate", "after", "5s", ",", "exit", "0"), "db", task.ConditionStart)
		arn := w.run(definition(app, sidecar("proxy"), migrate, db))

		w.pass(3 * time.Second)
		for name, want := range map[string]task.State{"db": task.Running, "migrate": task.Running, "proxy": task.Running, "app": task.Pending} {
			if c := w.container(arn, name); c.Status != want {
				t.Errorf("%s is %s, want %s", name, c.Status, want)
			}
		}
		w.pass(17 * time.Second)
		w.want(arn, task.Pending)
		if c := w.container(arn, "db"); c.Health != task.Unknown {
			t.Errorf("db is %s, want UNKNOWN", c.Health)
		}
		w.pass(15 * time.Second)
		w.want(arn, task.Running)
		if c := w.container(arn, "app"); c.Status != task.Running {
			t.Errorf("app is %s", c.Status)
		}
	})
}

func TestStopsInReverseOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.engine.Behave("app:1", simulated.Behaviour{StopTime: 5 * time.Second})
		w.engine.Behave("proxy:1", simulated.Behaviour{StopTime: 5 * time.Second})
		w.serve()
		arn := w.run(definition(
			sidecar("db"),
			needs(container("app"), "db", task.ConditionStart),
			needs(sidecar("proxy"), "app", task.ConditionStart)))
		w.pass(time.Second)
		w.stopTask(arn)
		w.pass(time.Minute)
		w.want(arn, task.Stopped)
		db, app, proxy := w.container(arn, "db"), w.container(arn, "app"), w.container(arn, "proxy")
		if app.FinishedAt.Sub(proxy.FinishedAt) < 5*time.Second || db.FinishedAt.Before(app.FinishedAt) {
			t.Errorf("ended at proxy %v, app %v, db %v", proxy.FinishedAt, app.FinishedAt, db.FinishedAt)
		}
	})
}

func TestHopelessDependency(t *testing.T) {
	for _, c := range []struct {
		name      string
		condition task.Condition
		words     []string
		reason    string
	}{
		{"success", task.ConditionSuccess, []string{"exit", "1"}, "can no longer be met"},
		{"healthy", task.ConditionHealthy, []string{"exit", "0"}, "can no longer be met"},
		{"timeout", task.ConditionComplete, []string{"sleep"}, "timed out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.serve()
				first := sidecar("first", c.words...)
				first.StartTimeout = 10
				arn := w.run(definition(needs(container("app"), "first", c.condition), first))
				w.pass(time.Minute)
				w.wantStopped(arn, task.TaskFailedToStart, "Task failed to start")
				if got := w.container(arn, "app"); !strings.Contains(got.Reason, c.reason) || got.ExitCode != nil {
					t.Errorf("app: %q", got.Reason)
				}
				w.wantClean()
			})
		})
	}
}

func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var healthy atomic.Bool
		healthy.Store(true)
		w.engine.Behave("app:1", simulated.Behaviour{Healthy: func(up time.Duration) bool { return up > 20*time.Second && healthy.Load() }})
		w.serve()
		app := container("app")
		app.HealthCheck = &task.HealthCheck{Command: []string{"CMD", "/check"}, Interval: 5, Retries: 2, StartPeriod: 22}
		arn := w.run(definition(app))
		w.pass(17 * time.Second)
		if x := w.want(arn, task.Running); x.Health != task.Unknown {
			t.Errorf("in its start period: %s, want UNKNOWN", x.Health)
		}
		w.pass(10 * time.Second)
		if x := w.task(arn); x.Health != task.Healthy || x.Containers[0].Health != task.Healthy {
			t.Errorf("%s, want HEALTHY", x.Health)
		}
		version := w.task(arn).Version
		healthy.Store(false)
		w.pass(6 * time.Second)
		if x := w.task(arn); x.Health != task.Healthy || x.Version != version {
			t.Errorf("after one failure: %s", x.Health)
		}
		w.pass(5 * time.Second)
		if x := w.want(arn, task.Running); x.Health != task.Unhealthy {
			t.Errorf("after two failures: %s, want UNHEALTHY and running on", x.Health)
		}
		healthy.Store(true)
		w.pass(6 * time.Second)
		if x := w.task(arn); x.Health != task.Healthy {
			t.Errorf("recovered: %s", x.Health)
		}
	})
}

func TestRestartPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.engine.Behave("app:1", simulated.Behaviour{Exits: true, ExitAfter: 61 * time.Second, ExitCode: 1})
		w.serve()
		app := container("app")
		app.RestartPolicy = &task.RestartPolicy{Enabled: true, AttemptPeriod: 60, IgnoredExitCodes: []int{7}}
		arn := w.run(definition(app))
		w.pass(time.Second)
		first := w.container(arn, "app").RuntimeID
		w.pass(2 * time.Minute)
		w.want(arn, task.Running)
		c := w.container(arn, "app")
		if c.RestartCount != 1 || c.Status != task.Running || c.RuntimeID != first || c.ID == first {
			t.Errorf("%+v", c)
		}
		w.engine.Behave("app:1", simulated.Behaviour{Exits: true, ExitAfter: 30 * time.Second, ExitCode: 2})
		w.pass(100 * time.Second) // restarted once more, then it ran too shortly
		w.wantStopped(arn, task.EssentialContainerExited, "Essential container in task exited")
		if c := w.container(arn, "app"); *c.ExitCode != 2 || c.RestartCount != 2 {
			t.Errorf("%d restarts, exit code %d", c.RestartCount, *c.ExitCode)
		}
		w.wantClean()

		other := definition(app)
		other.ARN += "0"
		w.engine.Behave("app:1", simulated.Behaviour{Exits: true, ExitAfter: 90 * time.Second, ExitCode: 7})
		arn = w.run(other)
		w.pass(2 * time.Minute)
		w.want(arn, task.Stopped)
		if c := w.container(arn, "app"); c.RestartCount != 0 {
			t.Error("an ignored exit code restarted it")
		}
	})
}
