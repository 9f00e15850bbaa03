package enginetest

import (
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/neargate/neargate/internal/task"
)

func outOfMemory(t *testing.T, h *Harness) {
	u := newUnit(t, h)
	spec := u.spec("app", "alloc", "200", ",", "sleep")
	spec.MemoryMiB = 32
	if s := u.ended(spec); s.ExitCode != 137 || !s.OOMKilled {
		t.Errorf("over the container's limit: %+v", s)
	}
	if !h.Kernel {
		return
	}
	small := newUnit(t, h, func(s *task.Sandbox) { s.MemoryMiB = 48 })
	if s := small.ended(small.spec("app", "alloc", "200", ",", "sleep")); s.ExitCode != 137 || !s.OOMKilled {
		t.Errorf("over the task's limit: %+v", s)
	}
	if s := u.ended(u.spec("modest", "alloc", "20", ",", "exit", "0")); s.ExitCode != 0 || s.OOMKilled {
		t.Errorf("within its limit: %+v", s)
	}
}

func process(t *testing.T, h *Harness) {
	kernel(t, h)
	u := newUnit(t, h)
	spec := u.spec("app", "sleep")
	spec.Env, spec.User, spec.WorkingDir = []string{"GIVEN=1", "FROM_IMAGE=replaced"}, "1234:5678", "/"
	spec.Hosts = []task.HostEntry{{Name: "neighbour.internal", Address: netip.MustParseAddr("10.9.8.7")}}
	id := u.run(spec)
	for _, c := range []struct{ words, want string }{
		{"env GIVEN", "1"},
		{"env FROM_IMAGE", "replaced"},
		{"id", "1234:5678"},
		{"cwd", "/"},
		{"host", "unit.internal"},
		{"resolve neighbour.internal", "10.9.8.7"},
	} {
		if got := u.exec(id, strings.Fields(c.words)...); got != c.want {
			t.Errorf("%s: %q, want %q", c.words, got, c.want)
		}
	}
	plain := u.run(u.spec("plain", "sleep"))
	for _, c := range []struct{ words, want string }{{"env FROM_IMAGE", "yes"}, {"id", "0:0"}, {"cwd", "/seed"}} {
		if got := u.exec(plain, strings.Fields(c.words)...); got != c.want {
			t.Errorf("image's default, %s: %q, want %q", c.words, got, c.want)
		}
	}
	boot := u.spec("boot", "pid", ",", "exit", "0")
	boot.Init = true
	s := u.ended(boot)
	if h.Output != nil {
		eventually(t, "the pid of a program under init", func() bool {
			pid := strings.TrimSpace(string(h.Output(t, s.ID)))
			return pid != "" && pid != "1"
		})
	}
	stubborn := u.spec("reaper", "sleep")
	stubborn.Init = true
	w := u.follow()
	id = u.run(stubborn)
	eventually(t, "init is up", func() bool { code, _, err := u.try(id, "exit", "0"); return err == nil && code == 0 })
	if err := h.Engine.Signal(t.Context(), id, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if s := w.until(id, task.StatusStopped); s.ExitCode != 143 {
		t.Errorf("init forwards a signal and the exit code: %+v", s)
	}
}

func fileSystem(t *testing.T, h *Harness) {
	kernel(t, h)
	u := newUnit(t, h)
	id := u.run(u.spec("app", "sleep"))
	u.exec(id, "write", "/seed/file", "changed")
	other := u.run(u.spec("other", "sleep"))
	if got := u.exec(other, "read", "/seed/file"); got != "seeded" {
		t.Errorf("containers share a root file system: %q", got)
	}
	spec := u.spec("readonly", "sleep")
	spec.ReadonlyRoot = true
	spec.Tmpfs = []task.Tmpfs{{Path: "/scratch", SizeMiB: 8}}
	ro := u.run(spec)
	if code, _, _ := u.try(ro, "write", "/seed/file", "x"); code == 0 {
		t.Error("a read-only root can be written")
	}
	u.exec(ro, "write", "/scratch/file", "x")
	if got := u.exec(ro, "free", "/scratch"); got != "8" {
		t.Errorf("tmpfs of %s MiB, want 8", got)
	}
}

func volumes(t *testing.T, h *Harness) {
	kernel(t, h)
	u := newUnit(t, h, func(s *task.Sandbox) { s.Volumes = []string{"shared", "seeded"} })
	writer := u.spec("writer", "sleep")
	writer.Mounts = []task.Mount{{Volume: "shared", Path: "/data"}}
	reader := u.spec("reader", "sleep")
	reader.Mounts = []task.Mount{{Volume: "shared", Path: "/in", ReadOnly: true}}
	w, r := u.run(writer), u.run(reader)
	u.exec(w, "write", "/data/note", "from", "writer")
	if got := u.exec(r, "read", "/in/note"); got != "from writer" {
		t.Errorf("read %q", got)
	}
	if code, _, _ := u.try(r, "write", "/in/note", "x"); code == 0 {
		t.Error("a read-only mount can be written")
	}
	seeded := u.spec("seeded", "sleep")
	seeded.Mounts = []task.Mount{{Volume: "seeded", Path: "/seed"}}
	if got := u.exec(u.run(seeded), "read", "/seed/file"); got != "seeded" {
		t.Errorf("the image's files are not in the empty volume: %q", got)
	}
	if err := h.Engine.RemoveTask(t.Context(), u.id); err != nil {
		t.Fatal(err)
	}
	again := newUnit(t, h, func(s *task.Sandbox) { s.Volumes = []string{"shared"} })
	fresh := again.spec("fresh", "sleep")
	fresh.Mounts = writer.Mounts
	if code, _, _ := again.try(again.run(fresh), "read", "/data/note"); code == 0 {
		t.Error("a volume outlives its task")
	}
}

func limits(t *testing.T, h *Harness) {
	kernel(t, h)
	u := newUnit(t, h)
	spec := u.spec("app", "sleep")
	spec.Ulimits = []task.Ulimit{{Name: "nofile", Soft: 1000, Hard: 1000}, {Name: "core", Soft: 0, Hard: 0}}
	spec.Sysctls = map[string]string{"net.ipv4.ip_unprivileged_port_start": "80"}
	id := u.run(spec)
	for words, want := range map[string]string{
		"limit nofile": "1000:1000", "limit core": "0:0", "sysctl net.ipv4.ip_unprivileged_port_start": "80",
	} {
		if got := u.exec(id, strings.Fields(words)...); got != want {
			t.Errorf("%s: %q, want %q", words, got, want)
		}
	}
}

func network(t *testing.T, h *Harness) {
	kernel(t, h)
	if h.NetNS == nil {
		t.Skip("no namespaces to join")
	}
	path, link := h.NetNS(t)
	u := newUnit(t, h, func(s *task.Sandbox) { s.NetNS, s.DNS = path, []string{"10.1.0.2"} })
	one, two := u.run(u.spec("one", "sleep")), u.run(u.spec("two", "sleep"))
	for _, id := range []string{one, two} {
		if got := strings.Fields(u.exec(id, "links")); !slices.Contains(got, link) {
			t.Errorf("interfaces %v, want %s among them", got, link)
		}
		if got := u.exec(id, "nameservers"); got != "10.1.0.2" {
			t.Errorf("nameservers %q", got)
		}
	}
}

func sharedPID(t *testing.T, h *Harness) {
	kernel(t, h)
	u := newUnit(t, h, func(s *task.Sandbox) { s.SharedPID = true })
	first := u.run(u.spec("first", "sleep"))
	second := u.run(u.spec("second", "sleep"))
	if got := u.exec(second, "read", "/proc/1/comm"); got == "" {
		t.Error("no process 1")
	}
	if a, b := u.exec(first, "pid"), u.exec(second, "pid"); a == b {
		t.Errorf("two processes of one pid namespace are both %s", a)
	}
}

// reopen: the engine's process dies and another takes over.
func reopen(t *testing.T, h *Harness) {
	if h.Reopen == nil {
		t.Skip("this engine cannot be reopened")
	}
	u := newUnit(t, h, func(s *task.Sandbox) { s.Volumes = []string{"v"} })
	stays := u.run(u.spec("stays", "sleep"))
	ends := u.run(u.spec("ends", "after", "1s", ",", "exit", "9"))
	created := u.create(u.spec("created", "exit", "2"))
	before := u.state(stays)

	h.Engine = h.Reopen(t)

	if s := u.state(stays); s.Status != task.StatusRunning || s.Pid != before.Pid || s.StartedAt.Sub(before.StartedAt).Abs() > 1e9 {
		t.Errorf("before %+v, after %+v", before, s)
	}
	w := u.follow()
	if s := u.state(ends); s.Status != task.StatusStopped {
		w.until(ends, task.StatusStopped)
	}
	if s := u.state(ends); s.ExitCode != 9 || s.FinishedAt.IsZero() {
		t.Errorf("ended while nobody looked: %+v", s)
	}
	u.start(created)
	w.until(created, task.StatusStopped)
	u.exec(stays, "exit", "0")
	if err := h.Engine.Signal(t.Context(), stays, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if s := w.until(stays, task.StatusStopped); s.ExitCode != 143 {
		t.Errorf("stopped by the new process: %+v", s)
	}
}
