package containers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"

	"github.com/containerd/containerd/v2/pkg/namespaces"

	"github.com/neargate/neargate/internal/machine/containers/cgroup"
	"github.com/neargate/neargate/internal/machine/containers/pid1"
	"github.com/neargate/neargate/internal/machine/process"
	"github.com/neargate/neargate/internal/task"
)

// sandboxRecord is <task>/task.json.
type sandboxRecord struct {
	task.Sandbox
	Shim process.ID
	Root process.ID // number one of a shared pid namespace
}

// sandbox is one task on this machine.
type sandbox struct {
	sandboxRecord

	step    sync.Mutex // one creation or removal at a time
	removed bool       // and out of the engine's table; guarded by step

	mu         sync.Mutex
	conn       *connection
	leaving    bool // the line to the shim is being closed on purpose
	containers map[string]*container
}

var idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$`)

// CreateTask implements task.Engine.
func (e *Engine) CreateTask(ctx context.Context, t task.Sandbox) error {
	if !idPattern.MatchString(t.TaskID) {
		return fmt.Errorf("task %q: not an id", t.TaskID)
	}
	for _, v := range t.Volumes {
		if v != filepath.Base(v) || v == "." || v == ".." {
			return fmt.Errorf("task %s: volume %q: not a name", t.TaskID, v)
		}
	}
	s := e.claim(t.TaskID)
	defer func() { s.step.Unlock() }()
	if s.TaskID != "" && len(s.all()) == 0 {
		if _, err := s.line(); err != nil { // it was being removed, or the machine was restarted: nothing of it is left to go on with
			if err := e.removeSandbox(context.WithoutCancel(ctx), t.TaskID, s); err != nil {
				return fmt.Errorf("task %s: %w", t.TaskID, err)
			}
			s.step.Unlock()
			s = e.claim(t.TaskID)
		}
	}
	if s.TaskID != "" {
		return nil
	}
	if err := e.makeSandbox(s, t); err != nil {
		err = fmt.Errorf("task %s: %w", t.TaskID, err)
		return errors.Join(err, e.removeSandbox(context.WithoutCancel(ctx), t.TaskID, s))
	}
	return nil
}

// claim returns the task called id, a new one if there is none, with its step lock held.
func (e *Engine) claim(id string) *sandbox {
	for {
		s := e.sandbox(id, true)
		s.step.Lock()
		if !s.removed {
			return s
		}
		s.step.Unlock() // it was removed while we waited
	}
}

func (e *Engine) makeSandbox(s *sandbox, t task.Sandbox) error {
	dir := e.cfg.taskDir(t.TaskID)
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return err
	}
	for _, v := range t.Volumes {
		if err := os.MkdirAll(e.cfg.volume(t.TaskID, v), 0o755); err != nil {
			return err
		}
	}
	group := e.cfg.taskGroup(t.TaskID)
	if err := e.groups.Make(group, cgroup.Limits{CPUUnits: t.CPUUnits, MemoryMiB: t.MemoryMiB}); err != nil {
		return err
	}
	rec := sandboxRecord{Sandbox: t}
	var err error
	if t.SharedPID {
		if rec.Root, err = e.spawnRoot(group); err != nil {
			return fmt.Errorf("pid namespace: %w", err)
		}
	}
	if rec.Shim, err = e.spawnShim(t.TaskID); err != nil {
		return fmt.Errorf("shim: %w", err)
	}
	s.sandboxRecord = rec
	if err := writeRecord(filepath.Join(dir, "task.json"), rec); err != nil {
		return err
	}
	return e.connect(s)
}

// rootGroup is the control group of the process that holds a shared pid namespace; no container id starts like this.
const rootGroup = "_root"

// spawnRoot starts the process that holds a shared pid namespace.
func (e *Engine) spawnRoot(group string) (process.ID, error) {
	cmd := exec.Command(e.shim)
	cmd.Args = []string{pid1.Path}
	cmd.Dir = "/"
	cmd.Env = []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Cloneflags: syscall.CLONE_NEWPID}
	if err := cmd.Start(); err != nil {
		return process.ID{}, err
	}
	go cmd.Wait()
	p := process.Identify(cmd.Process.Pid)
	if err := e.groups.Add(group, rootGroup, p.PID); err != nil {
		p.Kill()
		return process.ID{}, err
	}
	return p, nil
}

func (e *Engine) connect(s *sandbox) error {
	conn, err := e.dial(s.TaskID, func() { e.lost(s) })
	if err != nil {
		return fmt.Errorf("shim: %w", err)
	}
	s.mu.Lock()
	s.conn, s.leaving = conn, false
	s.mu.Unlock()
	return nil
}

// disconnect closes the line; the shim lives on.
func (s *sandbox) disconnect() {
	s.mu.Lock()
	conn := s.conn
	s.conn, s.leaving = nil, true
	s.mu.Unlock()
	if conn != nil {
		conn.client.Close()
	}
}

// line is the connection to the shim, an error if there is none any more.
func (s *sandbox) line() (*connection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return nil, fmt.Errorf("task %s: its shim is gone", s.TaskID)
	}
	return s.conn, nil
}

// lost notes that the line to a shim has broken. Whoever waits for its containers sees that too.
func (e *Engine) lost(s *sandbox) {
	s.mu.Lock()
	gone := !s.leaving
	s.conn = nil
	s.mu.Unlock()
	if gone && e.ctx.Err() == nil {
		e.log.Error("shim died", "task", s.TaskID)
	}
}

func (s *sandbox) all() []*container {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*container, 0, len(s.containers))
	for _, c := range s.containers {
		all = append(all, c)
	}
	return all
}

// sandbox returns the task called id; with make, an empty one if there is none.
func (e *Engine) sandbox(id string, make bool) *sandbox {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.tasks[id]
	if s == nil && make {
		s = &sandbox{containers: map[string]*container{}}
		e.tasks[id] = s
	}
	return s
}

// RemoveTask implements task.Engine.
func (e *Engine) RemoveTask(ctx context.Context, taskID string) error {
	if !idPattern.MatchString(taskID) {
		return fmt.Errorf("task %q: not an id", taskID)
	}
	s := e.sandbox(taskID, false)
	if s == nil {
		return nil
	}
	s.step.Lock()
	defer s.step.Unlock()
	if s.removed {
		return nil
	}
	var errs []error
	for _, c := range s.all() {
		errs = append(errs, e.removeContainer(ctx, c))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := e.removeSandbox(ctx, taskID, s); err != nil {
		return fmt.Errorf("task %s: %w", taskID, err)
	}
	e.tidySpools(time.Now())
	return nil
}

// removeSandbox undoes makeSandbox, however far that came.
func (e *Engine) removeSandbox(ctx context.Context, taskID string, s *sandbox) error {
	s.mu.Lock()
	conn := s.conn
	s.leaving = true
	s.mu.Unlock()
	conn.shutdown(ctx, taskID, s.Shim)
	s.disconnect()
	s.Root.Kill()
	err := e.cfg.removeTraces(e.groups, taskID)
	if err != nil {
		return err
	}
	s.removed = true
	e.mu.Lock()
	delete(e.tasks, taskID)
	e.mu.Unlock()
	return nil
}

// scope puts into ctx what the shim's service wants to find there.
func (e *Engine) scope(ctx context.Context) context.Context {
	return namespaces.WithNamespace(ctx, e.cfg.namespace())
}
