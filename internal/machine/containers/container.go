package containers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/containerd/api/types/runc/options"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/containerd/typeurl/v2"
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/neargate/neargate/internal/machine/containers/shim"
	"github.com/neargate/neargate/internal/task"
)

// containerRecord is <task>/<container>/container.json.
type containerRecord struct {
	Spec       task.ContainerSpec
	StopSignal string
	Lower      []string  // layers it stands on
	StartedAt  time.Time // zero: not started
	// Final is the state of a container that has stopped; it is written once.
	Final *task.ContainerState `json:",omitempty"`
}

// container is one container on this machine.
type container struct {
	id     string
	box    *sandbox
	bundle string
	group  string

	step sync.Mutex // one step at a time; taken inside sandbox.step, never around it

	mu       sync.Mutex
	record   containerRecord
	state    task.ContainerState
	launched time.Time     // when its start was over; zero where an earlier engine started it
	over     chan struct{} // closed once the state is stopped
}

func (e *Engine) newContainer(s *sandbox, c task.ContainerSpec) *container {
	return &container{
		id: c.ID, box: s, bundle: e.cfg.bundle(c.TaskID, c.ID), group: e.cfg.containerGroup(c.TaskID, c.ID),
		record: containerRecord{Spec: c},
		state:  task.ContainerState{ID: c.ID, TaskID: c.TaskID, Name: c.Name, Status: task.StatusCreated},
		over:   make(chan struct{}),
	}
}

func (c *container) now() task.ContainerState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

func (c *container) save() error {
	c.mu.Lock()
	rec := c.record
	c.mu.Unlock()
	return writeRecord(filepath.Join(c.bundle, "container.json"), rec)
}

// find returns the container called id, nil if there is none.
func (e *Engine) find(id string) *container {
	c, ok := e.index.Load(id)
	if !ok {
		return nil
	}
	return c.(*container)
}

func (e *Engine) add(c *container) {
	c.box.mu.Lock()
	c.box.containers[c.id] = c
	c.box.mu.Unlock()
	e.index.Store(c.id, c)
}

func (e *Engine) drop(c *container) {
	e.index.Delete(c.id)
	c.box.mu.Lock()
	delete(c.box.containers, c.id)
	c.box.mu.Unlock()
}

// CreateContainer implements task.Engine.
func (e *Engine) CreateContainer(ctx context.Context, spec task.ContainerSpec) error {
	if !idPattern.MatchString(spec.ID) {
		return fmt.Errorf("container %q: not an id", spec.ID)
	}
	s := e.sandbox(spec.TaskID, false)
	if s == nil {
		return fmt.Errorf("container %s: task %s does not exist", spec.ID, spec.TaskID)
	}
	s.step.Lock()
	defer s.step.Unlock()
	if s.removed || s.TaskID == "" {
		return fmt.Errorf("container %s: task %s does not exist", spec.ID, spec.TaskID)
	}
	if c := e.find(spec.ID); c != nil {
		if c.box != s {
			return fmt.Errorf("container %s belongs to another task", spec.ID)
		}
		return nil
	}
	if err := e.starts.Acquire(ctx, 1); err != nil {
		return err
	}
	defer e.starts.Release(1)
	e.layers.RLock()
	defer e.layers.RUnlock()
	c := e.newContainer(s, spec)
	if err := e.unthrottled(s, func() error { return e.makeContainer(ctx, s, c) }); err != nil {
		return errors.Join(err, e.clearContainer(c))
	}
	e.add(c)
	e.hub.publish(c.now())
	e.watch(c)
	return nil
}

// unthrottled does something while the task may use as much processor time as there is: runc's work inside the task's control
// group is ours, and at a quarter of a processor it would take four times as long.
func (e *Engine) unthrottled(s *sandbox, do func() error) error {
	if s.CPUUnits == 0 {
		return do()
	}
	group := e.cfg.taskGroup(s.TaskID)
	if err := e.groups.Throttle(group, 0); err != nil {
		return err
	}
	return errors.Join(do(), e.groups.Throttle(group, s.CPUUnits))
}

