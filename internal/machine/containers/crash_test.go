package containers

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/task"
)

const restlessEnv = "NEARGATE_TEST_RESTLESS"

// restless is another process with an engine, which makes and removes tasks until it is killed.
func restless() {
	f := strings.Fields(os.Getenv(restlessEnv))
	ctx := context.Background()
	e, err := Open(ctx, Config{Instance: f[0], DataDir: f[1], Binary: f[2]})
	if err != nil {
		panic(err)
	}
	fmt.Println("open")
	var g sync.WaitGroup
	for worker := range 3 {
		g.Go(func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("w%d-%d", worker, n%4)
				c := sh("while :; do busybox sleep 1; done")
				c.ID, c.TaskID, c.Name = id+"-c", id, "c"
				err := e.CreateTask(ctx, task.Sandbox{TaskID: id, CPUUnits: 512, MemoryMiB: 128, SharedPID: n%3 == 0, Volumes: []string{"v"}})
				if err == nil {
					err = e.CreateContainer(ctx, c)
				}
				if err == nil {
					err = e.StartContainer(ctx, c.ID)
				}
				if err == nil && n%2 == 1 {
					err = e.RemoveTask(ctx, fmt.Sprintf("w%d-%d", worker, (n-1)%4))
				}
				if err != nil {
					fmt.Println("error:", strings.ReplaceAll(err.Error(), "\n", " "))
				}
			}
		})
	}
	g.Wait()
}

// TestKilledAtAnyMoment kills a busy engine's process again and again: the next one must find nothing that it does not know.
func TestKilledAtAnyMoment(t *testing.T) {
	rounds := 4
	if testing.Short() {
		rounds = 1
	}
	cfg := testConfig(t)
	archive := boxImage(t)
	e := openEngine(t, cfg)
	if _, err := e.Images().Import(t.Context(), bytes.NewReader(archive), ""); err != nil {
		t.Fatal(err)
	}
	for round := range rounds {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), restlessEnv+"="+cfg.Instance+" "+cfg.DataDir+" "+cfg.Binary)
		cmd.Stderr = t.Output()
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		says := bufio.NewScanner(out)
		if !says.Scan() {
			t.Fatal("the process died")
		}
		said := make(chan []string)
		go func() {
			var all []string
			for says.Scan() {
				all = append(all, says.Text())
			}
			said <- all
		}()
		time.Sleep(300*time.Millisecond + rand.N(700*time.Millisecond))
		cmd.Process.Kill()
		cmd.Wait()
		for _, line := range <-said {
			t.Errorf("round %d: %s", round, line)
		}
		e = openEngine(t, cfg)
		known(t, e)
	}
	all, err := e.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range all {
		if err := e.RemoveTask(t.Context(), st.TaskID); err != nil {
			t.Error(err)
		}
	}
	known(t, e)
	if left := e.cfg.taskIDs(); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// known fails the test for what is on the machine and not in the engine.
func known(t *testing.T, e *Engine) {
	t.Helper()
	all, err := e.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tasks, containers := map[string]bool{}, map[string]bool{}
	for _, st := range all {
		tasks[st.TaskID] = true
		containers[st.ID] = true
	}
	eventually(t, "no shim without a task, or two for one", func() bool {
		seen := map[string]bool{}
		for _, p := range e.cfg.shims() {
			if !tasks[p.task] || seen[p.task] {
				return false
			}
			seen[p.task] = true
		}
		return true
	})
	for _, top := range groupDirs(e.cfg) {
		groups, err := os.ReadDir(top)
		if err != nil && !os.IsNotExist(err) {
			t.Error(err)
		}
		for _, g := range groups {
			if g.IsDir() && !tasks[g.Name()] {
				t.Errorf("unknown control group %s in %s", g.Name(), top)
			}
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		if at, ok := strings.CutPrefix(f[4], e.cfg.tasksDir()+"/"); ok && !containers[strings.Split(at, "/")[1]] {
			t.Errorf("unknown mount %s", f[4])
		}
	}
	sockets, _ := filepath.Glob(e.cfg.RunDir + "/*.sock")
	if len(sockets) > len(tasks) {
		t.Errorf("%d sockets for %d tasks", len(sockets), len(tasks))
	}
}
