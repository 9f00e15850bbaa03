package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// rolloutTasks is how many tasks a deployment replaces.
const rolloutTasks = 10

// rolling makes the service and puts it under load.
func rolling(ctx context.Context, r *run) (*web, *load, error) {
	image, err := r.demoImage(ctx)
	if err != nil {
		return nil, nil, err
	}
	p, _, err := r.platform(ctx)
	if err != nil {
		return nil, nil, err
	}
	w, err := p.web(ctx, image, rolloutTasks)
	if err != nil {
		return nil, nil, joined(err, p.end(ctx))
	}
	l := startLoad(ctx, w)
	time.Sleep(time.Second) // every client has its connection
	return w, l, nil
}

func measureRollouts(ctx context.Context, r *run) (f findings, err error) {
	w, l, err := rolling(ctx, r)
	if err != nil {
		return f, err
	}
	defer func() { err = joined(err, w.end(ctx)) }()
	defer l.end()
	var took sample
	clean, runs := 0, r.times(10, 2)
	for i := range runs {
		failed := l.failed.Load()
		began := time.Now()
		if err := w.deploy(ctx, fmt.Sprintf("v%d", i+2)); err != nil {
			return f, err
		}
		if err := w.steady(ctx); err != nil {
			return f, err
		}
		took = append(took, time.Since(began))
		if l.failed.Load() == failed {
			clean++
		}
		r.say("deployment %d of %d: %.0f s, %d requests failed", i+1, runs, took[i].Seconds(), l.failed.Load()-failed)
	}
	reasons := l.end()
	f.add(atMost(fmt.Sprintf("failed requests in %d deployments of %d tasks", runs, rolloutTasks), "", float64(l.failed.Load()), 0),
		atLeast("deployments without a failed request", "", float64(clean), float64(runs)),
		told("requests", "", float64(l.sent.Load())),
		told("slowest request", "ms", ms(l.slowest)),
		told("a deployment takes, median", "s", took.median().Seconds()))
	f.note("%s", loadNote)
	f.noteReasons(reasons)
	return f, nil
}

var loadNote = fmt.Sprintf("%d clients with a kept connection each ask every %s, through the load balancer's address on this machine; an answer other than 200, "+
	"or none within %s, is a failure, and nothing is asked twice. minimumHealthyPercent 100, maximumPercent 200, health checks every %s s, a deregistration delay of %s s.",
	loadClients, loadEvery, patience, checkInterval, drainDelay)

func (f *findings) noteReasons(reasons map[string]int) {
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		f.note("Failed %d times: %s.", reasons[reason], reason)
	}
}
