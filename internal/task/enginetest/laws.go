package enginetest

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/task"
)

func pulls(t *testing.T, h *Harness) {
	image, err := h.Engine.Pull(t.Context(), task.PullRequest{Ref: h.Image})
	if err != nil || !strings.HasPrefix(image.Digest, "sha256:") || image.Ref != h.Image {
		t.Errorf("pull: %+v, %v", image, err)
	}
	again, err := h.Engine.Pull(t.Context(), task.PullRequest{Ref: h.Image})
	if err != nil || again.Digest != image.Digest {
		t.Errorf("pull again: %+v, %v", again, err)
	}
	_, err = h.Engine.Pull(t.Context(), task.PullRequest{Ref: h.Missing})
	var refused *task.PullError
	if !errors.As(err, &refused) || refused.Ref != h.Missing || refused.Reason == "" {
		t.Errorf("pull of a missing image: %v, want a *task.PullError that names it", err)
	}
}

func lifecycle(t *testing.T, h *Harness) {
	u := newUnit(t, h)
	if l := u.list(); len(l) != 1 || l[0].ID != "" {
		t.Errorf("a task without containers lists as %+v", l)
	}
	w := u.follow()
	id := u.create(u.spec("app", "sleep"))
	if s := u.state(id); s.Status != task.StatusCreated || s.Name != "app" || s.TaskID != u.id {
		t.Errorf("created: %+v", s)
	}
	before := time.Now()
	u.start(id)
	s := u.state(id)
	if s.Status != task.StatusRunning || s.StartedAt.Before(before.Add(-time.Second)) || time.Since(s.StartedAt) > patience {
		t.Errorf("running: %+v", s)
	}
	if h.Kernel && s.Pid <= 0 {
		t.Errorf("running without a pid: %+v", s)
	}
	u.up(id)
	if err := h.Engine.Signal(t.Context(), id, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if s := w.until(id, task.StatusStopped); s.ExitCode != 143 || s.FinishedAt.Before(s.StartedAt) || s.OOMKilled {
		t.Errorf("stopped: %+v", s)
	}
	if s := u.state(id); s.Status != task.StatusStopped || s.ExitCode != 143 || s.Pid != 0 {
		t.Errorf("listed after its end: %+v", s)
	}
	if err := h.Engine.RemoveContainer(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if err := h.Engine.RemoveTask(t.Context(), u.id); err != nil {
		t.Fatal(err)
	}
	if l := u.list(); len(l) != 0 {
		t.Errorf("a removed task lists as %+v", l)
	}
}

func idempotent(t *testing.T, h *Harness) {
	u := newUnit(t, h)
	if err := h.Engine.CreateTask(t.Context(), task.Sandbox{TaskID: u.id, MemoryMiB: 256, CPUUnits: 256, Hostname: "unit.internal"}); err != nil {
		t.Errorf("create task again: %v", err)
	}
	spec := u.spec("app", "sleep")
	u.create(spec)
	u.create(spec)
	u.start(spec.ID)
	first := u.state(spec.ID)
	u.start(spec.ID)
	u.create(spec)
	if again := u.state(spec.ID); again.Pid != first.Pid || !again.StartedAt.Equal(first.StartedAt) {
		t.Errorf("started twice: %+v, then %+v", first, again)
	}
	w := u.follow()
	if err := h.Engine.Signal(t.Context(), spec.ID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	w.until(spec.ID, task.StatusStopped)
	u.start(spec.ID)
	if s := u.state(spec.ID); s.Status != task.StatusStopped {
		t.Errorf("start of an exited container made it %s", s.Status)
	}
	for range 2 {
		if err := h.Engine.Signal(t.Context(), spec.ID, syscall.SIGTERM); err != nil {
			t.Errorf("signal to an exited container: %v", err)
		}
	}
	for range 2 {
		if err := h.Engine.RemoveContainer(t.Context(), spec.ID); err != nil {
			t.Errorf("remove container: %v", err)
		}
	}
	for range 2 {
		if err := h.Engine.RemoveTask(t.Context(), u.id); err != nil {
			t.Errorf("remove task: %v", err)
		}
	}
}

func absent(t *testing.T, h *Harness) {
	ctx := t.Context()
	if err := h.Engine.Signal(ctx, "no-such-container", syscall.SIGTERM); err != nil {
		t.Errorf("signal: %v", err)
	}
	if err := h.Engine.RemoveContainer(ctx, "no-such-container"); err != nil {
		t.Errorf("remove container: %v", err)
	}
	if err := h.Engine.RemoveTask(ctx, "00000000000000000000000000000000"); err != nil {
		t.Errorf("remove task: %v", err)
	}
	if err := h.Engine.StartContainer(ctx, "no-such-container"); err == nil {
		t.Error("a container that was never created can be started")
	}
	if _, _, err := h.Engine.Exec(ctx, "no-such-container", task.ExecSpec{Command: []string{"/probe"}}); !errors.Is(err, task.ErrNotRunning) {
		t.Errorf("exec: %v, want ErrNotRunning", err)
	}
}

func exitCodes(t *testing.T, h *Harness) {
	u := newUnit(t, h)
	for name, code := range map[string]int{"0": 0, "1": 1, "42": 42, "255": 255} {
		s := u.ended(u.spec("exit"+name, "exit", name))
		if s.ExitCode != code || s.OOMKilled || s.Err != "" || s.StartedAt.IsZero() || s.FinishedAt.IsZero() {
			t.Errorf("exit %s: %+v", name, s)
		}
	}
}

func signals(t *testing.T, h *Harness) {
	u := newUnit(t, h)
	for _, c := range []struct {
		name   string
		words  []string
		signal syscall.Signal
		code   int
	}{
		{"killed", []string{"sleep"}, syscall.SIGKILL, 137},
		{"trapped", []string{"trap", "TERM", "7", ",", "print", "ready", ",", "stubborn"}, syscall.SIGTERM, 7},
		{"other", []string{"trap", "QUIT", "8", ",", "stubborn"}, syscall.SIGQUIT, 8},
	} {
		if c.name == "trapped" && h.Kernel {
			c.words = []string{"trap", "TERM", "7", ",", "print", "ready", ",", "after", "1h"}
		}
		w := u.follow()
		id := u.run(u.spec(c.name, c.words...))
		if c.signal != syscall.SIGKILL {
			u.up(id)
		}
		if err := h.Engine.Signal(t.Context(), id, c.signal); err != nil {
			t.Fatal(err)
		}
		if s := w.until(id, task.StatusStopped); s.ExitCode != c.code {
			t.Errorf("%s: exit code %d, want %d", c.name, s.ExitCode, c.code)
		}
	}
	id := u.run(u.spec("stubborn", "stubborn"))
	u.up(id)
	if err := h.Engine.Signal(t.Context(), id, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code, _, err := u.try(id, "exit", "0"); err != nil || code != 0 {
		t.Errorf("a container that ignores SIGTERM does not run on: %d, %v", code, err)
	}
}

func events(t *testing.T, h *Harness) {
	u := newUnit(t, h)
	ctx, cancel := context.WithCancel(t.Context())
	c, err := h.Engine.Events(ctx)
	if err != nil {
		t.Fatal(err)
	}
	other := u.follow()
	id := u.run(u.spec("app", "after", "100ms", ",", "exit", "5"))
	w := &watcher{t, c}
	if s := w.until(id, task.StatusRunning); s.TaskID != u.id || s.Name != "app" {
		t.Errorf("%+v", s)
	}
	if s := w.until(id, task.StatusStopped); s.ExitCode != 5 {
		t.Errorf("%+v", s)
	}
	other.until(id, task.StatusStopped)
	cancel()
	timeout := time.After(patience)
	for {
		select {
		case _, ok := <-c:
			if !ok {
				return
			}
		case <-timeout:
			t.Fatal("the channel stays open after its context ended")
		}
	}
}

func execs(t *testing.T, h *Harness) {
	u := newUnit(t, h)
	spec := u.spec("app", "sleep")
	spec.Env = []string{"GREETING=hello"}
	id := u.create(spec)
	if _, _, err := u.try(id, "exit", "0"); !errors.Is(err, task.ErrNotRunning) {
		t.Errorf("exec before start: %v, want ErrNotRunning", err)
	}
	u.start(id)
	if got := u.exec(id, "print", "a", "word"); got != "a word" {
		t.Errorf("output %q", got)
	}
	if got := u.exec(id, "env", "GREETING"); got != "hello" {
		t.Errorf("the container's environment is not there: %q", got)
	}
	if code, _, err := u.try(id, "exit", "3"); err != nil || code != 3 {
		t.Errorf("exit status %d, %v, want 3", code, err)
	}
	code, out, err := h.Engine.Exec(t.Context(), id, task.ExecSpec{Command: []string{"/probe", "env", "MORE"}, Env: []string{"MORE=x"}, MaxOutput: 1})
	if err != nil || code != 0 || string(out) != "x" {
		t.Errorf("%d %q %v", code, out, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, _, err := h.Engine.Exec(ctx, id, task.ExecSpec{Command: []string{"/probe", "sleep"}}); err == nil || time.Since(begin) > patience/2 {
		t.Errorf("an exec that takes too long: %v after %v", err, time.Since(begin))
	}
	if s := u.state(id); s.Status != task.StatusRunning {
		t.Errorf("the container is %s after execs", s.Status)
	}
	w := u.follow()
	if err := h.Engine.Signal(t.Context(), id, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	w.until(id, task.StatusStopped)
	if _, _, err := u.try(id, "exit", "0"); !errors.Is(err, task.ErrNotRunning) {
		t.Errorf("exec after the end: %v, want ErrNotRunning", err)
	}
	if h.Kernel {
		id := u.run(u.spec("again", "sleep"))
		if code, _, err := h.Engine.Exec(t.Context(), id, task.ExecSpec{Command: []string{"/no/such"}}); err == nil && code == 0 {
			t.Error("an exec of a program that is not there succeeds")
		}
	}
}

// commands: what the definition gives replaces what the image has, as with Docker.
func commands(t *testing.T, h *Harness) {
	u := newUnit(t, h)
	kernel(t, h)
	plain := u.spec("plain")
	plain.Command = nil
	id := u.run(plain)
	if s := u.state(id); s.Status != task.StatusRunning {
		t.Errorf("the image's own command does not run: %+v", s)
	}
	point := u.spec("point")
	point.Entrypoint, point.Command = []string{"/probe", "print", "from", "entrypoint", ","}, []string{"exit", "4"}
	if s := u.ended(point); s.ExitCode != 4 {
		t.Errorf("entrypoint and command: %+v", s)
	}
	alone := u.spec("alone")
	alone.Entrypoint, alone.Command = []string{"/probe", "exit", "6"}, nil
	if s := u.ended(alone); s.ExitCode != 6 {
		t.Errorf("entrypoint alone must drop the image's command: %+v", s)
	}
}

func startErrors(t *testing.T, h *Harness) {
	u := newUnit(t, h)
	spec := u.spec("app")
	spec.Entrypoint, spec.Command = []string{"/nonexistent/program"}, nil
	err := h.Engine.CreateContainer(t.Context(), spec)
	if err == nil {
		err = h.Engine.StartContainer(t.Context(), spec.ID)
	}
	var refused *task.StartError
	if !errors.As(err, &refused) || !strings.Contains(refused.Reason, "/nonexistent/program") {
		t.Errorf("%v, want a *task.StartError that names the program", err)
	}
	if h.Kernel {
		spec := u.spec("user", "sleep")
		spec.User = "nobody-of-that-name"
		err := h.Engine.CreateContainer(t.Context(), spec)
		if err == nil {
			err = h.Engine.StartContainer(t.Context(), spec.ID)
		}
		if !errors.As(err, &refused) {
			t.Errorf("unknown user: %v, want a *task.StartError", err)
		}
	}
}

func removeRunning(t *testing.T, h *Harness) {
	u := newUnit(t, h)
	one, two := u.run(u.spec("one", "stubborn")), u.run(u.spec("two", "stubborn"))
	if err := h.Engine.RemoveContainer(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	if l := u.list(); len(l) != 1 || l[0].ID != two {
		t.Errorf("after one was removed: %+v", l)
	}
	if err := h.Engine.RemoveTask(t.Context(), u.id); err != nil {
		t.Fatal(err)
	}
	if l := u.list(); len(l) != 0 {
		t.Errorf("after the task was removed: %+v", l)
	}
	if err := h.Engine.CreateTask(t.Context(), task.Sandbox{TaskID: u.id}); err != nil {
		t.Fatalf("the same id again: %v", err)
	}
	u.run(u.spec("one", "sleep"))
}

func output(t *testing.T, h *Harness) {
	if h.Output == nil {
		t.Skip("this engine keeps no output")
	}
	u := newUnit(t, h)
	s := u.ended(u.spec("app", "print", "to", "stdout", ",", "complain", "to", "stderr", ",", "exit", "0"))
	eventually(t, "the output of a container that has ended", func() bool {
		out := h.Output(t, s.ID)
		return contains(out, "to stdout\n") && contains(out, "to stderr\n")
	})
	if !h.Kernel {
		return
	}
	many := u.ended(u.spec("many", "spew", "5000"))
	eventually(t, "5000 lines", func() bool {
		out := h.Output(t, many.ID)
		return contains(out, "line 0\n") && contains(out, "line 4999\n")
	})
	silent := u.spec("silent", "print", "nothing", ",", "exit", "0")
	silent.Log.Driver = "none"
	if s := u.ended(silent); len(h.Output(t, s.ID)) > 0 {
		t.Error("the driver none keeps output")
	}
}
