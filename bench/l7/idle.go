package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/neargate/neargate/bench/pinned"
)

// idle is what connections cost that are kept alive while nothing is asked for.
type idle struct {
	Connections int     `json:"connections"`
	BytesEach   float64 `json:"bytesEach"` // of the edge's resident memory
}

const idleWork = "idle keep-alive connections"

// idleConnections is how many are opened.
const idleConnections = 10_000

// measureIdle opens connections, asks for something once on each, and looks how much the edge has grown.
func measureIdle(o options, dir string, port int) (idle, error) {
	p, err := startEdge(filepath.Join(dir, "idle"), o, plain, port)
	if err != nil {
		return idle{}, err
	}
	defer p.Stop()
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	crowd := func(n int) error {
		for range n {
			c, err := net.Dial("tcp", p.Address)
			if err != nil {
				return err
			}
			open = append(open, c)
			if err := askOnce(c); err != nil {
				return err
			}
		}
		return nil
	}
	if err := crowd(100); err != nil { // what the first request makes is not the connections'
		return idle{}, err
	}
	before, _, err := pinned.Memory(p.PID())
	if err != nil {
		return idle{}, err
	}
	if err := crowd(idleConnections); err != nil {
		return idle{}, fmt.Errorf("with %d connections open: %w", len(open), err)
	}
	time.Sleep(time.Second) // for what the last requests have borrowed
	after, _, err := pinned.Memory(p.PID())
	if err != nil {
		return idle{}, err
	}
	return idle{Connections: idleConnections, BytesEach: (after - before) / idleConnections}, nil
}

func askOnce(c net.Conn) error {
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, "GET /1k HTTP/1.1\r\nHost: bench\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
