package enginetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/task"
)

// Harness is an engine under test.
type Harness struct {
	Engine task.Engine
	// Image is the reference of the probe image, present or to be pulled; Missing is one no registry has.
	Image, Missing string
	// Kernel says that the probe program really runs, which needs Output; without it, what only a kernel can show is skipped.
	Kernel bool
	// NetNS makes a network namespace and returns its path and the name of an interface in it that no other has. Optional.
	NetNS func(t *testing.T) (path, link string)
	// Reopen ends the engine without letting it clean up and opens another over what it left. Optional.
	Reopen func(t *testing.T) task.Engine
	// Output is everything a container has written, both streams, without framing. Optional without Kernel.
	Output func(t *testing.T, containerID string) []byte
}

// patience is how long anything may take on a busy machine.
const patience = 60 * time.Second

// Run holds an engine against the law. open is called once; tests use tasks of their own.
func Run(t *testing.T, open func(t *testing.T) *Harness) {
	h := open(t)
	if _, err := h.Engine.Pull(t.Context(), task.PullRequest{Ref: h.Image}); err != nil {
		t.Fatalf("pull %s: %v", h.Image, err)
	}
	for _, law := range []struct {
		name string
		test func(t *testing.T, h *Harness)
	}{
		{"Pull", pulls},
		{"Lifecycle", lifecycle},
		{"Idempotent", idempotent},
		{"Absent", absent},
		{"ExitCodes", exitCodes},
		{"Signals", signals},
		{"Events", events},
		{"Exec", execs},
		{"Commands", commands},
		{"StartErrors", startErrors},
		{"RemoveRunning", removeRunning},
		{"Output", output},
		{"OutOfMemory", outOfMemory},
		{"Process", process},
		{"FileSystem", fileSystem},
		{"Volumes", volumes},
		{"Limits", limits},
		{"Network", network},
		{"SharedPID", sharedPID},
		{"Reopen", reopen}, // last: it replaces the engine
	} {
		t.Run(law.name, func(t *testing.T) { law.test(t, h) })
	}
}

// unit is one task of a test.
type unit struct {
	t  *testing.T
	h  *Harness
	id string
}

// newUnit creates a task that is removed when the test ends.
func newUnit(t *testing.T, h *Harness, change ...func(*task.Sandbox)) *unit {
	t.Helper()
	var b [16]byte
	rand.Read(b[:])
	u := &unit{t: t, h: h, id: hex.EncodeToString(b[:])}
	s := task.Sandbox{TaskID: u.id, MemoryMiB: 256, CPUUnits: 256, Hostname: "unit.internal"}
	for _, c := range change {
		c(&s)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := h.Engine.RemoveTask(ctx, u.id); err != nil {
			t.Errorf("remove task: %v", err)
		}
	})
	if err := h.Engine.CreateTask(t.Context(), s); err != nil {
		t.Fatalf("create task: %v", err)
	}
	return u
}

// spec is a container of the task that does what the words say.
func (u *unit) spec(name string, words ...string) task.ContainerSpec {
	return task.ContainerSpec{ID: u.id + "-" + name, TaskID: u.id, Name: name, Image: u.h.Image, Command: words}
}

func (u *unit) create(s task.ContainerSpec) string {
	u.t.Helper()
	if err := u.h.Engine.CreateContainer(u.t.Context(), s); err != nil {
		u.t.Fatalf("create %s: %v", s.Name, err)
	}
	return s.ID
}

func (u *unit) start(id string) {
	u.t.Helper()
	if err := u.h.Engine.StartContainer(u.t.Context(), id); err != nil {
		u.t.Fatalf("start %s: %v", id, err)
	}
}

// run creates and starts.
func (u *unit) run(s task.ContainerSpec) string {
	u.t.Helper()
	u.create(s)
	u.start(s.ID)
	return s.ID
}

// up waits until a started program says that it takes signals.
func (u *unit) up(id string) {
	u.t.Helper()
	if u.h.Kernel {
		eventually(u.t, id+" is up", func() bool { return contains(u.h.Output(u.t, id), "ready\n") })
	}
}

// list is the task's part of what the engine lists.
func (u *unit) list() []task.ContainerState {
	u.t.Helper()
	all, err := u.h.Engine.List(u.t.Context())
	if err != nil {
		u.t.Fatalf("list: %v", err)
	}
	return slices.DeleteFunc(all, func(s task.ContainerState) bool { return s.TaskID != u.id })
}

func (u *unit) state(id string) task.ContainerState {
	u.t.Helper()
	for _, s := range u.list() {
		if s.ID == id {
			return s
		}
	}
	u.t.Fatalf("container %s is not listed", id)
	return task.ContainerState{}
}

// ended runs a container to its end.
func (u *unit) ended(s task.ContainerSpec) task.ContainerState {
	u.t.Helper()
	w := u.follow()
	return w.until(u.run(s), task.StatusStopped)
}

// follow subscribes to the engine's events.
func (u *unit) follow() *watcher {
	u.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	u.t.Cleanup(cancel)
	c, err := u.h.Engine.Events(ctx)
	if err != nil {
		u.t.Fatalf("events: %v", err)
	}
	return &watcher{u.t, c}
}

type watcher struct {
	t *testing.T
	c <-chan task.ContainerState
}

// until returns the first event in which the container has the status.
func (w *watcher) until(id string, status task.Status) task.ContainerState {
	w.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case s, ok := <-w.c:
			if !ok {
				w.t.Fatal("the events ended")
			}
			if s.ID == id && s.Status == status {
				return s
			}
		case <-timeout:
			w.t.Fatalf("container %s: no event says %s", id, status)
		}
	}
}

// exec runs the probe program inside a container and returns what it printed.
func (u *unit) exec(id string, words ...string) string {
	u.t.Helper()
	code, out, err := u.try(id, words...)
	if err != nil || code != 0 {
		u.t.Fatalf("exec %v: exit status %d, %v: %s", words, code, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (u *unit) try(id string, words ...string) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(u.t.Context(), patience)
	defer cancel()
	return u.h.Engine.Exec(ctx, id, task.ExecSpec{Command: append([]string{"/probe"}, words...)})
}

// kernel skips what needs a real process.
func kernel(t *testing.T, h *Harness) {
	t.Helper()
	if !h.Kernel {
		t.Skip("this engine runs no processes")
	}
}

// eventually waits until fn holds, for effects no event tells of.
func eventually(t *testing.T, what string, fn func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !fn(); {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func contains(b []byte, text string) bool { return bytes.Contains(b, []byte(text)) }
