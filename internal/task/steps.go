package task

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/state"
)

// steps is the way of a task, in order. The first step that is due is taken, what it learnt is written down, and the task is
// looked at again. Every step may be cut off by a crash at any point and is then simply taken again.
func (l *Loop) steps() []step {
	return []step{
		{name: "observe", lane: l.rows, due: changed},
		{name: "interface", lane: l.rows, due: needsInterface, do: l.makeInterface, patience: 1},
		{name: "attach", lane: l.network, due: needsAttachment, do: l.attach, patience: 8, interruptible: true},
		{name: "pull", lane: l.pulls, due: needsImages, do: l.pull, patience: 3, interruptible: true},
		{name: "start", lane: l.starts, due: hasStartable, do: l.startContainers, patience: 5},
		{name: "activate", lane: l.rows, due: needsTargets, do: l.activate},
		{name: "deactivate", lane: l.rows, due: hasTargets, do: l.deactivate},
		{name: "drain", lane: l.rows, due: drained, do: l.drain},
		{name: "stop", lane: l.stops, due: hasStoppable, do: l.stopContainers},
		{name: "release", lane: l.stops, due: at(Deprovisioning), do: l.release},
		{name: "forget", lane: l.rows, due: outlived, do: l.forget},
	}
}

// step is one stretch of the way.
type step struct {
	name string
	lane *lane
	// due decides from what is known. It is pure.
	due func(v *view) bool
	// do acts, and returns what it learnt even when it fails half-way. Nil: writing down what was observed is all.
	do func(ctx context.Context, v *view) (change, error)
	// patience is how many failures in a row the task survives; 0 is any number.
	patience int
	// interruptible steps are cancelled when the task is to stop.
	interruptible bool
}

// change writes what a step learnt into the task's newest row.
type change func(tx *state.Tx, t *Task) error

// view is everything a decision about one task rests on.
type view struct {
	observed
	now     time.Time
	tx      *state.Tx // only while deciding
	task    *Task
	def     *Definition
	traffic Traffic
}

// keepStopped is how long a stopped task is told of.
// AWS: "DescribeTasks": stopped tasks appear for at least one hour.
const keepStopped = time.Hour

func at(s State) func(*view) bool { return func(v *view) bool { return v.task.Status == s } }

// changed: the row does not yet say what was observed, or what follows from it.
func changed(v *view) bool {
	t := v.task.clone()
	t.advance(v.def, v, v.now)
	return !same(t, v.task)
}

func needsInterface(v *view) bool {
	return v.task.Status == Provisioning && v.task.Attachment.InterfaceID == ""
}

func (l *Loop) makeInterface(context.Context, *view) (change, error) {
	return func(tx *state.Tx, t *Task) error {
		if t.Desired == Stopped {
			return nil
		}
		i, err := l.Network.CreateInterface(tx, InterfaceSpec{
			Account: t.Account, Region: t.Region, SubnetID: t.SubnetID, GroupIDs: t.SecurityGroups, AssignPublicIP: t.AssignPublicIP,
			Description: "arn:aws:ecs:" + t.Region + ":" + t.Account + ":attachment/" + t.Attachment.ID,
			TaskARN:     t.ARN,
		})
		if err != nil {
			return &interfaceError{t.SubnetID, t.AssignPublicIP, err}
		}
		t.Attachment.Status, t.Attachment.InterfaceID = AttachmentAttaching, i.ID
		t.Attachment.MAC, t.Attachment.PrivateIP, t.Attachment.PrivateDNSName = i.MAC, i.PrivateIP, i.PrivateDNSName
		if i.AvailabilityZone != "" {
			t.AvailabilityZone = i.AvailabilityZone
		}
		return nil
	}, nil
}

// interfaceError is a network interface that could not be had.
type interfaceError struct {
	subnet string
	public bool
	err    error
}

func (e *interfaceError) Unwrap() error { return e.err }
func (e *interfaceError) Error() string {
	enabled, code := "disabled", e.err.Error()
	if e.public {
		enabled = "enabled"
	}
	if a := (*awserr.Error)(nil); errors.As(e.err, &a) {
		code = a.Code
	}
	return fmt.Sprintf("Unexpected EC2 error while attempting to Create Network Interface with public IP assignment %s in subnet '%s': %s", enabled, e.subnet, code)
}

func needsAttachment(v *view) bool {
	return v.task.Status == Provisioning && v.task.Attachment.InterfaceID != ""
}

func (l *Loop) attach(ctx context.Context, v *view) (change, error) {
	if _, err := l.Network.Realise(ctx, v.task.Attachment.InterfaceID); err != nil {
		return nil, fmt.Errorf("ResourceInitializationError: failed to attach network interface %s: %w", v.task.Attachment.InterfaceID, err)
	}
	return func(_ *state.Tx, t *Task) error {
		if t.Status != Provisioning {
			return nil
		}
		now := l.life.now()
		t.Attachment.Status = AttachmentAttached
		t.Connectivity, t.ConnectivityAt = "CONNECTED", now
		t.Status, t.PullStartedAt = Pending, now
		return nil
	}, nil
}

