package metric

import (
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/clock"
)

// TestLargeCatalogue: with a fifth of the metrics that there may be (the race detector takes its time), memory is bounded.
func TestLargeCatalogue(t *testing.T) {
	const many = mostSeries / 5
	path := filepath.Join(t.TempDir(), "metrics.db")
	e := open(t, path, clock.Clock{})
	now := time.Now()
	begin := now
	for i := 0; i < many; i += 10_000 {
		var data []Datum
		for j := range 10_000 {
			data = append(data, Datum{Metric: requests(Dimension{"Host", fmt.Sprintf("host-%d", i+j)}, Dimension{"Zone", "us-east-1a"}), Unit: "Count", At: now, Point: Value(1, 1)})
		}
		put(t, e, data...)
	}
	t.Logf("%d new metrics in %v", many, time.Since(begin).Round(time.Millisecond))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	begin = time.Now()
	e = open(t, path, clock.Clock{})
	opened := time.Since(begin)
	runtime.GC()
	runtime.ReadMemStats(&after)
	begin = time.Now()
	if n := len(listed(t, e, Filter{Account: "000000000000", Region: "us-east-1", Dimensions: []Dimension{{"Zone", ""}}})); n != many {
		t.Errorf("%d metrics are listed", n)
	}
	listed := time.Since(begin)
	begin = time.Now()
	if err := e.Sweep(t.Context(), now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	bytes := (after.HeapAlloc - before.HeapAlloc) / many
	t.Logf("opened in %v, listed in %v, swept in %v, %d bytes of memory each", opened.Round(time.Millisecond), listed.Round(time.Millisecond), time.Since(begin).Round(time.Millisecond), bytes)
	if bytes > 1024 {
		t.Errorf("%d bytes of memory for a metric", bytes)
	}
	runtime.KeepAlive(e)
}
