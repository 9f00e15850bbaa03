package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// TestWaitingMemory bounds what clients cost that keep others waiting, or are kept waiting: an attacker has many of them, and so has
// a chat. Figures include the client's and the target's half of it in this process, 1 to 7 KB.
func TestWaitingMemory(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector has memory of its own")
	}
	target := rawTarget(t, func(_ int, c net.Conn, r *bufio.Reader) {
		c.SetDeadline(time.Time{})
		head, _ := readHead(r)
		switch {
		case strings.HasPrefix(head, "GET /socket "):
			io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		case strings.HasPrefix(head, "GET /events "):
			io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ndata:\r\n")
		}
		c.Read(make([]byte, 1))
	})
	for _, c := range []struct {
		name, send string
		answered   bool
		limit      uint64
	}{
		{"half a head", "GET / HTTP/1.1\r\nHost: x\r\nX: ", false, 9 << 10},
		{"slow upload", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx", false, 64 << 10},
		{"slow chunks", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", false, 64 << 10},
		{"slow answer", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", false, 56 << 10},
		{"events", "GET /events HTTP/1.1\r\nHost: x\r\n\r\n", true, 56 << 10},
		{"web socket", "GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", true, 40 << 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, target)
			b.apply(func(s *edgeapi.Snapshot) { s.LoadBalancers[0].Attributes.IdleTimeout = time.Hour })
			var conns []net.Conn
			defer func() {
				for _, c := range conns {
					c.Close()
				}
			}()
			open := func(n int) {
				for range n {
					conn := b.dial()
					conns = append(conns, conn)
					io.WriteString(conn, c.send)
					if c.answered {
						if _, err := io.ReadFull(conn, make([]byte, 12)); err != nil {
							t.Fatal(err)
						}
					}
				}
				// Until all of them have been read by the proxy and have gone as far as they will.
				for b.engine.clients.Load() < int64(len(conns)) || b.engine.reading() > 0 {
					runtime.Gosched()
				}
			}
			measure := func() uint64 {
				for range 3 {
					runtime.GC()
				}
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				return m.HeapInuse + m.StackInuse
			}
			const n = 300
			open(10)
			before := measure()
			open(n)
			each := (measure() - before) / n
			if t.Logf("%d octets each", each); each > c.limit {
				t.Errorf("%d octets each", each)
			}
		})
	}
}

// reading is how many clients have sent something that has not been looked at.
func (e *Engine) reading() (n int) {
	e.sweeper.each(func(s *socket) {
		if _, data := s.peek(); data {
			n++
		}
	})
	return n
}

// TestCrowd holds a thousand slow heads and idle connections while others are served.
func TestCrowd(t *testing.T) {
	b := newBench(t, name(t, "ok"))
	for i := range 1000 {
		c := b.dial()
		if i%2 == 0 {
			fmt.Fprintf(c, "GET /%d HTTP/1.1\r\nHost: x\r\n", i)
		}
	}
	for range 100 {
		if status, body := get(t, b.url()); status != 200 || body != "ok" {
			t.Fatal(status, body)
		}
	}
}
