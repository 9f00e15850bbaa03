package containers

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/task"
)

const victimEnv = "NEARGATE_TEST_VICTIM"

// victim is another process with an engine, which does what its input says until it is killed.
func victim() {
	f := strings.Fields(os.Getenv(victimEnv))
	cfg := Config{Instance: f[0], DataDir: f[1], Binary: f[2]}
	ctx := context.Background()
	e, err := Open(ctx, cfg)
	if err != nil {
		panic(err)
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var c task.ContainerSpec
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			panic(err)
		}
		if err := e.CreateTask(ctx, task.Sandbox{TaskID: c.TaskID, MemoryMiB: 256, SharedPID: c.Labels["pid"] != "", Volumes: []string{"v"}}); err != nil {
			panic(err)
		}
		if err := e.CreateContainer(ctx, c); err != nil {
			panic(err)
		}
		if c.Labels["start"] != "" {
			if err := e.StartContainer(ctx, c.ID); err != nil {
				panic(err)
			}
		}
		fmt.Println("done")
	}
	select {}
}

func TestAdoption(t *testing.T) {
	cfg := testConfig(t)
	archive := boxImage(t)
	first := openEngine(t, cfg)
	if _, err := first.Images().Import(t.Context(), bytes.NewReader(archive), ""); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimEnv+"="+cfg.Instance+" "+cfg.DataDir+" "+cfg.Binary)
	cmd.Stderr = t.Output()
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	answers := bufio.NewScanner(out)
	ask := func(id, taskID, script string, labels ...string) {
		t.Helper()
		c := sh(script)
		c.ID, c.TaskID, c.Name, c.Labels = id, taskID, id, map[string]string{}
		c.Mounts = []task.Mount{{Volume: "v", Path: "/v"}}
		for _, l := range labels {
			c.Labels[l] = "1"
		}
		line, _ := json.Marshal(c)
		fmt.Fprintf(in, "%s\n", line)
		if !answers.Scan() {
			t.Fatal("the process died")
		}
	}
	ask("runs", "t1", `i=0; while :; do echo $((i=i+1)); busybox sleep 0.01; done`, "start")
	ask("made", "t1", `echo late; exit 4`)
	const until = `while ! test -e /v/go; do busybox sleep 0.01; done; `
	ask("ends", "t2", until+`echo bye; exit 7`, "start", "pid")
	ask("eats", "t3", until+`exec busybox dd if=/dev/zero of=/dev/null bs=500M count=1`, "start")
	ask("gone", "t4", `exit 5`, "start")
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	for _, c := range []string{"t2/ends", "t3/eats"} { // two of them end in the gap
		taskID, id, _ := strings.Cut(c, "/")
		os.WriteFile(cfg.volume(taskID, "v")+"/go", nil, 0o644)
		eventually(t, "the exit status of "+id, func() bool {
			_, err := os.Stat(cfg.bundle(taskID, id) + "/exit.json")
			return err == nil
		})
	}

	e := openEngine(t, cfg)
	all, err := e.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]task.ContainerState{}
	for _, st := range all {
		states[st.ID] = st
	}
	if len(states) != 5 {
		t.Errorf("adopted %+v", all)
	}
	check := func(id string, status task.Status, code int, oom bool) {
		t.Helper()
		st := states[id]
		if st.Status != status || st.ExitCode != code || st.OOMKilled != oom || st.Name != id {
			t.Errorf("%s: %+v", id, st)
		}
		if status == task.StatusStopped && (st.FinishedAt.Before(st.StartedAt) || st.StartedAt.IsZero() || time.Since(st.FinishedAt) > time.Minute) {
			t.Errorf("%s: started %v, finished %v", id, st.StartedAt, st.FinishedAt)
		}
	}
	check("runs", task.StatusRunning, 0, false)
	check("made", task.StatusCreated, 0, false)
	check("ends", task.StatusStopped, 7, false)
	check("eats", task.StatusStopped, 137, true)
	check("gone", task.StatusStopped, 5, false)
	if got := output(t, e, "ends"); got != "bye\n" {
		t.Errorf("output of the gap: %q", got)
	}

	events, err := e.Events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := e.StartContainer(t.Context(), "made"); err != nil {
		t.Fatal(err)
	}
	if st := wait(t, e, "made"); st.ExitCode != 4 {
		t.Errorf("made: %+v", st)
	}
	if err := e.Signal(t.Context(), "runs", syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for st := range events {
		if st.ID == "runs" && st.Status == task.StatusStopped {
			if st.ExitCode != 137 {
				t.Errorf("runs: %+v", st)
			}
			break
		}
	}
	lines := strings.Split(strings.TrimSpace(output(t, e, "runs")), "\n")
	for i, l := range lines {
		if l != fmt.Sprint(i+1) {
			t.Fatalf("line %d of %d is %q", i, len(lines), l)
		}
	}
	for _, id := range []string{"t1", "t2", "t3", "t4"} {
		if err := e.RemoveTask(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	if all, _ := e.List(t.Context()); len(all) != 0 {
		t.Errorf("left: %+v", all)
	}
	eventually(t, "no shim", func() bool { return len(e.cfg.shims()) == 0 })
}

// TestRubble opens an engine over what a machine's crash or a kill at a bad moment leaves.
func TestRubble(t *testing.T) {
	e := testEngine(t)
	cfg := e.cfg
	start(t, e, task.Sandbox{TaskID: "lives"}, sh(`exec busybox sleep 1000`))
	start(t, e, task.Sandbox{TaskID: "orphan"}, sh(`exec busybox sleep 1000`))
	start(t, e, task.Sandbox{TaskID: "dead", Volumes: []string{"v"}}, sh(`exec busybox sleep 1000`))
	half := sh(`true`)
	half.ID, half.TaskID = "lives-half", "lives"
	if err := e.CreateContainer(t.Context(), half); err != nil {
		t.Fatal(err)
	}
	dead := e.sandbox("dead", false).Shim
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	dead.Kill()
	os.Remove(cfg.taskDir("orphan") + "/task.json")
	os.Remove(cfg.bundle("lives", "lives-half") + "/container.json")

	e = openEngine(t, cfg)
	all, err := e.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]task.Status{}
	for _, st := range all {
		got[st.ID] = st.Status
	}
	if len(got) != 2 || got["lives-main"] != task.StatusRunning || got["dead-main"] != task.StatusStopped {
		t.Errorf("adopted %+v", all)
	}
	eventually(t, "one shim", func() bool { return len(cfg.shims()) == 1 })
	if err := e.CreateContainer(t.Context(), half); err != nil {
		t.Errorf("creating the half-made container again: %v", err)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}
