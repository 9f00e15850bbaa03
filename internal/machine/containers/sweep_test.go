package containers

import (
	"os"
	"testing"

	"github.com/neargate/neargate/internal/machine/process"
	"github.com/neargate/neargate/internal/task"
)

func TestSweep(t *testing.T) {
	e := testEngine(t)
	first := process.Identify(os.Getpid())
	ids := []string{}
	for _, s := range []task.Sandbox{{TaskID: "a", Volumes: []string{"v"}}, {TaskID: "b", SharedPID: true, MemoryMiB: 64}} {
		c := sh(`trap "" TERM; while :; do busybox sleep 1; done`)
		c.Init = s.SharedPID
		ids = append(ids, start(t, e, s, c))
	}
	var pids []int
	for _, id := range ids {
		c := e.find(id)
		pids = append(pids, c.now().Pid)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // also when there is nothing left
		if err := Sweep(t.Context(), e.cfg); err != nil {
			t.Fatal(err)
		}
		traces(t, e.cfg)
	}
	for _, pid := range pids {
		eventually(t, "no process of a container", func() bool { return process.Identify(pid).PID == 0 })
	}
	if !first.Alive() {
		t.Error("this process is not alive")
	}
	for _, dir := range []string{e.cfg.tasksDir(), e.cfg.volumesDir(), e.cfg.spoolDir()} {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is left", dir)
		}
	}
	if _, err := os.Stat(e.cfg.DataDir + "/images/meta.db"); err != nil {
		t.Errorf("the images are gone: %v", err)
	}
}

func TestEnginesSideBySide(t *testing.T) {
	one, two := testEngine(t), testEngine(t)
	for _, e := range []*Engine{one, two} {
		start(t, e, task.Sandbox{TaskID: "same", Volumes: []string{"v"}}, sh(`exec busybox sleep 1000`))
	}
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Sweep(t.Context(), one.cfg); err != nil {
		t.Fatal(err)
	}
	if code, _, err := two.Exec(t.Context(), "same-main", task.ExecSpec{Command: []string{"/bin/busybox", "true"}}); code != 0 || err != nil {
		t.Errorf("the other engine's container: %d, %v", code, err)
	}
}

// A directory that an engine has open cannot be opened by a second one.
func TestOneEngineAtATime(t *testing.T) {
	e := testEngine(t)
	if other, err := Open(t.Context(), e.cfg); err == nil {
		other.Close()
		t.Error("the second engine opens")
	}
}
