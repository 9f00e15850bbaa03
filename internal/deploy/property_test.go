package deploy

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/neargate/neargate/internal/task"
)

// TestPlanKeepsTheBounds plays any weather against the planner: tasks that come up, fail, lose and regain their health, scaling,
// new deployments in the middle of others. After every plan it holds
//
//   - that no start took the number of tasks above maximumPercent,
//   - that no stop took the number of healthy tasks below minimumHealthyPercent,
//   - that exactly one deployment is PRIMARY,
//
// and, once the weather is calm, that the service comes to rest at what was asked for.
func TestPlanKeepsTheBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.SampledFrom([]int{0, 25, 50, 66, 75, 100}).Draw(t, "minimumHealthyPercent")
		high := rapid.SampledFrom([]int{100, 125, 150, 200, 300}).Draw(t, "maximumPercent")
		w := newWorld(rapid.IntRange(0, 12).Draw(t, "desired"), low, high)
		w.balanced = rapid.Bool().Draw(t, "load balanced")
		w.set(func(s *Service) {
			s.Breaker = Breaker{Enable: rapid.Bool().Draw(t, "breaker"), Rollback: rapid.Bool().Draw(t, "rollback")}
			s.Rebalancing = rapid.Bool().Draw(t, "rebalancing")
		})
		if rapid.Bool().Draw(t, "calm start") {
			w.calm()
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			disturb(t, w)
			planChecked(t, w)
		}
		w.calm() // what is sick stays so: it has to be replaced
		checkRest(t, w)
	})
}

func disturb(t *rapid.T, w *world) {
	ts := w.sorted()
	pick := func() *Task {
		if len(ts) == 0 {
			return nil
		}
		return ts[rapid.IntRange(0, len(ts)-1).Draw(t, "task")]
	}
	switch rapid.IntRange(0, 9).Draw(t, "event") {
	case 0:
		w.set(func(s *Service) { s.Desired = rapid.IntRange(0, 12).Draw(t, "scale") })
	case 1:
		w.deploy()
	case 2:
		if x := pick(); x != nil && x.Wanted {
			w.fail(x, "Essential container in task exited")
		}
	case 3:
		if x := pick(); x != nil && x.Wanted && x.Status == task.Running {
			w.target(x, TargetUnhealthy)
		}
	case 4:
		w.now = w.now.Add(time.Duration(rapid.IntRange(1, 120).Draw(t, "seconds")) * time.Second)
	default:
		if x := pick(); x != nil {
			switch {
			case !x.Wanted && x.Status == task.Running:
				x.Status = task.Deactivating
			case !x.Wanted && x.Status != task.Stopped:
				w.finish(x)
			case x.Wanted && x.Status.Before(task.Running):
				w.run(x)
			case x.Wanted:
				w.target(x, TargetHealthy)
			}
		}
	}
}

func planChecked(t *rapid.T, w *world) {
	for {
		occupied, up := w.occupied(), w.healthy()
		changes := w.plan()
		if n := w.occupied(); n > occupied && n > w.service.ceiling() {
			t.Fatalf("%d tasks of at most %d", n, w.service.ceiling())
		}
		if n := w.healthy(); n < up && n < w.service.floor() {
			t.Fatalf("%d healthy tasks, there were %d and the least is %d", n, up, w.service.floor())
		}
		primaries := 0
		for _, d := range w.deployments {
			if d.Role == Primary {
				primaries++
			}
		}
		if primaries != 1 {
			t.Fatalf("%d primary deployments", primaries)
		}
		if _, idle := onlyWake(changes); idle {
			return
		}
	}
}

func checkRest(t *rapid.T, w *world) {
	s := w.service
	primary := w.deployments[s.Primary]
	if primary.Rollout == Failed {
		return // the breaker without a way back: what runs is left alone
	}
	stuck := s.ceiling() <= s.floor() || s.ceiling() <= s.Desired && s.floor() >= s.Desired
	if got := len(w.of(s.Primary)); got != s.Desired && !stuck {
		t.Fatalf("%d tasks of the primary deployment, desired %d, events %q", got, s.Desired, w.events)
	}
	if w.live() != s.Desired && !stuck {
		t.Fatalf("%d tasks in all, desired %d", w.live(), s.Desired)
	}
	if !stuck && (primary.Rollout != Completed || !s.Observed.Steady) {
		t.Fatalf("rollout %s, steady %v", primary.Rollout, s.Observed.Steady)
	}
	zones := map[string]int{}
	for _, x := range w.of(s.Primary) {
		zones[x.Zone]++
	}
	if d := zones["us-east-1a"] - zones["us-east-1b"]; s.Rebalancing && s.ceiling() > s.Desired && !stuck && (d > 1 || d < -1) {
		t.Fatalf("zones %v", zones)
	}
}
