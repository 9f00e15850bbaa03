package measure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/clock"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/metric"
	"github.com/neargate/neargate/internal/state"
)

// Edge is the data plane. edgeapi.Client is it.
type Edge interface {
	Counters(ctx context.Context) (*edgeapi.Counters, error)
}

// Recorder keeps metrics. metric.Engine is it.
type Recorder interface {
	// Record stores data, and with them content under the name of a mark: all or nothing.
	Record(ctx context.Context, data []metric.Datum, mark string, content []byte) error
	Mark(ctx context.Context, name string) ([]byte, error)
}

// Loop records the metrics of load balancers.
type Loop struct {
	Store    *state.Store
	Balance  *balance.Tables
	Edge     Edge
	Recorder Recorder
	Clock    clock.Clock
	Log      *slog.Logger
}

// mark is where the last reading is kept.
const mark = "measure.edge"

// reading is what edge had counted at a time.
type reading struct {
	At       time.Time         `json:"at"`
	Counters *edgeapi.Counters `json:"counters"`
}

// Run records until ctx is done: once a scaled minute, when it is over.
func (l *Loop) Run(ctx context.Context) error {
	every := metric.Scaled(l.Clock, time.Minute)
	last, err := l.last(ctx)
	if err != nil {
		return err
	}
	quiet := false // edge did not answer, and that was said
	for {
		if err := l.Clock.Sleep(ctx, l.Clock.Now().Truncate(every).Add(every)); err != nil {
			return nil
		}
		next, err := l.take(ctx, last, every)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errEdge):
			if !quiet {
				l.Log.Warn("metrics of load balancers wait for edge", "error", err)
			}
			quiet = true
		case errors.Is(err, metric.ErrTooManyMetrics):
			l.Log.Warn("metrics of load balancers are not recorded", "error", err)
		case err != nil:
			return err
		default:
			quiet, last = false, next
		}
	}
}

var errEdge = errors.New("no counters")

// last is the reading that the data so far end at.
func (l *Loop) last(ctx context.Context) (*reading, error) {
	content, err := l.Recorder.Mark(ctx, mark)
	if err != nil {
		return nil, err
	}
	r := &reading{}
	if content == nil {
		return r, nil
	}
	if err := json.Unmarshal(content, r); err != nil {
		return nil, fmt.Errorf("metrics: mark %s: %w", mark, err)
	}
	return r, nil
}

// take records an interval and returns the reading it ends with.
func (l *Loop) take(ctx context.Context, last *reading, every time.Duration) (*reading, error) {
	asked, cancel := context.WithTimeout(ctx, edgePatience)
	defer cancel()
	counters, err := l.Edge.Counters(asked)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errEdge, err)
	}
	now := l.Clock.Now()
	in := Input{
		From: last.At, To: now, At: now.Add(-every), Before: last.Counters, After: counters,
		Balancers: balancers(l.Store.View(), l.Balance),
	}
	if in.Before == nil || !in.Before.Started.Equal(counters.Started) {
		in.Before = &edgeapi.Counters{}
		in.From = counters.Started
	}
	data := Take(in)
	content, err := json.Marshal(reading{now, counters})
	if err != nil {
		return nil, err
	}
	return &reading{now, counters}, l.Recorder.Record(ctx, data, mark, content)
}

// edgePatience is how long edge may take to answer.
const edgePatience = 10 * time.Second
