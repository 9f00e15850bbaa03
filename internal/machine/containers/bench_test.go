package containers

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
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

// BenchmarkCtrRun is the yardstick for BenchmarkStart: `ctr run` of the same image against a containerd of its own, with the same
// limits. It needs containerd and ctr on PATH (Debian: containerd).
func BenchmarkCtrRun(b *testing.B) {
	daemon, err := exec.LookPath("containerd")
	if err != nil {
		b.Skip(err)
	}
	ctr, err := exec.LookPath("ctr")
	if err != nil {
		b.Skip(err)
	}
	dir, err := os.MkdirTemp("/run", "ngctr") // sockets want short paths
	if err != nil {
		b.Skip(err)
	}
	defer os.RemoveAll(dir)
	config := fmt.Sprintf("version = 2\nroot = %q\nstate = %q\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\n address = %q\n", dir+"/root", dir+"/state", dir+"/s")
	if err := os.WriteFile(dir+"/config.toml", []byte(config), 0o600); err != nil {
		b.Fatal(err)
	}
	archive := boxImage(b)
	if err := os.WriteFile(dir+"/box.tar", archive, 0o600); err != nil {
		b.Fatal(err)
	}
	serve := exec.Command(daemon, "-c", dir+"/config.toml", "-l", "error")
	if err := serve.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		serve.Process.Signal(os.Interrupt)
		serve.Wait()
	}()
	run := func(args ...string) error {
		out, err := exec.Command(ctr, append([]string{"-a", dir + "/s"}, args...)...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("ctr %v: %w: %s", args, err, out)
		}
		return nil
	}
	for deadline := time.Now().Add(10 * time.Second); run("version") != nil && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
	}
	if err := run("images", "import", dir+"/box.tar"); err != nil {
		b.Fatal(err)
	}
	var all []time.Duration
	for b.Loop() {
		id := fmt.Sprintf("y%d", benchTask.Add(1))
		t0 := time.Now()
		if err := run("run", "-d", "--cpus", "0.25", "--memory-limit", "536870912", "docker.io/"+box, id); err != nil {
			b.Fatal(err)
		}
		all = append(all, time.Since(t0))
		if err := errors.Join(run("tasks", "delete", "-f", id), run("containers", "delete", id)); err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-start-ms")
	b.ReportMetric(float64(all[len(all)*9/10].Microseconds())/1000, "p90-start-ms")
}
