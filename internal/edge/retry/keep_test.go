package retry

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var calls []time.Duration
		ctx, cancel := context.WithTimeout(t.Context(), 5500*time.Millisecond)
		defer cancel()
		again := NewSignal()
		time.AfterFunc(2500*time.Millisecond, func() {
			again.Raise()
			again.Raise()
		})
		Keep(ctx, again, func() bool {
			now := time.Since(start)
			calls = append(calls, now)
			return now < 2500*time.Millisecond || now > 2600*time.Millisecond
		})
		if got, want := fmt.Sprint(calls), "[1s 2s 2.525s 2.575s 2.675s 3.675s 4.675s]"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}
