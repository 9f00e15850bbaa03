// Package retry is the patience of everything in edge that opens sockets: what they need may come later, such as a network
// namespace, or go and come again.
package retry

import (
	"context"
	"time"
)

const (
	quickest = 25 * time.Millisecond
	steady   = time.Second
)

// Keep calls ensure until ctx is done: once a second, and more often for a while after again has been signalled, as long as
// ensure reports that something is missing.
func Keep(ctx context.Context, again <-chan struct{}, ensure func() (complete bool)) {
	wait := steady
	t := time.NewTimer(wait)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again:
			wait = quickest
		case <-t.C:
			if ensure() {
				wait = steady
			} else {
				wait = min(2*wait, steady)
			}
		}
		t.Reset(wait)
	}
}

// Signal is what Keep listens to. Raising it never blocks.
type Signal chan struct{}

// NewSignal makes a Signal.
func NewSignal() Signal { return make(Signal, 1) }

// Raise signals.
func (s Signal) Raise() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// News reports whether the outcome of an attempt to open something is worth telling, after the one before.
func News(before, now error) bool {
	return now == nil || before == nil || before.Error() != now.Error()
}
