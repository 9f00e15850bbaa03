package main

import (
	"strings"
	"testing"
)

// TestStays: who gets no standing picture without having asked for its end is told why, and what to do.
func TestStays(t *testing.T) {
	for _, c := range []struct{ terminal, once, keep, stays, told bool }{
		{terminal: true, stays: true},
		{terminal: true, once: true},
		{terminal: true, keep: true, stays: true},
		{told: true},
		{once: true},
		{keep: true, stays: true},
	} {
		var b strings.Builder
		if got := stays(&b, c.terminal, c.once, c.keep); got != c.stays || strings.Contains(b.String(), "--stay") != c.told {
			t.Errorf("%+v: %v, %q", c, got, &b)
		}
	}
}
