package task_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/state/sqlite"
	"github.com/neargate/neargate/internal/task"
)

// crowd makes n running tasks, 100 to a service, under a loop that serves.
func crowd(b *testing.B, n int) *world {
	b.Helper()
	w := newWorld(b)
	d := definition(container("app"))
	w.serve()
	for i := 0; i < n; i += 100 {
		w.update(func(tx *state.Tx) error {
			for range 100 {
				_, err := w.life.Run(tx, task.RunSpec{
					Account: "000000000000", Region: "us-east-1", ClusterName: "web", ClusterARN: "arn:c", Definition: d,
					ServiceARN: fmt.Sprintf("arn:s%d", i/100), SubnetID: "subnet-1",
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	w.waitFor(b, n, func() int { return w.engine.Counts().Starts })
	for s := range 4 {
		w.waitFor(b, 0, func() int {
			left := 0
			for range w.tables.Tasks.By(w.store.View(), task.ByStatus, string([]task.State{task.Provisioning, task.Pending, task.Activating, task.Stopping}[s])) {
				left++
			}
			return left
		})
	}
	return w
}

func (w *world) waitFor(b *testing.B, want int, got func() int) {
	b.Helper()
	watch := w.store.Watch(w.tables.Tasks)
	defer watch.Close()
	for got() != want {
		ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
		_, err := watch.Next(ctx)
		cancel()
		if err != nil {
			b.Fatalf("%d, want %d: %v", got(), want, err)
		}
	}
}

// BenchmarkReplaceService stops the 100 tasks of one service and runs 100 others, among more and more that stay: the time must not
// grow with those.
func BenchmarkReplaceService(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := crowd(b, n)
			d := definition(container("app"))
			for b.Loop() {
				starts := w.engine.Counts().Starts
				w.update(func(tx *state.Tx) error {
					for t := range w.tables.Tasks.By(tx, task.ByService, "arn:s3") {
						if err := w.life.Stop(tx, t.ARN, task.ServiceSchedulerInitiated, "Scaling activity initiated by (deployment ecs-svc/1)"); err != nil {
							return err
						}
						_, err := w.life.Run(tx, task.RunSpec{
							Account: "000000000000", Region: "us-east-1", ClusterName: "web", ClusterARN: "arn:c", Definition: d,
							ServiceARN: "arn:s3", SubnetID: "subnet-1",
						})
						if err != nil {
							return err
						}
						if t.Status == task.Stopped {
							w.tables.Tasks.Delete(tx, t.ARN)
						}
					}
					return nil
				})
				w.waitFor(b, starts+100, func() int { return w.engine.Counts().Starts })
				for _, s := range []task.State{task.Provisioning, task.Pending, task.Stopping, task.Deprovisioning} {
					w.waitFor(b, 0, func() int {
						left := 0
						for range w.tables.Tasks.By(w.store.View(), task.ByStatus, string(s)) {
							left++
						}
						return left
					})
				}
				b.StopTimer()
				w.update(func(tx *state.Tx) error {
					for t := range w.tables.Tasks.By(tx, task.ByStatus, string(task.Stopped)) {
						w.tables.Tasks.Delete(tx, t.ARN)
					}
					return nil
				})
				b.StartTimer()
			}
		})
	}
}

const steadyTasks = 100_000

// BenchmarkSteady looks at what 100,000 running tasks cost while nothing happens.
func BenchmarkSteady(b *testing.B) {
	w := crowd(b, steadyTasks)
	cpu := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	begin := cpu()
	rounds := 0
	for b.Loop() {
		time.Sleep(time.Second)
		rounds++
	}
	b.ReportMetric(100*(cpu()-begin).Seconds()/float64(rounds), "%core")
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapAlloc)/steadyTasks, "B/task")
	runtime.KeepAlive(w)
}

// BenchmarkStart is the lifecycle's own share of RunTask accepted → RUNNING: the journal on disk, an engine that takes no time.
func BenchmarkStart(b *testing.B) {
	w := newWorldOn(b, func() (state.Journal, error) { return sqlite.Open(filepath.Join(b.TempDir(), "state.db")) })
	w.serve()
	watch := w.store.Watch(w.tables.Tasks)
	defer watch.Close()
	for b.Loop() {
		arn := w.run(definition(container("app")))
		for w.task(arn).Status != task.Running {
			if _, err := watch.Next(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
}