func needsImages(v *view) bool { return v.task.Status == Pending && v.task.PullStoppedAt.IsZero() }

// pull makes the images present, and the log streams ready meanwhile.
func (l *Loop) pull(ctx context.Context, v *view) (change, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return l.openLogs(ctx, v.task) })
	var images map[string]Image
	group.Go(func() (err error) {
		images, err = l.pullImages(ctx, v.def)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return func(_ *state.Tx, t *Task) error {
		if t.Status != Pending {
			return nil
		}
		t.PullStoppedAt = l.life.now()
		for i := range t.Containers {
			c := &t.Containers[i]
			c.Digest, c.StopSignal = images[c.Image].Digest, images[c.Image].StopSignal
		}
		return nil
	}, nil
}

func (l *Loop) pullImages(ctx context.Context, d *Definition) (map[string]Image, error) {
	images := map[string]Image{}
	for i := range d.Containers {
		ref := d.Containers[i].Image
		if _, done := images[ref]; done {
			continue
		}
		image, err := l.Engine.Pull(ctx, PullRequest{Ref: ref})
		if err != nil {
			return nil, err
		}
		images[ref] = image
	}
	return images, nil
}

func hasStartable(v *view) bool { return len(startable(v.task, v.def)) > 0 }

// startable are the containers whose turn has come, by index.
func startable(t *Task, d *Definition) []int {
	if t.Desired != Running || t.PullStoppedAt.IsZero() || t.Status != Pending && t.Status != Activating && t.Status != Running {
		return nil
	}
	var out []int
	for i := range t.Containers {
		c := &t.Containers[i]
		if cd, ok := d.container(c.Name); ok && (c.Restarting || c.Status == Pending && t.ready(cd)) {
			out = append(out, i)
		}
	}
	return out
}

func (t *Task) ready(cd *ContainerDefinition) bool {
	for _, dep := range cd.dependencies() {
		if on, ok := t.Container(dep.Container); !ok || meets(on, dep.Condition) != satisfied {
			return false
		}
	}
	return true
}

// startContainers makes the sandbox if need be and starts the containers whose turn it is, at once.
func (l *Loop) startContainers(ctx context.Context, v *view) (change, error) {
	if !v.task.Sandboxed {
		place, err := l.Network.Realise(ctx, v.task.Attachment.InterfaceID)
		if err != nil {
			return nil, fmt.Errorf("ResourceInitializationError: failed to join network interface %s: %w", v.task.Attachment.InterfaceID, err)
		}
		l.sandboxes.add(v.task.ID)
		if err := l.Engine.CreateTask(ctx, v.task.sandbox(v.def, place)); err != nil {
			return nil, fmt.Errorf("ResourceInitializationError: failed to create the task's sandbox: %w", err)
		}
	}
	turn := startable(v.task, v.def)
	errs := make([]error, len(turn))
	var group sync.WaitGroup
	for n, i := range turn {
		group.Go(func() { errs[n] = l.startContainer(ctx, v, &v.task.Containers[i]) })
	}
	group.Wait()
	now := l.life.now()
	return func(_ *state.Tx, t *Task) error {
		t.Sandboxed = true
		for n, i := range turn {
			c := &t.Containers[i]
			var refused *StartError
			switch {
			case errors.As(errs[n], &refused):
				t.failContainer(c, refused.text())
			case errs[n] == nil && (c.Status == Pending || c.Restarting):
				c.started(now, now)
			}
		}
		return nil
	}, transient(errs)
}

func (l *Loop) startContainer(ctx context.Context, v *view, c *Container) error {
	cd, _ := v.def.container(c.Name)
	if c.RestartCount > 0 {
		if err := l.Engine.RemoveContainer(ctx, containerID(v.task.ID, c.Name, c.RestartCount-1)); err != nil {
			return err
		}
	}
	if err := l.Engine.CreateContainer(ctx, v.task.spec(v.def, cd, c)); err != nil {
		return err
	}
	return l.Engine.StartContainer(ctx, c.ID)
}

func (e *StartError) text() string {
	if e.Kind != "" {
		return e.Kind + ": " + e.Reason
	}
	return "CannotStartContainerError: " + e.Reason
}

// transient is the first error that is not the container's own fault.
func transient(errs []error) error {
	for _, err := range errs {
		var refused *StartError
		if err != nil && !errors.As(err, &refused) {
			return fmt.Errorf("ContainerRuntimeError: %w", err)
		}
	}
	return nil
}

func needsTargets(v *view) bool { return v.task.Status == Activating && v.task.Desired == Running }

func (l *Loop) activate(context.Context, *view) (change, error) {
	return func(tx *state.Tx, t *Task) error {
		if t.Status != Activating || t.Desired != Running {
			return nil
		}
		if err := l.Traffic.Attach(tx, t); err != nil {
			return err
		}
		t.Attached = true
		t.running(l.life.now())
		return nil
	}, nil
}

func hasTargets(v *view) bool {
	return (v.task.Status == Running || v.task.Status == Activating) && v.task.Desired == Stopped && v.task.Attached
}

func (l *Loop) deactivate(context.Context, *view) (change, error) {
	return func(tx *state.Tx, t *Task) error {
		if t.Status != Running && t.Status != Activating {
			return nil
		}
		if err := l.Traffic.Detach(tx, t); err != nil {
			return err
		}
		t.Status, t.StoppingAt = Deactivating, l.life.now()
		return nil
	}, nil
}

// drained: nothing is in flight any more, or there is nobody left to answer it.
func drained(v *view) bool {
	t := v.task
	return t.Status == Deactivating && (t.StopCode == EssentialContainerExited || v.traffic.Detached(v.tx, t))
}

func (l *Loop) drain(context.Context, *view) (change, error) {
	return func(_ *state.Tx, t *Task) error {
		if t.Status == Deactivating {
			t.stopping(l.life.now())
		}
		return nil
	}, nil
}

func hasStoppable(v *view) bool { return len(stoppable(v.task, v.def, v.now)) > 0 }

// stoppable are the running containers to be signalled now, by index: those on which no running container depends, when they have
// not been asked yet, or when the time they were given is over.
func stoppable(t *Task, d *Definition, now time.Time) []int {
	if t.Status != Stopping {
		return nil
	}
	needed := map[string]bool{}
	for i := range t.Containers {
		if cd, ok := d.container(t.Containers[i].Name); ok && t.Containers[i].Status == Running {
			for _, dep := range cd.dependencies() {
				needed[dep.Container] = true
			}
		}
	}
	var out []int
	for i := range t.Containers {
		if c := &t.Containers[i]; c.Status == Running && !needed[c.Name] && !now.Before(c.KillAt) {
			out = append(out, i)
		}
	}
	return out
}

// killGrace is how long a killed container may take to be told of before it is removed by force.
const killGrace = 10 * time.Second

// stopContainers takes each container a rung further: asked, killed, removed.
func (l *Loop) stopContainers(ctx context.Context, v *view) (change, error) {
	turn := stoppable(v.task, v.def, v.now)
	errs := make([]error, len(turn))
	var group sync.WaitGroup
	for n, i := range turn {
		group.Go(func() {
			c := &v.task.Containers[i]
			switch {
			case c.KillAt.IsZero():
				errs[n] = l.Engine.Signal(ctx, c.ID, signalNumber(c.StopSignal))
			case !c.Killed:
				errs[n] = l.Engine.Signal(ctx, c.ID, syscall.SIGKILL)
			default:
				errs[n] = l.Engine.RemoveContainer(ctx, c.ID)
			}
		})
	}
	group.Wait()
	now := l.life.now()
	return func(_ *state.Tx, t *Task) error {
		for n, i := range turn {
			if c := &t.Containers[i]; errs[n] == nil && c.Status == Running {
				c.rung(v.def, now)
			}
		}
		return nil
	}, errors.Join(errs...)
}

// rung notes that the container was asked, killed or removed.
func (c *Container) rung(d *Definition, now time.Time) {
	switch {
	case c.KillAt.IsZero():
		timeout := 0
		if cd, ok := d.container(c.Name); ok {
			timeout = cd.StopTimeout
		}
		if timeout == 0 {
			timeout = 30
		}
		c.KillAt = now.Add(seconds(timeout))
	case !c.Killed:
		c.Killed, c.KillAt = true, now.Add(killGrace)
	default:
		c.Status, c.FinishedAt, c.ExitCode = Stopped, now, new(137)
		c.Reason = "CannotStopContainerError: the container did not end after SIGKILL and was removed"
	}
}

func (l *Loop) release(ctx context.Context, v *view) (change, error) {
	if l.sandboxes.has(v.task.ID) || v.task.Sandboxed {
		if err := l.Engine.RemoveTask(ctx, v.task.ID); err != nil {
			return nil, err
		}
		l.sandboxes.remove(v.task.ID)
	}
	return func(tx *state.Tx, t *Task) error {
		if t.Status != Deprovisioning {
			return nil
		}
		if id := t.Attachment.InterfaceID; id != "" {
			if err := l.Network.DeleteInterface(tx, id); err != nil {
				return err
			}
		}
		t.Attachment.Status = AttachmentDeleted
		t.Status, t.StoppedAt = Stopped, l.life.now()
		if t.Connectivity != "" {
			t.Connectivity = "DISCONNECTED"
		}
		return nil
	}, nil
}

func outlived(v *view) bool {
	return v.task.Status == Stopped && !v.now.Before(v.task.StoppedAt.Add(keepStopped))
}

// forget drops the row, and the definition when no other task was made from it.
func (l *Loop) forget(ctx context.Context, v *view) (change, error) {
	tables := l.life.tables
	return nil, l.Store.Update(ctx, func(tx *state.Tx) error {
		tables.Tasks.Delete(tx, v.task.ARN)
		for range tables.Tasks.By(tx, ByDefinition, v.task.DefinitionARN) {
			return nil
		}
		tables.Definitions.Delete(tx, v.task.DefinitionARN)
		return nil
	})
}
