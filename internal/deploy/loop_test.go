package deploy_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/internal/clock"
	"github.com/neargate/neargate/internal/deploy"
	"github.com/neargate/neargate/internal/event"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
	"github.com/neargate/neargate/internal/task/simulated"
)

// platform is scheduler and task lifecycle over a simulated machine, in virtual time.
type platform struct {
	t         testing.TB
	store     *state.Store
	tables    *deploy.Tables
	tasks     *task.Tables
	services  *deploy.Services
	scheduler *deploy.Scheduler
	lifecycle *task.Lifecycle
	engine    *simulated.Engine
	network   *network
	balancer  *balancer
	journal   *counting

	stop    context.CancelFunc
	stopped chan error
}

// counting counts commits.
type counting struct {
	state.Journal
	commits atomic.Int64
}

func (c *counting) Commit(ctx context.Context, b state.Batch) error {
	c.commits.Add(1)
	return c.Journal.Commit(ctx, b)
}

type network struct{ interfaces *state.Table[eni] }

type eni struct{ ID, Address string }

func (n *network) CreateInterface(tx *state.Tx, s task.InterfaceSpec) (task.Interface, error) {
	id := "eni-" + s.TaskARN[len(s.TaskARN)-17:]
	address := fmt.Sprintf("10.%s", id[4:])
	n.interfaces.Put(tx, &eni{id, address})
	return task.Interface{ID: id, PrivateIP: address, AvailabilityZone: "us-east-1" + s.SubnetID[len(s.SubnetID)-1:]}, nil
}

func (n *network) DeleteInterface(tx *state.Tx, id string) error {
	n.interfaces.Delete(tx, id)
	return nil
}

func (n *network) Realise(_ context.Context, id string) (task.Place, error) {
	return task.Place{NetNS: "/run/netns/" + id, DNS: []netip.Addr{netip.MustParseAddr("10.0.0.2")}}, nil
}

func (n *network) Zone(_ *state.Tx, subnet string) (string, bool) {
	return "us-east-1" + subnet[len(subnet)-1:], true
}

// balancer finds every target healthy a second after it was registered, and drains for five.
type balancer struct {
	targets *state.Table[target]
	sick    map[string]bool // images whose targets fail
	probe   func(tx *state.Tx, t *task.Task) string
}

type target struct {
	Key     string
	State   string
	Since   time.Time
	Address string
}

func (b *balancer) Attach(tx *state.Tx, t *task.Task) error {
	for _, x := range t.Targets {
		key := x.TargetGroupARN + "|" + t.Attachment.PrivateIP
		if _, ok := b.targets.Get(tx, key); !ok {
			b.targets.Put(tx, &target{Key: key, State: b.probe(tx, t), Since: time.Now()})
		}
	}
	return nil
}

func (b *balancer) Detach(tx *state.Tx, t *task.Task) error {
	for _, x := range t.Targets {
		if row, ok := b.targets.Get(tx, x.TargetGroupARN+"|"+t.Attachment.PrivateIP); ok && row.State != "draining" {
			b.targets.Put(tx, &target{Key: row.Key, State: "draining", Since: time.Now()})
		}
	}
	return nil
}

func (b *balancer) Detached(tx *state.Tx, t *task.Task) bool {
	for _, x := range t.Targets {
		if _, ok := b.targets.Get(tx, x.TargetGroupARN+"|"+t.Attachment.PrivateIP); ok {
			return false
		}
	}
	return true
}

func (b *balancer) Health(tx *state.Tx, group, ip string, _ int) (string, string, bool) {
	row, ok := b.targets.Get(tx, group+"|"+ip)
	if !ok {
		return "", "", false
	}
	return row.State, "Health checks failed", true
}

func (b *balancer) Watched() state.AnyTable { return b.targets }

func (b *balancer) GroupOf(key string) string {
	group, _, _ := strings.Cut(key, "|")
	return group
}

