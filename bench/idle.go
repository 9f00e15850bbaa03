package main

import (
	"context"
	"fmt"
	"time"
)

// Bars at rest, with a service of two tasks behind a load balancer.
const (
	idleTasks     = 2
	idleMemoryBar = 150 // MB, resident, serve and edge together
	idleCPUBar    = 1   // % of a core
)

func measureIdle(ctx context.Context, r *run) (f findings, err error) {
	image, err := r.demoImage(ctx)
	if err != nil {
		return f, err
	}
	p, _, err := r.platform(ctx)
	if err != nil {
		return f, err
	}
	defer func() { err = joined(err, p.end(ctx)) }()
	w, err := p.web(ctx, image, idleTasks)
	if err != nil {
		return f, err
	}
	l := startLoad(ctx, w) // what has never been used is not at rest, but unused
	time.Sleep(r.during(10 * time.Second))
	l.end()
	edge, err := p.edge()
	if err != nil {
		return f, err
	}
	both := []process{process(p.command.Process.Pid), edge}
	time.Sleep(r.during(30 * time.Second))
	d := r.during(60 * time.Second)
	before, err := cpuOf(both)
	if err != nil {
		return f, err
	}
	began := time.Now()
	time.Sleep(d)
	after, err := cpuOf(both)
	if err != nil {
		return f, err
	}
	var rss, pss, cpu float64
	detail := ""
	for i, name := range []string{"serve", "edge"} {
		m, proportional, err := both[i].memory()
		if err != nil {
			return f, err
		}
		percent := 100 * (after[i] - before[i]).Seconds() / time.Since(began).Seconds()
		rss, pss, cpu = rss+m, pss+proportional, cpu+percent
		detail += fmt.Sprintf(" %s: %.0f MB resident, %.0f MB proportional, %.2f %% of a core.", name, m, proportional, percent)
	}
	f.add(atMost("resident memory of serve and edge", "MB", rss, idleMemoryBar),
		told("proportional memory (pages both share count once)", "MB", pss),
		atMost(fmt.Sprintf("CPU of serve and edge over %s", d), "% of a core", cpu, idleCPUBar))
	f.note("A service of %d tasks behind a load balancer, health checks every %s s, after a while under load.%s", idleTasks, checkInterval, detail)
	return f, nil
}

func cpuOf(all []process) (out []time.Duration, err error) {
	for _, p := range all {
		c, err := p.cpu()
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}
