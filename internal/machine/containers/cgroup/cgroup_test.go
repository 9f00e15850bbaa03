package cgroup

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestParseMounts(t *testing.T) {
	const (
		cpu     = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
		joint   = "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
		memory  = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:7 - cgroup cgroup rw,memory\n"
		systemd = "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd\n"
		hybrid  = "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
		v2      = "25 20 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
		other   = "99 31 0:38 / /mnt/c rw,relatime - cgroup2 cgroup2 rw\n50 1 8:1 / / rw - ext4 /dev/vda rw\n"
	)
	for _, c := range []struct {
		name, mounts string
		unified      string
		tops         int
		err          string
	}{
		{"version 2", other + v2, "/sys/fs/cgroup", 1, ""},
		{"version 1", cpu + memory + other, "", 2, ""},
		{"joint controllers", joint + memory, "", 2, ""},
		{"hybrid", cpu + memory + systemd + hybrid, "", 4, ""},
		{"none", other, "", 0, "no hierarchy"},
		{"memory alone", memory, "", 0, "no hierarchy"},
	} {
		tree, err := parseMounts(strings.NewReader(c.mounts))
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if tree.unified != c.unified || len(tree.tops()) != c.tops {
			t.Errorf("%s: unified %q, tops %q", c.name, tree.unified, tree.tops())
		}
	}
}

func TestWeight(t *testing.T) {
	for shares, want := range map[int]int{0: 1, 2: 1, 1024: 39, 262144: 10000, 1 << 30: 10000} {
		if got := weight(shares); got != want {
			t.Errorf("weight(%d) = %d, want %d", shares, got, want)
		}
	}
}