func (e *Engine) makeContainer(ctx context.Context, s *sandbox, c *container) error {
	spec := c.record.Spec
	if spec.Init && !e.static() {
		return refused(spec, "unable to create new container: an init process needs this program built without cgo", nil)
	}
	conn, err := s.line()
	if err != nil {
		return err
	}
	image, err := e.images.Rootfs(ctx, spec.Image)
	if err != nil {
		return refused(spec, "unable to create new container: "+err.Error(), err)
	}
	if err := e.clearContainer(c); err != nil { // of an attempt that was cut short
		return err
	}
	if err := os.MkdirAll(c.bundle, 0o711); err != nil {
		return err
	}
	c.record.Lower, c.record.StopSignal, c.state.StopSignal = image.Lower, image.Config.StopSignal, image.Config.StopSignal
	if err := c.save(); err != nil {
		return err
	}
	if err := mountRoot(c.bundle, image.Lower); err != nil {
		return fmt.Errorf("container %s: root file system: %w", c.id, err)
	}
	root := filepath.Join(c.bundle, "rootfs")
	user, err := resolveUser(root, spec.User, image.Config.User)
	if err != nil {
		return refused(spec, "unable to create new container: "+err.Error(), err)
	}
	if err := e.fillVolumes(s, spec, root); err != nil {
		return refused(spec, "unable to create new container: "+err.Error(), err)
	}
	if err := writeEtc(c.bundle, s.Sandbox, spec); err != nil {
		return err
	}
	plan := blueprint{
		container: spec, sandbox: s.Sandbox, image: image.Config, user: user,
		limits: e.limits, seccomp: e.seccomp(), foreign: has32bit(root), swap: e.groups.Swap(), unified: e.groups.Unified(),
		group: c.group, bundle: c.bundle, volumes: filepath.Join(e.cfg.volumesDir(), spec.TaskID), init: e.shim, onClamped: e.tellClamped,
	}
	if s.SharedPID {
		plan.pidns = fmt.Sprintf("/proc/%d/ns/pid", s.Root.PID)
	}
	oci, err := plan.spec()
	if err != nil {
		return refused(spec, err.Error(), err)
	}
	if err := writeRecord(filepath.Join(c.bundle, "config.json"), oci); err != nil {
		return err
	}
	return e.create(ctx, conn, c, oci)
}

// create has the shim create the container: its first process exists and waits.
func (e *Engine) create(ctx context.Context, conn *connection, c *container, oci *specs.Spec) error {
	spec := c.record.Spec
	opts, err := typeurl.MarshalAnyToProto(&options.Options{BinaryName: e.cfg.Runtime, Root: e.cfg.runcRoot()})
	if err != nil {
		return err
	}
	req := &taskapi.CreateTaskRequest{ID: c.id, Bundle: c.bundle, Terminal: oci.Process.Terminal, Options: opts}
	if spec.Log.Driver != "none" {
		req.Stdout = shim.SpoolURI(e.cfg.spool(c.id), 0)
	}
	if spec.Interactive {
		req.Stdin = filepath.Join(c.bundle, "stdin")
		if err := syscall.Mkfifo(req.Stdin, 0o600); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	// Not given up when the caller is: a half-made container would be left in the shim.
	resp, err := conn.Create(e.scope(context.WithoutCancel(ctx)), req)
	if err != nil {
		err = errgrpc.ToNative(err)
		return refused(spec, "failed to create new container runtime task: failed to create shim task: "+trimClass(err), err)
	}
	c.mu.Lock()
	c.state.Pid = int(resp.Pid)
	c.mu.Unlock()
	return nil
}

// refused is a container that cannot be had as it is defined, worded as Fargate words it behind "CannotStartContainerError: ".
func refused(spec task.ContainerSpec, reason string, err error) error {
	return &task.StartError{Container: spec.Name, Reason: "ResourceInitializationError: " + reason, Err: err}
}

// trimClass writes an error of the shim as containerd does: with ": unknown" for the class it has none for.
func trimClass(err error) string {
	text := err.Error()
	if errdefs.IsUnknown(err) && !strings.HasSuffix(text, ": unknown") {
		text += ": unknown"
	}
	return text
}

// startLimit is how long a start may take, however busy the machine. One that hangs would keep the platform from ending.
const startLimit = time.Minute

// StartContainer implements task.Engine.
func (e *Engine) StartContainer(ctx context.Context, id string) error {
	c := e.find(id)
	if c == nil {
		return fmt.Errorf("container %s does not exist", id)
	}
	c.step.Lock()
	defer c.step.Unlock()
	if c.now().Status != task.StatusCreated {
		return nil
	}
	conn, err := c.box.line()
	if err != nil {
		return err
	}
	if err := e.starts.Acquire(ctx, 1); err != nil {
		return err
	}
	defer e.starts.Release(1)
	c.mu.Lock() // now, because a short life may be over before the shim has answered
	c.record.StartedAt = time.Now()
	c.state.StartedAt = c.record.StartedAt
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startLimit)
	defer cancel()
	resp, err := conn.Start(e.scope(ctx), &taskapi.StartRequest{ID: id})
	if err != nil {
		err = errgrpc.ToNative(err)
		if c.now().Status == task.StatusStopped { // it has been killed before it was started
			return nil
		}
		return refused(c.record.Spec, "failed to start container: "+trimClass(err), err)
	}
	c.mu.Lock()
	c.launched = time.Now()
	c.mu.Unlock()
	e.running(c, int(resp.Pid))
	return nil
}

