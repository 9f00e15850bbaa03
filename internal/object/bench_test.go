package object

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/neargate/neargate/internal/aws/checksum"
)

// BenchmarkPut is a small object made durable, with 32 clients at a time.
func BenchmarkPut(b *testing.B) {
	w := open(b)
	content := bytes.Repeat([]byte("x"), 1024)
	var n atomic.Int64
	b.SetParallelism(16)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			d, err := w.Receive(bytes.NewReader(content), checksum.CRC64NVME)
			if err != nil {
				b.Error(err)
				return
			}
			if _, err := w.Put(w.bucket, fmt.Sprintf("k/%d", n.Add(1)), d, Attributes{}, Condition{}); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkHead(b *testing.B) {
	w := open(b)
	w.put(b, "k", "x")
	for b.Loop() {
		if _, err := w.Head(b.Context(), w.bucket, "k", ""); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkList is a page of a thousand keys out of ten thousand.
func BenchmarkList(b *testing.B) {
	w := open(b)
	if err := w.update(func(t *tx) error {
		for i := range 10_000 {
			v := &Version{Key: fmt.Sprintf("k/%06d", i), ID: NullVersion, ETag: "0"}
			if err := t.insert(w.bucket.ID, v); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if p, err := w.List(b.Context(), w.bucket, ListQuery{Prefix: "k/", After: "k/005000", Limit: 1000}); err != nil || len(p.Objects) != 1000 {
			b.Fatal(err)
		}
	}
}
