package containers

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/task"
)

var benchTask atomic.Int64

// cycle is a task's whole life; it returns how long it took to run.
func cycle(tb testing.TB, e *Engine) time.Duration {
	id := fmt.Sprintf("bench%d", benchTask.Add(1))
	t0 := time.Now()
	start(tb, e, task.Sandbox{TaskID: id, CPUUnits: 256, MemoryMiB: 512}, task.ContainerSpec{Image: box})
	d := time.Since(t0)
	if err := e.RemoveTask(tb.Context(), id); err != nil {
		tb.Error(err)
	}
	return d
}

// BenchmarkStart tells how long it takes from CreateTask to running, one task at a time.
func BenchmarkStart(b *testing.B) {
	e := testEngine(b)
	cycle(b, e)
	var all []time.Duration
	for b.Loop() {
		all = append(all, cycle(b, e))
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-start-ms")
	b.ReportMetric(float64(all[len(all)*9/10].Microseconds())/1000, "p90-start-ms")
}

// BenchmarkCycles tells how many whole lives (create, run, kill, remove) fit into a second with so many tasks at a time.
func BenchmarkCycles(b *testing.B) {
	for _, n := range []int{1, 2, 4, 8} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			e := testEngine(b)
			cycle(b, e)
			work := make(chan bool)
			var g sync.WaitGroup
			for range n {
				g.Go(func() {
					for range work {
						cycle(b, e)
					}
				})
			}
			t0, done := time.Now(), 0
			for b.Loop() {
				work <- true
				done++
			}
			close(work)
			g.Wait()
			b.ReportMetric(float64(done)/time.Since(t0).Seconds(), "cycles/s")
		})
	}
}
