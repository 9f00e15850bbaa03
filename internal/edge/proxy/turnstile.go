package proxy

import (
	"math"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// turnstile lets connections that never have to wait for their next octets wait, now and then, for those that do.
//
// The runtime looks which sockets have become ready only when no goroutine is left to run, and otherwise every 10 ms. Goroutines that always find
// what they want to read would keep it from doing so: their clients are answered at once, and all others after 10 ms. So once the poller
// might not have been asked for a while, everybody who comes by stops until it has been, which is when the last of them has stopped.
type turnstile struct {
	clock  func() time.Duration
	polled atomic.Int64 // when it was last opened, on the clock: the poller has been at work then, or been waited for long enough

	mu      sync.Mutex
	opened  sync.Cond
	opening bool   // somebody waits
	over    bool   // nobody stops any more
	turns   uint64 // how often it has been opened
	asked   chan struct{}
	late    *time.Timer // opens it all the same

	bell *os.File // an eventfd
	raw  syscall.RawConn
}

const (
	// longUnpolled is how long the poller may be kept waiting before anybody stops.
	longUnpolled = 250 * time.Microsecond
	// longStopped is how long anybody stops: there may be others that keep the poller waiting and do not come by, as the loops of layer 4.
	longStopped = time.Millisecond
)

func (t *turnstile) begin(clock func() time.Duration) {
	t.clock, t.opened.L, t.asked = clock, &t.mu, make(chan struct{}, 1)
	t.polled.Store(math.MaxInt64) // nobody stops before run
	t.late = time.AfterFunc(time.Hour, t.open)
	t.late.Stop()
}

// run works until end.
func (t *turnstile) run() error {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	t.bell = os.NewFile(uintptr(fd), "turnstile")
	if t.raw, err = t.bell.SyscallConn(); err != nil {
		return err
	}
	t.polled.Store(0)
	go func() {
		defer t.bell.Close()
		for range t.asked {
			t.await()
			t.open()
		}
	}()
	return nil
}

// open lets those pass who have stopped.
func (t *turnstile) open() {
	t.mu.Lock()
	t.polled.Store(int64(t.clock()))
	t.opening = false
	t.turns++
	t.mu.Unlock()
	t.opened.Broadcast()
}

// end lets everybody pass from now on.
func (t *turnstile) end() {
	t.mu.Lock()
	t.over = true
	t.turns++
	t.late.Stop()
	close(t.asked)
	t.mu.Unlock()
	t.opened.Broadcast()
}

// await returns once the poller has been at work: it rings a bell that only the poller hears.
func (t *turnstile) await() {
	rung := false
	_ = t.raw.Read(func(fd uintptr) bool { // fails only for a closed file
		if !rung {
			rung = true
			_, _ = unix.Write(int(fd), []byte{1, 0, 0, 0, 0, 0, 0, 0}) // fails after 2⁶⁴ times
			return false
		}
		return true
	})
}

// pass lets other goroutines go first, and if need be the poller. now is the clock's.
func (t *turnstile) pass(now time.Duration) {
	if now-time.Duration(t.polled.Load()) < longUnpolled {
		runtime.Gosched()
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
	if !t.opening {
		t.opening = true
		t.late.Reset(longStopped)
		select {
		case t.asked <- struct{}{}:
		default: // the poller has been asked before, and not been at work since
		}
	}
	for turn := t.turns; turn == t.turns; {
		t.opened.Wait()
	}
}

// giveWay is called by who has just sent a request to a target. The answer cannot be there yet: letting others go first makes it likelier that the
// first attempt to read finds something, which saves a system call and a trip through the poller. With nobody waiting it costs nothing. Greedy is
// who did not have to wait for what it read last.
func (e *Engine) giveWay(greedy bool, now time.Duration) {
	if greedy {
		e.turnstile.pass(now)
	} else {
		runtime.Gosched()
	}
}

// GiveWay has those go first whose requests have come in meanwhile: for long work beside that of the engine.
func (e *Engine) GiveWay() { e.turnstile.pass(e.clock()) }
