package containers

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/neargate/neargate/internal/machine/containers/cgroup"
	"github.com/neargate/neargate/internal/task"
)

// The platform's control group is there while tasks are, and no first task fails because the last one's has just gone.
func TestGroupWhileThereAreTasks(t *testing.T) {
	e := testEngine(t)
	var wg sync.WaitGroup
	for worker := range 3 {
		wg.Go(func() {
			for round := range 3 {
				if err := live(t, e, fmt.Sprintf("w%d-%d", worker, round)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if groups := groupDirs(e.cfg); len(groups) > 0 {
		t.Errorf("control groups left: %q", groups)
	}
	if err := live(t, e, "again"); err != nil {
		t.Error(err)
	}
}

// An engine that was killed between its last task's group and its own leaves that to the next.
func TestEmptyGroupOfPredecessor(t *testing.T) {
	e := testEngine(t)
	if err := e.groups.Make(e.cfg.group(), cgroup.Limits{}); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	openEngine(t, e.cfg)
	if groups := groupDirs(e.cfg); len(groups) > 0 {
		t.Errorf("control groups left: %q", groups)
	}
}

// groupDirs are the platform's control groups in all hierarchies.
func groupDirs(cfg Config) []string {
	one, _ := filepath.Glob("/sys/fs/cgroup" + cfg.group())
	each, _ := filepath.Glob("/sys/fs/cgroup/*" + cfg.group())
	return append(one, each...)
}

// live is a task's life.
func live(t *testing.T, e *Engine, id string) error {
	c := sh("exec busybox sleep 1000")
	c.ID, c.TaskID, c.Name = id+"-main", id, "main"
	if err := e.CreateTask(t.Context(), task.Sandbox{TaskID: id, CPUUnits: 256, MemoryMiB: 64}); err != nil {
		return err
	}
	if err := e.CreateContainer(t.Context(), c); err != nil {
		return err
	}
	if err := e.StartContainer(t.Context(), c.ID); err != nil {
		return err
	}
	return e.RemoveTask(t.Context(), id)
}