// A directory stands for a version 2 hierarchy that this machine may not have.
func TestVersion2(t *testing.T) {
	top := t.TempDir()
	files := map[string]string{
		"cgroup.controllers": "cpuset cpu io memory hugetlb pids", "cgroup.subtree_control": "memory", "cgroup.procs": "",
		"cpu.max": "", "cpu.weight": "", "memory.max": "", "memory.swap.max": "",
		"memory.events": "low 0\noom 3\noom_kill 2\noom_group_kill 0\n", "cpu.stat": "usage_usec 1500\nuser_usec 1\n",
		"memory.current": "5000\n", "memory.stat": "anon 1\nfile 2\ninactive_file 1000\n",
	}
	for _, dir := range []string{"", "ng", "ng/task", "ng/task/leaf"} {
		if err := os.MkdirAll(filepath.Join(top, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(top, dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	holds := func(path, want string) {
		t.Helper()
		if b, err := os.ReadFile(filepath.Join(top, path)); err != nil || string(b) != want {
			t.Errorf("%s holds %q, %v, want %q", path, b, err, want)
		}
	}
	tree := &Tree{unified: top}
	if err := tree.Make("/ng/task", Limits{CPUUnits: 256, MemoryMiB: 512}); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", "ng/", "ng/task/"} {
		holds(dir+"cgroup.subtree_control", "+cpuset +cpu +io +pids")
	}
	holds("ng/task/cpu.max", "25000 100000")
	holds("ng/task/cpu.weight", "10")
	holds("ng/task/memory.max", "536870912")
	holds("ng/task/memory.swap.max", "0")
	if err := tree.Throttle("/ng/task", 0); err != nil {
		t.Error(err)
	}
	holds("ng/task/cpu.max", "100000000 100000")
	if err := tree.Add("/ng/task", "leaf", 77); err != nil {
		t.Error(err)
	}
	holds("ng/task/leaf/cgroup.procs", "77")
	if n, err := tree.OOMKills("/ng/task"); n != 2 || err != nil {
		t.Errorf("%d kills, %v", n, err)
	}
	if err := os.WriteFile(filepath.Join(top, "ng/task/memory.max"), []byte("max\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if u, err := tree.Usage("/ng/task"); err != nil || u != (Usage{CPU: 1500 * time.Microsecond, Memory: 4000}) {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestGroup(t *testing.T) {
	tree, parent := testTree(t)
	path := parent + "/task"
	for range 2 {
		if err := tree.Make(path, Limits{CPUUnits: 256, MemoryMiB: 64}); err != nil {
			t.Fatal(err)
		}
	}
	if top := cmp.Or(tree.unified, tree.v1["pids"]); top != "" {
		ours, err := number(filepath.Join(top, path, "pids.max"))
		machine, err2 := number("/proc/sys/kernel/pid_max")
		if err != nil || err2 != nil || ours < 1 || ours > machine/taskPart {
			t.Errorf("a task may have %d of the machine's %d processes, %v %v", ours, machine, err, err2)
		}
	}
	for _, units := range []int{0, 512} {
		if err := tree.Throttle(path, units); err != nil {
			t.Error(err)
		}
	}
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := tree.Add(path, "leaf", cmd.Process.Pid); err != nil {
		t.Error(err)
	}
	u, err := tree.Usage(path)
	if err != nil || u.Limit != 64<<20 {
		t.Errorf("usage %+v, %v", u, err)
	}
	if n, err := tree.OOMKills(path); n != 0 || err != nil {
		t.Errorf("oom kills %d, %v", n, err)
	}
	if err := tree.Remove(parent); err != nil {
		t.Error(err)
	}
	cmd.Wait()
	if s := cmd.ProcessState.String(); s != "signal: killed" {
		t.Errorf("the process ended with %s", s)
	}
	if tree.exists(parent) {
		t.Errorf("%s is left", parent)
	}
	if err := tree.Remove("/"); err == nil {
		t.Error("the root group was removed")
	}
}

// exists tells whether the group is there, in any hierarchy.
func (t *Tree) exists(path string) bool {
	for _, top := range t.tops() {
		if _, err := os.Stat(filepath.Join(top, path)); err == nil {
			return true
		}
	}
	return false
}

// A group goes when nothing is in it, in whichever hierarchies a runtime has made it too.
func TestRemoveEmpty(t *testing.T) {
	tree, parent := testTree(t)
	for _, top := range tree.tops() {
		if err := os.MkdirAll(filepath.Join(top, parent, "task"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		group string
		left  bool
	}{{"other", true}, {"task", false}, {"never was", false}} {
		if err := tree.Remove(filepath.Join(parent, step.group)); err != nil {
			t.Error(err)
		}
		if err := tree.RemoveEmpty(parent); err != nil {
			t.Error(err)
		}
		if left := tree.exists(parent); left != step.left {
			t.Errorf("after removal of %s: left %v, want %v", step.group, left, step.left)
		}
	}
}

// A group that is made is never the victim of one that goes.
func TestRemoveEmptyUnderConcurrency(t *testing.T) {
	tree, parent := testTree(t)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			path := fmt.Sprintf("%s/task-%d", parent, worker)
			for range 50 {
				if err := tree.Make(path, Limits{CPUUnits: 256, MemoryMiB: 64}); err != nil {
					t.Error(err)
				}
				if err := tree.RemoveEmpty(parent); err != nil {
					t.Error(err)
				}
				if err := tree.Throttle(path, 0); err != nil {
					t.Error(err)
				}
				if err := tree.Remove(path); err != nil {
					t.Error(err)
				}
				if err := tree.RemoveEmpty(parent); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if tree.exists(parent) {
		t.Errorf("%s is left", parent)
	}
}

// testTree is the machine's, with the name of a group that the test may make in it.
func testTree(t *testing.T) (tree *Tree, parent string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	tree, err := Detect()
	if err != nil {
		t.Skip(err)
	}
	parent = fmt.Sprintf("/neargate-test-%d", os.Getpid())
	t.Cleanup(func() {
		if err := tree.Remove(parent); err != nil {
			t.Error(err)
		}
	})
	if err := tree.Make(parent+"/probe", Limits{CPUUnits: 256, MemoryMiB: 64}); err != nil {
		t.Skip(err)
	}
	if err := tree.Remove(parent); err != nil {
		t.Fatal(err)
	}
	return tree, parent
}
