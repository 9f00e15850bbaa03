package edge

import (
	"context"
	"sync"
	"time"
)

// board tells those who wait that there is something new to see. It holds no state but a number.
type board struct {
	mu     sync.Mutex
	seq    uint64
	news   chan struct{} // closed at the next change
	closed bool

	health chan struct{} // what is known of health is to be kept
}

// newBoard starts counting at the time, so that numbers differ from those of a process before.
func newBoard() *board {
	return &board{seq: uint64(time.Now().UnixMicro()), news: make(chan struct{}), health: make(chan struct{}, 1)}
}

func (b *board) changed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	b.seq++
	close(b.news)
	b.news = make(chan struct{})
}

func (b *board) healthChanged() {
	select {
	case b.health <- struct{}{}:
	default:
	}
}

// close lets everybody go who waits, now and later.
func (b *board) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		close(b.news)
	}
}

// wait returns the number of the latest change as soon as it is not after, or after d, or when ctx is done.
func (b *board) wait(ctx context.Context, after uint64, d time.Duration) uint64 {
	b.mu.Lock()
	seq, news := b.seq, b.news
	b.mu.Unlock()
	if seq != after || d <= 0 {
		return seq
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-news:
	case <-t.C:
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seq
}
