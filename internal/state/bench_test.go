package state_test

import (
	"fmt"
	"testing"

	"github.com/neargate/neargate/internal/state"
)

func filled(b *testing.B, n int) (*basket, *state.Store) {
	t := newBasket()
	s := t.open(b, state.Memory())
	update(b, s, func(tx *state.Tx) {
		for i := range n {
			t.fruits.Put(tx, &fruit{Name: fmt.Sprintf("fruit-%06d", i), Colour: fmt.Sprint(i % (n / 10))})
		}
	})
	return t, s
}

// What a request pays to look at the state.
func BenchmarkViewGet(b *testing.B) {
	t, s := filled(b, 100_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := t.fruits.Get(s.View(), "fruit-054321"); !ok {
			b.Fatal("row is missing")
		}
	}
}

// Ten of 100,000 rows by index.
func BenchmarkBy(b *testing.B) {
	t, s := filled(b, 100_000)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for range t.fruits.By(s.View(), "colour", "77") {
			n++
		}
		if n != 10 {
			b.Fatal(n)
		}
	}
}

// One changed row in a table of 100,000: the price must not depend on the size.
func BenchmarkUpdate(b *testing.B) {
	for _, n := range []int{100, 100_000} {
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			t, s := filled(b, n)
			w := s.Watch(t.fruits)
			defer w.Close()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				update(b, s, func(tx *state.Tx) {
					t.fruits.Put(tx, &fruit{Name: "fruit-000042", Colour: "7", Count: i})
				})
			}
		})
	}
}
