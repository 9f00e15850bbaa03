package l4

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxEvents  = 256
	bufferRoom = 64 << 10
	longTurn   = 500 * time.Microsecond
)

// loop carries a share of all flows. Everything in it belongs to its goroutine but where it says otherwise.
type loop struct {
	engine *Engine
	index  int
	epoll  int
	file   *os.File // epoll, as the runtime's poller knows it
	waker  int      // eventfd

	mu   sync.Mutex // guards asks
	asks []func()
	over atomic.Bool

	places  []place
	free    []int32
	live    atomic.Int64 // flows
	spare   atomic.Bool  // there are sockets made ahead
	ready   []*stream    // flows that had their turn and have more to do
	streams map[*stream]struct{}
	ports   map[*datagrams]struct{}
	pools   map[poolKey]*pool
	pipes   []pipe
	buffer  []byte
	batch   *batch // of datagrams; nil until there are any
	events  [maxEvents]unix.EpollEvent
	peer    unix.RawSockaddrInet4
	random  uint32
}

// place is where epoll's events find who they are for. The turn tells those of a predecessor apart.
type place struct {
	who  handler
	turn int32
}

// handler is something epoll has events for. side tells its sockets apart.
type handler interface{ event(side int, what uint32) }

func (e *Engine) newLoop(index int) (*loop, error) {
	l := &loop{
		engine: e, index: index, streams: map[*stream]struct{}{}, ports: map[*datagrams]struct{}{}, pools: map[poolKey]*pool{},
		buffer: make([]byte, bufferRoom), random: uint32(index)*2654435761 + 1,
	}
	var err error
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if l.waker, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		unix.Close(l.epoll)
		return nil, os.NewSyscallError("eventfd", err)
	}
	err = l.add(l.enter(wakeup{l}), 0, l.waker, unix.EPOLLIN|unix.EPOLLET)
	if err == nil {
		l.file, err = pollable(l.epoll, "epoll")
	}
	if err != nil {
		unix.Close(l.epoll)
		unix.Close(l.waker)
		return nil, err
	}
	return l, nil
}

// enter gives a handler a place.
func (l *loop) enter(h handler) int32 {
	if n := len(l.free); n > 0 {
		i := l.free[n-1]
		l.free = l.free[:n-1]
		l.places[i].who = h
		return i
	}
	l.places = append(l.places, place{who: h})
	return int32(len(l.places) - 1)
}

// leave takes the place back. Events still on their way are not delivered.
func (l *loop) leave(i int32) {
	l.places[i].who = nil
	l.places[i].turn++
	l.free = append(l.free, i)
}

// add has epoll watch a socket for the handler at a place.
func (l *loop) add(i int32, side, fd int, what uint32) error {
	ev := unix.EpollEvent{Events: what, Fd: i<<1 | int32(side), Pad: l.places[i].turn}
	return epollControl(l.epoll, unix.EPOLL_CTL_ADD, fd, &ev)
}

// change has epoll watch a socket for something else than before. What holds already is an event.
func (l *loop) change(i int32, side, fd int, what uint32) {
	ev := unix.EpollEvent{Events: what, Fd: i<<1 | int32(side), Pad: l.places[i].turn}
	if err := epollControl(l.epoll, unix.EPOLL_CTL_MOD, fd, &ev); err != nil {
		l.engine.log.Error("socket is not watched", "err", err)
	}
}

// do has the loop call f, soon. After the loop has ended nothing happens.
func (l *loop) do(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over.Load() {
		return
	}
	l.asks = append(l.asks, f)
	if len(l.asks) == 1 {
		_, _ = unix.Write(l.waker, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // fails only when it is awake already
	}
}

// wakeup is the loop as the handler of its own eventfd.
type wakeup struct{ *loop }

func (w wakeup) event(int, uint32) {
	var b [8]byte
	_, _ = unix.Read(w.waker, b[:])
	w.mu.Lock()
	asks := w.asks
	w.asks = nil
	w.mu.Unlock()
	for _, f := range asks {
		w.call(f)
	}
}

func (l *loop) call(f func()) {
	defer l.survive(nil)
	f()
}

// run works until someone asks it to end.
func (l *loop) run() error {
	raw, err := l.file.SyscallConn()
	if err != nil {
		return fmt.Errorf("loop: %w", err)
	}
	err = raw.Read(func(uintptr) bool {
		began := time.Now()
		for {
			n := epollWait(l.epoll, l.events[:])
			if n == 0 && len(l.ready) == 0 {
				return false
			}
			for i := range n {
				ev := &l.events[i]
				if p := &l.places[ev.Fd>>1]; p.turn == ev.Pad && p.who != nil {
					l.deliver(p.who, int(ev.Fd&1), ev.Events)
				}
			}
			l.resume()
			if l.over.Load() {
				return true
			}
			if time.Since(began) > longTurn { // others are not to wait for the end of a burst
				runtime.Gosched()
				began = time.Now()
			}
		}
	})
	l.clear()
	if err != nil {
		return fmt.Errorf("loop: %w", err)
	}
	return nil
}

// deliver gives a handler its event.
func (l *loop) deliver(h handler, side int, what uint32) {
	defer l.survive(h)
	h.event(side, what)
}

// survive drops the flow on which the loop itself fell over, instead of all flows with it.
func (l *loop) survive(h handler) {
	r := recover()
	if r == nil {
		return
	}
	l.engine.log.Error("flow dropped by a defect", "err", r, "stack", string(debug.Stack()))
	switch h := h.(type) {
	case *stream:
		if !h.closed {
			h.abort()
		}
	case *flow:
		h.end()
	}
}

// resume gives flows that have more to do another turn.
func (l *loop) resume() {
	again := l.ready
	l.ready = nil
	for _, s := range again {
		s.queued = false
		if !s.closed {
			l.advance(s)
		}
	}
}

func (l *loop) advance(s *stream) {
	defer l.survive(s)
	s.move()
}

// end makes the loop end: its flows are reset.
func (l *loop) end() {
	l.do(func() { l.over.Store(true) })
}

// clear lets go of everything.
func (l *loop) clear() {
	l.mu.Lock() // from here on nobody asks for anything, nor writes to a waker that might be another file by then
	l.over.Store(true)
	l.asks = nil
	l.mu.Unlock()
	for s := range l.streams {
		s.abort()
	}
	for p := range l.ports {
		p.close()
	}
	for _, p := range l.pools {
		p.drop()
	}
	for _, p := range l.pipes {
		p.close()
	}
	l.pipes = nil
	unix.Close(l.waker)
	l.file.Close()
}

// sweep ends the flows that are over time.
func (l *loop) sweep(now int64) {
	for s := range l.streams {
		s.check(now)
	}
	for p := range l.ports {
		p.sweep(now)
	}
	for key, p := range l.pools {
		if p.stale() {
			p.drop()
			delete(l.pools, key)
		}
	}
	l.spare.Store(len(l.pools) > 0)
}

// each calls f for every stream, which may end it.
func (l *loop) each(f func(*stream)) {
	for s := range l.streams {
		f(s)
	}
}

func (l *loop) now() int64 { return l.engine.clock.now.Load() }

// next is a number that differs from flow to flow (xorshift).
func (l *loop) next() uint32 {
	x := l.random
	x ^= x << 13
	x ^= x >> 17
	x ^= x << 5
	l.random = x
	return x
}
