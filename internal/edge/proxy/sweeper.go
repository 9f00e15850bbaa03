package proxy

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	tick       = 100 * time.Millisecond // how late a timeout may be noticed
	beatEvery  = 5                      // ticks between calls of socket.beat
	peekEvery  = 10                     // ticks between looks at connections whose other side might have closed
	shardCount = 16
)

// sweeper keeps the coarse clock and the timeouts of all sockets.
type sweeper struct {
	ticks  atomic.Int64
	unix   atomic.Int64
	date   atomic.Pointer[[]byte] // for Date fields
	turn   atomic.Uint32
	shards [shardCount]shard
}

type shard struct {
	sync.Mutex
	head socket // sentinel of a ring
}

func newSweeper() *sweeper {
	sw := &sweeper{}
	sw.ticks.Store(1)
	for i := range sw.shards {
		h := &sw.shards[i].head
		h.prev, h.next = h, h
	}
	sw.setTime(time.Now())
	return sw
}

func (sw *sweeper) now() int64 { return sw.ticks.Load() }

// after is the tick at which d will have passed.
func (sw *sweeper) after(d time.Duration) int64 {
	return sw.now() + 1 + int64((d+tick-1)/tick)
}

func (sw *sweeper) setTime(t time.Time) {
	if s := t.Unix(); sw.unix.Swap(s) != s || sw.date.Load() == nil {
		sw.date.Store(new(t.UTC().AppendFormat(nil, http.TimeFormat)))
	}
}

func (sw *sweeper) add(s *socket) {
	s.shard = int(sw.turn.Add(1) % shardCount)
	sh := &sw.shards[s.shard]
	sh.Lock()
	defer sh.Unlock()
	s.next, s.prev = &sh.head, sh.head.prev
	s.prev.next, s.next.prev = s, s
}

func (sw *sweeper) remove(s *socket) {
	sh := &sw.shards[s.shard]
	sh.Lock()
	defer sh.Unlock()
	if s.next != nil {
		s.prev.next, s.next.prev = s.next, s.prev
		s.prev, s.next = nil, nil
	}
}

// run sweeps until ctx is done.
func (sw *sweeper) run(ctx context.Context) {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			sw.setTime(now)
			sw.sweep(sw.ticks.Add(1))
		}
	}
}

// verdict is what the sweeper has found out about a socket.
type verdict uint8

const (
	fine verdict = iota
	overdue
	unusable  // an idle connection to a target that has timed out, been closed or spoken out of turn
	alive     // a client that keeps its own time
	abandoned // a client that has closed its side and been waiting for a while: it might have half-closed, as nc does
)

func (sw *sweeper) sweep(now int64) {
	for i := range sw.shards {
		sw.act(&sw.shards[i], func(s *socket) verdict { return judge(s, now) })
	}
}

// act judges all sockets of a shard and acts on those that are not fine. Acting happens outside the lock, which closing a
// socket takes.
func (sw *sweeper) act(sh *shard, judge func(*socket) verdict) {
	type finding struct {
		*socket
		verdict
	}
	var found []finding
	sh.Lock()
	for s := sh.head.next; s != &sh.head; s = s.next {
		if v := judge(s); v != fine {
			found = append(found, finding{s, v})
		}
	}
	sh.Unlock()
	for _, f := range found {
		switch f.verdict {
		case overdue:
			f.conn.SetDeadline(past)
		case unusable:
			f.idle()
		case abandoned:
			f.abandon()
		case alive:
			f.beat(sw.now())
		}
	}
}

func judge(s *socket, now int64) verdict {
	state := s.state.Load()
	if d := s.deadline.Load(); d != 0 && d <= now {
		if state == idleTarget {
			return unusable
		}
		return overdue
	}
	turn := now + int64(s.shard) // spreads what is done less often than every tick
	if state == multiplexed {
		if turn%beatEvery == 0 {
			return alive
		}
		return fine
	}
	if turn%peekEvery != 0 || state != idleTarget && (state != waiting || now-s.since.Load() < peekEvery) {
		return fine
	}
	if state == idleTarget {
		if s.spent() {
			return unusable
		}
		return fine
	}
	if open, _ := s.peek(); !open {
		return abandoned
	}
	return fine
}

// closeIdle breaks off those clients that wait for their next request for which f holds.
func (sw *sweeper) closeIdle(f func(*socket) bool) {
	sw.each(func(s *socket) {
		if s.state.Load() == idleClient && f(s) {
			s.breakOff(shutdown)
		}
	})
}

// closeAll breaks off everything.
func (sw *sweeper) closeAll() {
	sw.each(func(s *socket) { s.breakOff(shutdown) })
}

func (sw *sweeper) each(f func(*socket)) {
	for i := range sw.shards {
		sh := &sw.shards[i]
		sh.Lock()
		for s := sh.head.next; s != &sh.head; s = s.next {
			f(s)
		}
		sh.Unlock()
	}
}
