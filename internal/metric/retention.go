package metric

import (
	"context"
	"fmt"
	"time"
)

// tier is rows of one resolution and how long they are kept, in seconds.
type tier struct{ resolution, keep int64 }

const day = 24 * 60 * 60

// tiers are CloudWatch's ("CloudWatch concepts: metrics retention"). Rows move from one to the next as they age.
var tiers = []tier{{1, 3 * 60 * 60}, {60, 15 * day}, {300, 63 * day}, {3600, 455 * day}}

// sweepEvery is the time between two looks for points to roll up. It is not scaled: points age by the wall clock.
const sweepEvery = time.Hour

// Retain rolls up and deletes points as they age until ctx is done.
func (e *Engine) Retain(ctx context.Context) error {
	for {
		if err := e.Sweep(ctx, e.clock.Now()); err != nil && ctx.Err() == nil {
			return fmt.Errorf("metrics: retention: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(sweepEvery):
		}
	}
}

// Sweep rolls up what is older than its tier keeps at now. While the file is larger than it may be, tiers but the last keep
// half as long.
func (e *Engine) Sweep(ctx context.Context, now time.Time) error {
	for part := int64(1); ; part *= 2 {
		if err := e.catalogue.each(func(m Metric, s *series) error { return e.age(ctx, now.Unix(), part, m, s) }); err != nil {
			return err
		}
		size, err := e.file.bytes(ctx)
		if err != nil || size <= e.most || part > 1<<10 {
			return err
		}
		e.log.Warn("metrics take more room than they may, rolling up early", "bytes", size, "limit", e.most, "part", 2*part)
	}
}

// age rolls up one series.
func (e *Engine) age(ctx context.Context, now, part int64, m Metric, s *series) error {
	last := tiers[len(tiers)-1]
	e.writing.Lock()
	defer e.writing.Unlock()
	if e.catalogue.newest(s) < now-last.keep {
		if err := e.file.update(ctx, func(w writer) error { return w.deleteSeries(s.id) }); err != nil {
			return err
		}
		e.catalogue.remove(m, s)
		return nil
	}
	return e.file.update(ctx, func(w writer) error {
		for i, t := range tiers[:len(tiers)-1] {
			next := tiers[i+1].resolution
			before := now - t.keep/part
			before -= before % next // whole rows of the next tier
			if err := w.rollUp(s.id, t.resolution, next, before); err != nil {
				return err
			}
		}
		return w.deletePoints(s.id, last.resolution, now-last.keep)
	})
}

func (c *catalogue) newest(s *series) int64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return s.newest
}

// rollUp moves a series' points before a time to a coarser resolution.
func (w writer) rollUp(id, from, to, before int64) error {
	type row struct {
		at int64
		p  Point
	}
	var rows []row
	if err := scan(w.c, id, from, 0, before, func(at int64, p Point) error {
		at -= at % to
		if n := len(rows); n > 0 && rows[n-1].at == at {
			rows[n-1].p.Add(p)
		} else {
			rows = append(rows, row{at, p})
		}
		return nil
	}); err != nil || len(rows) == 0 {
		return err
	}
	for _, r := range rows {
		if err := w.add(id, to, r.at, r.p); err != nil {
			return err
		}
	}
	return w.deletePoints(id, from, before)
}
