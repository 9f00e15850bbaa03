package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Bars of the load balancer beside nginx, for HTTP/1.1 over kept connections and answers of 1 KB.
const (
	balancerRateBar = 0.8
	balancerP99Bar  = 1
	balancerBarWork = "keep-alive, 1 KB"
)

// measureBalancer runs bench/l7, which pins processes to cores and is a program of its own for that.
func measureBalancer(ctx context.Context, r *run) (f findings, err error) {
	for _, peer := range []string{"nginx", "wrk", "taskset"} {
		if _, err := exec.LookPath(peer); err != nil {
			f.note("The load balancer was skipped: %s is not installed.", peer)
			return f, nil
		}
	}
	binary, result := filepath.Join(r.dir, "l7"), filepath.Join(r.dir, "l7.json")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "./bench/l7")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return f, fmt.Errorf("build bench/l7: %w: %s", err, out)
	}
	rounds, each := r.times(5, 3), r.during(5*time.Second)
	command := exec.CommandContext(ctx, binary, "-rounds", strconv.Itoa(rounds), "-duration", each.String(), "-json", result)
	if out, err := command.CombinedOutput(); err != nil {
		return f, fmt.Errorf("bench/l7: %w: %s", err, out)
	}
	content, err := os.ReadFile(result)
	if err != nil {
		return f, err
	}
	var report struct {
		Works []struct {
			Work            string
			Nginx, Neargate struct {
				PerSecond, PerCPUSecond, P99MS float64
				Failed                         int
			}
		}
	}
	if err := json.Unmarshal(content, &report); err != nil {
		return f, err
	}
	failed := 0
	for _, w := range report.Works {
		rate, p99 := beside, beside
		if w.Work == balancerBarWork {
			rate = func(name, unit string, us, peer float64) figure {
				return ratioAtLeast(name, unit, us, peer, balancerRateBar)
			}
			p99 = func(name, unit string, us, peer float64) figure {
				return ratioAtMost(name, unit, us, peer, balancerP99Bar)
			}
		}
		f.add(rate(w.Work+"; nginx", "req/s", w.Neargate.PerSecond, w.Nginx.PerSecond),
			p99(w.Work+", p99", "ms", w.Neargate.P99MS, w.Nginx.P99MS),
			beside(w.Work+", per second of the proxy's CPU time", "req", w.Neargate.PerCPUSecond, w.Nginx.PerCPUSecond))
		failed += w.Neargate.Failed
	}
	f.add(atMost("failed requests", "", float64(failed), 0))
	f.note(strings.TrimSpace(`64 connections from wrk, one rule, one target; nginx with one worker, the edge with GOMAXPROCS=1, each pinned to the
first core while client and target share the second. Medians of %d rounds of %s, in turn.`), rounds, each)
	return f, nil
}
