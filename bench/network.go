package main

import (
	"context"
	"os/exec"
	"time"
)

// measureNetwork has bench/l4 compare.
func measureNetwork(ctx context.Context, r *run) (f findings, err error) {
	for _, peer := range []string{"haproxy", "taskset"} {
		if _, err := exec.LookPath(peer); err != nil {
			f.note("The network load balancer was skipped: %s is not installed.", peer)
			return f, nil
		}
	}
	rounds, each := r.times(9, 3), r.during(2*time.Second)
	type measured struct {
		PerSecond, PerCPUSecond float64
		Failed                  int
	}
	var works []struct {
		Work, Unit        string
		HAProxy, Neargate measured
	}
	if err := r.comparison(ctx, "l4", rounds, each, &works); err != nil {
		return f, err
	}
	failed := 0
	for _, w := range works {
		failed += w.Neargate.Failed
		f.add(beside(w.Work+"; HAProxy", w.Unit+"/s", w.Neargate.PerSecond, w.HAProxy.PerSecond),
			ratioAtLeast(w.Work+"; HAProxy, per second of the proxy's CPU time", w.Unit, w.Neargate.PerCPUSecond, w.HAProxy.PerCPUSecond, 1))
	}
	f.add(atMost("failed connections", "", float64(failed), 0))
	f.note("A TCP listener with one target; HAProxy in TCP mode with one thread and splicing, the edge with GOMAXPROCS=1, each pinned to the first core "+
		"while client and target share the second. Medians of %d rounds of %s, in turn.", rounds, each)
	return f, nil
}
