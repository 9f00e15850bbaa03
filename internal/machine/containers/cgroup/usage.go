package cgroup

import (
	"path/filepath"
	"time"
)

// OOMKills counts the processes of the group that were killed for want of memory, of its own or of the task's limit.
func (t *Tree) OOMKills(path string) (int, error) {
	file := filepath.Join(t.unified, path, "memory.events")
	if !t.Unified() {
		file = filepath.Join(t.v1["memory"], path, "memory.oom_control")
	}
	n, err := field(file, "oom_kill")
	return int(n), err
}

// Usage is what a group has used.
type Usage struct {
	CPU    time.Duration // processor time
	Memory int64         // bytes, without page cache that can be dropped at once
	Limit  int64         // bytes, 0 = none
}

// Usage reads what the group has used.
func (t *Tree) Usage(path string) (Usage, error) {
	if t.Unified() {
		dir := filepath.Join(t.unified, path)
		us, err := field(filepath.Join(dir, "cpu.stat"), "usage_usec")
		if err != nil {
			return Usage{}, err
		}
		return memory(Usage{CPU: time.Duration(us) * time.Microsecond}, dir, "memory.current", "memory.max", "inactive_file")
	}
	ns, err := number(filepath.Join(t.v1["cpuacct"], path, "cpuacct.usage"))
	if err != nil {
		return Usage{}, err
	}
	return memory(Usage{CPU: time.Duration(ns)}, filepath.Join(t.v1["memory"], path), "memory.usage_in_bytes", "memory.limit_in_bytes", "total_inactive_file")
}

func memory(u Usage, dir, current, limit, droppable string) (Usage, error) {
	used, err := number(filepath.Join(dir, current))
	if err != nil {
		return u, err
	}
	cache, err := field(filepath.Join(dir, "memory.stat"), droppable)
	if err != nil {
		return u, err
	}
	u.Memory = max(0, used-cache)
	if most, err := number(filepath.Join(dir, limit)); err == nil && most < 1<<60 {
		u.Limit = most
	}
	return u, nil
}
