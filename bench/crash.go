package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// awayFor is the longest that the control plane stays away after it was killed.
const awayFor = 2 * time.Second

func measureCrashes(ctx context.Context, r *run) (f findings, err error) {
	w, l, err := rolling(ctx, r)
	if err != nil {
		return f, err
	}
	defer func() { err = joined(err, w.end(ctx)) }()
	defer l.end()
	began := time.Now()
	if err := w.deploy(ctx, "v2"); err != nil {
		return f, err
	}
	if err := w.steady(ctx); err != nil {
		return f, err
	}
	killWithin := time.Since(began) * 5 / 4 // a little longer than a deployment takes: kills come at every stage of one, and after it
	var back sample
	completed, orphans, duplicates, missing, kills := 0, 0, 0, 0, r.times(20, 4)
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	for i := range kills {
		failed, version := l.failed.Load(), fmt.Sprintf("v%d", i+3)
		if err := w.deploy(ctx, version); err != nil {
			return f, err
		}
		after := time.Duration(random.Int64N(int64(killWithin)))
		time.Sleep(after)
		if err := w.kill(); err != nil {
			return f, err
		}
		time.Sleep(time.Duration(random.Int64N(int64(awayFor))))
		took, err := w.start(ctx)
		if err != nil {
			return f, err
		}
		back = append(back, took)
		if err := w.steady(ctx); err != nil {
			f.note("After kill %d: %v.", i+1, err)
		} else {
			completed++
		}
		c, err := w.settledCensus(ctx)
		if err != nil {
			return f, err
		}
		orphans, duplicates, missing = orphans+len(c.orphans), duplicates+c.duplicates, missing+c.missing
		for _, o := range c.orphans {
			f.note("Orphan after kill %d: %s.", i+1, o)
		}
		r.say("kill %d of %d, %.1f s into a deployment: back in %.0f ms, %d requests failed, %d orphans, %d duplicates",
			i+1, kills, after.Seconds(), ms(took), l.failed.Load()-failed, len(c.orphans), c.duplicates)
	}
	reasons := l.end()
	f.add(atMost(fmt.Sprintf("failed requests over %d × kill -9 of serve", kills), "", float64(l.failed.Load()), 0),
		atMost("orphans: containers or interfaces that the APIs do not know", "", float64(orphans), 0),
		atMost("duplicates: tasks above the desired count, or tasks with a container twice", "", float64(duplicates), 0),
		atMost("tasks without a container", "", float64(missing), 0),
		atLeast("deployments completed", "", float64(completed), float64(kills)),
		told("requests", "", float64(l.sent.Load())),
		told("slowest request", "ms", ms(l.slowest)),
		told("exec → API ready with ten tasks to adopt, median", "ms", ms(back.median())))
	f.note("Each kill comes at a random moment within %s after UpdateService was accepted, and serve is started again within %s (seed %d). %s",
		killWithin.Round(100*time.Millisecond), awayFor, seed, strings.TrimSpace(loadNote))
	f.noteReasons(reasons)
	return f, nil
}