// run is the load balancer's own loop.
func (b *balancer) run(ctx context.Context, store *state.Store) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := store.Update(ctx, func(tx *state.Tx) error {
			for row := range b.targets.All(tx, "") {
				age := time.Since(row.Since)
				switch {
				case row.State == "initial" && age >= time.Second:
					b.targets.Put(tx, &target{Key: row.Key, State: "healthy", Since: time.Now()})
				case row.State == "draining" && age >= 5*time.Second:
					b.targets.Delete(tx, row.Key)
				}
			}
			return nil
		})
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
}

func newPlatform(t testing.TB) *platform {
	t.Helper()
	schema := state.NewSchema()
	p := &platform{t: t, tables: deploy.NewTables(schema), tasks: task.NewTables(schema), engine: simulated.New()}
	outbox := event.NewOutbox(schema, 0)
	p.network = &network{state.AddTable(schema, "test.eni", func(e *eni) string { return e.ID })}
	p.balancer = &balancer{targets: state.AddTable(schema, "test.target", func(r *target) string { return r.Key })}
	p.balancer.probe = func(tx *state.Tx, row *task.Task) string {
		if d, ok := p.tasks.Definition(tx, row); ok && p.balancer.sick[d.Containers[0].Image] {
			return "unhealthy"
		}
		return "initial"
	}
	p.journal = &counting{Journal: state.Memory()}
	store, err := state.Open(t.Context(), schema, p.journal)
	if err != nil {
		t.Fatal(err)
	}
	p.store = store
	p.lifecycle = task.NewLifecycle(p.tasks, outbox, clock.Clock{})
	p.services = &deploy.Services{Tables: p.tables, Facts: outbox}
	p.scheduler = &deploy.Scheduler{Tables: p.tables, TaskTable: p.tasks.Tasks, Tasks: p.lifecycle, Targets: p.balancer, Zones: p.network, Facts: outbox}
	t.Cleanup(func() {
		p.halt()
		store.Close()
	})
	return p
}

// serve begins the loops, as a control plane that starts does.
func (p *platform) serve() {
	ctx, cancel := context.WithCancel(context.Background())
	p.stop, p.stopped = cancel, make(chan error, 3)
	tasks := task.NewLoop(task.Config{
		Store: p.store, Lifecycle: p.lifecycle, Engine: p.engine, Network: p.network, Traffic: p.balancer,
		Draining: []state.AnyTable{p.balancer.targets},
	})
	services := &deploy.Loop{Scheduler: p.scheduler, Store: p.store, Log: slog.New(slog.DiscardHandler)}
	go func() { p.stopped <- tasks.Run(ctx) }()
	go func() { p.stopped <- services.Run(ctx) }()
	go func() { p.stopped <- p.balancer.run(ctx, p.store) }()
}

// halt ends the loops wherever they are.
func (p *platform) halt() {
	if p.stop == nil {
		return
	}
	p.stop()
	for range 3 {
		if err := <-p.stopped; err != nil && !isCanceled(err) {
			p.t.Error(err)
		}
	}
	p.stop = nil
}

func isCanceled(err error) bool { return strings.Contains(err.Error(), context.Canceled.Error()) }

const serviceARN = "arn:aws:ecs:us-east-1:000000000000:service/main/web"

func revision(image string) deploy.Revision {
	return deploy.Revision{
		DefinitionARN: "arn:aws:ecs:us-east-1:000000000000:task-definition/" + image, LaunchType: "FARGATE", PlatformVersion: "LATEST",
		Definition: &task.Definition{
			ARN: "arn:aws:ecs:us-east-1:000000000000:task-definition/" + image, Family: "web", NetworkMode: "awsvpc", CPU: 256, Memory: 512,
			Containers: []task.ContainerDefinition{{Name: "web", Image: image, Essential: true}},
		},
		Network:       deploy.Network{Subnets: []string{"subnet-a", "subnet-b"}},
		LoadBalancers: []task.Target{{TargetGroupARN: "tg", ContainerName: "web", ContainerPort: 80}},
	}
}

