package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// census compares what runs on the machine with what the APIs say.
type census struct {
	orphans    []string
	duplicates int
	missing    int // tasks that should run and have no container
}

func (c census) right() bool { return len(c.orphans) == 0 && c.duplicates == 0 && c.missing == 0 }

// settleLimit is how long what was being stopped may take to be gone.
const settleLimit = 40 * time.Second

// settledCensus is the census once nothing is amiss, or after settleLimit.
func (w *web) settledCensus(ctx context.Context) (census, error) {
	for began := time.Now(); ; time.Sleep(500 * time.Millisecond) {
		c, err := w.census(ctx)
		if err != nil || c.right() || time.Since(began) > settleLimit {
			return c, err
		}
	}
}

func (w *web) census(ctx context.Context) (c census, err error) {
	var listed struct{ TaskArns []string }
	if err := w.ecs(ctx, "ListTasks", fields{"cluster": cluster}, &listed); err != nil {
		return c, err
	}
	tasks := map[string]bool{}
	for _, arn := range listed.TaskArns {
		tasks[arn[strings.LastIndexByte(arn, '/')+1:]] = true
	}
	c.duplicates += max(0, len(tasks)-rolloutTasks)
	running := w.running()
	for task := range tasks {
		if running[task] == 0 {
			c.missing++
		}
	}
	for task, containers := range running {
		if !tasks[task] {
			c.orphans = append(c.orphans, "task "+task)
		}
		c.duplicates += max(0, containers-1)
	}
	answer, err := w.query(ctx, ec2API, "DescribeNetworkInterfaces")
	if err != nil {
		return c, err
	}
	interfaces := map[string]bool{}
	for _, id := range answer.all("networkInterfaceId") {
		interfaces[id] = true
	}
	prefix := "/run/netns/ng-" + w.instance + "-"
	namespaces, err := filepath.Glob(prefix + "eni-*")
	if err != nil {
		return c, err
	}
	for _, path := range namespaces {
		if id := strings.TrimPrefix(path, prefix); !interfaces[id] {
			c.orphans = append(c.orphans, "interface "+id)
		}
	}
	return c, nil
}

// running counts the containers with processes by task, as the kernel's control groups have them.
func (p *platform) running() map[string]int {
	out := map[string]int{}
	for _, tree := range []string{"/sys/fs/cgroup/memory", "/sys/fs/cgroup"} {
		groups, _ := filepath.Glob(fmt.Sprintf("%s/neargate-%s/*/*/cgroup.procs", tree, p.instance))
		for _, g := range groups {
			if text, err := os.ReadFile(g); err == nil && len(strings.TrimSpace(string(text))) > 0 {
				out[filepath.Base(filepath.Dir(filepath.Dir(g)))]++
			}
		}
		if len(groups) > 0 {
			break
		}
	}
	return out
}
