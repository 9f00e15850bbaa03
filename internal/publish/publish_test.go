package publish_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/balance/balancetest"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/publish"
	"github.com/neargate/neargate/internal/state"
)

// edge is a data plane that checks snapshots as the real one does and says what the test tells it to.
type edge struct {
	mu       sync.Mutex
	down     bool
	refuse   error
	lenient  bool // does not check snapshots
	status   edgeapi.Status
	put      []*edgeapi.Snapshot
	changed  chan struct{}
	problems []error
}

func newEdge() *edge { return &edge{status: edgeapi.Status{Seq: 1}, changed: make(chan struct{})} }

var errDown = errors.New("connection refused")

func (e *edge) Put(_ context.Context, s *edgeapi.Snapshot) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.down:
		return errDown
	case e.refuse != nil:
		return fmt.Errorf("%w: %w", edgeapi.ErrRejected, e.refuse)
	case s.Generation <= e.status.Generation:
		return fmt.Errorf("%w: generation %d is not newer than %d", edgeapi.ErrRejected, s.Generation, e.status.Generation)
	}
	if err := s.Validate(); err != nil && !e.lenient {
		e.problems = append(e.problems, err)
	}
	e.status.Generation = s.Generation
	e.put = append(e.put, s)
	return nil
}

func (e *edge) Status(ctx context.Context, after uint64, wait time.Duration) (*edgeapi.Status, error) {
	until := time.NewTimer(wait)
	defer until.Stop()
	for {
		e.mu.Lock()
		s, changed, down := e.status, e.changed, e.down
		e.mu.Unlock()
		if down {
			return nil, errDown
		}
		if s.Seq != after || wait == 0 {
			return &s, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-changed:
		case <-until.C:
			wait = 0
		}
	}
}

// set changes edge and wakes whoever follows it.
func (e *edge) set(change func(e *edge)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(e)
	e.status.Seq++
	close(e.changed)
	e.changed = make(chan struct{})
}

func (e *edge) last() *edgeapi.Snapshot {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.put) == 0 {
		return &edgeapi.Snapshot{}
	}
	return e.put[len(e.put)-1]
}

func (e *edge) puts() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.put)
}

// start runs a publisher, and the loop that makes load balancers active, until the test ends.
func start(t *testing.T, g *balancetest.Ground, e *edge) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, run := range []func(context.Context) error{
		(&publish.Publisher{Store: g.Store, Balance: g.Balance, Network: g.Network, Certificates: g.Certificates, Edge: e, Log: log}).Run,
		(&balance.Loop{Balance: g.Balance, Store: g.Store, Log: log}).Run,
	} {
		wg.Go(func() {
			if err := run(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("ended with %v", err)
			}
		})
	}
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		for _, err := range e.problems {
			t.Errorf("edge would refuse the snapshot: %v", err)
		}
	})
}

// settle lets everything come to rest.
func settle() {
	time.Sleep(time.Second)
	synctest.Wait()
}

func service(t *testing.T) (*balancetest.Ground, *balance.LoadBalancer, *balance.TargetGroup) {
	t.Helper()
	g := balancetest.New(t)
	tg := g.TargetGroup(t, "web")
	lb := g.LoadBalancer(t, "web")
	g.Listener(t, lb, 80, tg)
	g.Do(t, func(tx *state.Tx) error {
		return g.Balance.Register(tx, tg.ARN, []balance.TargetSpec{{ID: "10.0.1.50"}})
	})
	return g, lb, tg
}

func TestSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, lb, tg := service(t)
		e := newEdge()
		start(t, g, e)
		settle()
		if s := e.last(); len(s.Nodes) != 0 || len(s.Doors) != 0 {
			t.Errorf("snapshot has nodes before their interfaces are real: %+v", s)
		}
		g.Realise(t)
		settle()
		lb, _ = g.Balance.LoadBalancers.Get(g.Store.View(), lb.ARN)
		l := g.Balance.ListenersOf(g.Store.View(), lb.ARN)[0]
		var public []netip.Addr
		want := &edgeapi.Snapshot{Generation: e.last().Generation, CookieKey: g.CookieKey(t)}
		for _, n := range lb.Nodes {
			i, _ := g.Network.Interface(g.Store.View(), n.InterfaceID)
			public = append(public, i.PublicIP)
			want.Nodes = append(want.Nodes, edgeapi.Node{
				ID: i.ID, LoadBalancer: lb.ARN, Namespace: "/run/netns/test-" + i.ID, Address: i.PrivateIP, AvailabilityZone: i.Zone,
			})
		}
		want.LoadBalancers = []edgeapi.LoadBalancer{{
			ARN: lb.ARN, Name: "web", DNSName: lb.DNSName, Type: "application", Scheme: "internet-facing", Attributes: edgeapi.DefaultAttributes(),
			Listeners: []edgeapi.Listener{{ARN: l.ARN, Port: 80, Protocol: "HTTP", Rules: []edgeapi.Rule{{
				ARN:    g.Balance.DefaultRule(g.Store.View(), l.ARN).ARN,
				Action: edgeapi.Action{Forward: &edgeapi.Forward{Groups: []edgeapi.WeightedGroup{{TargetGroup: tg.ARN, Weight: 1}}}},
			}}}},
		}}
		want.TargetGroups = []edgeapi.TargetGroup{{
			ARN: tg.ARN, Name: "web", Type: "ip", Protocol: "HTTP", ProtocolVersion: "HTTP1", Algorithm: "round_robin",
			HealthCheck: edgeapi.HealthCheck{
				Protocol: "HTTP", Port: "traffic-port", Path: "/", Matcher: "200", Interval: 30 * time.Second, Timeout: 5 * time.Second,
				HealthyThreshold: 5, UnhealthyThreshold: 2,
			},
			Routing: edgeapi.Failover{Count: 1},
			Targets: []edgeapi.Target{{ID: "10.0.1.50", Address: netip.MustParseAddr("10.0.1.50"), Port: 8080, AvailabilityZone: "us-east-1b"}},
		}}
		want.Zones = []edgeapi.Zone{{
			VPC: g.VPC.ID, Namespace: "/run/netns/test-" + g.VPC.ID,
			Listen: []netip.Addr{netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("169.254.169.253")}, Own: []string{"elb.localhost"},
			Records: []edgeapi.Record{{Name: lb.DNSName, Addresses: public}},
		}}
		want.Doors = []edgeapi.Door{{
			LoadBalancer: lb.ARN, Port: 80, Protocol: "HTTP", Hosts: []string{lb.DNSName}, Loopback: lb.Loopback, Public: public,
		}}
		if diff := cmp.Diff(want, e.last(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Errorf("snapshot (-want +got):\n%s", diff)
		}
	})
}

// Changes cost a snapshot, and nothing else does.
func TestSnapshotsFollowChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _, tg := service(t)
		e := newEdge()
		start(t, g, e)
		g.Realise(t)
		settle()
		before := e.puts()
		time.Sleep(time.Hour)
		g.Do(t, func(tx *state.Tx) error { // a task's interface, and health, are none of edge's business
			_, err := g.Network.CreateInterface(tx, network.InterfaceSpec{Account: "123456789012", Region: "us-east-1", SubnetID: g.Subnets[0].ID})
			g.Balance.Observe(tx, e.last().Generation, []balance.Observation{{TargetGroupARN: tg.ARN, ID: "10.0.1.50", Port: 8080, Verdict: balance.Verdict{State: balance.Healthy}}})
			return err
		})
		settle()
		if n := e.puts() - before; n != 0 {
			t.Errorf("%d snapshots without a reason", n)
		}
		for i := range 100 {
			g.Do(t, func(tx *state.Tx) error {
				return g.Balance.Register(tx, tg.ARN, []balance.TargetSpec{{ID: "10.0.2.9", Port: 1000 + i}})
			})
		}
		settle()
		if n := e.puts() - before; n < 1 || n > 3 {
			t.Errorf("%d snapshots for a burst of changes", n)
		}
		if n := len(e.last().TargetGroups[0].Targets); n != 101 {
			t.Errorf("the last one has %d targets", n)
		}
	})
}

