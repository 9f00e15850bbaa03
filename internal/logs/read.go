package logs

import (
	"context"
	"math"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/logs/pattern"
)

// Bounds of one answer: GetLogEvents and FilterLogEvents.
const (
	PageEvents = 10_000
	PageBytes  = 1 << 20
	eventBytes = 26 // what CloudWatch Logs counts for an event beside its message

	// scanEvents bounds the events one FilterLogEvents call looks at: a rare match comes with empty pages before it.
	scanEvents = 200_000
)

// Page is a page of events in ascending order with the places before its first
// and after its last one.
type Page struct {
	Events      []Event
	First, Last Place
}

// Read is a request for a stream's events: from inclusive, to exclusive, in
// Unix milliseconds; to 0 means no end. At most one of After and Before is set;
// without both, Head says which end the page is taken from.
type Read struct {
	From, To      int64
	After, Before *Place
	Head          bool
	Limit         int
}

// Read returns a page of a stream.
func (e *Engine) Read(ctx context.Context, s *Stream, r Read) (Page, error) {
	w := window{stream: s.ID, from: r.From, to: r.To, after: r.After, backward: r.Before != nil || r.After == nil && !r.Head}
	if r.Before != nil {
		w.after = r.Before
	}
	if w.to == 0 {
		w.to = math.MaxInt64
	}
	if r.Limit <= 0 || r.Limit > PageEvents {
		r.Limit = PageEvents
	}
	var p Page
	size := 0
	err := e.events.scan(ctx, w, func(ev Event) bool {
		size += len(ev.Message) + eventBytes
		if size > PageBytes && len(p.Events) > 0 {
			return false
		}
		p.Events = append(p.Events, ev)
		return len(p.Events) < r.Limit
	})
	if w.backward {
		slices.Reverse(p.Events)
	}
	switch {
	case len(p.Events) > 0:
		p.First, p.Last = p.Events[0].Place(), p.Events[len(p.Events)-1].Place()
	case w.after != nil: // nothing new: the same place again, as AWS answers
		p.First, p.Last = *w.after, *w.after
	default:
		p.First, p.Last = Place{r.From, 0}, Place{r.From, 0}
	}
	return p, err
}

// Filter is a request for a group's events that match.
type Filter struct {
	From, To int64
	After    *Place
	Limit    int
	Pattern  *pattern.Pattern
	Streams  func(id int64) bool // nil for all
}

// Filter returns the next matching events of a group over all its streams, and
// where to go on, nil when everything was looked at.
func (e *Engine) Filter(ctx context.Context, g *Group, f Filter) (found []Event, next *Place, err error) {
	if f.To == 0 {
		f.To = math.MaxInt64
	}
	if f.Limit <= 0 || f.Limit > PageEvents {
		f.Limit = PageEvents
	}
	size, seen := 0, 0
	err = e.events.scan(ctx, window{group: g.ID, from: f.From, to: f.To, after: f.After}, func(ev Event) bool {
		if seen++; seen > scanEvents {
			return false
		}
		if (f.Streams == nil || f.Streams(ev.Stream)) && f.Pattern.Match(ev.Message) {
			size += len(ev.Message) + eventBytes
			if size > PageBytes && len(found) > 0 || len(found) >= f.Limit {
				return false
			}
			found = append(found, ev)
		}
		next = new(ev.Place())
		return true
	})
	if err != nil {
		return nil, nil, err
	}
	if next != nil {
		more := false
		err = e.events.scan(ctx, window{group: g.ID, from: f.From, to: f.To, after: next}, func(Event) bool {
			more = true
			return false
		})
		if !more {
			next = nil
		}
	}
	return found, next, err
}

// ChooseStreams turns names and prefixes into a choice by id; without any, nil.
func ChooseStreams(streams []*Stream, names, prefixes []string) func(int64) bool {
	if len(names) == 0 && len(prefixes) == 0 {
		return nil
	}
	ids := map[int64]bool{}
	for _, s := range streams {
		if slices.Contains(names, s.Name) || slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s.Name, p) }) {
			ids[s.ID] = true
		}
	}
	return func(id int64) bool { return ids[id] }
}
