package metric

import (
	"context"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/clock"
)

// Window is a range of time cut into periods. From is inclusive and To exclusive, both whole seconds.
type Window struct {
	From, To time.Time
	Period   time.Duration
}

// Align is the window as CloudWatch sees a request's: its start rounded down by its age and period (GetMetricData).
func Align(from, to time.Time, period time.Duration, now time.Time) Window {
	unit := time.Minute
	switch age := now.Sub(from); {
	case age > 63*day*time.Second:
		unit = time.Hour
	case age >= 15*day*time.Second:
		unit = 5 * time.Minute
	case period < time.Minute:
		unit = period
	}
	w := Window{From: from.Truncate(unit), To: to, Period: period}
	if oldest := now.Add(-time.Duration(tiers[0].keep) * time.Second); period < time.Minute && w.From.Before(oldest) {
		w.From = oldest.Truncate(time.Minute) // nothing before is had in such periods
	}
	return w
}

// Scaled is how long a period that is waited for really lasts: whole seconds, at least one (docs/adr/009).
func Scaled(c clock.Clock, period time.Duration) time.Duration {
	return max(c.Wait(period).Round(time.Second), time.Second)
}

// Periods is how many periods the window has.
func (w Window) Periods() int64 {
	if !w.To.After(w.From) {
		return 0
	}
	return int64((w.To.Sub(w.From) + w.Period - 1) / w.Period)
}

// Interval is the point of one period.
type Interval struct {
	At    time.Time // its start
	Point Point
}

// Series is a metric's intervals that have data, in order, of the data reported in one unit.
type Series struct {
	Unit      string
	Intervals []Interval
}

// Read returns a metric's data in a window: a series for each unit, or the series of the unit asked for.
func (e *Engine) Read(ctx context.Context, m Metric, unit string, w Window) ([]Series, error) {
	var out []Series
	for _, s := range e.catalogue.units(m, unit) {
		intervals, err := e.read(ctx, s.id, w)
		if err != nil {
			return nil, err
		}
		if len(intervals) > 0 {
			out = append(out, Series{Unit: s.unit, Intervals: intervals})
		}
	}
	return out, nil
}

// ReadAll is Read with the units' series merged into one.
func (e *Engine) ReadAll(ctx context.Context, m Metric, unit string, w Window) ([]Interval, error) {
	all, err := e.Read(ctx, m, unit, w)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	merged := all[0].Intervals
	for _, s := range all[1:] {
		merged = mergeIntervals(append(merged, s.Intervals...))
	}
	return merged, nil
}

func (e *Engine) read(ctx context.Context, id int64, w Window) ([]Interval, error) {
	from, to, period := w.From.Unix(), w.To.Unix(), max(1, int64(w.Period/time.Second))
	if w.To.Nanosecond() > 0 {
		to++ // exclusive, and points are at whole seconds
	}
	var out []Interval
	for _, t := range tiers {
		// A row of a minute has a place in shorter periods, that of its beginning; coarser rows have none.
		if t.resolution > max(period, 60) {
			break
		}
		err := e.file.scan(ctx, id, t.resolution, from, to, func(at int64, p Point) error {
			at = from + (at-from)/period*period
			if n := len(out); n > 0 && out[n-1].At.Unix() == at {
				out[n-1].Point.Add(p)
			} else {
				out = append(out, Interval{time.Unix(at, 0).UTC(), p})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return mergeIntervals(out), nil
}

// mergeIntervals orders intervals by time and merges those of the same time.
func mergeIntervals(all []Interval) []Interval {
	slices.SortStableFunc(all, func(a, b Interval) int { return a.At.Compare(b.At) })
	kept := all[:0]
	for _, i := range all {
		if n := len(kept); n > 0 && kept[n-1].At.Equal(i.At) {
			kept[n-1].Point.Add(i.Point)
		} else {
			kept = append(kept, i)
		}
	}
	return kept
}
