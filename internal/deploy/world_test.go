package deploy

import (
	"fmt"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/task"
)

// world is a service with tasks that a test moves by hand; it applies plans as the scheduler does.
type world struct {
	now         time.Time
	timing      Timing
	service     *Service
	deployments map[string]*Deployment
	releases    map[string]*Release
	placements  map[string]*Placement
	tasks       map[string]*Task
	subnets     []Subnet
	events      []string
	facts       []Tell
	wake        time.Time
	forgotten   bool
	balanced    bool // tasks have a target
	numbers     int
}

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

var awsTiming = Timing{
	Settle: 40 * time.Second, Repeat: 6 * time.Hour, Brief: time.Minute, Pace: 10 * time.Second, Backoff: 30 * time.Second,
	Longest: 27 * time.Minute, Avoid: time.Minute, Forget: time.Hour,
}

func newWorld(desired, low, high int) *world {
	w := &world{
		now: epoch, timing: awsTiming, balanced: true,
		deployments: map[string]*Deployment{}, releases: map[string]*Release{}, placements: map[string]*Placement{}, tasks: map[string]*Task{},
		subnets: []Subnet{{"subnet-a", "us-east-1a"}, {"subnet-b", "us-east-1b"}},
		service: &Service{ARN: "arn:svc", Name: "web", Status: Active, Desired: desired, MinimumHealthyPercent: low, MaximumPercent: high},
	}
	w.deploy()
	return w
}

// deploy begins a new deployment, as Services does.
func (w *world) deploy() string {
	w.numbers++
	id := fmt.Sprintf("ecs-svc/%d", w.numbers)
	s := *w.service
	if old, ok := w.deployments[s.Primary]; ok {
		c := *old
		c.Role = Superseded
		w.deployments[old.ID] = &c
	}
	if r, ok := w.releases[s.Release]; ok && !r.Status.Done() {
		c := *r
		c.Status = ReleaseStopped
		w.releases[r.ARN] = &c
	}
	w.deployments[id] = &Deployment{ServiceARN: s.ARN, ID: id, Role: Primary, Rollout: InProgress, CreatedAt: w.now, Revision: Revision{Definition: &task.Definition{}}}
	w.releases["rel-"+id] = &Release{ARN: "rel-" + id, Target: id, Status: ReleaseInProgress, CreatedAt: w.now}
	s.Primary, s.Release = id, "rel-"+id
	s.Observed.Said, s.Observed.Steady = nil, false
	w.service = &s
	return id
}

func (w *world) set(fn func(*Service)) {
	s := *w.service
	fn(&s)
	w.service = &s
}

func (w *world) input() Input {
	in := Input{Now: w.now, Timing: w.timing, Service: w.service, Release: w.releases[w.service.Release], Subnets: w.subnets}
	for _, d := range w.deployments {
		if d.live() || d.ID == w.service.Completed {
			in.Deployments = append(in.Deployments, d)
		}
	}
	sortDeployments(in.Deployments)
	for _, t := range w.sorted() {
		if p, ok := w.placements[t.ARN]; ok {
			c := *t
			c.Placement = p
			c.Targets = slices.Clone(t.Targets)
			in.Tasks = append(in.Tasks, c)
		}
	}
	return in
}

func (w *world) sorted() []*Task {
	var ts []*Task
	for _, t := range w.tasks {
		ts = append(ts, t)
	}
	slices.SortFunc(ts, func(a, b *Task) int { return cmpNumbers(a.ID, b.ID) })
	return ts
}

