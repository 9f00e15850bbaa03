package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
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
	loadClients  = 8
	loadEvery    = 20 * time.Millisecond
	loadPatience = 10 * time.Second
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
	var c *connection
	tick := time.NewTicker(loadEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			c.close()
			return
		case <-tick.C:
		}
		began := time.Now()
		var err error
		if c == nil {
			c, err = l.dial()
		}
		if err == nil {
			err = c.get(l.host)
		}
		l.count(time.Since(began), err)
		if err != nil || c.over {
			c.close()
			c = nil
		}
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

// connection is one HTTP/1.1 connection.
type connection struct {
	net.Conn
	answers *bufio.Reader
	over    bool // the server has said that it closes
}

func (l *load) dial() (*connection, error) {
	c, err := net.DialTimeout("tcp", l.address, loadPatience)
	if err != nil {
		return nil, err
	}
	return &connection{Conn: c, answers: bufio.NewReader(c)}, nil
}

func (c *connection) get(host string) error {
	if err := c.SetDeadline(time.Now().Add(loadPatience)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n"); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	a, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	defer a.Body.Close()
	if _, err := io.Copy(io.Discard, a.Body); err != nil {
		return fmt.Errorf("read body: %w", err)
	}
	c.over = a.Close
	if a.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", a.StatusCode)
	}
	return nil
}

func (c *connection) close() {
	if c != nil {
		c.Conn.Close()
	}
}
