package task_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/clock"
	"github.com/neargate/neargate/internal/event"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
	"github.com/neargate/neargate/internal/task/simulated"
)

// world is a lifecycle over a simulated machine, in virtual time.
type world struct {
	t       testing.TB
	store   *state.Store
	tables  *task.Tables
	outbox  *event.Outbox
	life    *task.Lifecycle
	engine  *simulated.Engine
	network *network
	traffic *traffic
	disk    *disk
	logs    error // what opening a log stream ends with
	log     *slog.Logger

	stop    context.CancelFunc
	stopped chan error
}

// network hands out interfaces, remembered in a table so that they come and go with their transactions.
type network struct {
	interfaces *state.Table[eni]
	full       bool
	realise    error
}

type eni struct{ ID, Task string }

func (n *network) CreateInterface(tx *state.Tx, s task.InterfaceSpec) (task.Interface, error) {
	if n.full {
		return task.Interface{}, awserr.New("InsufficientFreeAddressesInSubnet", 400, "no addresses")
	}
	i := task.Interface{
		ID: "eni-" + s.TaskARN[len(s.TaskARN)-17:], MAC: "02:00:00:00:00:01", PrivateIP: "10.0.1.5",
		PrivateDNSName: "ip-10-0-1-5.ec2.internal", AvailabilityZone: "us-east-1a",
	}
	n.interfaces.Put(tx, &eni{i.ID, s.TaskARN})
	return i, nil
}

func (n *network) DeleteInterface(tx *state.Tx, id string) error {
	n.interfaces.Delete(tx, id)
	return nil
}

func (n *network) Realise(_ context.Context, id string) (task.Place, error) {
	return task.Place{NetNS: "/run/netns/" + id, DNS: []netip.Addr{netip.MustParseAddr("10.0.0.2")}}, n.realise
}

// disk is a journal that can be made to fail.
type disk struct {
	state.Journal
	fault func() error
}

func (d *disk) Commit(ctx context.Context, b state.Batch) error {
	if d.fault != nil {
		if err := d.fault(); err != nil {
			return err
		}
	}
	return d.Journal.Commit(ctx, b)
}

// traffic drains as long as it is told to.
type traffic struct {
	registered *state.Table[registered]
	refused    error // what registering ends with

	mu      sync.Mutex
	drained map[string]bool
}

type registered struct{ Task string }

func (x *traffic) Attach(tx *state.Tx, t *task.Task) error {
	if x.refused != nil {
		return x.refused
	}
	x.registered.Put(tx, &registered{t.ARN})
	return nil
}

func (x *traffic) Detach(tx *state.Tx, t *task.Task) error {
	x.registered.Delete(tx, t.ARN)
	return nil
}

func (x *traffic) Detached(_ *state.Tx, t *task.Task) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.drained[t.ARN]
}

func (x *traffic) drain(arn string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.drained[arn] = true
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOn(t, func() (state.Journal, error) { return state.Memory(), nil })
}

// newWorldOn is a world whose journal is the given one.
func newWorldOn(t testing.TB, open func() (state.Journal, error)) *world {
	t.Helper()
	schema := state.NewSchema()
	w := &world{t: t, tables: task.NewTables(schema), engine: simulated.New(), log: slog.New(slog.DiscardHandler)}
	w.outbox = event.NewOutbox(schema, 5_000)
	w.network = &network{interfaces: state.AddTable(schema, "test.eni", func(e *eni) string { return e.ID })}
	w.traffic = &traffic{registered: state.AddTable(schema, "test.target", func(r *registered) string { return r.Task }), drained: map[string]bool{}}
	journal, err := open()
	if err != nil {
		t.Fatal(err)
	}
	w.disk = &disk{Journal: journal}
	store, err := state.Open(t.Context(), schema, w.disk)
	if err != nil {
		t.Fatal(err)
	}
	w.store = store
	w.life = task.NewLifecycle(w.tables, w.outbox, clock.Clock{})
	t.Cleanup(func() {
		w.halt()
		store.Close()
	})
	return w
}

// serve begins a loop, as a process that starts does.
func (w *world) serve() {
	ctx, cancel := context.WithCancel(context.Background())
	w.stop, w.stopped = cancel, make(chan error, 1)
	loop := task.NewLoop(task.Config{
		Store: w.store, Lifecycle: w.life, Engine: w.engine, Network: w.network, Traffic: w.traffic, Logs: w, Log: w.log, Parallel: 4,
	})
	stopped := w.stopped
	go func() { stopped <- loop.Run(ctx) }()
}

// Open implements task.Logs.
func (w *world) Open(context.Context, task.LogSpec) error { return w.logs }

