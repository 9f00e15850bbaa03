package metric

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/clock"
)

func open(t testing.TB, path string, c clock.Clock) *Engine {
	t.Helper()
	e, err := Open(context.Background(), Config{Path: path, Clock: c, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func requests(dimensions ...Dimension) Metric {
	return Metric{Account: "000000000000", Region: "us-east-1", Namespace: "App", Name: "Requests", Dimensions: dimensions}
}

func put(t testing.TB, e *Engine, data ...Datum) {
	t.Helper()
	if err := e.Put(t.Context(), data); err != nil {
		t.Fatal(err)
	}
}

func listed(t testing.TB, e *Engine, f Filter) []Metric {
	t.Helper()
	all, err := e.List(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// sums reads the sums of a metric's periods.
func sums(t testing.TB, e *Engine, m Metric, w Window) map[time.Time]float64 {
	t.Helper()
	all, err := e.ReadAll(t.Context(), m, "", w)
	if err != nil {
		t.Fatal(err)
	}
	out := map[time.Time]float64{}
	for _, i := range all {
		out[i.At] = i.Point.Sum
	}
	return out
}

func TestPutRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.db")
	e := open(t, path, clock.Clock{})
	now := time.Now().UTC().Truncate(time.Hour)
	az, lb := Dimension{"AvailabilityZone", "us-east-1a"}, Dimension{"LoadBalancer", "app/web/1"}
	put(t, e,
		Datum{Metric: requests(az, lb), Unit: "Count", At: now.Add(5 * time.Second), Point: Value(1, 1)},
		Datum{Metric: requests(lb, az), Unit: "Count", At: now.Add(50 * time.Second), Point: Value(2, 1)},
		Datum{Metric: requests(lb, az), At: now.Add(70 * time.Second), Point: Value(4, 1)},
		Datum{Metric: requests(), At: now.Add(7 * time.Second), High: true, Point: Value(8, 1)},
	)
	hour := Window{From: now, To: now.Add(time.Hour), Period: time.Minute}
	check := func(e *Engine) {
		t.Helper()
		if got := sums(t, e, requests(az, lb), hour); len(got) != 2 || got[now] != 3 || got[now.Add(time.Minute)] != 4 {
			t.Errorf("dimensions in any order: %v", got)
		}
		all, err := e.Read(t.Context(), requests(az, lb), "", hour)
		if err != nil || len(all) != 2 {
			t.Errorf("units apart: %+v, %v", all, err)
		}
		one, err := e.Read(t.Context(), requests(az, lb), "Bytes", hour)
		if err != nil || len(one) != 0 {
			t.Errorf("a unit there is not: %+v, %v", one, err)
		}
		fine := Window{From: now, To: now.Add(time.Minute), Period: 5 * time.Second}
		if got := sums(t, e, requests(), fine); len(got) != 1 || got[now.Add(5*time.Second)] != 8 {
			t.Errorf("five seconds: %v", got)
		}
		if got := listed(t, e, Filter{Account: "000000000000", Region: "us-east-1", Dimensions: []Dimension{{"LoadBalancer", ""}}}); len(got) != 1 {
			t.Errorf("listed by dimension: %v", got)
		}
		if got := listed(t, e, Filter{Account: "000000000000", Region: "us-east-1"}); len(got) != 2 || len(got[0].Dimensions) != 0 {
			t.Errorf("listed: %v", got)
		}
		if got := listed(t, e, Filter{Account: "000000000000", Region: "eu-west-1"}); len(got) != 0 {
			t.Errorf("listed elsewhere: %v", got)
		}
	}
	check(e)
	check(open(t, path, clock.Clock{})) // without closing the first: as after a kill
}

// TestRollUp: points move to coarser rows as they age, sums stay, and in the end all is gone.
func TestRollUp(t *testing.T) {
	e := open(t, filepath.Join(t.TempDir(), "metrics.db"), clock.Clock{})
	start := time.Now().UTC().Truncate(time.Hour)
	for i := range 3600 {
		put(t, e, Datum{Metric: requests(), At: start.Add(time.Duration(i) * time.Second), High: true, Point: Value(float64(i), 1)})
	}
	var total float64 = 3600 * 3599 / 2
	for _, c := range []struct {
		age    time.Duration
		period time.Duration // the finest there still is
	}{{0, time.Second}, {5 * time.Hour, time.Minute}, {16 * 24 * time.Hour, 5 * time.Minute}, {64 * 24 * time.Hour, time.Hour}} {
		if err := e.Sweep(t.Context(), start.Add(time.Hour+c.age)); err != nil {
			t.Fatal(err)
		}
		got := sums(t, e, requests(), Window{From: start, To: start.Add(time.Hour), Period: c.period})
		sum := 0.0
		for _, v := range got {
			sum += v
		}
		if len(got) != int(time.Hour/c.period) || sum != total {
			t.Errorf("after %v: %d periods of %v, %v in all", c.age, len(got), c.period, sum)
		}
		if c.period > time.Minute {
			if got := sums(t, e, requests(), Window{From: start, To: start.Add(time.Hour), Period: time.Minute}); len(got) != 0 {
				t.Errorf("after %v there are minutes: %v", c.age, got)
			}
		}
	}
	all, err := e.ReadAll(t.Context(), requests(), "", Window{From: start, To: start.Add(time.Hour), Period: time.Hour})
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	if p, ok := all[0].Point.percentile(50); !ok || p < 1750 || p > 1850 {
		t.Errorf("p50 of an hour is %v, %v", p, ok)
	}
	if err := e.Sweep(t.Context(), start.Add(456*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := listed(t, e, Filter{Account: "000000000000", Region: "us-east-1"}); len(got) != 0 {
		t.Errorf("after 456 days: %v", got)
	}
}

func TestRecordOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.db")
	e := open(t, path, clock.Clock{})
	now := time.Now().Truncate(time.Minute)
	if err := e.Record(t.Context(), []Datum{{Metric: requests(), At: now, Point: Value(1, 1)}}, "edge", []byte("seven")); err != nil {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Record(cancelled, []Datum{{Metric: requests(), At: now, Point: Value(1, 1)}}, "edge", []byte("eight")); err == nil {
		t.Error("recorded for nobody")
	}
	again := open(t, path, clock.Clock{})
	mark, err := again.Mark(t.Context(), "edge")
	if err != nil || string(mark) != "seven" {
		t.Errorf("mark %q, %v", mark, err)
	}
	if got := sums(t, again, requests(), Window{From: now, To: now.Add(time.Minute), Period: time.Minute}); len(got) != 1 {
		t.Errorf("%v", got)
	}
	if none, err := again.Mark(t.Context(), "none"); err != nil || none != nil {
		t.Errorf("mark nobody set: %q, %v", none, err)
	}
}

// TestScaledTime: where waiting passes faster, data are kept by the second, so that an alarm's minute can be read.
func TestScaledTime(t *testing.T) {
	e := open(t, filepath.Join(t.TempDir(), "metrics.db"), clock.Clock{Scale: 60})
	now := time.Now().Truncate(time.Minute)
	put(t, e, Datum{Metric: requests(), At: now.Add(time.Second), Point: Value(1, 1)}, Datum{Metric: requests(), At: now.Add(2 * time.Second), Point: Value(2, 1)})
	w := Window{From: now, To: now.Add(time.Minute), Period: e.clock.Wait(time.Minute)}
	if got := sums(t, e, requests(), w); len(got) != 2 {
		t.Errorf("scaled minutes: %v", got)
	}
	w.Period = time.Minute
	if got := sums(t, e, requests(), w); len(got) != 1 || got[now.UTC()] != 3 {
		t.Errorf("minutes: %v", got)
	}
}

func TestBoundedFile(t *testing.T) {
	e, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "metrics.db"), MaxBytes: 200 << 10, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	now := time.Now().Truncate(time.Hour)
	var data []Datum
	for i := range 10_000 {
		data = append(data, Datum{Metric: requests(), At: now.Add(-time.Duration(i) * time.Minute), Point: Value(float64(i), 1)})
	}
	put(t, e, data...)
	before, _ := e.file.bytes(t.Context())
	if err := e.Sweep(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	if after, _ := e.file.bytes(t.Context()); before < 200<<10 || after > 200<<10 {
		t.Errorf("%d bytes before, %d after", before, after)
	}
	sum := 0.0
	for _, v := range sums(t, e, requests(), Window{From: now.Add(-10_000 * time.Minute).Truncate(time.Hour), To: now.Add(time.Minute), Period: time.Hour}) {
		sum += v
	}
	if sum != 10_000*9999/2 {
		t.Errorf("sum %v", sum)
	}
}

func TestTooManyMetrics(t *testing.T) {
	e := open(t, filepath.Join(t.TempDir(), "metrics.db"), clock.Clock{})
	put(t, e, Datum{Metric: requests(), At: time.Now(), Point: Value(1, 1)})
	e.catalogue.series = mostSeries
	if err := e.Put(t.Context(), []Datum{{Metric: requests(), At: time.Now(), Point: Value(1, 1)}}); err != nil {
		t.Errorf("a metric that is there: %v", err)
	}
	if err := e.Put(t.Context(), []Datum{{Metric: requests(Dimension{"a", "b"}), At: time.Now(), Point: Value(1, 1)}}); !errors.Is(err, ErrTooManyMetrics) {
		t.Errorf("one more: %v", err)
	}
}

func TestAlign(t *testing.T) {
	now := time.Date(2026, 3, 1, 15, 7, 17, 0, time.UTC)
	at := func(clock string) time.Time {
		p, err := time.Parse(time.DateTime, "2026-03-01 "+clock)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, c := range []struct {
		from   time.Time
		period time.Duration
		want   time.Time
	}{
		{at("12:32:34"), time.Minute, at("12:32:00")},
		{at("12:32:34"), 5 * time.Minute, at("12:32:00")},
		{at("15:02:17"), 5 * time.Second, at("15:02:15")},
		{at("15:02:17"), time.Second, at("15:02:17")},
		{at("12:32:34").AddDate(0, 0, -20), time.Minute, at("12:30:00").AddDate(0, 0, -20)},
		{at("12:32:34").AddDate(0, 0, -70), time.Minute, at("12:00:00").AddDate(0, 0, -70)},
		{at("09:00:00"), 10 * time.Second, at("12:07:00")},
	} {
		if got := Align(c.from, now, c.period, now).From; !got.Equal(c.want) {
			t.Errorf("%v by %v begins at %v, want %v", c.from, c.period, got, c.want)
		}
	}
}

func BenchmarkPut(b *testing.B) {
	e := open(b, filepath.Join(b.TempDir(), "metrics.db"), clock.Clock{})
	now := time.Now()
	for _, n := range []int{1, 20, 1000} {
		data := make([]Datum, n)
		for i := range data {
			data[i] = Datum{Metric: requests(Dimension{"Instance", fmt.Sprint(i)}), Unit: "Count", At: now, Point: Value(float64(i), 1)}
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for range b.N {
				put(b, e, data...)
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "data/s")
		})
	}
}

func BenchmarkRead(b *testing.B) {
	e := open(b, filepath.Join(b.TempDir(), "metrics.db"), clock.Clock{})
	now := time.Now().Truncate(time.Hour)
	var data []Datum
	for i := range 1440 {
		data = append(data, Datum{Metric: requests(), At: now.Add(-time.Duration(i) * time.Minute), Point: Value(float64(i), 1)})
	}
	put(b, e, data...)
	b.ResetTimer()
	for range b.N {
		if got := sums(b, e, requests(), Window{From: now.AddDate(0, 0, -1), To: now, Period: 5 * time.Minute}); len(got) != 288 {
			b.Fatal(len(got))
		}
	}
}

// hungUp is a context that ends after it was looked at some times.
type hungUp struct {
	context.Context
	left int
}

func (h *hungUp) Err() error {
	if h.left--; h.left < 0 {
		return context.Canceled
	}
	return nil
}

// A reader that is gone is not read for to the end.
func TestReadersHangUp(t *testing.T) {
	e := open(t, filepath.Join(t.TempDir(), "metrics.db"), clock.Clock{})
	now := time.Now().UTC().Truncate(time.Hour)
	var data []Datum
	for i := range 3 * lookedAtOnce {
		data = append(data, Datum{Metric: requests(Dimension{"Host", strconv.Itoa(i)}), At: now, Point: Value(1, 1)})
	}
	for i := range 9 {
		data = append(data, Datum{Metric: requests(), At: now.Add(time.Duration(i) * time.Minute), Point: Value(1, 1)})
	}
	put(t, e, data...)
	looked := 0
	_, err := e.List(&hungUp{t.Context(), 1}, Filter{Account: "000000000000", Region: "us-east-1", Match: func(*Metric) bool { looked++; return true }})
	if !errors.Is(err, context.Canceled) || looked >= lookedAtOnce {
		t.Errorf("%d metrics were looked at, %v", looked, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	read := 0
	err = e.file.scan(ctx, e.catalogue.find(requests(), UnitNone).id, 60, now.Unix(), now.Add(time.Hour).Unix(), func(int64, Point) error {
		read++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || read != 1 {
		t.Errorf("%d points were read, %v", read, err)
	}
}