func TestHealthAndDraining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _, tg := service(t)
		e := newEdge()
		start(t, g, e)
		g.Realise(t)
		settle()
		say := func(s edgeapi.TargetStatus) {
			s.Group, s.Target, s.Port = tg.ARN, "10.0.1.50", 8080
			e.set(func(e *edge) { e.status.Targets = []edgeapi.TargetStatus{s} })
			settle()
		}
		verdict := func() string { return g.Balance.Verdict(g.Store.View(), tg.ARN, "10.0.1.50", 8080).State }

		say(edgeapi.TargetStatus{State: edgeapi.TargetHealthy})
		if verdict() != balance.Healthy {
			t.Errorf("target is %s", verdict())
		}
		var ticket uint64
		g.Do(t, func(tx *state.Tx) error {
			ticket = g.Balance.Ticket(tx)
			return g.Balance.Deregister(tx, tg.ARN, []balance.TargetSpec{{ID: "10.0.1.50"}})
		})
		if g.Balance.Served(g.Store.View(), ticket) {
			t.Error("served before edge has it")
		}
		settle()
		if !g.Balance.Served(g.Store.View(), ticket) {
			t.Error("not served though edge has it")
		}
		if got := e.last().TargetGroups[0].Targets[0]; !got.Draining || time.Until(got.DrainUntil) < 298*time.Second {
			t.Errorf("target in the snapshot: %+v", got)
		}
		say(edgeapi.TargetStatus{State: edgeapi.TargetDraining, InFlight: 1})
		if verdict() != balance.Draining {
			t.Errorf("target is %s", verdict())
		}
		say(edgeapi.TargetStatus{State: edgeapi.TargetDraining, Drained: true})
		if verdict() != balance.Unused || len(e.last().TargetGroups[0].Targets) != 0 {
			t.Errorf("target is %s and in the snapshot: %v", verdict(), e.last().TargetGroups[0].Targets)
		}
	})
}

// A publisher that starts goes on above whatever edge serves, and one whose edge lost its snapshot gives it a new one.
func TestGenerations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _, _ := service(t)
		e := newEdge()
		e.status.Generation = 1000 // of another data directory
		start(t, g, e)
		settle()
		first := e.last().Generation // 1001, or more if edge's older status was heard of after that
		if first <= 1000 {
			t.Errorf("first generation is %d", first)
		}
		e.set(func(e *edge) { e.status.Generation = 0 })
		settle()
		if got := e.last().Generation; got <= first || e.status.Generation != got {
			t.Errorf("edge that lost its snapshot serves %d, last put %d", e.status.Generation, got)
		}
		before := e.puts()
		e.set(func(e *edge) { e.status.Generation = 5000 }) // somebody else has put one
		g.TargetGroup(t, "another")
		settle()
		if got := e.last().Generation; got <= 5000 || e.puts() == before {
			t.Errorf("after another's snapshot the generation is %d", got)
		}
	})
}

func TestEdgeThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _, tg := service(t)
		e := newEdge()
		e.down = true
		start(t, g, e)
		settle()
		e.set(func(e *edge) { e.down = false })
		time.Sleep(2 * time.Second)
		settle()
		if e.puts() == 0 {
			t.Fatal("no snapshot once edge was there")
		}
		e.set(func(e *edge) { e.down = true })
		g.Do(t, func(tx *state.Tx) error {
			return g.Balance.Register(tx, tg.ARN, []balance.TargetSpec{{ID: "10.0.2.60"}})
		})
		time.Sleep(time.Minute)
		e.set(func(e *edge) { e.down = false })
		time.Sleep(3 * time.Second)
		settle()
		if n := len(e.last().TargetGroups[0].Targets); n != 2 {
			t.Errorf("%d targets in the snapshot after edge returned", n)
		}
	})
}

// A snapshot that edge refuses is not put again and again, but the next change is tried.
func TestRefusedSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _, _ := service(t)
		e := newEdge()
		e.refuse = errors.New("listener on the moon")
		start(t, g, e)
		time.Sleep(time.Hour)
		e.set(func(e *edge) { e.refuse = nil })
		g.TargetGroup(t, "another")
		settle()
		if e.puts() != 1 {
			t.Errorf("%d snapshots taken", e.puts())
		}
	})
}
