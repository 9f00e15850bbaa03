package l4

import (
	"errors"
	"io"
	"net"
	"os"
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

// TestDrain gives a draining target no new flow, lets those it has live on, past the deregistration delay too, and reports it drained.
func TestDrain(t *testing.T) {
	old, next := named(t, "old"), named(t, "new")
	b := newBench(t, edgeapi.ProtocolTCP, old)
	c := b.dial()
	if got := word(t, c); got != "old" {
		t.Fatal(got)
	}
	b.setTargets(draining(old, time.Now().Add(time.Hour)), next)
	for range 50 {
		if got := b.ask(); got != "new" {
			t.Fatal(got)
		}
	}
	if n, drained := b.engine.Flows(b.key(old)); n != 1 || drained {
		t.Errorf("%d flows, drained %v", n, drained)
	}
	b.setTargets(draining(old, time.Now().Add(50*time.Millisecond)), next)
	eventually(t, "the delay is over", func() bool { _, drained := b.engine.Flows(b.key(old)); return drained })
	if got := exchange(t, c, "still here"); got != "still here" {
		t.Errorf("%q", got)
	}
	b.setTargets(next)
	if got := exchange(t, c, "even now"); got != "even now" {
		t.Errorf("%q", got)
	}
	c.Close()
	eventually(t, "the flow has ended", func() bool { return b.engine.flows.Load() <= 50 })

	// A target that comes back gets flows again.
	b.setTargets(old)
	if got := b.ask(); got != "old" {
		t.Error(got)
	}
	// One without flows is drained at once.
	idle := named(t, "idle")
	b.setTargets(old, idle)
	b.setTargets(old, draining(idle, time.Now().Add(time.Hour)))
	if n, drained := b.engine.Flows(b.key(idle)); n != 0 || !drained {
		t.Errorf("%d flows, drained %v", n, drained)
	}
}

// TestTerminateDeregistered resets the flows of a target when its deregistration delay is over.
func TestTerminateDeregistered(t *testing.T) {
	old := named(t, "old")
	b := newBench(t, edgeapi.ProtocolTCP, old)
	c := b.dial()
	word(t, c)
	b.group(func(g *edgeapi.TargetGroup) {
		g.TerminateDeregistered = true
		g.Targets = []edgeapi.Target{draining(old, time.Now().Add(200*time.Millisecond))}
	})
	if _, err := c.Read(make([]byte, 1)); !isReset(err) {
		t.Error(err)
	}
	eventually(t, "drained", func() bool { n, drained := b.engine.Flows(b.key(old)); return n == 0 && drained })
	if f := b.flows("TCP"); f.Resets != 1 {
		t.Errorf("%+v", f)
	}
}

// TestTerminateDeregisteredLate has the group say so when the target is draining already.
func TestTerminateDeregisteredLate(t *testing.T) {
	old := named(t, "old")
	b := newBench(t, edgeapi.ProtocolTCP, old)
	c := b.dial()
	word(t, c)
	old = draining(old, time.Now().Add(300*time.Millisecond))
	b.setTargets(old)
	b.group(func(g *edgeapi.TargetGroup) { g.TerminateDeregistered = true })
	if _, err := c.Read(make([]byte, 1)); !isReset(err) {
		t.Error(err)
	}
}

// quiet fails the test if the connection ends within a moment.
func quiet(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("ended: %v", err)
	}
	c.SetReadDeadline(time.Now().Add(patience))
}

