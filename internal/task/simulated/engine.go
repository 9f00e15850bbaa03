package simulated

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/neargate/neargate/internal/task"
)

// Engine is a machine that only remembers. It outlives those who use it: to simulate a control plane that died, use it again.
type Engine struct {
	mu          sync.Mutex
	behaviours  map[string]Behaviour // by image
	sandboxes   map[string]*sandbox
	containers  map[string]*container
	subscribers map[*subscriber]struct{}
	counts      Counts
	lastPull    task.PullRequest
	fault       func(call string) error
	pid         int
}

// Counts is how often the engine did things, for those who count work.
type Counts struct{ Pulls, Sandboxes, Creates, Starts, Signals, Execs, Removes, Lists int }

// LastPull is what was last asked for.
func (e *Engine) LastPull() task.PullRequest {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.lastPull
}

type sandbox struct {
	spec       task.Sandbox
	containers map[string]*container
}

type container struct {
	spec  task.ContainerSpec
	does  Behaviour
	state task.ContainerState
	out   []line
	timer *time.Timer
}

var _ task.Engine = (*Engine)(nil)

// New is an empty machine on which every image exists.
func New() *Engine {
	return &Engine{
		behaviours:  map[string]Behaviour{},
		sandboxes:   map[string]*sandbox{},
		containers:  map[string]*container{},
		subscribers: map[*subscriber]struct{}{},
	}
}

// Behave sets how containers of the image that are created from now on do.
func (e *Engine) Behave(image string, b Behaviour) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.behaviours[image] = b
}

// Fail calls fn before every call of the engine, by its method's name; an error is returned instead of doing anything.
func (e *Engine) Fail(fn func(call string) error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fault = fn
}

// Counts tells what was done so far.
func (e *Engine) Counts() Counts {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.counts
}

// begin locks the engine unless the call is to fail.
func (e *Engine) begin(ctx context.Context, call string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e.mu.Lock()
	fault := e.fault
	e.mu.Unlock()
	if fault != nil {
		if err := fault(call); err != nil {
			return err
		}
	}
	e.mu.Lock()
	return nil
}

// Pull implements task.Engine.
func (e *Engine) Pull(ctx context.Context, r task.PullRequest) (task.Image, error) {
	if err := e.begin(ctx, "Pull"); err != nil {
		return task.Image{}, err
	}
	e.counts.Pulls++
	e.lastPull = r
	b := e.behaviours[r.Ref]
	e.mu.Unlock()
	if err := pause(ctx, b.PullTime); err != nil {
		return task.Image{}, err
	}
	if b.PullError != nil {
		return task.Image{}, b.PullError
	}
	return task.Image{Ref: r.Ref, Digest: fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(r.Ref)))}, nil
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// CreateTask implements task.Engine.
func (e *Engine) CreateTask(ctx context.Context, s task.Sandbox) error {
	if err := e.begin(ctx, "CreateTask"); err != nil {
		return err
	}
	defer e.mu.Unlock()
	if _, ok := e.sandboxes[s.TaskID]; !ok {
		e.counts.Sandboxes++
		e.sandboxes[s.TaskID] = &sandbox{spec: s, containers: map[string]*container{}}
	}
	return nil
}

// CreateContainer implements task.Engine.
func (e *Engine) CreateContainer(ctx context.Context, s task.ContainerSpec) error {
	if err := e.begin(ctx, "CreateContainer"); err != nil {
		return err
	}
	defer e.mu.Unlock()
	if _, ok := e.containers[s.ID]; ok {
		return nil
	}
	box, ok := e.sandboxes[s.TaskID]
	if !ok {
		return fmt.Errorf("container %s: task %s was not created", s.ID, s.TaskID)
	}
	does := e.behaviours[s.Image]
	if does.CreateErr != nil {
		return does.CreateErr
	}
	words := s.Command
	if len(s.Entrypoint) > 0 {
		words = nil
		if does.StartError == nil && strings.HasPrefix(s.Entrypoint[0], "/nonexistent") {
			does.StartError = &task.StartError{Container: s.Name, Reason: s.Entrypoint[0] + ": no such file or directory", Err: errUnknownExecutable}
		}
	}
	if p, understood := program(does, words, &s); understood {
		does = p
	}
	c := &container{spec: s, does: does, state: task.ContainerState{ID: s.ID, TaskID: s.TaskID, Name: s.Name, Status: task.StatusCreated}}
	e.counts.Creates++
	e.containers[s.ID], box.containers[s.ID] = c, c
	return nil
}

// StartContainer implements task.Engine.
func (e *Engine) StartContainer(ctx context.Context, id string) error {
	if err := e.begin(ctx, "StartContainer"); err != nil {
		return err
	}
	c, ok := e.containers[id]
	if !ok {
		e.mu.Unlock()
		return fmt.Errorf("container %s: was not created", id)
	}
	does := c.does
	e.mu.Unlock()
	if err := pause(ctx, does.StartTime); err != nil {
		return err
	}
	if does.StartError != nil {
		return does.StartError
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.state.Status != task.StatusCreated || e.containers[id] != c {
		return nil
	}
	e.counts.Starts++
	e.pid++
	c.state.Status, c.state.StartedAt, c.state.Pid = task.StatusRunning, time.Now(), 1000+e.pid
	c.out = append(c.out, does.prints...)
	e.tell(c)
	switch {
	case does.Exits && does.ExitAfter <= 0:
		e.end(c, does.ExitCode, does.OOM)
	case does.Exits:
		e.endAfter(c, does.ExitAfter, does.ExitCode, does.OOM)
	}
	return nil
}

// end makes the container one that has exited.
func (e *Engine) end(c *container, code int, oom bool) {
	if c.state.Status != task.StatusRunning {
		return
	}
	if c.timer != nil {
		c.timer.Stop()
	}
	c.state.Status, c.state.ExitCode, c.state.OOMKilled = task.StatusStopped, code, oom
	c.state.FinishedAt, c.state.Pid = time.Now(), 0
	e.tell(c)
}

func (e *Engine) endAfter(c *container, d time.Duration, code int, oom bool) {
	if c.timer != nil {
		c.timer.Stop()
	}
	c.timer = time.AfterFunc(d, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.end(c, code, oom)
	})
}