func (p *platform) update(fn func(tx *state.Tx) error) {
	p.t.Helper()
	if err := p.store.Update(context.Background(), fn); err != nil {
		p.t.Fatal(err)
	}
}

func (p *platform) create(desired int, image string, change func(*deploy.Service)) {
	p.t.Helper()
	s := deploy.Service{
		ARN: serviceARN, Name: "web", Account: "000000000000", Region: "us-east-1",
		ClusterARN: "arn:aws:ecs:us-east-1:000000000000:cluster/main", ClusterName: "main", Desired: desired, MinimumHealthyPercent: 100, MaximumPercent: 200,
	}
	if change != nil {
		change(&s)
	}
	p.update(func(tx *state.Tx) error {
		_, err := p.services.Create(tx, s, revision(image), time.Now())
		return err
	})
}

func (p *platform) deploy(image string) {
	p.t.Helper()
	p.update(func(tx *state.Tx) error {
		_, err := p.services.Update(tx, *p.service(tx), new(revision(image)), time.Now())
		return err
	})
}

func (p *platform) service(tx *state.Tx) *deploy.Service {
	s, ok := p.tables.Services.Get(tx, serviceARN)
	if !ok {
		p.t.Fatal("no service")
	}
	return s
}

// wait lets virtual time pass until the condition holds.
func (p *platform) wait(what string, limit time.Duration, holds func(tx *state.Tx) bool) {
	p.t.Helper()
	for start := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		synctest.Wait()
		if holds(p.store.View()) {
			return
		}
		if time.Since(start) > limit {
			for _, e := range p.tables.EventsOf(p.store.View(), serviceARN) {
				p.t.Log(e.At.Format(time.TimeOnly), e.Message)
			}
			p.t.Fatalf("not %s within %s", what, limit)
		}
	}
}

func (p *platform) steady(tx *state.Tx) bool {
	s := p.service(tx)
	d, _ := p.tables.Deployment(tx, serviceARN, s.Primary)
	return s.Observed.Steady && d.Rollout == deploy.Completed && len(p.tables.DeploymentsOf(tx, serviceARN)) == 1
}

func (p *platform) running(tx *state.Tx) (arns []string) {
	for row := range p.tasks.Tasks.By(tx, task.ByService, serviceARN) {
		if row.Status == task.Running {
			arns = append(arns, row.ARN)
		}
	}
	return arns
}

func TestLoopRollsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(t)
		p.serve()
		p.create(3, "v1", nil)
		p.wait("steady", time.Minute, p.steady)
		if n := len(p.running(p.store.View())); n != 3 {
			t.Fatalf("%d tasks", n)
		}
		p.deploy("v2")
		p.wait("steady", time.Minute, p.steady)
		tx := p.store.View()
		for _, arn := range p.running(tx) {
			row, _ := p.tasks.Tasks.Get(tx, arn)
			if !strings.HasSuffix(row.DefinitionARN, "/v2") {
				t.Fatalf("%s runs %s", arn, row.DefinitionARN)
			}
		}
		for n := range p.tables.Placements.All(tx, serviceARN) {
			if !slices.Contains(p.running(tx), n.TaskARN) {
				t.Fatalf("placement of %s is left over", n.TaskARN)
			}
		}
	})
}

