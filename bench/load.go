package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// load asks a load balancer at a constant rate, from a few clients with a kept connection each. A request that does not get its 200
// counts as failed, whatever the reason; nothing is asked twice.
type load struct {
	address, host string
	sent, failed  atomic.Int64
	mu            sync.Mutex
	reasons       map[string]int
	slowest       time.Duration
	stop          context.CancelFunc
	wait          sync.WaitGroup
}

// What is asked: clients, and how often each of them asks.
const (
	loadClients = 8
	loadEvery   = 20 * time.Millisecond
)

// startLoad asks until end is called.
func startLoad(ctx context.Context, w *web) *load {
	ctx, cancel := context.WithCancel(ctx)
	l := &load{address: w.at, host: w.host, stop: cancel, reasons: map[string]int{}}
	for i := range loadClients {
		l.wait.Go(func() {
			time.Sleep(loadEvery / loadClients * time.Duration(i))
			l.ask(ctx)
		})
	}
	return l
}

// end stops asking and returns what failed, by reason.
func (l *load) end() map[string]int {
	l.stop()
	l.wait.Wait()
	return l.reasons
}

func (l *load) ask(ctx context.Context) {
	a := asker{address: l.address, request: []byte("GET / HTTP/1.1\r\nHost: " + l.host + "\r\n\r\n")}
	defer a.close()
	tick := time.NewTicker(loadEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		began := time.Now()
		err := a.ask()
		l.count(time.Since(began), err)
	}
}

func (l *load) count(took time.Duration, err error) {
	l.sent.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slowest = max(l.slowest, took)
	if err != nil {
		l.failed.Add(1)
		l.reasons[err.Error()]++
	}
}
