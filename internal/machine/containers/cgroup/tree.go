package cgroup

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
)

// Tree is the machine's control group hierarchies.
type Tree struct {
	unified string            // mount point of version 2 with controllers; empty on version 1
	v1      map[string]string // controller → mount point; on a hybrid also "" → the version 2 tree without controllers

	making sync.RWMutex // Make reads, RemoveEmpty writes: a group does not go while one is made in it
}

// Detect finds out how control groups are mounted.
func Detect() (*Tree, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("cgroup: %w", err)
	}
	defer f.Close()
	return parseMounts(f)
}

// parseMounts reads the lines of proc(5) mountinfo: "… root mountpoint options … - type source superoptions".
func parseMounts(r io.Reader) (*Tree, error) {
	t := &Tree{v1: map[string]string{}}
	v2 := ""
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		before, after, ok := strings.Cut(s.Text(), " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if !ok || len(left) < 5 || len(right) < 3 || !strings.HasPrefix(left[4], "/sys/fs/cgroup") {
			continue
		}
		switch right[0] {
		case "cgroup2":
			v2 = left[4]
		case "cgroup":
			for _, o := range strings.Split(right[2], ",") {
				if o != "rw" && o != "ro" {
					t.v1[o] = left[4]
				}
			}
		}
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("cgroup: mountinfo: %w", err)
	}
	switch {
	case t.v1["memory"] != "" && t.v1["cpu"] != "":
		if v2 != "" {
			t.v1[""] = v2
		}
	case v2 != "":
		t.unified, t.v1 = v2, nil
	default:
		return nil, errors.New("cgroup: no hierarchy with the cpu and memory controllers is mounted below /sys/fs/cgroup")
	}
	return t, nil
}

// Unified tells whether version 2 rules.
func (t *Tree) Unified() bool { return t.unified != "" }

// tops are the mount points, each once.
func (t *Tree) tops() []string {
	if t.Unified() {
		return []string{t.unified}
	}
	var tops []string
	for _, p := range t.v1 {
		if !slices.Contains(tops, p) {
			tops = append(tops, p)
		}
	}
	return tops
}
