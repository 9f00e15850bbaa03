package metric

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/neargate/neargate/internal/clock"
)

// Engine holds metrics. It is safe for concurrent use.
type Engine struct {
	file      *file
	catalogue *catalogue
	clock     clock.Clock
	most      int64 // bytes of the file
	log       *slog.Logger

	writing sync.Mutex // one writer at a time; SQLite would have them poll
}

// Config is what an engine needs.
type Config struct {
	Path  string // of the SQLite file
	Clock clock.Clock
	// MaxBytes is about how large the file may grow before fine points are rolled up ahead of time; 0 means 2 GiB.
	MaxBytes int64
	Log      *slog.Logger
}

// Open opens or creates the file.
func Open(ctx context.Context, c Config) (*Engine, error) {
	f, err := openFile(c.Path)
	if err != nil {
		return nil, err
	}
	e := &Engine{file: f, catalogue: newCatalogue(), clock: c.Clock, most: c.MaxBytes, log: c.Log}
	if e.most == 0 {
		e.most = 2 << 30
	}
	if err := f.load(ctx, e.catalogue); err != nil {
		f.close()
		return nil, fmt.Errorf("metrics %s: %w", c.Path, err)
	}
	return e, nil
}

// Close closes the file; call it when every loop and request has ended.
func (e *Engine) Close() error { return e.file.close() }

// Clear deletes every metric and mark.
func (e *Engine) Clear(ctx context.Context) error {
	e.writing.Lock()
	defer e.writing.Unlock()
	err := e.file.with(ctx, func(c *sqlite.Conn) error {
		return sqlitex.ExecuteScript(c, "DELETE FROM point; DELETE FROM series; DELETE FROM mark;", nil)
	})
	if err != nil {
		return err
	}
	c := e.catalogue
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scopes, c.series = map[scope]map[string]*entry{}, 0
	return nil
}

// Datum is one thing that was reported of a metric.
type Datum struct {
	Metric Metric
	Unit   string // of CloudWatch's standard units; empty means None
	At     time.Time
	High   bool // kept by the second: StorageResolution 1
	Point  Point
}

// UnitNone is the unit of data that came without one.
const UnitNone = "None"

// Put stores data, all or nothing. What it returned for survives this process.
func (e *Engine) Put(ctx context.Context, data []Datum) error {
	return e.put(ctx, data, "", nil)
}

// Record is Put with a mark, which is stored if and only if the data are: a source that keeps in its mark how far it has read
// reports everything exactly once, however often it dies.
func (e *Engine) Record(ctx context.Context, data []Datum, mark string, content []byte) error {
	return e.put(ctx, data, mark, content)
}

// Mark is what the last Record stored under a name.
func (e *Engine) Mark(ctx context.Context, name string) ([]byte, error) {
	return e.file.mark(ctx, name)
}

// newestEvery is how many seconds of a series' newest datum a crash may forget: writing it each time would double the work.
const newestEvery = 600

func (e *Engine) put(ctx context.Context, data []Datum, mark string, content []byte) error {
	e.writing.Lock()
	defer e.writing.Unlock()
	type made struct {
		metric Metric
		series *series
	}
	var created []made
	known := map[string]*series{} // created in this batch
	newest := make(map[*series]int64, len(data))
	now := e.clock.Now().Unix()
	err := e.file.update(ctx, func(w writer) error {
		for i := range data {
			d := &data[i]
			unit := d.Unit
			if unit == "" {
				unit = UnitNone
			}
			s := e.catalogue.find(d.Metric, unit)
			at := d.At.Unix()
			if s == nil {
				key := d.Metric.Account + partSeparator + d.Metric.Region + partSeparator + d.Metric.Key() + partSeparator + unit
				if s = known[key]; s == nil {
					if e.catalogue.size()+len(created) >= mostSeries {
						return fmt.Errorf("%w: there are %d", ErrTooManyMetrics, mostSeries)
					}
					m := d.Metric.sorted()
					id, err := w.createSeries(m, unit, at)
					if err != nil {
						return err
					}
					s = &series{id: id, unit: unit, newest: at, stored: at}
					known[key] = s
					created = append(created, made{m, s})
				}
			}
			resolution := e.resolution(now, at, d.High)
			if err := w.add(s.id, resolution, at-at%resolution, d.Point); err != nil {
				return err
			}
			newest[s] = max(newest[s], s.newest, at)
		}
		for s, at := range newest {
			if at-s.stored >= newestEvery {
				if err := w.touchSeries(s.id, at); err != nil {
					return err
				}
			}
		}
		if mark != "" {
			return w.setMark(mark, content)
		}
		return nil
	})
	if err != nil {
		return err
	}
	c := e.catalogue
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range created {
		c.add(m.metric, m.series)
	}
	for s, at := range newest {
		s.newest = at
		if at-s.stored >= newestEvery {
			s.stored = at
		}
	}
	return nil
}

func (c *catalogue) size() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.series
}

// resolution is that of the rows a datum goes to: by its age, and by the second where waiting is scaled, because an alarm's
// period may then be shorter than a minute (docs/adr/009).
func (e *Engine) resolution(now, at int64, high bool) int64 {
	finest := int64(60)
	if high || e.clock.Scale > 1 {
		finest = 1
	}
	for _, t := range tiers {
		if t.resolution >= finest && at >= now-t.keep {
			return t.resolution
		}
	}
	return tiers[len(tiers)-1].resolution
}
