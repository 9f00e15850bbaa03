package drain

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestDrain goes through the life of a target.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		told, ended := 0, 0
		x := Tickets{Drained: func() { told++ }}
		drain := func(d time.Duration) bool {
			mu.Lock()
			defer mu.Unlock()
			return x.Drain(&mu, time.Now().Add(d), func() {
				if mu.TryLock() {
					t.Error("the end comes without the lock")
				}
				ended++
			})
		}
		locked := func(f func()) {
			mu.Lock()
			defer mu.Unlock()
			f()
		}
		expect := func(what string, out int64, draining, empty, over bool, tellings, endings int) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if x.Out() != out || x.Draining() != draining || x.Empty() != empty || x.Over() != over || told != tellings || ended != endings {
				t.Errorf("%s: %d out, draining %v, empty %v, over %v, told %d times, ended %d times",
					what, x.Out(), x.Draining(), x.Empty(), x.Over(), told, ended)
			}
		}
		for range 2 {
			if !x.Take() {
				t.Fatal("no tickets")
			}
		}
		x.Return()
		expect("in use", 1, false, false, false, 0, 0)
		if !drain(time.Minute) || drain(time.Minute) {
			t.Error("news are none, or none are news")
		}
		if x.Take() {
			t.Error("a ticket of a draining target")
		}
		expect("draining", 1, true, false, false, 0, 0)
		x.Return()
		expect("drained", 0, true, true, false, 1, 0)
		time.Sleep(2 * time.Minute)
		expect("after the delay", 0, true, true, true, 1, 1)

		locked(x.Revive)
		if !x.Take() {
			t.Error("revived, and no tickets")
		}
		expect("revived", 1, false, false, false, 1, 1)
		drain(time.Minute)
		locked(x.Revive)
		time.Sleep(2 * time.Minute)
		expect("revived in time", 1, false, false, false, 1, 1)
		drain(time.Minute)
		drain(time.Hour)
		time.Sleep(2 * time.Minute)
		expect("prolonged", 1, true, false, false, 1, 1)
		locked(x.Retire)
		time.Sleep(2 * time.Hour)
		expect("retired", 1, true, false, false, 1, 1)
		x.Return()
		expect("the end", 0, true, true, false, 2, 1)
	})
}

// TestEmptyMeansIdle looks whether anybody is in possession of a ticket once Empty has been true, while many take and return them.
func TestEmptyMeansIdle(t *testing.T) {
	var mu sync.Mutex
	for range 200 {
		x := Tickets{Drained: func() {}}
		var busy atomic.Int64
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for x.Take() {
					busy.Add(1)
					busy.Add(-1)
					x.Return()
				}
			})
		}
		mu.Lock()
		x.Drain(&mu, time.Now().Add(time.Hour), nil)
		for !x.Empty() {
			continue
		}
		if n := busy.Load(); n != 0 {
			t.Fatalf("%d are busy", n)
		}
		x.Retire()
		mu.Unlock()
		wg.Wait()
	}
}
