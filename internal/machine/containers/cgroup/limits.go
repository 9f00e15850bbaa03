package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Limits are what a whole task may use.
type Limits struct {
	CPUUnits  int // 1024 = one processor; 0 = no limit
	MemoryMiB int // 0 = no limit
}

// The most processes and threads of a task, and of all tasks together, as parts of what the machine can have: a task that
// multiplies without end must not keep others, or the machine's owner, from starting anything.
const (
	taskPart     = 4
	platformPart = 4.0 / 3
)

const period = 100_000 // microseconds, the kernel's default

// Throttle sets how much processor time the group may use, in the units of Limits. 0 is as much as there is.
func (t *Tree) Throttle(path string, units int) error {
	q := quota(units)
	if units == 0 {
		q = 1000 * period // more than there is; taking the quota away altogether would cost every processor an interruption
	}
	var err error
	if t.Unified() {
		err = set(filepath.Join(t.unified, path), "cpu.max", fmt.Sprintf("%d %d", q, period))
	} else {
		err = set(filepath.Join(t.v1["cpu"], path), "cpu.cfs_quota_us", strconv.Itoa(q))
	}
	if err != nil {
		return fmt.Errorf("cgroup %s: %w", path, err)
	}
	return nil
}

// Make makes the group at path ("/neargate-x/task") with limits. Making it again sets the limits again.
func (t *Tree) Make(path string, l Limits) error {
	t.making.RLock()
	defer t.making.RUnlock()
	var err error
	if t.Unified() {
		err = t.make2(path, l)
	} else {
		err = t.make1(path, l)
	}
	if err != nil {
		return fmt.Errorf("cgroup %s: %w", path, err)
	}
	return nil
}

func (t *Tree) make2(path string, l Limits) error {
	// Controllers have to be handed down at every step, from the root to the group itself (for its containers).
	at := t.unified
	if err := enable(at); err != nil {
		return err
	}
	for i, step := range strings.Split(strings.Trim(path, "/"), "/") {
		at = filepath.Join(at, step)
		if err := os.Mkdir(at, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := enable(at); err != nil {
			return err
		}
		if i == 0 {
			if err := set(at, "cpu.weight", strconv.Itoa(weight(platformShares()))); err != nil {
				return err
			}
			if err := limitProcesses(at, platformPart); err != nil {
				return err
			}
		}
	}
	if err := limitProcesses(at, taskPart); err != nil {
		return err
	}
	if l.CPUUnits > 0 {
		if err := set(at, "cpu.max", fmt.Sprintf("%d %d", quota(l.CPUUnits), period)); err != nil {
			return err
		}
		if err := set(at, "cpu.weight", strconv.Itoa(weight(l.CPUUnits))); err != nil {
			return err
		}
	}
	if l.MemoryMiB > 0 {
		if err := set(at, "memory.max", strconv.FormatInt(int64(l.MemoryMiB)<<20, 10)); err != nil {
			return err
		}
		return ignoreMissing(set(at, "memory.swap.max", "0"))
	}
	return nil
}

// enable hands the controllers that dir has down to its children. Those that a child does not get are not missed unless a limit
// needs them, and then setting it fails.
func enable(dir string) error {
	have, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return err
	}
	on, err := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control"))
	if err != nil {
		return err
	}
	var add []string
	for _, c := range strings.Fields(string(have)) {
		if slices.Contains([]string{"cpu", "memory", "pids", "cpuset", "io"}, c) && !slices.Contains(strings.Fields(string(on)), c) {
			add = append(add, "+"+c)
		}
	}
	if len(add) == 0 {
		return nil
	}
	err = set(dir, "cgroup.subtree_control", strings.Join(add, " "))
	if errors.Is(err, syscall.EBUSY) {
		return fmt.Errorf("%w: processes live in %s itself; start the platform in a control group of its own", err, dir)
	}
	return err
}

func (t *Tree) make1(path string, l Limits) error {
	for _, c := range []string{"cpu", "cpuacct", "memory", "pids"} {
		if t.v1[c] == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Join(t.v1[c], path), 0o755); err != nil {
			return err
		}
	}
	top, _, _ := strings.Cut(strings.Trim(path, "/"), "/")
	if err := set(filepath.Join(t.v1["cpu"], top), "cpu.shares", strconv.Itoa(platformShares())); err != nil {
		return err
	}
	if pids := t.v1["pids"]; pids != "" {
		if err := errors.Join(limitProcesses(filepath.Join(pids, top), platformPart), limitProcesses(filepath.Join(pids, path), taskPart)); err != nil {
			return err
		}
	}
	if l.CPUUnits > 0 {
		dir := filepath.Join(t.v1["cpu"], path)
		if err := set(dir, "cpu.cfs_period_us", strconv.Itoa(period)); err != nil {
			return err
		}
		if err := set(dir, "cpu.cfs_quota_us", strconv.Itoa(quota(l.CPUUnits))); err != nil {
			return err
		}
		if err := set(dir, "cpu.shares", strconv.Itoa(max(2, l.CPUUnits))); err != nil {
			return err
		}
	}
	if l.MemoryMiB > 0 {
		dir := filepath.Join(t.v1["memory"], path)
		bytes := strconv.FormatInt(int64(l.MemoryMiB)<<20, 10)
		if err := set(dir, "memory.limit_in_bytes", bytes); err != nil {
			return err
		}
		return ignoreMissing(set(dir, "memory.memsw.limit_in_bytes", bytes))
	}
	return nil
}

// limitProcesses lets a group have one part'th of the machine's processes and threads.
func limitProcesses(dir string, part float64) error {
	most := int64(math.MaxInt64)
	for _, file := range []string{"pid_max", "threads-max"} {
		n, err := number(filepath.Join("/proc/sys/kernel", file))
		if err != nil {
			return err
		}
		most = min(most, n)
	}
	return ignoreMissing(set(dir, "pids.max", strconv.FormatInt(int64(float64(most)/part), 10)))
}

// platformShares is the weight of all tasks together. Left at the default, they would share the time of one process when the
// machine is busy.
func platformShares() int { return 1024 * runtime.NumCPU() }

func quota(units int) int { return max(1000, units*period/1024) }

// weight maps cpu shares (2…262144) to version 2 weights (1…10000) as container runtimes do.
func weight(shares int) int {
	shares = min(max(2, shares), 262144)
	return 1 + (shares-2)*9999/262142
}

// Swap tells whether the kernel counts swap, so that limits on it can be set.
func (t *Tree) Swap() bool {
	if t.Unified() {
		return true
	}
	_, err := os.Stat(filepath.Join(t.v1["memory"], "memory.memsw.limit_in_bytes"))
	return err == nil
}