// Signal implements task.Engine.
func (e *Engine) Signal(ctx context.Context, id string, s syscall.Signal) error {
	if err := e.begin(ctx, "Signal"); err != nil {
		return err
	}
	defer e.mu.Unlock()
	e.counts.Signals++
	c, ok := e.containers[id]
	if !ok || c.state.Status != task.StatusRunning {
		return nil
	}
	code, trapped := c.does.Traps[s]
	switch {
	case s == syscall.SIGKILL:
		e.end(c, 128+int(s), false)
	case trapped:
		e.end(c, code, false)
	case s == syscall.SIGTERM && c.does.IgnoresTerm, s == syscall.SIGWINCH:
	case c.does.StopTime > 0:
		e.endAfter(c, c.does.StopTime, 128+int(s), false)
	default:
		e.end(c, 128+int(s), false)
	}
	return nil
}

// Exit ends a running container as if it had exited by itself.
func (e *Engine) Exit(id string, code int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c, ok := e.containers[id]; ok {
		e.end(c, code, false)
	}
}

// Lose forgets a container, as a machine that was reset does.
func (e *Engine) Lose(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c, ok := e.containers[id]; ok {
		e.drop(c)
	}
}

// Exec implements task.Engine.
func (e *Engine) Exec(ctx context.Context, id string, x task.ExecSpec) (int, []byte, error) {
	if err := e.begin(ctx, "Exec"); err != nil {
		return 0, nil, err
	}
	e.counts.Execs++
	c, ok := e.containers[id]
	if !ok || c.state.Status != task.StatusRunning {
		e.mu.Unlock()
		return 0, nil, task.ErrNotRunning
	}
	up, healthy := time.Since(c.state.StartedAt), c.does.Healthy
	spec := c.spec
	spec.Env = append(slices.Clip(spec.Env), x.Env...)
	words := x.Command
	if len(words) > 0 && words[0] == "/probe" {
		words = words[1:]
	}
	does, understood := program(Behaviour{}, words, &spec)
	e.mu.Unlock()
	if !understood || len(words) == 0 {
		if healthy != nil && !healthy(up) {
			return 1, nil, nil
		}
		return 0, nil, nil
	}
	if !does.Exits && words[0] == "sleep" {
		<-ctx.Done()
		return 0, nil, ctx.Err()
	}
	if err := pause(ctx, does.ExitAfter); err != nil {
		return 0, nil, err
	}
	var out strings.Builder
	for _, l := range does.prints {
		out.WriteString(l.text + "\n")
	}
	limit := x.MaxOutput
	if limit == 0 {
		limit = 4096
	}
	return does.ExitCode, []byte(out.String()[:min(limit, out.Len())]), nil
}

// RemoveContainer implements task.Engine.
func (e *Engine) RemoveContainer(ctx context.Context, id string) error {
	if err := e.begin(ctx, "RemoveContainer"); err != nil {
		return err
	}
	defer e.mu.Unlock()
	if c, ok := e.containers[id]; ok {
		e.end(c, 137, false)
		e.drop(c)
		e.counts.Removes++
	}
	return nil
}

func (e *Engine) drop(c *container) {
	if c.timer != nil {
		c.timer.Stop()
	}
	delete(e.containers, c.spec.ID)
	if box, ok := e.sandboxes[c.spec.TaskID]; ok {
		delete(box.containers, c.spec.ID)
	}
}

// RemoveTask implements task.Engine.
func (e *Engine) RemoveTask(ctx context.Context, taskID string) error {
	if err := e.begin(ctx, "RemoveTask"); err != nil {
		return err
	}
	defer e.mu.Unlock()
	box, ok := e.sandboxes[taskID]
	if !ok {
		return nil
	}
	for _, c := range box.containers {
		e.end(c, 137, false)
		e.drop(c)
		e.counts.Removes++
	}
	delete(e.sandboxes, taskID)
	return nil
}

// List implements task.Engine.
func (e *Engine) List(ctx context.Context) ([]task.ContainerState, error) {
	if err := e.begin(ctx, "List"); err != nil {
		return nil, err
	}
	defer e.mu.Unlock()
	e.counts.Lists++
	list := make([]task.ContainerState, 0, len(e.containers))
	for id, box := range e.sandboxes {
		if len(box.containers) == 0 {
			list = append(list, task.ContainerState{TaskID: id})
		}
		for _, c := range box.containers {
			list = append(list, c.state)
		}
	}
	slices.SortFunc(list, func(a, b task.ContainerState) int {
		return cmp.Or(cmp.Compare(a.TaskID, b.TaskID), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// Output is what the container has written so far.
func (e *Engine) Output(id string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out strings.Builder
	if c, ok := e.containers[id]; ok {
		for _, l := range c.out {
			out.WriteString(l.text + "\n")
		}
	}
	return out.String()
}
