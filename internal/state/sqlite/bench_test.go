package sqlite_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/neargate/neargate/internal/state"
)

// BenchmarkDurableWrites is the rate of acknowledged writes of 1 KiB rows, by
// the number of clients that write at once.
func BenchmarkDurableWrites(b *testing.B) {
	for _, clients := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s, notes, err := open(filepath.Join(b.TempDir(), "state.db"))
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			body := strings.Repeat("x", 1000)
			work := make(chan int, b.N)
			for i := range b.N {
				work <- i
			}
			close(work)
			b.ResetTimer()
			var wg sync.WaitGroup
			for range clients {
				wg.Go(func() {
					for i := range work {
						err := s.Update(b.Context(), func(tx *state.Tx) error {
							notes.Put(tx, &note{Key: fmt.Sprintf("note-%06d", i%50_000), Body: body})
							return nil
						})
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
		})
	}
}

// BenchmarkOpen is what a start costs per row of 1 KiB.
func BenchmarkOpen(b *testing.B) {
	const rows = 20_000
	path := filepath.Join(b.TempDir(), "state.db")
	s, notes, err := open(path)
	if err != nil {
		b.Fatal(err)
	}
	body := strings.Repeat("x", 1000)
	err = s.Update(b.Context(), func(tx *state.Tx) error {
		for i := range rows {
			notes.Put(tx, &note{Key: fmt.Sprintf("note-%06d", i), Body: body})
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	s.Close()
	for b.Loop() {
		s, _, err := open(path)
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
	b.ReportMetric(float64(b.N*rows)/b.Elapsed().Seconds(), "rows/s")
}