// running writes down that the container runs and tells everybody, unless it is over already. It tells under the lock, so that
// nobody hears of the end first.
func (e *Engine) running(c *container, pid int) {
	c.mu.Lock()
	fresh := c.state.Status == task.StatusCreated
	if fresh {
		c.state.Status, c.state.Pid = task.StatusRunning, pid
		e.hub.publish(c.state)
	}
	c.mu.Unlock()
	if !fresh {
		return
	}
	if err := c.save(); err != nil {
		e.log.Error("container record", "container", c.id, "error", err)
	}
}

// Signal implements task.Engine.
func (e *Engine) Signal(ctx context.Context, id string, sig syscall.Signal) error {
	c := e.find(id)
	if c == nil || c.now().Status == task.StatusStopped {
		return nil
	}
	conn, err := c.box.line()
	if err != nil {
		return err
	}
	c.heeded(ctx, sig)
	if sig == syscall.SIGKILL {
		e.hasten(c)
	}
	_, err = conn.Kill(e.scope(ctx), &taskapi.KillRequest{ID: id, Signal: uint32(sig)})
	if err = errgrpc.ToNative(err); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("container %s: signal %v: %w", id, sig, err)
	}
	return nil
}

// hasten lets a task use as much processor time as there is until a killed container is over: what the kernel has to tidy up
// after hundreds of processes counts against the task.
func (e *Engine) hasten(c *container) {
	e.waits.Go(func() {
		// The group may be gone before us, and needs no limit then.
		_ = e.unthrottled(c.box, func() error {
			select {
			case <-c.over:
			case <-e.ctx.Done():
			case <-time.After(killed):
			}
			return nil
		})
	})
}

// killed is how long a container may take to end after SIGKILL.
const killed = 10 * time.Second

// RemoveContainer implements task.Engine.
func (e *Engine) RemoveContainer(ctx context.Context, id string) error {
	c := e.find(id)
	if c == nil {
		return nil
	}
	c.box.step.Lock()
	defer c.box.step.Unlock()
	defer func() { e.tidySpools(time.Now()) }()
	return e.removeContainer(ctx, c)
}

// removeContainer needs the sandbox's lock. It is carried through even if the caller goes away.
func (e *Engine) removeContainer(ctx context.Context, c *container) error {
	c.step.Lock()
	defer c.step.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if conn, err := c.box.line(); err == nil {
		if c.now().Status != task.StatusStopped {
			e.hasten(c)
			_, _ = conn.Kill(e.scope(ctx), &taskapi.KillRequest{ID: c.id, Signal: uint32(syscall.SIGKILL)})
			select {
			case <-c.over:
			case <-time.After(killed):
				e.log.Warn("container does not die", "container", c.id)
			}
		}
		_, err := conn.Delete(e.scope(ctx), &taskapi.DeleteRequest{ID: c.id})
		if err = errgrpc.ToNative(err); err != nil && !errdefs.IsNotFound(err) {
			e.log.Warn("delete container", "container", c.id, "error", err)
		}
	}
	if err := e.clearContainer(c); err != nil {
		return fmt.Errorf("container %s: %w", c.id, err)
	}
	e.drop(c)
	return nil
}

// clearContainer removes what a container has on this machine outside the shim.
func (e *Engine) clearContainer(c *container) error {
	return errors.Join(
		unmountRoot(c.bundle),
		e.groups.Remove(c.group),
		os.RemoveAll(filepath.Join(e.cfg.runcRoot(), e.cfg.namespace(), c.id)),
		removeTree(c.bundle),
	)
}

// List implements task.Engine.
func (e *Engine) List(context.Context) ([]task.ContainerState, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []task.ContainerState
	for id, s := range e.tasks {
		s.mu.Lock()
		for _, c := range s.containers {
			all = append(all, c.now())
		}
		if len(s.containers) == 0 {
			all = append(all, task.ContainerState{TaskID: id})
		}
		s.mu.Unlock()
	}
	return all, nil
}
