package proxy

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestTurnstile has goroutines that always go on, on one processor, and one that waits for a pipe: it gets its turn before the others have
// had many.
func TestTurnstile(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const crowd, most = 64, 4
	clock := atomic.Int64{}
	var turnstile turnstile
	turnstile.begin(func() time.Duration { return time.Duration(clock.Load()) })
	turnstile.pass(time.Hour) // as long as it does not run nobody stops
	if err := turnstile.run(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		turnstile.end()
		turnstile.pass(time.Hour) // nor do they once it has ended
	}()
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()

	var stop atomic.Bool
	var turns atomic.Int64
	var wg sync.WaitGroup
	for range crowd {
		wg.Go(func() {
			for !stop.Load() {
				turnstile.pass(time.Duration(clock.Add(int64(longUnpolled))))
				turns.Add(1)
			}
		})
	}
	var rung, heard int64
	wg.Go(func() {
		defer stop.Store(true)
		if _, err := in.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
		heard = turns.Load()
	})
	for turns.Load() < 10*crowd { // everybody is at it
		runtime.Gosched()
	}
	rung = turns.Load()
	if _, err := out.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if n := heard - rung; n > most*crowd {
		t.Errorf("%d turns of %d goroutines before the poller had its own", n, crowd)
	}
}