// TestLoopCountsCheckedContainers has an essential sidecar without a health check: the task's own health stays UNKNOWN, and the service becomes
// steady with its other container's check.
func TestLoopCountsCheckedContainers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(t)
		p.serve()
		r := revision("v1")
		web := &r.Definition.Containers[0]
		web.HealthCheck = &task.HealthCheck{Command: []string{"CMD-SHELL", "true"}, Interval: 5}
		r.Definition.Containers = append(r.Definition.Containers, task.ContainerDefinition{Name: "sidecar", Image: "v1", Essential: true})
		p.create(1, "v0", nil)
		p.wait("steady", time.Minute, p.steady)
		p.update(func(tx *state.Tx) error {
			_, err := p.services.Update(tx, *p.service(tx), &r, time.Now())
			return err
		})
		p.wait("steady", time.Minute, p.steady)
		tx := p.store.View()
		for _, arn := range p.running(tx) {
			if row, _ := p.tasks.Tasks.Get(tx, arn); len(row.Containers) != 2 || row.Health != task.Unknown {
				t.Errorf("%d containers, health %s", len(row.Containers), row.Health)
			}
		}
	})
}

// TestLoopIsIdleWhenSteady shows that a steady service writes nothing, but for its word every six hours.
func TestLoopIsIdleWhenSteady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(t)
		p.serve()
		p.create(3, "v1", nil)
		p.wait("steady", time.Minute, p.steady)
		time.Sleep(time.Minute)
		synctest.Wait()
		before := p.journal.commits.Load()
		time.Sleep(5 * time.Hour)
		synctest.Wait()
		if n := p.journal.commits.Load() - before; n != 0 {
			t.Fatalf("%d commits while nothing happened", n)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if n := p.journal.commits.Load() - before; n != 1 {
			t.Fatalf("%d commits for the steady state's repetition", n)
		}
	})
}

func TestLoopRollsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(t)
		p.balancer.sick = map[string]bool{"bad": true}
		p.serve()
		p.create(2, "v1", func(s *deploy.Service) { s.Breaker = deploy.Breaker{Enable: true, Rollback: true} })
		p.wait("steady", time.Minute, p.steady)
		first := p.service(p.store.View()).Primary
		p.deploy("bad")
		p.wait("rolled back", 5*time.Minute, func(tx *state.Tx) bool {
			return len(p.running(tx)) >= 2 && p.service(tx).Primary == first && p.steady(tx)
		})
		tx := p.store.View()
		r, _ := p.tables.Releases.Get(tx, p.service(tx).Release)
		if r.Status != deploy.ReleaseRollbackSuccessful || r.Reason != "Service deployment rolled back because the circuit breaker threshold was exceeded." {
			t.Fatalf("%+v", r)
		}
	})
}

// TestLoopSurvivesRestarts kills the control plane at random moments of deployments: they complete, with no task too many or too few.
func TestLoopSurvivesRestarts(t *testing.T) {
	for seed := range uint64(6) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			p := newPlatform(t)
			p.serve()
			p.create(4, "v1", nil)
			for i := range 4 {
				p.deploy(fmt.Sprintf("v%d", i+2))
				for range 3 {
					time.Sleep(time.Duration(random.IntN(4000)) * time.Millisecond)
					p.halt()
					time.Sleep(time.Duration(random.IntN(2000)) * time.Millisecond)
					p.serve()
				}
			}
			p.wait("steady", 5*time.Minute, p.steady)
			p.wait("old tasks gone", time.Minute, func(tx *state.Tx) bool { return p.balancer.targets.Len(tx) == 4 })
			if n := len(p.running(p.store.View())); n != 4 {
				t.Fatalf("%d tasks", n)
			}
		})
	}
}

func TestLoopForgetsDeletedServices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(t)
		p.serve()
		p.create(2, "v1", nil)
		p.wait("steady", time.Minute, p.steady)
		p.update(func(tx *state.Tx) error {
			p.services.Delete(tx, *p.service(tx), time.Now())
			return nil
		})
		p.wait("inactive", time.Minute, func(tx *state.Tx) bool { return p.service(tx).Status == deploy.Inactive })
		p.wait("forgotten", 2*time.Hour, func(tx *state.Tx) bool {
			return p.tables.Services.Len(tx)+p.tables.Deployments.Len(tx)+p.tables.Events.Len(tx)+p.tables.Releases.Len(tx)+p.tables.Placements.Len(tx) == 0
		})
	})
}
