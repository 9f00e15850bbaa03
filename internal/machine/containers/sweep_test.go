package containers

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/machine/containers/shim"
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

const heavyEnv = "NEARGATE_TEST_HEAVY"

// heavy is a shim that takes long to die, as every process does on a busy machine: the kernel has a million pages to unmap.
func heavy() {
	const size = 64 << 20
	fd, err := unix.MemfdCreate("heavy", 0)
	if err == nil {
		err = unix.Ftruncate(fd, size)
	}
	for range 64 {
		if err == nil {
			_, err = unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
		}
	}
	if err != nil {
		panic(err)
	}
	fmt.Println("up")
	select {}
}

// TestSweepWaitsForShims: when everything is said to be gone, no process is left.
func TestSweepWaitsForShims(t *testing.T) {
	cfg := testConfig(t)
	if err := cfg.complete(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Args = []string{filepath.Join(cfg.DataDir, "bin", shim.Name), "-id", "heavy"}
	cmd.Env = append(os.Environ(), heavyEnv+"=1")
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if !bufio.NewScanner(out).Scan() {
		t.Fatal("it is not up")
	}
	p := process.Identify(cmd.Process.Pid)
	if err := Sweep(t.Context(), cfg); err != nil || p.Alive() {
		t.Errorf("after the sweep: alive %v, %v", p.Alive(), err)
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
