package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// balancerBars are what works of bench/l7 are held to: at least this rate relative to a peer, by the clock or by the proxy's CPU
// time, and at most this 99th percentile. 0: no bar. A work may have bars of its own beside one peer.
var balancerBars = map[string]struct{ rate, perCPU, p99 float64 }{
	"keep-alive, 1 KB, 20 rules, sticky":             {perCPU: 1, p99: 1},
	"keep-alive, 64 KB":                              {perCPU: 1},
	"keep-alive, 1 MB":                               {perCPU: 1},
	"new connection per request, 1 KB":               {perCPU: 1},
	"TLS 1.3 keep-alive, 1 KB; nginx":                {perCPU: 0.9},
	"TLS 1.3 keep-alive, 64 KB; nginx":               {perCPU: 0.9},
	"TLS 1.3 keep-alive, 1 MB; nginx":                {perCPU: 0.9},
	"TLS 1.3 handshakes, ECDSA P-256, 1 KB; nginx":   {perCPU: 0.7},
	"HTTP/2 over TLS, 10 streams, 1 KB; nginx":       {perCPU: 0.8},
	"HTTP/2 over TLS, 10 streams, 1 KB; caddy":       {perCPU: 2},
	"1,000 targets, 100 rules; 2 targets, 1 rule":    {perCPU: 0.9},
	"weights and targets changed 100 times a second": {p99: 1.5},
}

// idleConnectionBar is what an idle connection may cost, in KB.
const idleConnectionBar = 8

// measureBalancer has bench/l7 compare.
func measureBalancer(ctx context.Context, r *run) (f findings, err error) {
	for _, peer := range []string{"nginx", "haproxy", "caddy", "wrk", "h2load", "taskset"} {
		if _, err := exec.LookPath(peer); err != nil {
			f.note("The load balancer was skipped: %s is not installed.", peer)
			return f, nil
		}
	}
	rounds, each := r.times(5, 3), r.during(2*time.Second)
	var report struct {
		Works []struct {
			Work    string
			Results []struct {
				Name                           string
				PerSecond, PerCPUSecond, P99MS float64
				Failed                         int
			}
		}
		Idle *struct {
			Connections int
			BytesEach   float64
		}
	}
	if err := r.comparison(ctx, "l7", rounds, each, &report); err != nil {
		return f, err
	}
	failed := 0
	for _, w := range report.Works {
		us := w.Results[0]
		failed += us.Failed
		for _, peer := range w.Results[1:] {
			name := w.Work + "; " + peer.Name
			bar, ok := balancerBars[name]
			if !ok {
				bar = balancerBars[w.Work]
			}
			f.add(atLeastBeside(name, "req/s", us.PerSecond, peer.PerSecond, bar.rate),
				atLeastBeside(name+", per second of the proxy's CPU time", "req", us.PerCPUSecond, peer.PerCPUSecond, bar.perCPU),
				atMostBeside(name+", p99", "ms", us.P99MS, peer.P99MS, bar.p99))
		}
	}
	f.add(atMost("failed requests", "", float64(failed), 0))
	if i := report.Idle; i != nil {
		f.add(atMost(fmt.Sprintf("resident memory per idle keep-alive connection, of %d", i.Connections), "KB", i.BytesEach/1000, idleConnectionBar))
	}
	f.note(strings.TrimSpace(`64 connections from wrk, or from h2load with 10 streams each; one rule and one target where nothing else is said; nginx with one worker, HAProxy with one thread, the edge
with GOMAXPROCS=1, each pinned to the first core while client and target share the second. nginx has no stickiness by a cookie of its
own and hashes one that the client brings. Medians of %d rounds of %s, in turn; a measurement during which the hypervisor gave more than 1 %% of the processors' time
to other machines is repeated, up to five times.`), rounds, each)
	return f, nil
}

// atLeastBeside and atMostBeside compare with a peer, and with a bar if there is one.
func atLeastBeside(name, unit string, us, peer, bar float64) figure {
	if bar == 0 {
		return beside(name, unit, us, peer)
	}
	return ratioAtLeast(name, unit, us, peer, bar)
}

func atMostBeside(name, unit string, us, peer, bar float64) figure {
	if bar == 0 {
		return beside(name, unit, us, peer)
	}
	return ratioAtMost(name, unit, us, peer, bar)
}
