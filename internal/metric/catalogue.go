package metric

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
)

// ErrTooManyMetrics is the class of the error for data of a new metric when there are as many as one platform holds.
var ErrTooManyMetrics = errors.New("too many metrics")

// mostSeries bounds the memory of the catalogue: about half a kilobyte for each.
const mostSeries = 100_000

// catalogue is every series there is, in memory: what ListMetrics and searches look through.
type catalogue struct {
	mu     sync.RWMutex
	scopes map[scope]map[string]*entry // by Metric.Key
	series int
}

type scope struct{ account, region string }

// entry is a metric with its series, one for each unit it was reported in.
type entry struct {
	metric Metric
	series []*series
}

type series struct {
	id     int64
	unit   string
	newest int64 // Unix seconds of its newest datum
	stored int64 // newest, as the file has it
}

func newCatalogue() *catalogue { return &catalogue{scopes: map[scope]map[string]*entry{}} }

// add puts a series into the catalogue; c.mu is held or nobody else knows of c.
func (c *catalogue) add(m Metric, s *series) {
	at := scope{m.Account, m.Region}
	if c.scopes[at] == nil {
		c.scopes[at] = map[string]*entry{}
	}
	key := m.Key()
	e := c.scopes[at][key]
	if e == nil {
		e = &entry{metric: m.sorted()}
		c.scopes[at][key] = e
	}
	e.series = append(e.series, s)
	c.series++
}

// find is the series of a metric and unit, nil where there is none.
func (c *catalogue) find(m Metric, unit string) *series {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if e := c.scopes[scope{m.Account, m.Region}][m.Key()]; e != nil {
		for _, s := range e.series {
			if s.unit == unit {
				return s
			}
		}
	}
	return nil
}

// units are a metric's series, those of all units where unit is empty.
func (c *catalogue) units(m Metric, unit string) []*series {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e := c.scopes[scope{m.Account, m.Region}][m.Key()]
	if e == nil {
		return nil
	}
	var out []*series
	for _, s := range e.series {
		if unit == "" || s.unit == unit {
			out = append(out, s)
		}
	}
	return out
}

// remove takes a series out of the catalogue.
func (c *catalogue) remove(m Metric, s *series) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.scopes[scope{m.Account, m.Region}]
	e := all[m.Key()]
	if e == nil {
		return
	}
	if i := slices.Index(e.series, s); i >= 0 {
		e.series = slices.Delete(e.series, i, i+1)
		c.series--
	}
	if len(e.series) == 0 {
		delete(all, m.Key())
	}
}

// each calls fn for every series; the catalogue may change meanwhile.
func (c *catalogue) each(fn func(m Metric, s *series) error) error {
	type pair struct {
		m Metric
		s *series
	}
	c.mu.RLock()
	all := make([]pair, 0, c.series)
	for _, metrics := range c.scopes {
		for _, e := range metrics {
			for _, s := range e.series {
				all = append(all, pair{e.metric, s})
			}
		}
	}
	c.mu.RUnlock()
	slices.SortFunc(all, func(a, b pair) int { return int(a.s.id - b.s.id) }) // in the order of the file
	for _, p := range all {
		if err := fn(p.m, p.s); err != nil {
			return err
		}
	}
	return nil
}

// Filter chooses metrics of an account and Region.
type Filter struct {
	Account, Region string
	Namespace, Name string               // empty: any
	Since           time.Time            // with data since then
	Match           func(m *Metric) bool // nil: any
	Dimensions      []Dimension          // the metric has all of these; an empty value stands for any
}

// List returns the metrics a filter chooses, ordered by namespace, name and dimensions. The error is the context's: a filter may have
// to look at all there are.
func (e *Engine) List(ctx context.Context, f Filter) ([]Metric, error) {
	c := e.catalogue
	c.mu.RLock()
	defer c.mu.RUnlock()
	type found struct {
		key string
		m   Metric
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var out []found
	looked := 0
	for key, x := range c.scopes[scope{f.Account, f.Region}] {
		if looked++; looked%lookedAtOnce == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if f.chooses(x) {
			out = append(out, found{key, x.metric})
		}
	}
	slices.SortFunc(out, func(a, b found) int { return strings.Compare(a.key, b.key) })
	metrics := make([]Metric, len(out))
	for i := range out {
		metrics[i] = out[i].m
	}
	return metrics, nil
}

// lookedAtOnce is how many metrics are held against a filter between two looks at the context.
const lookedAtOnce = 256

func (f *Filter) chooses(x *entry) bool {
	m := &x.metric
	if f.Namespace != "" && m.Namespace != f.Namespace || f.Name != "" && m.Name != f.Name {
		return false
	}
	for _, d := range f.Dimensions {
		if value, ok := m.Dimension(d.Name); !ok || d.Value != "" && d.Value != value {
			return false
		}
	}
	fresh := slices.ContainsFunc(x.series, func(s *series) bool { return s.newest >= f.Since.Unix() })
	return fresh && (f.Match == nil || f.Match(m))
}
