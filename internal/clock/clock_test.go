package clock

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestWait(t *testing.T) {
	for _, c := range []struct {
		scale float64
		want  time.Duration
	}{{0, time.Minute}, {-1, time.Minute}, {1, time.Minute}, {60, time.Second}, {0.5, 2 * time.Minute}} {
		if got := (Clock{Scale: c.scale}).Wait(time.Minute); got != c.want {
			t.Errorf("scale %v: %v, want %v", c.scale, got, c.want)
		}
	}
}

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Clock{}
		start := c.Now()
		if err := c.Sleep(t.Context(), start.Add(time.Hour)); err != nil || c.Now().Sub(start) != time.Hour {
			t.Errorf("%v after %v", err, c.Now().Sub(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.Sleep(ctx, c.Now().Add(time.Hour)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}
