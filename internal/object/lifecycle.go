package object

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"
)

// Rule is a rule of a bucket's lifecycle. Days count from when an object was made, a version became noncurrent, or an upload
// began; zero means that the rule does not do this.
type Rule struct {
	ID      string
	Enabled bool
	Filter  Filter

	Days          int
	Date          time.Time
	ExpiredMarker *bool // remove delete markers that hide nothing; nil: the rule does not say

	NoncurrentDays  int
	NewerNoncurrent int // that are kept whatever their age

	AbortDays int
}

// Filter says which objects a rule is about. All of it must hold.
type Filter struct {
	Form    FilterForm
	Prefix  string
	Tags    map[string]string
	Greater *int64 // size in octets
	Less    *int64
}

// FilterForm is how a filter was written, so that it can be shown as it was.
type FilterForm string

// Forms of filters.
const (
	FilterLegacy FilterForm = "" // a prefix beside the rule's other members
	FilterPlain  FilterForm = "plain"
	FilterAnd    FilterForm = "and"
	FilterEmpty  FilterForm = "empty"
)

func (f *Filter) covers(v *Version) bool {
	if !strings.HasPrefix(v.Key, f.Prefix) || f.Greater != nil && v.Size <= *f.Greater || f.Less != nil && v.Size >= *f.Less {
		return false
	}
	for key, want := range f.Tags {
		if got, ok := v.Tags[key]; !ok || got != want {
			return false
		}
	}
	return true
}

// lifecycleEvery is how often rules are looked at. S3 does so once a day; with days that pass faster that is too seldom.
const lifecycleEvery = time.Hour

const lifecycleLeast = time.Second

// Expire applies the lifecycles of all buckets until ctx is done.
func (e *Engine) Expire(ctx context.Context) error {
	every := max(e.clock.Wait(lifecycleEvery), lifecycleLeast)
	for {
		for b := range e.tables.Buckets.All(e.store.View(), "") {
			if len(b.Lifecycle) == 0 {
				continue
			}
			if err := e.expire(ctx, b, e.clock.Now()); err != nil && ctx.Err() == nil {
				e.log.Warn("lifecycle of a bucket", "bucket", b.Name, "error", err)
			}
		}
		if e.clock.Sleep(ctx, e.clock.Now().Add(every)) != nil {
			return nil
		}
	}
}

// due is when something that happened at t is so many days old. S3 rounds up to midnight; shorter days are not rounded.
func (e *Engine) due(t time.Time, days int) time.Time {
	const day = 24 * time.Hour
	each := e.clock.Wait(day)
	// S3 takes any positive number of days, but a Duration ends after 106,751 of them and goes on in the past, where everything is due.
	due := time.Unix(t.Unix()+int64(days)*int64(each/time.Second), int64(t.Nanosecond())+int64(days)*int64(each%time.Second)).UTC()
	if each == day {
		due = due.Add(day - time.Nanosecond).Truncate(day)
	}
	return due
}

func (e *Engine) expire(ctx context.Context, b *Bucket, now time.Time) error {
	at := place{}
	walk := walk{engine: e, rules: b.Lifecycle, now: now}
	for {
		rows, err := e.versions(ctx, b, at, "", fetch+1) // the last one is only looked at: whether a marker is alone, the row behind it says
		if err != nil {
			return err
		}
		for i, v := range rows[:min(len(rows), fetch)] {
			var next *Version
			if i+1 < len(rows) {
				next = rows[i+1]
			}
			if !walk.over(v, next) {
				continue
			}
			if err := e.removeExpired(b, v); err != nil {
				return err
			}
		}
		if len(rows) <= fetch {
			return e.expireUploads(ctx, b, now)
		}
		last := rows[fetch-1]
		at = place{key: last.Key, seq: last.seq, after: true}
	}
}

// walk decides over versions in the order of ListVersions.
type walk struct {
	engine *Engine
	rules  []Rule
	now    time.Time

	key        string
	since      time.Time // when the version before, of the same key, was made
	noncurrent int       // seen of the key
}

