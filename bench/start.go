package main

import (
	"context"
	"fmt"
	"time"
)

// startBar is the time from exec to an answering API on an empty data directory.
const startBar = 300 * time.Millisecond

func measureStart(ctx context.Context, r *run) (findings, error) {
	var f findings
	var ours, theirs sample
	n := r.times(11, 3)
	for range n {
		p, took, err := r.platform(ctx)
		if err != nil {
			return f, err
		}
		ours = append(ours, took)
		if err := p.end(ctx); err != nil {
			return f, err
		}
		m, took, err := startMoto(ctx)
		if err != nil {
			continue // said below
		}
		theirs = append(theirs, took)
		m.end()
	}
	line := atMost(fmt.Sprintf("exec → API ready, empty data directory, median of %d", n), "ms", ms(ours.median()), ms(startBar))
	if len(theirs) > 0 {
		line.peer, line.ratio = amount(ms(theirs.median()), "ms")+" (moto_server)", short(ms(ours.median())/ms(theirs.median()))+" ×"
	}
	f.add(line, told("slowest of them", "ms", ms(ours.quantile(1))))
	return f, nil
}
