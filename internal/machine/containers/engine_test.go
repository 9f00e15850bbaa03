package containers

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/machine/process"
	"github.com/neargate/neargate/internal/task"
)

// The conformance suite (enginetest) says what every engine does. Here is what this one does with the machine.

func TestWhatAContainerFinds(t *testing.T) {
	e := testEngine(t)
	for _, c := range []struct {
		name   string
		spec   task.ContainerSpec
		script string
		want   string
	}{
		{"environment", task.ContainerSpec{Env: []string{"FROM=task", "X=1"}}, `echo $FROM $X $HOSTNAME $HOME`, "task 1 ip-10-0-0-5 /root"},
		{"host names", task.ContainerSpec{Hosts: []task.HostEntry{{Name: "db", Address: netip.MustParseAddr("10.0.0.9")}}}, `grep db /etc/hosts; hostname; cat /etc/resolv.conf`, "10.0.0.9\tdb\nip-10-0-0-5\nnameserver 10.0.0.2"},
		{"user by name", task.ContainerSpec{User: "ann"}, `id -u; id -g; id -G`, "1000\n50\n50 60"},
		{"user and group by number", task.ContainerSpec{User: "7:8"}, `id -u; id -g`, "7\n8"},
		{"working directory", task.ContainerSpec{WorkingDir: "/made/here"}, `pwd`, "/made/here"},
		{"writable root", task.ContainerSpec{}, `echo x > /new && cat /new`, "x"},
		{"read-only root", task.ContainerSpec{ReadonlyRoot: true}, `echo x 2>&1 > /new || echo no`, "sh: can't create /new: Read-only file system\nno"},
		{"tmpfs", task.ContainerSpec{Tmpfs: []task.Tmpfs{{Path: "/scratch", SizeMiB: 3}}}, `df -k /scratch | tail -1 | awk '{print $1, $2}'`, "tmpfs 3072"},
		{"shared memory", task.ContainerSpec{ShmSizeMiB: 5}, `df -k /dev/shm | tail -1 | awk '{print $2}'`, "5120"},
		{"ulimits", task.ContainerSpec{Ulimits: []task.Ulimit{{Name: "nofile", Soft: 100, Hard: 200}}}, `ulimit -Sn; ulimit -Hn`, "100\n200"},
		{"sysctls", task.ContainerSpec{Sysctls: map[string]string{"net.core.somaxconn": "77"}}, `cat /proc/sys/net/core/somaxconn`, "77"},
		{"capabilities", task.ContainerSpec{CapDrop: []string{"ALL"}, CapAdd: []string{"SYS_PTRACE"}}, `grep CapEff /proc/self/status`, "CapEff:\t0000000000080000"},
		{"its own processes alone", task.ContainerSpec{}, `echo $$`, "1"},
		{"under an init", task.ContainerSpec{Init: true}, `test $$ != 1 && head -c 9 /proc/1/cmdline; exit 0`, "/dev/init"},
		{"no network but its own", task.ContainerSpec{}, `ls /sys/class/net | grep -v -e tunl -e sit -e gre -e ip6 -e erspan -e vti`, "lo"},
		{"filtered system calls", task.ContainerSpec{}, `grep Seccomp: /proc/self/status`, "Seccomp:\t2"},
		{"a terminal", task.ContainerSpec{PseudoTTY: true}, `tty`, "/dev/pts/0"},
		{"control group", task.ContainerSpec{MemoryMiB: 64}, `cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null`, "67108864"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.HasPrefix(c.name, "filtered") && !e.seccomp() {
				t.Skip("runc without seccomp")
			}
			id := strings.ReplaceAll(c.name, " ", "-")
			spec := c.spec
			spec.Image, spec.Entrypoint, spec.Command = box, []string{"/bin/busybox", "sh", "-c"}, []string{c.script}
			out, st := run(t, e, task.Sandbox{TaskID: id, Hostname: "ip-10-0-0-5", DNS: []string{"10.0.0.2"}}, spec)
			if got := strings.TrimSpace(out); got != c.want {
				t.Errorf("%q, want %q (%+v)", got, c.want, st)
			}
			if err := e.RemoveTask(t.Context(), id); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	e := testEngine(t)
	if err := e.CreateTask(t.Context(), task.Sandbox{TaskID: "no"}); err != nil {
		t.Fatal(err)
	}
	const made = "ResourceInitializationError: failed to create new container runtime task: failed to create shim task: OCI runtime create failed: "
	for i, c := range []struct {
		spec        task.ContainerSpec
		start, want string
	}{
		// What runc says between the two depends on its version.
		{task.ContainerSpec{Image: box, Entrypoint: []string{"nope"}}, made + "runc create failed: unable to start container process: ", `exec: "nope": executable file not found in $PATH: unknown`},
		{task.ContainerSpec{Image: box, Entrypoint: []string{"/etc"}}, made, `exec: "/etc"`},
		{task.ContainerSpec{Image: box, User: "bob"}, "ResourceInitializationError: ", "unable to create new container: unable to find user bob: no matching entries in passwd file"},
		{task.ContainerSpec{Image: "test/none:1"}, "", "no such image"},
	} {
		c.spec.ID, c.spec.TaskID, c.spec.Name = fmt.Sprintf("no-%d", i), "no", "c"
		err := e.CreateContainer(t.Context(), c.spec)
		se, ok := errors.AsType[*task.StartError](err)
		if !ok || !strings.HasPrefix(se.Reason, c.start) || !strings.Contains(se.Reason, c.want) {
			t.Errorf("%+v: %v\nwant %s … %s", c.spec, err, c.start, c.want)
		}
	}
	if all, _ := e.List(t.Context()); len(all) != 1 || all[0].ID != "" {
		t.Errorf("left: %+v", all)
	}
	left, _ := filepath.Glob(e.cfg.taskDir("no") + "/no-*")
	if len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

func TestVolumes(t *testing.T) {
	e := testEngine(t)
	s := task.Sandbox{TaskID: "vol", Volumes: []string{"data", "plain"}}
	mounts := []task.Mount{{Volume: "data", Path: "/data"}, {Volume: "plain", Path: "/plain"}}
	first := sh(`cat /data/seed; ls -ldn /data | awk '{print $1, $3, $4}'; echo one > /plain/f`)
	first.Mounts = mounts
	out, _ := run(t, e, s, first)
	if want := "from the image\ndrwxr-x--- 1000 50\n"; out != want {
		t.Errorf("the first container finds %q, want %q", out, want)
	}
	second := sh(`cat /plain/f; rm /data/seed 2>&1`)
	second.ID, second.Mounts = "vol-second", []task.Mount{{Volume: "data", Path: "/elsewhere"}, {Volume: "plain", Path: "/plain", ReadOnly: true}, {Volume: "data", Path: "/data", ReadOnly: true}}
	out, _ = run(t, e, s, second)
	if want := "one\nrm: can't remove '/data/seed': Read-only file system\n"; out != want {
		t.Errorf("the second container finds %q, want %q", out, want)
	}
}

func TestMemoryLimits(t *testing.T) {
	e := testEngine(t)
	for _, c := range []struct {
		name      string
		task, own int
		killed    bool
	}{
		{"container", 512, 20, true},
		{"task", 20, 0, true},
		{"enough", 512, 200, false},
	} {
		spec := task.ContainerSpec{Image: box, Entrypoint: []string{"/bin/busybox", "dd", "if=/dev/zero", "of=/dev/null", "bs=100M", "count=1"}, MemoryMiB: c.own}
		_, st := run(t, e, task.Sandbox{TaskID: c.name, MemoryMiB: c.task}, spec)
		want := 0
		if c.killed {
			want = 137
		}
		if st.OOMKilled != c.killed || st.ExitCode != want {
			t.Errorf("%s: %+v", c.name, st)
		}
	}
}

func TestTaskCPU(t *testing.T) {
	e := testEngine(t)
	id := start(t, e, task.Sandbox{TaskID: "cpu", CPUUnits: 256}, sh(`while :; do :; done`))
	begin := time.Now()
	before, err := e.Stats(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	after, err := e.Stats(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if used := (after.CPU - before.CPU).Seconds() / time.Since(begin).Seconds(); used > 0.35 {
		t.Errorf("256 units used %.2f of a processor", used)
	}
	whole, err := e.Stats(t.Context(), "cpu")
	if err != nil || whole.CPU < after.CPU {
		t.Errorf("the task has used %v, its container %v, %v", whole.CPU, after.CPU, err)
	}
}

func TestSharedPID(t *testing.T) {
	e := testEngine(t)
	s := task.Sandbox{TaskID: "pids", SharedPID: true}
	start(t, e, s, sh(`exec busybox sleep 1000`))
	peek := sh(`busybox ps -o args | grep -c "[s]leep 1000"; (sleep 0.1 &) ; exit 0`)
	peek.ID = "pids-peek"
	out, _ := run(t, e, s, peek)
	if out != "1\n" {
		t.Errorf("sees %q", out)
	}
	if err := e.RemoveContainer(t.Context(), "pids-main"); err != nil {
		t.Fatal(err)
	}
	if _, st := run(t, e, s, task.ContainerSpec{ID: "pids-third", Image: box, Command: []string{"true"}}); st.ExitCode != 0 {
		t.Errorf("after the first container has gone: %+v", st)
	}
}

func TestInitReapsAndForwards(t *testing.T) {
	e := testEngine(t)
	c := sh(`trap 'echo got it; exit 9' TERM; for i in 1 2 3; do (busybox sleep 0.01 &); done; while :; do busybox sleep 0.05; done`)
	c.Init = true
	id := start(t, e, task.Sandbox{TaskID: "init"}, c)
	deadline := time.Now().Add(patience)
	for {
		code, out, err := e.Exec(t.Context(), id, task.ExecSpec{Command: []string{"/bin/busybox", "sh", "-c", `busybox ps -o stat,args | grep -c "^Z"`}})
		if err != nil {
			t.Fatal(code, err)
		}
		if strings.TrimSpace(string(out)) == "0" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("zombies: %s", out)
		}
	}
	if err := e.Signal(t.Context(), id, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if st := wait(t, e, id); st.ExitCode != 9 {
		t.Errorf("%+v", st)
	}
	if out := output(t, e, id); out != "got it\n" {
		t.Errorf("%q", out)
	}
}

func TestLogDriverNone(t *testing.T) {
	e := testEngine(t)
	c := sh(`echo unheard; echo really >&2`)
	c.Log.Driver = "none"
	id := start(t, e, task.Sandbox{TaskID: "mute"}, c)
	if st := wait(t, e, id); st.ExitCode != 0 {
		t.Errorf("%+v", st)
	}
	if _, err := os.Stat(e.Spool(id)); err == nil {
		t.Error("there is a spool")
	}
}

func TestShimDies(t *testing.T) {
	e := testEngine(t)
	events, err := e.Events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	id := start(t, e, task.Sandbox{TaskID: "lost"}, sh(`exec busybox sleep 1000`))
	c := e.find(id)
	pid := c.now().Pid
	c.box.Shim.Kill()
	for st := range events {
		if st.Status == task.StatusStopped {
			if st.ExitCode != 137 || st.Err == "" {
				t.Errorf("%+v", st)
			}
			break
		}
	}
	if (process.ID{PID: pid, Start: 0}).Alive() {
		t.Error("alive")
	}
	deadline := time.Now().Add(patience)
	for process.Identify(pid).PID != 0 {
		if time.Now().After(deadline) {
			t.Fatal("the container's process goes on")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := e.RemoveTask(t.Context(), "lost"); err != nil {
		t.Error(err)
	}
}

// TestPullTakesItsWay: the namespace that is given is the one that is dialled from.
func TestPullTakesItsWay(t *testing.T) {
	for _, v := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		if os.Getenv(v) != "" {
			t.Skip("this machine needs a proxy")
		}
	}
	e := openEngine(t, testConfig(t))
	_, err := e.Pull(t.Context(), task.PullRequest{Ref: "192.0.2.1/web:1", NetNS: "/nowhere"})
	if err == nil || !strings.Contains(err.Error(), "network namespace /nowhere") {
		t.Error(err)
	}
}
