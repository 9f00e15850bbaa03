package proxy

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

func draining(t edgeapi.Target, until time.Time) edgeapi.Target {
	t.Draining, t.DrainUntil = true, until
	return t
}

func keyFor(t edgeapi.Target) TargetKey { return TargetKey{groupARN, t.ID, t.Port} }

// eventually polls, for what has no event to wait for.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !f(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 10 s", what)
		}
	}
}

// TestDraining has a request in flight when its target starts draining: the request ends well, nothing new arrives, and
// the target is drained exactly when the request has ended.
func TestDraining(t *testing.T) {
	arrived, finish := make(chan struct{}), make(chan struct{})
	var requests atomic.Int32
	old := httpTarget(t, func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) == 1 {
			close(arrived)
			<-finish
		}
		io.WriteString(w, "old")
	})
	b := newBench(t, old)
	answer := make(chan string, 1)
	go func() {
		_, body := get(t, b.url())
		answer <- body
	}()
	<-arrived
	b.setTargets(draining(old, time.Now().Add(time.Hour)), name(t, "new"))
	if n, drained := b.engine.InFlight(keyFor(old)); n != 1 || drained {
		t.Errorf("in flight %d, drained %v", n, drained)
	}
	for range 20 {
		if _, body := get(t, b.url()); body != "new" {
			t.Fatalf("%q", body)
		}
	}
	close(finish)
	if body := <-answer; body != "old" {
		t.Errorf("%q", body)
	}
	eventually(t, "drained", func() bool { _, drained := b.engine.InFlight(keyFor(old)); return drained })
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
	eventually(t, "connections closed", func() bool {
		return b.engine.Counters().TargetGroups[0].Targets[0].Connections == 0
	})
}

// TestDrainedMeansIdle drains targets under load, again and again, and stops each the moment it is reported drained. Not one
// request may be lost.
func TestDrainedMeansIdle(t *testing.T) {
	b := newBench(t)
	stopped := func() (edgeapi.Target, func()) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") })}
		go s.Serve(l)
		return targetAt(l.Addr()), func() { s.Close() }
	}
	current, stop := stopped()
	b.setTargets(current)
	ctx, cancel := context.WithCancel(context.Background())
	var failed, sent atomic.Int64
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() { load(ctx, b.address(), &sent, &failed) })
	}
	for range 30 {
		before := sent.Load()
		eventually(t, "load", func() bool { return sent.Load() >= before+20 })
		next, stopNext := stopped()
		b.setTargets(draining(current, time.Now().Add(time.Hour)), next)
		eventually(t, "drained", func() bool { _, drained := b.engine.InFlight(keyFor(current)); return drained })
		stop()
		b.setTargets(next)
		current, stop = next, stopNext
	}
	cancel()
	clients.Wait()
	stop()
	if failed.Load() > 0 || sent.Load() < 100 {
		t.Errorf("%d of %d requests failed", failed.Load(), sent.Load())
	}
}

// load sends requests one after another on one connection until ctx is done, and counts.
func load(ctx context.Context, address string, sent, failed *atomic.Int64) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		failed.Add(1)
		return
	}
	defer c.Close()
	r := bufio.NewReader(c)
	for ctx.Err() == nil {
		c.SetDeadline(time.Now().Add(20 * time.Second))
		sent.Add(1)
		if _, err := io.WriteString(c, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			failed.Add(1)
			return
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			failed.Add(1)
			return
		}
		body, err := io.ReadAll(resp.Body)
		if resp.StatusCode != 200 || string(body) != "ok" || err != nil {
			failed.Add(1)
		}
		if resp.Close {
			return
		}
	}
}

// TestHotSwap changes targets, weights and rules 100 times a second under load.
func TestHotSwap(t *testing.T) {
	targets := []edgeapi.Target{name(t, "ok"), name(t, "ok"), name(t, "ok"), name(t, "ok")}
	b := newBench(t, targets...)
	ctx, cancel := context.WithCancel(context.Background())
	var failed, sent atomic.Int64
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() { load(ctx, b.address(), &sent, &failed) })
	}
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for i := range 200 {
		<-ticker.C
		b.apply(func(s *edgeapi.Snapshot) {
			var one, two []edgeapi.Target
			for j, x := range targets {
				if (i+j)%5 == 0 {
					x = draining(x, time.Now().Add(time.Hour))
				}
				if (i/4+j)%2 == 0 || j == 0 {
					one = append(one, x)
				} else {
					two = append(two, x)
				}
			}
			one = append(one, targets[3-i%2]) // never without one
			seen := map[string]bool{}
			keep := one[:0]
			for _, x := range one {
				if !seen[x.ID] {
					keep = append(keep, x)
				}
				seen[x.ID] = true
			}
			one = keep
			if len(two) == 0 {
				two = targets[:1]
			}
			live := false
			for _, x := range two {
				live = live || !x.Draining
			}
			weight := i % 3
			if !live {
				weight = 0
			}
			s.TargetGroups = []edgeapi.TargetGroup{testGroup(groupARN, one...), testGroup("two", two...)}
			lb := s.LoadBalancers[0]
			l := lb.Listeners[0]
			l.Rules = []edgeapi.Rule{
				{ARN: "r", Priority: 1 + i%2, Conditions: []edgeapi.Condition{{Field: edgeapi.FieldPath, Values: []string{"/b"}}}, Action: forwardTo("two")},
				{ARN: "default", Action: edgeapi.Action{Forward: &edgeapi.Forward{Groups: []edgeapi.WeightedGroup{
					{TargetGroup: groupARN, Weight: 1}, {TargetGroup: "two", Weight: weight},
				}}}},
			}
			lb.Listeners = []edgeapi.Listener{l}
			s.LoadBalancers = []edgeapi.LoadBalancer{lb}
		})
	}
	cancel()
	clients.Wait()
	if failed.Load() > 0 || sent.Load() < 100 {
		t.Errorf("%d of %d requests failed", failed.Load(), sent.Load())
	}
}

// TestDeregistrationDelay cuts what is still busy at the deadline: 502 where no answer has begun, a broken answer where one
// has.
func TestDeregistrationDelay(t *testing.T) {
	arrived := make(chan struct{}, 2)
	old := rawTarget(t, func(_ int, c net.Conn, r *bufio.Reader) {
		head, _ := readHead(r)
		if strings.HasPrefix(head, "GET /begun ") {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
		}
		arrived <- struct{}{}
		io.Copy(io.Discard, r)
	})
	b := newBench(t, old)
	silent, begun := b.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), b.send("GET /begun HTTP/1.1\r\nHost: x\r\n\r\n")
	<-arrived
	<-arrived
	b.setTargets(draining(old, time.Now().Add(50*time.Millisecond)))
	if head, err := readHead(silent); err != nil || !strings.HasPrefix(head, "HTTP/1.1 502 ") {
		t.Errorf("%q %v", head, err)
	}
	if rest, err := io.ReadAll(begun); err != nil || !strings.HasSuffix(string(rest), "half") {
		t.Errorf("%q %v", rest, err)
	}
	eventually(t, "drained", func() bool { _, drained := b.engine.InFlight(keyFor(old)); return drained })
	b.setTargets(draining(old, time.Now().Add(-time.Second)))
	b.setTargets(old) // registered again
	go readHead(b.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	<-arrived
}
