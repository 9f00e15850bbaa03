package health

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// world is what probes reach, and what becomes of targets.
type world struct {
	mu      sync.Mutex
	answers map[netip.AddrPort]string // by address; none: connection refused; "silence": accepted and never answered
	probes  []time.Time
	heads   []string
	changes []string
	start   time.Time
	lost    bool // no node to dial from
}

var errNoNode = errors.New("no node")

func (w *world) dial(_ context.Context, _ []string, to netip.AddrPort) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lost {
		return nil, errNoNode
	}
	w.probes = append(w.probes, time.Now())
	answer, ok := w.answers[to]
	if !ok {
		return nil, fmt.Errorf("dial %s: %w", to, unix.ECONNREFUSED)
	}
	near, far := net.Pipe()
	go func() {
		defer far.Close()
		b := make([]byte, 4096)
		n, _ := far.Read(b)
		w.mu.Lock()
		w.heads = append(w.heads, string(b[:n]))
		w.mu.Unlock()
		if answer == "silence" {
			io.Copy(io.Discard, far)
			return
		}
		io.WriteString(far, answer)
	}()
	return near, nil
}

func (w *world) set(to netip.AddrPort, answer string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if answer == "" {
		delete(w.answers, to)
	} else {
		w.answers[to] = answer
	}
}

func (w *world) changed(k Key, s State) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changes = append(w.changes, fmt.Sprintf("%v %s %s %s", time.Since(w.start), k.ID, s.State, s.Reason))
}

func (w *world) take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := strings.Join(w.changes, "\n")
	w.changes = nil
	return s
}

func (w *world) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.probes)
}

var at = netip.MustParseAddrPort("10.0.0.1:80")

func watch(change func(*edgeapi.HealthCheck)) Target {
	t := Target{
		Key: Key{"group", "10.0.0.1", 80},
		Config: edgeapi.HealthCheck{
			Protocol: "HTTP", Port: edgeapi.PortTraffic, Path: "/healthz", Interval: 10 * time.Second, Timeout: 2 * time.Second,
			HealthyThreshold: 3, UnhealthyThreshold: 2, Matcher: "200-299",
		},
		Target: edgeapi.Target{ID: "10.0.0.1", Address: at.Addr(), Port: 80},
	}
	if change != nil {
		change(&t.Config)
	}
	return t
}

