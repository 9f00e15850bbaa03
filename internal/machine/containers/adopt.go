package containers

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	tasktypes "github.com/containerd/containerd/api/types/task"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/machine/containers/cgroup"
	"github.com/neargate/neargate/internal/task"
)

// adopt takes over what an earlier engine of the same directory has left running, and removes what it had not finished making.
func (e *Engine) adopt(ctx context.Context) error {
	entries, err := os.ReadDir(e.cfg.tasksDir())
	if err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(2 * runtime.NumCPU())
	for _, d := range entries {
		g.Go(func() error { return e.adoptTask(ctx, d.Name()) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, p := range e.cfg.shims() { // spawned, but the record was not written any more
		if s := e.sandbox(p.task, false); s == nil || s.Shim != p.ID {
			p.Kill()
		}
	}
	e.tidySpools(time.Now())
	return e.groups.RemoveEmpty(e.cfg.group())
}

func (e *Engine) adoptTask(ctx context.Context, id string) error {
	s := &sandbox{containers: map[string]*container{}}
	err := readRecord(filepath.Join(e.cfg.taskDir(id), "task.json"), &s.sandboxRecord)
	if err != nil || s.TaskID != id {
		e.log.Info("removing a task that was not finished", "task", id)
		return e.cfg.removeTraces(e.groups, id)
	}
	e.mu.Lock()
	e.tasks[id] = s
	e.mu.Unlock()
	limits := cgroup.Limits{CPUUnits: s.CPUUnits, MemoryMiB: s.MemoryMiB} // which may have been lifted for a moment
	if err := e.groups.Make(e.cfg.taskGroup(id), limits); err != nil {
		return err
	}
	if err := e.connect(s); err != nil {
		e.log.Warn("shim is gone", "task", id, "error", err)
	}
	entries, err := os.ReadDir(e.cfg.taskDir(id))
	if err != nil {
		return err
	}
	for _, d := range entries {
		if d.IsDir() {
			if err := e.adoptContainer(ctx, s, d.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *Engine) adoptContainer(ctx context.Context, s *sandbox, id string) error {
	var rec containerRecord
	if err := readRecord(filepath.Join(e.cfg.bundle(s.TaskID, id), "container.json"), &rec); err != nil {
		return e.clearContainer(e.newContainer(s, task.ContainerSpec{ID: id, TaskID: s.TaskID}))
	}
	c := e.newContainer(s, rec.Spec)
	c.record = rec
	c.state.StartedAt, c.state.StopSignal = rec.StartedAt, rec.StopSignal
	if rec.Final != nil {
		c.state = *rec.Final
		close(c.over)
		e.add(c)
		return nil
	}
	conn, err := s.line()
	if err != nil {
		e.add(c)
		e.abandon(c)
		return nil
	}
	asked, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	st, err := conn.State(e.scope(asked), &taskapi.StateRequest{ID: id})
	if err = errgrpc.ToNative(err); errdefs.IsNotFound(err) { // its creation was cut short: it will be created again
		return e.clearContainer(c)
	}
	e.add(c)
	if ctx.Err() != nil {
		return ctx.Err()
	} else if err != nil { // dying or stuck
		e.log.Warn("shim does not answer", "task", s.TaskID, "error", err)
		s.Shim.Kill()
		s.disconnect()
		e.abandon(c)
		return nil
	}
	switch st.Status {
	case tasktypes.Status_STOPPED:
		if at := st.ExitedAt.AsTime(); c.record.StartedAt.IsZero() { // as below
			c.record.StartedAt, c.state.StartedAt = at, at
		}
		e.ended(c, int(st.ExitStatus), st.ExitedAt.AsTime(), "")
	case tasktypes.Status_CREATED:
		c.state.Pid = int(st.Pid)
		e.watch(c)
	default:
		if c.record.StartedAt.IsZero() { // the record was not written any more
			c.record.StartedAt, c.state.StartedAt = time.Now(), time.Now()
		}
		e.running(c, int(st.Pid))
		e.watch(c)
	}
	return nil
}
