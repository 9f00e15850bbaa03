package e2e

import (
	"strings"
	"testing"
	"time"
)

// TestNeighbours: two platforms with equal addresses run side by side, and one's end is nothing to the other.
func TestNeighbours(t *testing.T) {
	one := alone(t)
	two := newPlatform(t, nil)
	two.launch()
	var err error
	if two.host, err = two.remains.host(); err != nil {
		t.Fatal(err)
	}
	w1, b1 := balanced(t, one, 1)
	w2, b2 := balanced(t, two, 1)
	if a, b := address(w1.describe(w1.running("web")...)[0]), address(w2.describe(w2.running("web")...)[0]); !strings.HasPrefix(a, "10.0.") || !strings.HasPrefix(b, "10.0.") {
		t.Errorf("addresses %s and %s", a, b)
	}
	if b1.url == b2.url {
		t.Errorf("both are reached at %s", b1.url)
	}
	// The answers are of different tasks: the version of one changes.
	w2.roll("web", w2.web("two"))
	w2.only(b2, "two")
	w1.only(b1, "v0")

	l := newLoad(t, b1.url, b1.dns)
	two.end()
	time.Sleep(500 * time.Millisecond) // of load beside nobody
	l.check(t)
	w1.consistent()
}
