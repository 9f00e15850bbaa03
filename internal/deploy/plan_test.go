package deploy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/task"
)

// last wants the newest events to be these, oldest first.
func (w *world) last(t *testing.T, want ...string) {
	t.Helper()
	got := w.events[max(0, len(w.events)-len(want)):]
	if !slices.Equal(got, want) {
		t.Fatalf("events\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func (w *world) said(part string) (n int) {
	for _, e := range w.events {
		if strings.Contains(e, part) {
			n++
		}
	}
	return n
}

// up runs every task of a deployment and makes it healthy.
func (w *world) up(deployment string) {
	for _, t := range w.of(deployment) {
		if t.Status.Before(task.Running) {
			w.run(t)
		}
		w.target(t, TargetHealthy)
	}
	w.settle()
}

func TestRolloutEvents(t *testing.T) {
	w := newWorld(2, 100, 200)
	w.settle()
	w.last(t, "(service web) has started 2 tasks: (task 2) (task 3).")
	w.up("ecs-svc/1")
	w.last(t,
		"(service web) registered 2 targets in (target-group tg)",
		"(service web) (deployment ecs-svc/1) deployment completed.",
		"(service web) has reached a steady state.")
	if d := w.deployments["ecs-svc/1"]; d.Rollout != Completed || d.Reason != "ECS deployment ecs-svc/1 completed." || w.releases["rel-ecs-svc/1"].Status != ReleaseSuccessful {
		t.Fatalf("%+v", d)
	}

	w.now = w.now.Add(time.Hour)
	w.deploy()
	w.settle()
	if n := len(w.of("ecs-svc/4")); n != 2 || w.live() != 4 {
		t.Fatalf("%d new tasks of %d", n, w.live())
	}
	fresh := w.of("ecs-svc/4")
	w.run(fresh[0])
	w.target(fresh[0], TargetHealthy)
	w.settle()
	w.last(t,
		"(service web) registered 1 targets in (target-group tg)",
		"(service web) has stopped 1 running tasks: (task 2).")
	if got := w.tasks["task/2"].StoppedReason; got != "Scaling activity initiated by (deployment ecs-svc/4)" {
		t.Fatal(got)
	}
	w.tasks["task/2"].Status = task.Deactivating
	w.settle()
	w.last(t,
		"(service web) deregistered 1 targets in (target-group tg)",
		"(service web, taskSet ecs-svc/1) has begun draining connections on 1 tasks.")
	w.up("ecs-svc/4")
	if w.deployments["ecs-svc/4"].Rollout != InProgress {
		t.Fatal("completed while the old tasks still drain")
	}
	w.finish(w.tasks["task/2"])
	w.finish(w.tasks["task/3"])
	w.settle()
	w.last(t,
		"(service web) (deployment ecs-svc/4) deployment completed.",
		"(service web) has reached a steady state.")
	if d := w.deployments["ecs-svc/1"]; d.Role != Retired {
		t.Fatalf("%+v", d)
	}

	w.now = w.now.Add(6 * time.Hour)
	w.plan()
	w.last(t, "(service web) has reached a steady state.")
	if len(w.placements) != 2 {
		t.Fatalf("%d placements of 2 tasks", len(w.placements))
	}
}

func TestPercentages(t *testing.T) {
	for _, c := range []struct {
		name                 string
		desired, low, high   int
		started, stopped     int // by the first plan of a new deployment
		stuck                bool
		afterRoom, afterStop int // once what was stopped is gone
	}{
		{"default", 4, 100, 200, 4, 0, false, 0, 0},
		{"half down, no surplus", 4, 50, 100, 0, 2, false, 2, 0},
		{"none down, half over", 4, 100, 150, 2, 0, false, 0, 0},
		{"rounded up, rounded down", 3, 50, 150, 1, 1, false, 1, 0},
		{"one task in its place", 1, 0, 100, 0, 1, false, 1, 0},
		{"rounding leaves nothing", 2, 75, 125, 0, 0, true, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(c.desired, c.low, c.high)
			w.calm()
			w.now = w.now.Add(time.Hour)
			w.deploy()
			before := w.numbers
			w.settle()
			var leaving []*Task
			for _, x := range w.sorted() {
				if !x.Wanted {
					leaving = append(leaving, x)
				}
			}
			if started := w.numbers - before; started != c.started || len(leaving) != c.stopped {
				t.Fatalf("started %d, stopped %d, want %d and %d", started, len(leaving), c.started, c.stopped)
			}
			if stuck := w.said("was unable to stop or start tasks during a deployment because of the service deployment configuration.") > 0; stuck != c.stuck {
				t.Fatalf("stuck %v", stuck)
			}
			before = w.numbers
			for _, x := range leaving {
				w.finish(x)
			}
			w.settle()
			if started := w.numbers - before; started != c.afterRoom {
				t.Fatalf("then started %d, want %d", started, c.afterRoom)
			}
		})
	}
}

func TestUnhealthyTaskIsReplacedFirst(t *testing.T) {
	w := newWorld(1, 100, 200)
	w.calm()
	sick := w.of("ecs-svc/1")[0]
	w.target(sick, TargetUnhealthy)
	w.settle()
	if !sick.Wanted || w.live() != 2 {
		t.Fatal("the replacement comes first")
	}
	if w.said("(service web) (task 2) (port 80) is unhealthy in (target-group tg) due to (reason Health checks failed with these codes: [404]).") != 1 {
		t.Fatalf("%q", w.events)
	}
	fresh := w.of("ecs-svc/1")[1]
	w.run(fresh)
	w.target(fresh, TargetHealthy)
	w.settle()
	if sick.Wanted || sick.StoppedReason != "Task failed ELB health checks in (target-group tg)" || w.live() != 1 {
		t.Fatalf("%+v, %d live", sick, w.live())
	}
}

func TestUnhealthyTaskWithoutRoom(t *testing.T) {
	w := newWorld(2, 50, 100)
	w.calm()
	for _, x := range w.of("ecs-svc/1") {
		x.Checked, x.Container = true, task.Unhealthy
	}
	w.settle()
	if w.live() != 1 {
		t.Fatalf("%d live: one at a time", w.live())
	}
	for _, x := range w.sorted() {
		if !x.Wanted {
			if x.StoppedReason != "Task failed container health checks" {
				t.Fatal(x.StoppedReason)
			}
			w.finish(x)
		}
	}
	w.settle()
	if w.live() != 2 || w.said("failed container health checks.") != 2 {
		t.Fatalf("%d live, %q", w.live(), w.events)
	}
}

func TestGracePeriod(t *testing.T) {
	w := newWorld(1, 100, 200)
	w.set(func(s *Service) { s.Grace = new(60) })
	w.settle()
	x := w.of("ecs-svc/1")[0]
	w.run(x)
	w.target(x, TargetUnhealthy)
	w.settle()
	if w.live() != 1 || w.wake != x.StartedAt.Add(time.Minute) {
		t.Fatalf("live %d, wake %v", w.live(), w.wake)
	}
	w.now = w.wake
	w.settle()
	if w.live() != 2 {
		t.Fatal("the grace period is over")
	}
}

func TestSettling(t *testing.T) {
	w := newWorld(1, 100, 200)
	w.balanced = false
	w.settle()
	w.run(w.of("ecs-svc/1")[0])
	w.settle()
	if w.service.Observed.Steady || w.wake != w.now.Add(40*time.Second) {
		t.Fatalf("steady %v, wake %v", w.service.Observed.Steady, w.wake)
	}
	w.now = w.wake
	w.settle()
	if !w.service.Observed.Steady {
		t.Fatal("forty seconds without a health check are enough")
	}
}

func TestThrottling(t *testing.T) {
	w := newWorld(2, 100, 200)
	var delays []time.Duration
	for range 12 {
		w.settle()
		for _, x := range w.of("ecs-svc/1") {
			w.fail(x, "CannotPullContainerError: no such image")
		}
		w.settle()
		delays = append(delays, w.wake.Sub(w.now))
		w.now = w.wake
	}
	want := []time.Duration{10, 10, 30, 60, 120, 240, 480, 960, 1620, 1620, 1620, 1620}
	for i := range want {
		if delays[i] != want[i]*time.Second {
			t.Fatalf("delays %v", delays)
		}
	}
	if w.said(inconsistently) != 1 || w.said("was unable to place a task. Reason: CannotPullContainerError: no such image.") != 1 {
		t.Fatalf("%q", w.events)
	}
	w.deploy()
	w.settle()
	if w.live() != 2 {
		t.Fatal("a new deployment starts without delay")
	}
}

func TestTargetGroupThatIsGone(t *testing.T) {
	w := newWorld(1, 100, 200)
	w.settle()
	w.fail(w.of("ecs-svc/1")[0], "failed to register targets in (target-group tg) with (error not found)")
	w.settle()
	if w.said("(service web) failed to register targets in (target-group tg) with (error not found)") != 1 || w.said("unable to place") != 0 {
		t.Fatalf("%q", w.events)
	}
}

func TestCrashLoopIsPaced(t *testing.T) {
	w := newWorld(1, 100, 200)
	w.settle()
	x := w.of("ecs-svc/1")[0]
	w.run(x)
	w.settle()
	w.fail(x, "Essential container in task exited")
	w.settle()
	if w.live() != 0 || w.wake != w.now.Add(10*time.Second) {
		t.Fatalf("live %d, wake %v", w.live(), w.wake)
	}
	w.now = w.wake
	w.calm()
	x = w.of("ecs-svc/1")[0]
	w.fail(x, "Essential container in task exited")
	w.settle()
	if w.live() != 1 {
		t.Fatal("a task that was healthy is replaced at once")
	}
}

func TestCircuitBreaker(t *testing.T) {
	w := newWorld(2, 100, 200)
	w.set(func(s *Service) { s.Breaker = Breaker{Enable: true, Rollback: true} })
	w.calm()
	bad := w.deploy()
	for range 3 {
		w.settle()
		if fresh := w.of(bad); len(fresh) > 0 {
			w.fail(fresh[0], "CannotPullContainerError: no such image")
		}
		w.settle()
		w.now = w.wake
	}
	if d := w.deployments[bad]; d.Rollout != Failed || d.Role == Primary || d.Reason != "ECS deployment circuit breaker: tasks failed to start." {
		t.Fatalf("%+v", d)
	}
	if w.service.Primary != "ecs-svc/1" || w.said("(deployment "+bad+") deployment failed: tasks failed to start.") != 1 || w.said("rolling back to deployment ecs-svc/1.") != 1 {
		t.Fatalf("primary %s, %q", w.service.Primary, w.events)
	}
	if r := w.releases["rel-"+bad]; r.Status != ReleaseRollbackInProgress || r.RolledBackTo != "ecs-svc/1" || r.Failures != 3 {
		t.Fatalf("%+v", r)
	}
	w.calm()
	if r := w.releases["rel-"+bad]; r.Status != ReleaseRollbackSuccessful || w.deployments["ecs-svc/1"].Rollout != Completed || w.live() != 2 {
		t.Fatalf("%+v", r)
	}
}

func TestCircuitBreakerWithoutRollback(t *testing.T) {
	w := newWorld(1, 100, 200)
	w.set(func(s *Service) { s.Breaker = Breaker{Enable: true} })
	w.calm()
	bad := w.deploy()
	for range 3 {
		w.settle()
		w.fail(w.of(bad)[0], "no")
		w.settle()
		w.now = w.wake
	}
	w.settle()
	if w.deployments[bad].Rollout != Failed || w.live() != 1 || len(w.of("ecs-svc/1")) != 1 {
		t.Fatalf("%+v, %d live", w.deployments[bad], w.live())
	}
}

func TestCircuitBreakerWithoutCandidate(t *testing.T) {
	w := newWorld(1, 100, 200)
	w.set(func(s *Service) { s.Breaker = Breaker{Enable: true, Rollback: true} })
	for range 3 {
		w.settle()
		w.fail(w.of("ecs-svc/1")[0], "no")
		w.settle()
		w.now = w.wake
	}
	if r := w.releases["rel-ecs-svc/1"]; r.Status != ReleaseRollbackFailed || r.Reason != "No rollback candidate was found to run the rollback." {
		t.Fatalf("%+v", r)
	}
	if d := w.deployments["ecs-svc/1"]; d.Rollout != Failed || d.Role != Primary {
		t.Fatalf("%+v", d)
	}
}

func TestThreshold(t *testing.T) {
	for desired, want := range map[int]int{0: 3, 1: 3, 6: 3, 7: 4, 25: 13, 400: 200, 800: 200} {
		if got := threshold(desired); got != want {
			t.Errorf("threshold(%d) = %d, want %d", desired, got, want)
		}
	}
}

func TestScaleInKeepsZonesEven(t *testing.T) {
	w := newWorld(6, 100, 200)
	w.calm()
	w.set(func(s *Service) { s.Desired = 2 })
	w.settle()
	n := map[string]int{}
	for _, x := range w.of("ecs-svc/1") {
		n[x.Zone]++
	}
	if n["us-east-1a"] != 1 || n["us-east-1b"] != 1 {
		t.Fatalf("%v", n)
	}
}

func TestRebalancing(t *testing.T) {
	w := newWorld(4, 100, 200)
	w.set(func(s *Service) { s.Rebalancing = true })
	w.calm()
	for _, x := range w.of("ecs-svc/1") {
		x.Zone, x.Subnet = "us-east-1a", "subnet-a"
	}
	w.calm()
	n := map[string]int{}
	for _, x := range w.of("ecs-svc/1") {
		n[x.Zone]++
	}
	if n["us-east-1a"] != 2 || n["us-east-1b"] != 2 {
		t.Fatalf("%v, %q", n, w.events)
	}
	if w.said("is not AZ balanced with 4 tasks in us-east-1a and 0 tasks in us-east-1b. AZ Rebalancing in progress.") != 1 ||
		w.said("has stopped 1 running tasks in us-east-1a due to AZ rebalancing: (task ") != 2 ||
		w.said("is AZ balanced with 2 tasks in us-east-1a and 2 tasks in us-east-1b.") != 1 {
		t.Fatalf("%q", w.events)
	}
}

func TestFullSubnetIsTriedLast(t *testing.T) {
	w := newWorld(2, 100, 200)
	w.settle()
	for _, x := range w.of("ecs-svc/1") {
		if x.Subnet == "subnet-a" {
			w.fail(x, "Unexpected EC2 error: InsufficientFreeAddressesInSubnet")
		}
	}
	w.settle()
	w.now = w.wake
	w.settle()
	for _, x := range w.of("ecs-svc/1") {
		if x.Subnet != "subnet-b" {
			t.Fatalf("task in %s", x.Subnet)
		}
	}
}

func TestPick(t *testing.T) {
	strategy := []Capacity{{Provider: "FARGATE", Base: 2, Weight: 1}, {Provider: "FARGATE_SPOT", Weight: 3}}
	got := Share(strategy, 10)
	n := map[string]int{}
	for _, p := range got {
		n[p]++
	}
	if !slices.Equal(got[:2], []string{"FARGATE", "FARGATE"}) || n["FARGATE"] != 4 || n["FARGATE_SPOT"] != 6 {
		t.Fatalf("%v", got)
	}
	if Share(nil, 3) != nil {
		t.Fatal("no strategy, no provider")
	}
}

func TestDeletion(t *testing.T) {
	w := newWorld(2, 100, 200)
	w.calm()
	w.set(func(s *Service) { s.Status, s.Desired = Draining, 0 })
	w.settle()
	w.last(t, "(service web) has stopped 2 running tasks: (task 2) (task 3).")
	if w.service.Status != Draining {
		t.Fatal("tasks are still stopping")
	}
	w.advance()
	w.settle()
	if w.service.Status != Inactive || w.wake != w.now.Add(time.Hour) || w.forgotten {
		t.Fatalf("status %s, wake %v", w.service.Status, w.wake)
	}
	w.now = w.wake
	w.plan()
	if !w.forgotten {
		t.Fatal("not forgotten")
	}
}

// TestGapInKnowledge shows that a target whose state is not known for a while is no failure, neither for the service nor for a
// deployment that counts on it.
func TestGapInKnowledge(t *testing.T) {
	w := newWorld(2, 100, 200)
	w.calm()
	for _, x := range w.of("ecs-svc/1") {
		w.target(x, TargetInitial)
	}
	w.deploy()
	w.settle()
	if len(w.of("ecs-svc/1")) != 2 {
		t.Fatal("proven tasks were stopped before others were healthy")
	}
}
