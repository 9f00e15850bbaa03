package proxy

import (
	"io"
	"net/http"
	"testing"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// TestTargetLeavesWithARequest has a target go that is at a request still: what it does afterwards is counted too, and when it is done nothing
// of it is left.
func TestTargetLeavesWithARequest(t *testing.T) {
	arrived, finish := make(chan struct{}), make(chan struct{})
	old := httpTarget(t, func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-finish
		io.WriteString(w, "old")
	})
	b := newBench(t, old)
	group := func() edgeapi.TargetGroupCounters { return b.engine.Counters().TargetGroups[0] }
	answer := make(chan string, 1)
	go func() {
		_, body := get(t, b.url())
		answer <- body
	}()
	<-arrived
	b.setTargets()
	if g := group(); g.Connections != 1 || g.Requests != 1 || g.Classes != [5]uint64{} {
		t.Errorf("under way: %+v", g)
	}
	close(finish)
	if body := <-answer; body != "old" {
		t.Errorf("%q", body)
	}
	eventually(t, "the connection is closed", func() bool { return group().Connections == 0 })
	for range 2 {
		if g := group(); g.Requests != 1 || g.Classes != [5]uint64{1: 1} || g.Latency.Count() != 1 || g.BytesIn == 0 {
			t.Errorf("%+v", g)
		}
	}
	if n := len(b.engine.ledger.group(groupARN).counters.leaving); n != 0 {
		t.Errorf("%d targets are kept for their counters", n)
	}
}

// TestTargetGoneBeforeItIsReached has a target go when a request has been given to it and not got to it yet.
func TestTargetGoneBeforeItIsReached(t *testing.T) {
	b := newBench(t, name(t, "old"))
	n := b.engine.nodes["eni-1"]
	x := b.engine.table.Load().groups[groupARN].targets[0]
	if !x.tickets.Take() {
		t.Fatal("no ticket")
	}
	b.setTargets()
	if n.endpoint(x) == nil {
		t.Error("the request cannot go on")
	}
	x.tickets.Return()
	n.endpoints.Range(func(key, _ any) bool {
		t.Errorf("%s is kept", key.(*target).key.ID)
		return true
	})
}

// TestListenerLeavesWithAClient has a listener go that has a client still: the client is counted until it has gone as well.
func TestListenerLeavesWithAClient(t *testing.T) {
	arrived, finish := make(chan struct{}), make(chan struct{})
	b := newBench(t, httpTarget(t, func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-finish
		io.WriteString(w, "ok")
	}))
	balancer := func() edgeapi.LoadBalancerCounters { return b.engine.Counters().LoadBalancers[0] }
	answer := make(chan string, 1)
	go func() {
		_, body := get(t, b.url())
		answer <- body
	}()
	<-arrived
	b.apply(func(s *edgeapi.Snapshot) {
		s.LoadBalancers = []edgeapi.LoadBalancer{s.LoadBalancers[0]}
		s.LoadBalancers[0].Listeners = nil
	})
	if lb := balancer(); lb.ActiveConnections != 1 || lb.Requests != 1 {
		t.Errorf("under way: %+v", lb.FrontCounters)
	}
	before := balancer().BytesOut
	close(finish)
	if body := <-answer; body != "ok" {
		t.Errorf("%q", body)
	}
	eventually(t, "the client has gone", func() bool { return balancer().ActiveConnections == 0 })
	for range 2 {
		if lb := balancer(); lb.Requests != 1 || lb.NewConnections != 1 || lb.BytesOut <= before {
			t.Errorf("%+v", lb.FrontCounters)
		}
	}
}