// halt ends the loop, if one runs.
func (w *world) halt() {
	if w.stop == nil {
		return
	}
	w.stop()
	if err := <-w.stopped; !errors.Is(err, context.Canceled) {
		w.t.Errorf("loop ended with %v", err)
	}
	w.stop = nil
}

// attached tells whether the task's targets are registered.
func (w *world) attached(arn string) bool {
	_, ok := w.traffic.registered.Get(w.store.View(), arn)
	return ok
}

func (w *world) update(fn func(tx *state.Tx) error) {
	w.t.Helper()
	if err := w.store.Update(context.Background(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) run(d *task.Definition, change ...func(*task.RunSpec)) string {
	w.t.Helper()
	s := task.RunSpec{
		Account: "000000000000", Region: "us-east-1", ClusterName: "web", ClusterARN: "arn:aws:ecs:us-east-1:000000000000:cluster/web",
		Definition: d, SubnetID: "subnet-1", SecurityGroups: []string{"sg-1"}, AvailabilityZone: "us-east-1a", LaunchType: "FARGATE",
	}
	for _, c := range change {
		c(&s)
	}
	var arn string
	w.update(func(tx *state.Tx) error {
		t, err := w.life.Run(tx, s)
		if err == nil {
			arn = t.ARN
		}
		return err
	})
	return arn
}

func (w *world) stopTask(arn string) {
	w.t.Helper()
	w.update(func(tx *state.Tx) error { return w.life.Stop(tx, arn, task.UserInitiated, "Task stopped by user") })
}

func (w *world) task(arn string) *task.Task {
	w.t.Helper()
	t, ok := w.tables.Tasks.Get(w.store.View(), arn)
	if !ok {
		w.t.Fatalf("task %s is gone", arn)
	}
	return t
}

// container is a task's container by name.
func (w *world) container(arn, name string) *task.Container {
	w.t.Helper()
	c, ok := w.task(arn).Container(name)
	if !ok {
		w.t.Fatalf("task %s has no container %s", arn, name)
	}
	return c
}

// pass lets virtual time go by and everything that follows from it happen.
func (w *world) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *world) want(arn string, status task.State) *task.Task {
	w.t.Helper()
	t := w.task(arn)
	if t.Status != status {
		w.t.Fatalf("task is %s (%s %s), want %s", t.Status, t.StopCode, t.StoppedReason, status)
	}
	return t
}

func (w *world) wantStopped(arn string, code task.StopCode, reason string) *task.Task {
	w.t.Helper()
	t := w.want(arn, task.Stopped)
	if t.StopCode != code || t.StoppedReason != reason {
		w.t.Errorf("stopped with %s %q, want %s %q", t.StopCode, t.StoppedReason, code, reason)
	}
	return t
}

// wantClean: nothing is left of any task on the machine or in the network.
func (w *world) wantClean() {
	w.t.Helper()
	list, err := w.engine.List(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	if len(list) > 0 {
		w.t.Errorf("the machine still has %v", list)
	}
	if n := w.network.interfaces.Len(w.store.View()); n > 0 {
		w.t.Errorf("%d interfaces are left", n)
	}
}

// statuses are the lastStatus values a task was seen in, by the facts emitted.
func (w *world) statuses() []string {
	var out []string
	for _, f := range w.outbox.After(w.store.View(), 0, 1<<20) {
		var status string
		fmt.Sscanf(after(string(f.Detail), `"lastStatus":`, 2), "%q", &status)
		if len(out) == 0 || out[len(out)-1] != status {
			out = append(out, status)
		}
	}
	return out
}

// after is what follows the nth last occurrence... of a JSON key of the task itself, which comes after its containers' ones.
func after(s, key string, _ int) string {
	at := -1
	for i := 0; i+len(key) <= len(s); i++ {
		if s[i:i+len(key)] == key {
			at = i + len(key)
		}
	}
	return s[at:]
}

func definition(containers ...task.ContainerDefinition) *task.Definition {
	return &task.Definition{
		ARN: "arn:aws:ecs:us-east-1:000000000000:task-definition/web:1", Family: "web", Revision: 1,
		Compatibilities: []string{"FARGATE"}, NetworkMode: "awsvpc", CPU: 256, Memory: 512, ExecutionRole: "arn:aws:iam::000000000000:role/exec",
		Containers: containers,
	}
}

func container(name string, words ...string) task.ContainerDefinition {
	return task.ContainerDefinition{Name: name, Image: name + ":1", Command: words, Essential: true}
}

func sidecar(name string, words ...string) task.ContainerDefinition {
	c := container(name, words...)
	c.Essential = false
	return c
}

func needs(c task.ContainerDefinition, on string, condition task.Condition) task.ContainerDefinition {
	c.DependsOn = append(slices.Clone(c.DependsOn), task.Dependency{Container: on, Condition: condition})
	return c
}