// TestUnhealthy ends, spares or keeps the flows of a target that became unhealthy, as its group says.
func TestUnhealthy(t *testing.T) {
	sick, well := named(t, "sick"), named(t, "well")
	begin := func(t *testing.T, change func(*edgeapi.TargetGroup)) (*bench, *net.TCPConn) {
		b := newBench(t, edgeapi.ProtocolTCP, sick)
		c := b.dial()
		word(t, c)
		b.group(func(g *edgeapi.TargetGroup) {
			g.Targets = []edgeapi.Target{sick, well}
			change(g)
		})
		b.engine.SetHealth(b.key(sick), false)
		for range 20 {
			if got := b.ask(); got != "well" {
				t.Fatal(got)
			}
		}
		return b, c
	}
	t.Run("terminated", func(t *testing.T) {
		_, c := begin(t, func(g *edgeapi.TargetGroup) { g.TerminateUnhealthy = true })
		if _, err := c.Read(make([]byte, 1)); !isReset(err) {
			t.Error(err)
		}
	})
	t.Run("kept", func(t *testing.T) {
		b, c := begin(t, func(*edgeapi.TargetGroup) {})
		quiet(t, c)
		if b.engine.Sparing(b.key(sick)) {
			t.Error("reported as draining")
		}
	})
	t.Run("spared", func(t *testing.T) {
		b, c := begin(t, func(g *edgeapi.TargetGroup) { g.UnhealthyDrain = time.Hour })
		quiet(t, c)
		if !b.engine.Sparing(b.key(sick)) {
			t.Error("not reported as draining")
		}
		b.engine.SetHealth(b.key(sick), true)
		b.group(func(g *edgeapi.TargetGroup) { g.UnhealthyDrain = 50 * time.Millisecond })
		b.engine.SetHealth(b.key(sick), false)
		if _, err := c.Read(make([]byte, 1)); !isReset(err) {
			t.Error(err)
		}
		if b.engine.Sparing(b.key(sick)) {
			t.Error("still reported as draining")
		}
	})
	t.Run("recovered", func(t *testing.T) {
		b, c := begin(t, func(g *edgeapi.TargetGroup) { g.UnhealthyDrain = time.Hour })
		b.engine.SetHealth(b.key(sick), true)
		quiet(t, c)
		if b.engine.Sparing(b.key(sick)) {
			t.Error("reported as draining")
		}
	})
	t.Run("failing open", func(t *testing.T) {
		b, c := begin(t, func(g *edgeapi.TargetGroup) {})
		b.group(func(g *edgeapi.TargetGroup) { g.TerminateUnhealthy = true })
		b.engine.SetHealth(b.key(well), false)
		quiet(t, c)
		seen := map[string]bool{}
		eventually(t, "both get flows", func() bool { seen[b.ask()] = true; return len(seen) == 2 })
		if b.flows("TCP").Unhealthy == 0 {
			t.Error("not counted")
		}
	})
}

// TestListenerGone ends the flows of a listener that was deleted, and of a load balancer's node that is no more.
func TestListenerGone(t *testing.T) {
	for name, change := range map[string]func(*edgeapi.Snapshot){
		"listener": func(s *edgeapi.Snapshot) {
			s.LoadBalancers = []edgeapi.LoadBalancer{s.LoadBalancers[0]}
			s.LoadBalancers[0].Listeners = nil
		},
		"node": func(s *edgeapi.Snapshot) { s.Nodes = nil },
	} {
		b := newBench(t, edgeapi.ProtocolTCP, named(t, "hello"))
		c := b.dial()
		word(t, c)
		b.apply(change)
		if _, err := c.Read(make([]byte, 1)); !isReset(err) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := net.Dial("tcp", b.address()); err == nil {
			t.Errorf("%s: still listens", name)
		}
	}
}

// TestChangingTargets has targets come and go under load, each stopped as soon as it is reported drained: no connection fails.
func TestChangingTargets(t *testing.T) {
	b := newBench(t, edgeapi.ProtocolTCP)
	type server struct {
		edgeapi.Target
		listener *net.TCPListener
	}
	begin := func() server {
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IP{127, 0, 0, 1}})
		if err != nil {
			t.Fatal(err)
		}
		go acceptAll(l, echo)
		return server{targetAt(l.Addr().(*net.TCPAddr).AddrPort()), l}
	}
	live := []server{begin(), begin()}
	b.setTargets(live[0].Target, live[1].Target)
	var stop atomic.Bool
	var done atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for !stop.Load() {
				c, err := net.Dial("tcp", b.address())
				if err != nil {
					t.Error(err)
					return
				}
				c.SetDeadline(time.Now().Add(patience))
				p := make([]byte, 5)
				_, err = io.WriteString(c, "hello")
				if err == nil {
					_, err = io.ReadFull(c, p)
				}
				c.Close()
				if err != nil {
					t.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	for range 60 {
		so := done.Load()
		eventually(t, "connections", func() bool { return done.Load() >= so+5 || t.Failed() })
		fresh := begin()
		old := live[0]
		live = []server{live[1], fresh}
		b.setTargets(draining(old.Target, time.Now().Add(time.Hour)), live[0].Target, live[1].Target)
		eventually(t, "drained", func() bool { _, drained := b.engine.Flows(b.key(old.Target)); return drained })
		old.listener.Close()
		b.setTargets(live[0].Target, live[1].Target)
	}
	stop.Store(true)
	wg.Wait()
	for _, s := range live {
		s.listener.Close()
	}
}
