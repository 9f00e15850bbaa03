package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Add moves a process into the group called leaf below path. A group that hands controllers down cannot have processes itself.
func (t *Tree) Add(path, leaf string, pid int) error {
	for _, top := range t.tops() {
		dir := filepath.Join(top, path)
		if _, err := os.Stat(dir); err != nil || top == t.v1["cpuset"] { // a new cpuset has no processors to run on
			continue
		}
		dir = filepath.Join(dir, leaf)
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("cgroup %s: %w", path, err)
		}
		if err := set(dir, "cgroup.procs", strconv.Itoa(pid)); err != nil {
			return fmt.Errorf("cgroup %s: %w", path, err)
		}
	}
	return nil
}

// Remove kills what runs in the group and below and removes it. A group that does not exist is removed already.
func (t *Tree) Remove(path string) error {
	if strings.Trim(path, "/") == "" {
		return errors.New("cgroup: the root cannot be removed")
	}
	deadline := time.Now().Add(5 * time.Second)
	for {
		var left error
		for _, top := range t.tops() {
			if err := removeAll(filepath.Join(top, path)); err != nil {
				left = err
			}
		}
		if left == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("cgroup %s: %w", path, left)
		}
		time.Sleep(2 * time.Millisecond) // killed processes leave their groups a little later
	}
}

// RemoveEmpty removes the group unless there are groups or processes in it.
func (t *Tree) RemoveEmpty(path string) error {
	t.making.Lock()
	defer t.making.Unlock()
	// Make makes every group here. Elsewhere runtimes make what is missing, and must not find it removed the moment after: so if
	// anything is left here, nothing is touched there.
	first := t.unified
	if !t.Unified() {
		first = t.v1["memory"]
	}
	if gone, err := removeEmpty(filepath.Join(first, path)); err != nil || !gone {
		return err
	}
	for _, top := range t.tops() {
		if _, err := removeEmpty(filepath.Join(top, path)); err != nil {
			return err
		}
	}
	return nil
}

func removeEmpty(dir string) (gone bool, err error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	switch err := syscall.Rmdir(dir); err {
	case nil, syscall.ENOENT:
		return true, nil
	case syscall.EBUSY, syscall.ENOTEMPTY:
		return false, nil
	default:
		return false, &fs.PathError{Op: "rmdir", Path: dir, Err: err}
	}
}

func removeAll(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if e.IsDir() {
			errs = append(errs, removeAll(filepath.Join(dir, e.Name())))
		}
	}
	err = syscall.Rmdir(dir)
	if err == syscall.EBUSY {
		kill(dir)
	}
	if err != nil && err != syscall.ENOENT {
		errs = append(errs, &fs.PathError{Op: "rmdir", Path: dir, Err: err})
	}
	return errors.Join(errs...)
}

func kill(dir string) {
	procs, err := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	if err != nil {
		return
	}
	for _, p := range strings.Fields(string(procs)) {
		if pid, err := strconv.Atoi(p); err == nil && pid > 1 && pid != os.Getpid() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}