// over says whether a version's time is over. next is the version behind it, of whatever key, nil behind the bucket's last.
func (w *walk) over(v, next *Version) bool {
	if v.Key != w.key {
		w.key, w.noncurrent = v.Key, 0
	}
	became := w.since
	w.since = v.Modified
	if !v.Current {
		w.noncurrent++
	}
	alone := v.Current && (next == nil || next.Key != v.Key)
	for i := range w.rules {
		r := &w.rules[i]
		if r.Enabled && r.Filter.covers(v) && w.ends(r, v, became, alone) {
			return true
		}
	}
	return false
}

func (w *walk) ends(r *Rule, v *Version, became time.Time, alone bool) bool {
	passed := func(t time.Time, days int) bool { return days > 0 && !w.now.Before(w.engine.due(t, days)) }
	switch {
	case !v.Current:
		return passed(became, r.NoncurrentDays) && w.noncurrent > r.NewerNoncurrent
	case v.Marker:
		return alone && (r.ExpiredMarker != nil && *r.ExpiredMarker || passed(v.Modified, r.Days))
	}
	return passed(v.Modified, r.Days) || !r.Date.IsZero() && !w.now.Before(r.Date)
}

// removeExpired does what S3 does to an object whose time is over, if it is still the one that was looked at.
func (e *Engine) removeExpired(b *Bucket, v *Version) error {
	e.living.RLock()
	defer e.living.RUnlock()
	b, err := e.alive(b)
	if errors.Is(err, ErrNoBucket) {
		return nil
	}
	if err != nil {
		return err
	}
	return e.update(func(t *tx) error {
		now, err := t.find(b.ID, v.Key, v.ID)
		if err != nil || now == nil || now.seq != v.seq || !now.Modified.Equal(v.Modified) || now.ETag != v.ETag || now.Current != v.Current {
			return err
		}
		if v.Current && !v.Marker && b.Versioning != "" {
			return t.supersede(b, &Version{Key: v.Key, Marker: true, Modified: e.now()})
		}
		return t.remove(b.ID, now)
	})
}

func (e *Engine) expireUploads(ctx context.Context, b *Bucket, now time.Time) error {
	var over []*Upload
	if err := e.catalog.read(ctx, "SELECT key, id, created, meta FROM upload WHERE bucket = ?", []any{b.ID}, func(s *sqlite.Stmt) error {
		u, err := scanUpload(s)
		if err != nil {
			return err
		}
		for _, r := range b.Lifecycle {
			if r.Enabled && r.AbortDays > 0 && strings.HasPrefix(u.Key, r.Filter.Prefix) && !now.Before(e.due(u.Created, r.AbortDays)) {
				over = append(over, u)
				break
			}
		}
		return nil
	}); err != nil {
		return err
	}
	for _, u := range over {
		if err := e.AbortUpload(b, u.Key, u.ID); err != nil && !errors.Is(err, ErrNoUpload) {
			return fmt.Errorf("upload %s: %w", u.ID, err)
		}
	}
	return nil
}

// Expiration is when an object ends and by which rule; ok is false where none ends it. x-amz-expiration tells it.
func (e *Engine) Expiration(b *Bucket, v *Version) (at time.Time, rule string, ok bool) {
	if v.Marker || !v.Current {
		return at, "", false
	}
	for i := range b.Lifecycle {
		r := &b.Lifecycle[i]
		if !r.Enabled || !r.Filter.covers(v) {
			continue
		}
		ends := r.Date
		if r.Days > 0 {
			ends = e.due(v.Modified, r.Days)
		}
		if !ends.IsZero() && (!ok || ends.Before(at)) {
			at, rule, ok = ends, r.ID, true
		}
	}
	return at, rule, ok
}

// Equal compares filters.
func (f Filter) Equal(o Filter) bool {
	same := func(a, b *int64) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }
	return f.Prefix == o.Prefix && maps.Equal(f.Tags, o.Tags) && same(f.Greater, o.Greater) && same(f.Less, o.Less)
}
