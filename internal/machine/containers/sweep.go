package containers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/machine/containers/cgroup"
	"github.com/neargate/neargate/internal/machine/containers/shim"
	"github.com/neargate/neargate/internal/machine/process"
)

// Sweep removes every task of a platform from the machine, running or not: containers, shims, mounts, control groups, volumes,
// spools, sockets. Images stay. No engine may have the directory open. It is what `neargate down` does, also after a crash.
func Sweep(_ context.Context, cfg Config) error {
	if cfg.Runtime == "" {
		cfg.Runtime = "runc" // not run
	}
	if err := cfg.complete(); err != nil {
		return err
	}
	groups, err := cgroup.Detect()
	if err != nil {
		return err
	}
	errs := []error{cfg.endShims()} // first, or they would see their containers die and say so
	errs = append(errs, groups.Remove(cfg.group()))
	for _, id := range cfg.taskIDs() {
		errs = append(errs, cfg.removeTraces(groups, id))
	}
	for _, dir := range []string{cfg.spoolDir(), cfg.volumesDir(), cfg.tasksDir(), filepath.Join(cfg.DataDir, "bin")} {
		errs = append(errs, removeTree(dir))
	}
	errs = append(errs, os.RemoveAll(cfg.RunDir))
	return errors.Join(errs...)
}

func (c *Config) taskIDs() []string {
	var ids []string
	for _, dir := range []string{c.tasksDir(), c.volumesDir()} {
		entries, _ := os.ReadDir(dir)
		for _, d := range entries {
			if !slices.Contains(ids, d.Name()) {
				ids = append(ids, d.Name())
			}
		}
	}
	return ids
}

// removeTraces removes what a task has on this machine once its shim is gone: processes by their control group, mounts, files. The
// platform's control group goes with its last task's.
func (c *Config) removeTraces(groups *cgroup.Tree, taskID string) error {
	errs := []error{groups.Remove(c.taskGroup(taskID))}
	entries, _ := os.ReadDir(c.taskDir(taskID))
	for _, d := range entries {
		if d.IsDir() {
			errs = append(errs,
				unmountRoot(filepath.Join(c.taskDir(taskID), d.Name())),
				os.RemoveAll(filepath.Join(c.runcRoot(), c.namespace(), d.Name())))
		}
	}
	if err := errors.Join(errs...); err != nil { // never delete through a mount
		return err
	}
	if err := os.Remove(c.socket(taskID)); !errors.Is(err, unix.ENOENT) {
		errs = append(errs, err)
	}
	// The task's directory last: whoever goes on after a crash finds the rest by it.
	errs = append(errs, removeTree(filepath.Join(c.volumesDir(), taskID)), removeTree(c.taskDir(taskID)))
	return errors.Join(append(errs, groups.RemoveEmpty(c.group()))...)
}

// shimEnds is how long killed shims may take to end on a busy machine.
const shimEnds = 10 * time.Second

// endShims kills the platform's shims and returns when they have ended: until then they write to files that are about to be removed.
func (c *Config) endShims() error {
	shims := c.shims()
	for _, p := range shims {
		p.Kill()
	}
	deadline := time.Now().Add(shimEnds)
	for _, p := range shims {
		for wait := time.Millisecond; p.Alive(); wait = min(2*wait, 50*time.Millisecond) {
			if time.Now().After(deadline) {
				return fmt.Errorf("shim of task %s: process %d does not end", p.task, p.PID)
			}
			time.Sleep(wait)
		}
	}
	return nil
}

type shimProcess struct {
	process.ID
	task string
}

// shims finds the platform's shims in the process list: by the path they were started with, which no other platform's have.
func (c *Config) shims() []shimProcess {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	path := filepath.Join(c.DataDir, "bin", shim.Name)
	var out []shimProcess
	for _, d := range entries {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		b, err := os.ReadFile(filepath.Join("/proc", d.Name(), "cmdline"))
		if err != nil {
			continue
		}
		args := bytes.Split(b, []byte{0})
		if string(args[0]) != path {
			continue
		}
		p := shimProcess{ID: process.Identify(pid)}
		for i, a := range args[:len(args)-1] {
			if string(a) == "-id" {
				p.task = string(args[i+1])
			}
		}
		out = append(out, p)
	}
	return out
}
