package main

import (
	"fmt"
	"io"
	"slices"
)

// work is one thing both proxies are asked to do.
type work struct {
	name string
	path string   // at the target
	wrk  []string // further arguments
}

var works = []work{
	{"keep-alive, 1 KB", "/1k", nil},
	{"keep-alive, 64 KB", "/64k", nil},
	{"keep-alive, 1 MB", "/1m", nil},
	{"new connection per request, 1 KB", "/1k", []string{"-H", "Connection: close"}},
}

// result is one measurement.
type result struct {
	PerSecond    float64 `json:"perSecond"`    // requests
	PerCPUSecond float64 `json:"perCPUSecond"` // requests per second of the proxy's CPU time
	P50          float64 `json:"p50ms"`
	P99          float64 `json:"p99ms"`
	Failed       int     `json:"failed"`
}

// comparison is the medians of one work, and Neargate's ratio to nginx.
type comparison struct {
	Work         string  `json:"work"`
	Nginx        result  `json:"nginx"`
	Neargate     result  `json:"neargate"`
	Ratio        float64 `json:"ratioPerSecond"`
	RatioPerCPU  float64 `json:"ratioPerCPUSecond"`
	LatencyRatio float64 `json:"ratioP99"`
}

type report struct {
	Works []comparison `json:"works"`
}

// compare measures both in turn, round after round.
func compare(w work, o options, nginx, edge *proxy) (comparison, error) {
	var a, b []result
	for round := range o.rounds {
		for i, p := range []*proxy{nginx, edge} {
			r, err := measure(w, o, p)
			if err != nil {
				return comparison{}, fmt.Errorf("round %d: %s: %w", round, p.name, err)
			}
			if i == 0 {
				a = append(a, r)
			} else {
				b = append(b, r)
			}
		}
	}
	c := comparison{Work: w.name, Nginx: median(a), Neargate: median(b)}
	c.Ratio = c.Neargate.PerSecond / c.Nginx.PerSecond
	c.RatioPerCPU = c.Neargate.PerCPUSecond / c.Nginx.PerCPUSecond
	c.LatencyRatio = c.Neargate.P99 / c.Nginx.P99
	return c, nil
}

// median takes the median of each figure and the sum of failures.
func median(all []result) result {
	middle := func(of func(result) float64) float64 {
		var v []float64
		for _, r := range all {
			v = append(v, of(r))
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	m := result{
		PerSecond:    middle(func(r result) float64 { return r.PerSecond }),
		PerCPUSecond: middle(func(r result) float64 { return r.PerCPUSecond }),
		P50:          middle(func(r result) float64 { return r.P50 }),
		P99:          middle(func(r result) float64 { return r.P99 }),
	}
	for _, r := range all {
		m.Failed += r.Failed
	}
	return m
}

func (c comparison) print(w io.Writer) {
	fmt.Fprintf(w, "%s\n", c.Work)
	for _, line := range []struct {
		name string
		r    result
	}{{"nginx", c.Nginx}, {"neargate", c.Neargate}} {
		fmt.Fprintf(w, "  %-9s %8.0f req/s  %8.0f req/cpu-s  p50 %6.2f ms  p99 %6.2f ms  %d failed\n",
			line.name, line.r.PerSecond, line.r.PerCPUSecond, line.r.P50, line.r.P99, line.r.Failed)
	}
	fmt.Fprintf(w, "  ratio     %8.2f        %8.2f                           p99 %6.2f\n", c.Ratio, c.RatioPerCPU, c.LatencyRatio)
}