func cmpNumbers(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

// plan plans once and applies the result.
func (w *world) plan() []Change {
	changes := Plan(w.input())
	w.wake = time.Time{}
	started := []string{}
	for _, change := range changes {
		switch c := change.(type) {
		case Start:
			started = append(started, w.start(c))
		case Stop:
			t := w.tasks[c.Task]
			t.Wanted, t.StoppedReason, t.StopCode = false, c.Reason, task.ServiceSchedulerInitiated
			t.StoppingAt = w.now
		case Say:
			w.events = append(w.events, c.Message)
		case Tell:
			w.facts = append(w.facts, c)
		case SetService:
			w.set(func(s *Service) {
				s.Status, s.Primary, s.Completed, s.Observed = c.Status, c.Primary, c.Completed, c.Observed
			})
		case SetDeployment:
			w.deployments[c.Deployment.ID] = c.Deployment
		case SetRelease:
			w.releases[c.Release.ARN] = c.Release
		case SetPlacement:
			w.placements[c.Placement.TaskARN] = c.Placement
		case Forget:
			delete(w.placements, c.Task)
			delete(w.tasks, c.Task)
		case ForgetService:
			w.forgotten = true
		case WakeAt:
			w.wake = c.At
		}
	}
	if len(started) > 0 {
		w.events = append(w.events, text("web", "has started %d tasks: %s.", len(started), taskList(started)))
	}
	return changes
}

// settle plans until nothing but a wake-up is planned.
func (w *world) settle() {
	for range 100 {
		if _, idle := onlyWake(w.plan()); idle {
			return
		}
	}
	panic("the plan does not settle")
}

func (w *world) start(s Start) string {
	w.numbers++
	id := fmt.Sprint(w.numbers)
	t := &Task{ARN: "task/" + id, ID: id, Wanted: true, Occupies: true, Status: task.Provisioning, Zone: s.Zone, Provider: s.Provider, CreatedAt: w.now}
	if len(s.Subnets) > 0 {
		t.Subnet = s.Subnets[0]
	}
	if w.balanced {
		t.Targets = []Target{{Group: "tg", Port: 80}}
	}
	w.tasks[t.ARN] = t
	w.placements[t.ARN] = &Placement{ServiceARN: w.service.ARN, TaskARN: t.ARN, Deployment: s.Deployment, Rebalance: s.Why == StartBalance}
	return id
}

func (w *world) run(t *Task) {
	t.Status, t.StartedAt = task.Running, w.now
	w.target(t, TargetInitial)
}

func (w *world) target(t *Task, s TargetState) {
	for i := range t.Targets {
		t.Targets[i].State = s
		t.Targets[i].Reason = "Health checks failed with these codes: [404]"
	}
}

// fail stops a task as its own containers would.
func (w *world) fail(t *Task, reason string) {
	t.Wanted, t.Occupies, t.StoppedReason, t.StoppingAt = false, false, reason, w.now
	t.StopCode = task.EssentialContainerExited
	if t.StartedAt.IsZero() {
		t.StopCode = task.TaskFailedToStart
	}
	t.Status = task.Stopped
}

// finish ends a task that was asked to stop.
func (w *world) finish(t *Task) { t.Occupies, t.Status = false, task.Stopped }

// advance brings every task one step further, as calm weather does.
func (w *world) advance() (moved bool) {
	for _, t := range w.sorted() {
		switch {
		case !t.Wanted && t.Status != task.Stopped:
			w.finish(t)
		case t.Wanted && t.Status.Before(task.Running):
			w.run(t)
		case t.Wanted && len(t.Targets) > 0 && t.Targets[0].State != TargetHealthy && t.Targets[0].State != TargetUnhealthy:
			w.target(t, TargetHealthy)
		default:
			continue
		}
		moved = true
	}
	return moved
}

// calm plans and advances until the service rests, time passing as it must.
func (w *world) calm() {
	for range 1000 {
		w.settle()
		if w.advance() {
			w.now = w.now.Add(time.Second)
			continue
		}
		if w.service.Observed.Steady || w.wake.IsZero() || w.forgotten {
			return
		}
		w.now = w.wake
	}
	panic("the service does not come to rest")
}

func (w *world) live() (n int) {
	for _, t := range w.tasks {
		if t.Wanted {
			n++
		}
	}
	return n
}

func (w *world) occupied() (n int) {
	for _, t := range w.tasks {
		if t.Wanted || t.Occupies {
			n++
		}
	}
	return n
}

func (w *world) healthy() (n int) {
	for _, t := range w.tasks {
		if !t.Wanted {
			continue
		}
		if v, _, _ := judge(t, w.placements[t.ARN].Proven, w.now, w.timing, w.service.grace()); v == healthy {
			n++
		}
	}
	return n
}

func (w *world) of(deployment string) (ts []*Task) {
	for _, t := range w.sorted() {
		if t.Wanted && w.placements[t.ARN].Deployment == deployment {
			ts = append(ts, t)
		}
	}
	return ts
}