// during runs a scheduler in a bubble.
func during(t *testing.T, known map[Key]State, f func(t *testing.T, w *world, s *Scheduler)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{answers: map[netip.AddrPort]string{}, start: time.Now()}
		s := New(Config{
			Dial: w.dial, Unreal: func(err error) bool { return errors.Is(err, errNoNode) }, Changed: w.changed, Known: known,
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		f(t, w, s)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"

func TestProbes(t *testing.T) {
	during(t, nil, func(t *testing.T, w *world, s *Scheduler) {
		w.set(at, ok)
		s.Watch([]Target{watch(nil)}, time.Now())
		sleep(time.Second)
		if got := w.take(); got != "0s 10.0.0.1 healthy " {
			t.Error(got)
		}
		if want := "GET /healthz HTTP/1.1\r\nHost: 10.0.0.1:80\r\nConnection: close\r\nUser-Agent: ELB-HealthChecker/2.0\r\n" +
			"Accept-Encoding: gzip, compressed\r\n\r\n"; w.heads[0] != want {
			t.Errorf("%q", w.heads[0])
		}
		w.set(at, "HTTP/1.1 503 Nope\r\n\r\n")
		sleep(20 * time.Second) // probes at 10 and 20
		if got := w.take(); got != "10s 10.0.0.1 healthy \n20s 10.0.0.1 unhealthy Target.ResponseCodeMismatch" {
			t.Error(got)
		}
		w.set(at, "silence") // at 30, over at 32
		sleep(12 * time.Second)
		if got := w.take(); got != "32s 10.0.0.1 unhealthy Target.Timeout" {
			t.Error(got)
		}
		w.set(at, ok)
		sleep(30 * time.Second) // 40, 50, 60
		if got := w.take(); got != "40s 10.0.0.1 unhealthy Target.Timeout\n1m0s 10.0.0.1 healthy " {
			t.Error(got)
		}
		if n := w.count(); n != 7 {
			t.Errorf("%d probes", n)
		}
	})
}

// TestEarlyProbes has a target that comes up 1.6 s after it was registered: it is noticed long before the interval is over,
// and the failures until then count once.
func TestEarlyProbes(t *testing.T) {
	during(t, nil, func(t *testing.T, w *world, s *Scheduler) {
		s.Watch([]Target{watch(nil)}, time.Now())
		sleep(1600 * time.Millisecond)
		w.set(at, ok)
		sleep(time.Second)
		if got := w.take(); got != "0s 10.0.0.1 initial Elb.InitialHealthChecking\n1.75s 10.0.0.1 healthy " {
			t.Error(got)
		}
	})
	during(t, nil, func(t *testing.T, w *world, s *Scheduler) {
		s.Watch([]Target{watch(nil)}, time.Now())
		sleep(11 * time.Second)
		if got := w.take(); got != "0s 10.0.0.1 initial Elb.InitialHealthChecking\n10s 10.0.0.1 unhealthy Target.FailedHealthChecks" {
			t.Error(got)
		}
		n := w.count()
		sleep(20 * time.Second)
		if more := w.count() - n; more != 2 {
			t.Errorf("%d probes of an unhealthy target in two intervals", more)
		}
	})
}

func TestWatchAgain(t *testing.T) {
	during(t, nil, func(t *testing.T, w *world, s *Scheduler) {
		w.set(at, ok)
		s.Watch([]Target{watch(nil)}, time.Now())
		sleep(3 * time.Second)
		s.Watch([]Target{watch(nil)}, time.Now()) // nothing new: the next probe stays at 10 s
		sleep(3 * time.Second)
		if n := w.count(); n != 1 {
			t.Errorf("%d probes", n)
		}
		// Another path is tried at once; the target stays healthy until it has failed often enough.
		s.Watch([]Target{watch(func(c *edgeapi.HealthCheck) { c.Path, c.Matcher = "/other", "404" })}, time.Now())
		sleep(time.Second)
		if state, _ := s.Of(Key{"group", "10.0.0.1", 80}); state.State != edgeapi.TargetHealthy || w.count() != 2 {
			t.Errorf("%+v, %d probes", state, w.count())
		}
		sleep(10 * time.Second)
		if state, _ := s.Of(Key{"group", "10.0.0.1", 80}); state.State != edgeapi.TargetUnhealthy {
			t.Errorf("%+v", state)
		}
		s.Watch(nil, time.Now())
		n := w.count()
		sleep(time.Minute)
		if _, known := s.Of(Key{"group", "10.0.0.1", 80}); known || w.count() != n {
			t.Error("still probed")
		}
	})
}

func TestOtherPort(t *testing.T) {
	during(t, nil, func(t *testing.T, w *world, s *Scheduler) {
		w.set(netip.MustParseAddrPort("10.0.0.1:9000"), ok)
		s.Watch([]Target{watch(func(c *edgeapi.HealthCheck) { c.Port = "9000" })}, time.Now())
		sleep(time.Second)
		if got := w.take(); got != "0s 10.0.0.1 healthy " {
			t.Error(got)
		}
	})
}

// TestNoNode shows that a load balancer that is not there yet says nothing about its targets.
func TestNoNode(t *testing.T) {
	during(t, nil, func(t *testing.T, w *world, s *Scheduler) {
		w.lost = true
		s.Watch([]Target{watch(nil)}, time.Now())
		sleep(time.Minute)
		if got := w.take(); got != "" {
			t.Error(got)
		}
		w.mu.Lock()
		w.lost = false
		w.mu.Unlock()
		w.set(at, ok)
		sleep(2 * time.Second)
		if got := w.take(); !strings.Contains(got, "healthy") {
			t.Error(got)
		}
	})
}

// TestKnown goes on from what was known before a restart.
func TestKnown(t *testing.T) {
	k := Key{"group", "10.0.0.1", 80}
	known := map[Key]State{k: {State: edgeapi.TargetUnhealthy, Reason: edgeapi.ReasonTimeout}}
	during(t, known, func(t *testing.T, w *world, s *Scheduler) {
		w.set(at, ok)
		s.Watch([]Target{watch(nil)}, time.Now())
		sleep(15 * time.Second)
		if got, _ := s.Of(k); got.State != edgeapi.TargetUnhealthy {
			t.Errorf("%+v", got)
		}
		if all := s.All(); len(all) != 1 {
			t.Errorf("%v", all)
		}
		sleep(10 * time.Second)
		if got, _ := s.Of(k); got.State != edgeapi.TargetHealthy {
			t.Errorf("%+v", got)
		}
	})
}

// TestStaggered has many targets registered at once.
func TestStaggered(t *testing.T) {
	during(t, nil, func(t *testing.T, w *world, s *Scheduler) {
		var all []Target
		for i := range 200 {
			target := watch(nil)
			target.Target.Address = netip.AddrFrom4([4]byte{10, 0, 1, byte(i)})
			target.Key.ID = target.Target.Address.String()
			w.set(netip.AddrPortFrom(target.Target.Address, 80), ok)
			all = append(all, target)
		}
		s.Watch(all, time.Now())
		sleep(100 * time.Millisecond)
		if n := w.count(); n > 60 {
			t.Errorf("%d probes in the first tenth of a second", n)
		}
		sleep(time.Second)
		if n := w.count(); n != 200 {
			t.Errorf("%d probes in the first second", n)
		}
	})
}

// TestTCP has a target of a network load balancer that accepts connections, and one that answers what it should not.
func TestTCP(t *testing.T) {
	during(t, nil, func(t *testing.T, w *world, s *Scheduler) {
		plain, page := watch(nil), watch(nil)
		plain.Config.Protocol, plain.Config.Path, plain.Config.Matcher, plain.Network = edgeapi.ProtocolTCP, "", "", true
		page.Key.ID, page.Target.Address, page.Network = "10.0.0.2", netip.MustParseAddr("10.0.0.2"), true
		w.set(at, "silence")
		w.set(netip.MustParseAddrPort("10.0.0.2:80"), "HTTP/1.1 500 Nope\r\n\r\n")
		s.Watch([]Target{plain, page}, time.Now())
		sleep(15 * time.Second)
		if got, _ := s.Of(plain.Key); got.State != edgeapi.TargetHealthy || got.Code != 0 {
			t.Errorf("%+v", got)
		}
		got, _ := s.Of(page.Key)
		if got.State != edgeapi.TargetUnhealthy || got.Reason != edgeapi.ReasonFailedHealthChecks || got.Description != "Health checks failed" || got.Code != 0 {
			t.Errorf("%+v", got)
		}
		w.set(at, "")
		sleep(20 * time.Second)
		if got, _ := s.Of(plain.Key); got.State != edgeapi.TargetUnhealthy || got.Reason != edgeapi.ReasonFailedHealthChecks {
			t.Errorf("%+v", got)
		}
	})
}
