package object

import (
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/neargate/neargate/internal/aws/checksum"
	"github.com/neargate/neargate/internal/clock"
)

func TestPutReplaces(t *testing.T) {
	w := open(t)
	w.put(t, "k", "one")
	_, c, err := w.Get(t.Context(), w.bucket, "k", "")
	if err != nil {
		t.Fatal(err)
	}
	v := w.put(t, "k", "two")
	if v.ETag != fmt.Sprintf("%x", md5.Sum([]byte("two"))) || v.ID != NullVersion {
		t.Errorf("%+v", v)
	}
	if got, err := io.ReadAll(c); string(got) != "one" || err != nil {
		t.Errorf("a reader from before: %q, %v", got, err)
	}
	if n := w.files(t); n != 2 {
		t.Errorf("%d files while the old one is read", n)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got := w.read(t, "k", ""); got != "two" {
		t.Errorf("%q", got)
	}
	if n := w.files(t); n != 1 {
		t.Errorf("%d files afterwards", n)
	}
	if _, err := w.Delete(w.bucket, "k", "", Condition{}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Head(t.Context(), w.bucket, "k", ""); !errors.Is(err, ErrNoKey) {
		t.Errorf("after deletion: %v", err)
	}
	if n := w.files(t); n != 0 {
		t.Errorf("%d files at the end", n)
	}
}

func TestFailedBodyLeavesNothing(t *testing.T) {
	w := open(t)
	want := errors.New("gone")
	if _, err := w.Receive(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(want))); !errors.Is(err, want) {
		t.Errorf("%v", err)
	}
	if n := w.files(t); n != 0 {
		t.Errorf("%d files", n)
	}
}

func TestVersions(t *testing.T) {
	w := open(t)
	old := w.put(t, "k", "null")
	w.change(t, func(b *Bucket) { b.Versioning = VersioningEnabled })
	first, second := w.put(t, "k", "first"), w.put(t, "k", "second")
	marker, err := w.Delete(w.bucket, "k", "", Condition{})
	if err != nil || !marker.Marker || marker.ID == "" {
		t.Fatalf("%+v, %v", marker, err)
	}
	if v, err := w.Head(t.Context(), w.bucket, "k", ""); err != nil || !v.Marker {
		t.Errorf("%+v, %v", v, err)
	}
	for v, want := range map[*Version]string{old: "null", first: "first", second: "second"} {
		if got := w.read(t, "k", v.ID); got != want {
			t.Errorf("version %s: %q, want %q", v.ID, got, want)
		}
	}
	if p, err := w.List(t.Context(), w.bucket, ListQuery{Limit: 10}); err != nil || len(p.Objects) != 0 {
		t.Errorf("%d objects, %v", len(p.Objects), err)
	}
	if _, err := w.Delete(w.bucket, "k", marker.ID, Condition{}); err != nil {
		t.Fatal(err)
	}
	if got := w.read(t, "k", ""); got != "second" {
		t.Errorf("without its marker: %q", got)
	}
	w.change(t, func(b *Bucket) { b.Versioning = VersioningSuspended })
	w.put(t, "k", "null again")
	p, err := w.ListVersions(t.Context(), w.bucket, ListQuery{Limit: 10})
	if err != nil || len(p.Objects) != 3 || p.Objects[0].ID != NullVersion || !p.Objects[0].Current || p.Objects[2].ID != first.ID {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestConditions(t *testing.T) {
	w := open(t)
	tag := w.put(t, "k", "x").ETag
	for _, c := range []struct {
		key  string
		cond Condition
		want error
	}{
		{"k", Condition{NoneMatch: true}, ErrCondition},
		{"new", Condition{NoneMatch: true}, nil},
		{"k", Condition{Match: tag}, nil},
		{"k", Condition{Match: "other"}, ErrCondition},
		{"k", Condition{Match: "*"}, nil},
		{"absent", Condition{Match: tag}, ErrNoKey},
	} {
		d, err := w.Receive(strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Put(w.bucket, c.key, d, Attributes{}, c.cond); !errors.Is(err, c.want) {
			t.Errorf("%s, %+v: %v, want %v", c.key, c.cond, err, c.want)
		}
		d.Discard()
	}
	if n := w.files(t); n != 2 {
		t.Errorf("%d files", n)
	}
}

func TestUpload(t *testing.T) {
	w := open(t)
	u, err := w.CreateUpload(w.bucket, "k", Attributes{ContentType: "text/plain"})
	if err != nil {
		t.Fatal(err)
	}
	var chosen []Chosen
	var whole strings.Builder
	for n, size := range []int{MinPart, MinPart, 10} {
		content := strings.Repeat(string(rune('a'+n)), size)
		for range 2 { // the second one replaces the first
			d, err := w.Receive(strings.NewReader(content), checksum.CRC64NVME)
			if err != nil {
				t.Fatal(err)
			}
			p, err := w.PutPart(w.bucket, "k", u.ID, n+1, d)
			if err != nil {
				t.Fatal(err)
			}
			if len(chosen) == n {
				chosen = append(chosen, Chosen{Number: n + 1, ETag: p.ETag})
			}
		}
		whole.WriteString(content)
	}
	fine := func(*Version) error { return nil }
	for want, list := range map[error][]Chosen{
		ErrPart:      {{Number: 9, ETag: "x"}},
		ErrPartOrder: {chosen[1], chosen[0]},
		ErrPartSmall: {chosen[2], {Number: 4}},
	} {
		if _, err := w.Complete(w.bucket, "k", u.ID, list, Condition{}, fine); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	v, err := w.Complete(w.bucket, "k", u.ID, chosen, Condition{}, fine)
	if err != nil {
		t.Fatal(err)
	}
	h := checksum.New(checksum.CRC64NVME)
	h.Write([]byte(whole.String()))
	if string(v.Checksum.Sum) != string(h.Sum(nil)) || v.Checksum.Type != FullObject || !strings.HasSuffix(v.ETag, "-3") {
		t.Errorf("%+v %s", v.Checksum, v.ETag)
	}
	if got := w.read(t, "k", ""); got != whole.String() {
		t.Errorf("%d octets", len(got))
	}
	_, c, err := w.Get(t.Context(), w.bucket, "k", "")
	if err != nil {
		t.Fatal(err)
	}
	c.Range(MinPart-2, 4)
	if got, err := io.ReadAll(c); string(got) != "aabb" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	clone, err := w.Clone(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.PutCopy(w.bucket, "copy", v.ETag, clone, v.Attributes, Condition{}); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Delete(w.bucket, "k", "", Condition{}); err != nil {
		t.Fatal(err)
	}
	if got := w.read(t, "copy", ""); got != whole.String() {
		t.Errorf("copy: %d octets", len(got))
	}
	if _, err := w.Upload(t.Context(), w.bucket, "k", u.ID); !errors.Is(err, ErrNoUpload) {
		t.Errorf("%v", err)
	}
	if n := w.files(t); n != 3 {
		t.Errorf("%d files", n)
	}
}

func TestDeleteBucket(t *testing.T) {
	w := open(t)
	fine := func(*Bucket) error { return nil }
	u, err := w.CreateUpload(w.bucket, "k", Attributes{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := w.Receive(strings.NewReader("part"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.PutPart(w.bucket, "k", u.ID, 1, d); err != nil {
		t.Fatal(err)
	}
	w.put(t, "k", "x")
	if err := w.DeleteBucket(t.Context(), "bucket", fine); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("%v", err)
	}
	if _, err := w.Delete(w.bucket, "k", "", Condition{}); err != nil {
		t.Fatal(err)
	}
	if err := w.DeleteBucket(t.Context(), "bucket", fine); err != nil {
		t.Errorf("%v", err)
	}
	if d, err = w.Receive(strings.NewReader("late")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Put(w.bucket, "k", d, Attributes{}, Condition{}); !errors.Is(err, ErrNoBucket) {
		t.Errorf("%v", err)
	}
	d.Discard()
	if n := w.files(t); n != 0 {
		t.Errorf("%d files", n)
	}
}

func TestLifecycle(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		name       string
		versioning string
		rule       Rule
		ages       []int // in days, of versions of one key, the oldest first
		deleted    bool  // then
		left       int
		current    bool // an object is left
	}{
		{"too young", "", Rule{Days: 3}, []int{2}, false, 1, true},
		{"old", "", Rule{Days: 3}, []int{5}, false, 0, false},
		{"another prefix", "", Rule{Days: 3, Filter: Filter{Prefix: "x/"}}, []int{5}, false, 1, true},
		{"a marker is made", VersioningEnabled, Rule{Days: 3}, []int{5}, false, 2, false},
		{"noncurrent", VersioningEnabled, Rule{NoncurrentDays: 3}, []int{9, 8, 7}, false, 1, true},
		{"noncurrent ones are kept", VersioningEnabled, Rule{NoncurrentDays: 3, NewerNoncurrent: 1}, []int{9, 8, 7}, false, 2, true},
		{"not long noncurrent", VersioningEnabled, Rule{NoncurrentDays: 3}, []int{9, 1}, false, 2, true},
		{"a marker that hides nothing", VersioningEnabled, Rule{ExpiredMarker: new(true)}, nil, true, 0, false},
		{"a marker that hides something", VersioningEnabled, Rule{ExpiredMarker: new(true)}, []int{1}, true, 2, false},
		{"a date", "", Rule{Date: time.Now().Add(-time.Hour)}, []int{0}, false, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := open(t)
			c.rule.Enabled = true
			w.change(t, func(b *Bucket) { b.Versioning, b.Lifecycle = c.versioning, []Rule{c.rule} })
			for _, days := range c.ages {
				w.age(t, w.put(t, "k", "x"), time.Duration(days)*day)
			}
			if c.deleted {
				if _, err := w.Delete(w.bucket, "k", "", Condition{}); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.expire(t.Context(), w.bucket, time.Now()); err != nil {
				t.Fatal(err)
			}
			p, err := w.ListVersions(t.Context(), w.bucket, ListQuery{Limit: 10})
			if err != nil || len(p.Objects) != c.left {
				t.Errorf("%d versions left, %v", len(p.Objects), err)
			}
			if v, err := w.Head(t.Context(), w.bucket, "k", ""); (err == nil && !v.Marker) != c.current {
				t.Errorf("current: %+v, %v", v, err)
			}
		})
	}
}

func TestAbandonedUploadsEnd(t *testing.T) {
	w := open(t)
	w.change(t, func(b *Bucket) { b.Lifecycle = []Rule{{Enabled: true, AbortDays: 1}} })
	u, err := w.CreateUpload(w.bucket, "k", Attributes{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		days int // from now on
		want error
	}{{0, nil}, {3, ErrNoUpload}} {
		if err := w.expire(t.Context(), w.bucket, time.Now().AddDate(0, 0, c.days)); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Upload(t.Context(), w.bucket, "k", u.ID); !errors.Is(err, c.want) {
			t.Errorf("after %d days: %v, want %v", c.days, err, c.want)
		}
	}
}

// TestManyDays: S3 takes any positive number of days, also those that are more than 292 years.
func TestManyDays(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		scale float64
		days  int
		want  time.Time
	}{
		{1, 1, time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)},
		{1, 106_752, time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).AddDate(0, 0, 106_752)},
		{1, math.MaxInt32, time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).AddDate(0, 0, math.MaxInt32)},
		{24, 10, at.Add(10 * time.Hour)},
		{10_000, 1, at.Add(8640 * time.Millisecond)},
		{24, 24 * 999_999, at.AddDate(0, 0, 999_999)},
	} {
		e := &Engine{clock: clock.Clock{Scale: c.scale}}
		if got := e.due(at, c.days); !got.Equal(c.want) {
			t.Errorf("%d days, %v times faster: %v, want %v", c.days, c.scale, got, c.want)
		}
	}
	w := open(t)
	w.change(t, func(b *Bucket) {
		b.Versioning, b.Lifecycle = VersioningEnabled, []Rule{{Enabled: true, Days: 999_999, NoncurrentDays: 999_999, AbortDays: 999_999}}
	})
	w.put(t, "k", "old")
	v := w.put(t, "k", "new")
	u, err := w.CreateUpload(w.bucket, "k", Attributes{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.expire(t.Context(), w.bucket, time.Now()); err != nil {
		t.Fatal(err)
	}
	if p, err := w.ListVersions(t.Context(), w.bucket, ListQuery{Limit: 10}); err != nil || len(p.Objects) != 2 || p.Objects[0].ID != v.ID {
		t.Errorf("%d versions left, %v", len(p.Objects), err)
	}
	if _, err := w.Upload(t.Context(), w.bucket, "k", u.ID); err != nil {
		t.Error(err)
	}
	if end, _, ok := w.Expiration(w.bucket, v); !ok || end.Year() < 4763 {
		t.Errorf("ends in %v", end)
	}
}

// TestMarkerAtTheEndOfAPage: whether a delete marker hides something is told by the next row, which may be the first of the next page.
func TestMarkerAtTheEndOfAPage(t *testing.T) {
	w := open(t)
	w.change(t, func(b *Bucket) {
		b.Versioning, b.Lifecycle = VersioningEnabled, []Rule{{Enabled: true, ExpiredMarker: new(true)}}
	})
	if err := w.update(func(tx *tx) error {
		return errors.Join(
			tx.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
				INSERT INTO version (bucket, `+versionColumns+`) SELECT 1, CAST(printf('%04d', i) AS BLOB), -1, 'a', 1, 0, 0, '', 0, '{}', 'null' FROM n`, fetch-1),
			tx.insert(1, &Version{Key: "8", ID: "hidden"}),
			tx.insert(1, &Version{Key: "8", ID: "marker", Marker: true}),
			tx.insert(1, &Version{Key: "9", ID: "a"}))
	}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []error{nil, ErrNoVersion} {
		if err := w.expire(t.Context(), w.bucket, time.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Head(t.Context(), w.bucket, "8", "marker"); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
		if _, err := w.Delete(w.bucket, "8", "hidden", Condition{}); err != nil {
			t.Fatal(err)
		}
	}
	if p, err := w.List(t.Context(), w.bucket, ListQuery{Limit: 2 * fetch}); err != nil || len(p.Objects) != fetch {
		t.Errorf("%d objects, %v", len(p.Objects), err)
	}
}

// TestPanicInABatch: a change that panics fails alone; the others of its batch are written, and nobody waits for ever.
func TestPanicInABatch(t *testing.T) {
	w := open(t)
	broken := &change{fn: func(tx *tx) error {
		if err := tx.insert(1, &Version{Key: "broken", ID: "a"}); err != nil {
			return err
		}
		panic("broken")
	}, done: make(chan error, 1)}
	w.catalog.queue = append(w.catalog.queue, broken)
	if err := w.update(func(tx *tx) error { return tx.insert(1, &Version{Key: "whole", ID: "a"}) }); err != nil {
		t.Errorf("another one of the batch: %v", err)
	}
	if err := <-broken.done; err == nil || !strings.Contains(err.Error(), "panic: broken") {
		t.Errorf("%v", err)
	}
	w.put(t, "later", "x")
	p, err := w.List(t.Context(), w.bucket, ListQuery{Limit: 10})
	if err != nil || len(p.Objects) != 2 || p.Objects[0].Key != "later" || p.Objects[1].Key != "whole" {
		t.Errorf("%+v, %v", p.Objects, err)
	}
}
