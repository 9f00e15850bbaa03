// Package clock makes time a parameter of the control loops: what they wait
// for on purpose (bake times, intervals, cooldowns, periods) passes Scale times
// faster. Network timeouts of user traffic never go through it.
package clock

import (
	"context"
	"time"
)

// Clock tells the time and scales waits. The zero Clock runs at real speed.
type Clock struct {
	// Scale is how many seconds of waiting pass in one real second; 0 means 1.
	Scale float64
}

// Now is the real time. It is never scaled: timestamps are compared with logs.
func (c Clock) Now() time.Time { return time.Now() }

// Wait is how long a control loop really waits where AWS would wait d.
// A deadline is c.Now().Add(c.Wait(d)), stored.
func (c Clock) Wait(d time.Duration) time.Duration {
	if c.Scale <= 0 || c.Scale == 1 {
		return d
	}
	return time.Duration(float64(d) / c.Scale)
}

// Sleep waits until the given time or until ctx is done.
func (c Clock) Sleep(ctx context.Context, until time.Time) error {
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
