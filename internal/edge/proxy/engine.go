package proxy

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/netns"
	"github.com/neargate/neargate/internal/edge/retry"
)

// Config is what an Engine needs.
type Config struct {
	Opener *netns.Opener
	Log    *slog.Logger
	// Changed is called, from any goroutine and often for nothing, when Targets or Sockets might answer differently.
	Changed func()
	// MaxClients is how many client connections are held at a time; more are closed at once. 0: three quarters of what the
	// limit of open files allows.
	MaxClients int
}

// Engine is the layer 7 data plane of one process.
type Engine struct {
	log        *slog.Logger
	opener     *netns.Opener
	changed    func()
	maxClients int64

	table   atomic.Pointer[table]
	sweeper *sweeper
	clients atomic.Int64
	pipes   pipes
	missing retry.Signal  // a socket could not be opened at once
	closing atomic.Bool   // connections close after the request they are at
	closed  chan struct{} // closed when Run ends

	accepting, serving sync.WaitGroup

	mu       sync.Mutex // guards everything below and table's writers
	started  time.Time
	targets  map[TargetKey]*target
	nodes    map[string]*node
	slots    int
	ledger   ledger
	snapshot *edgeapi.Snapshot
}

// New makes an Engine that serves nothing until Apply and Run.
func New(c Config) *Engine {
	e := &Engine{
		log: c.Log, opener: c.Opener, changed: c.Changed, maxClients: int64(c.MaxClients),
		sweeper: newSweeper(), pipes: make(pipes, sparePipes), missing: retry.NewSignal(), closed: make(chan struct{}), started: time.Now(),
		targets: map[TargetKey]*target{}, nodes: map[string]*node{}, ledger: newLedger(), snapshot: &edgeapi.Snapshot{},
	}
	if e.maxClients == 0 {
		e.maxClients = clientLimit()
	}
	e.table.Store(&table{})
	return e
}

// clientLimit leaves files for the targets' side of those clients that are not idle, and for everything else.
func clientLimit() int64 {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 10_000
	}
	return max(int64(min(l.Cur, 1<<22))-512, 128) / 4 * 3
}

// Run keeps timeouts and sockets until ctx is done, then stops accepting and lets requests under way end for at most drain.
func (e *Engine) Run(ctx context.Context, drain time.Duration) error {
	sweeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		e.sweeper.run(sweeping)
	}()
	defer func() {
		stop()
		<-swept
	}()
	retry.Keep(ctx, e.missing, func() bool {
		e.mu.Lock()
		complete, changed := e.ensure()
		e.mu.Unlock()
		if changed {
			e.changed()
		}
		return complete
	})
	e.shutdown(drain)
	return nil
}

// shutdown closes listening sockets and idle connections and waits for the busy ones, which close after their request.
func (e *Engine) shutdown(drain time.Duration) {
	e.closing.Store(true)
	close(e.closed)
	e.mu.Lock()
	for _, n := range e.nodes {
		for _, s := range n.servers {
			s.close()
		}
	}
	e.mu.Unlock()
	e.accepting.Wait()
	done := make(chan struct{})
	go func() {
		e.serving.Wait()
		close(done)
	}()
	deadline := time.NewTimer(drain)
	defer deadline.Stop()
	for over := false; !over; {
		e.sweeper.closeIdle(func(*socket) bool { return true })
		select {
		case <-done:
			over = true
		case <-deadline.C:
			over = true
		case <-time.After(tick):
		}
	}
	e.sweeper.closeAll()
	<-done
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, n := range e.nodes {
		n.clear()
		n.shut()
	}
	e.pipes.drop()
}

// Apply makes s, which must be valid, what is served from now on. When it returns no new request sees what was served
// before, and no request is given to a target that s drains or does not name. healthy tells whether targets unknown so far
// are to be routed to.
func (e *Engine) Apply(s *edgeapi.Snapshot, healthy func(TargetKey) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := &table{generation: s.Generation, groups: make(map[string]*group, len(s.TargetGroups))}
	named := make(map[TargetKey]*target, len(e.targets))
	for i := range s.TargetGroups {
		t.groups[s.TargetGroups[i].ARN] = e.buildGroup(&s.TargetGroups[i], named, healthy)
	}
	gone := e.buildNodes(s, t)
	old := e.targets
	e.targets, e.snapshot = named, s

	// Flags are lowered before the swap and raised after it: see target.inFlight.
	for i := range s.TargetGroups {
		g := &s.TargetGroups[i]
		for j := range g.Targets {
			if !g.Targets[j].Draining {
				e.revive(named[TargetKey{g.ARN, g.Targets[j].ID, g.Targets[j].Port}])
			}
		}
	}
	e.table.Store(t)
	for i := range s.TargetGroups {
		g := &s.TargetGroups[i]
		for j := range g.Targets {
			if x := &g.Targets[j]; x.Draining {
				e.drain(named[TargetKey{g.ARN, x.ID, x.Port}], x.DrainUntil)
			}
		}
	}
	for key, x := range old {
		if named[key] == nil {
			e.retire(x)
		}
	}
	for _, n := range gone {
		n.gone.Store(true)
		n.shut()
		n.clear()
	}
	e.closeOrphans()
	e.ledger.prune(s)
	if complete, _ := e.ensure(); !complete {
		e.missing.Raise()
	}
}

// buildGroup makes a generation's view of a group, creating the targets that are new.
func (e *Engine) buildGroup(in *edgeapi.TargetGroup, named map[TargetKey]*target, healthy func(TargetKey) bool) *group {
	g := &group{arn: in.ARN, shared: e.ledger.group(in.ARN), targets: make([]*target, 0, len(in.Targets))}
	for i := range in.Targets {
		x := &in.Targets[i]
		key := TargetKey{in.ARN, x.ID, x.Port}
		address := netip.AddrPortFrom(x.Address, uint16(x.Port))
		t := e.targets[key]
		if t == nil || t.address != address {
			t = &target{key: key, address: address, healthy: healthy(key), drained: e.changed}
		}
		named[key] = t
		if !x.Draining {
			g.targets = append(g.targets, t)
		}
	}
	g.refresh()
	return g
}

// buildNodes updates nodes and servers to s and fills in the table's listeners. It returns the nodes that are gone.
func (e *Engine) buildNodes(s *edgeapi.Snapshot, t *table) (gone []*node) {
	balancers := make(map[string]*edgeapi.LoadBalancer, len(s.LoadBalancers))
	for i := range s.LoadBalancers {
		balancers[s.LoadBalancers[i].ARN] = &s.LoadBalancers[i]
	}
	nodes := make(map[string]*node, len(s.Nodes))
	for _, want := range s.Nodes {
		n := e.nodes[want.ID]
		if n == nil || n.Node != want {
			n = &node{Node: want, engine: e, servers: map[int]*server{}}
		}
		nodes[want.ID] = n
		ports := make(map[int]bool)
		for i := range balancers[want.LoadBalancer].Listeners {
			l := &balancers[want.LoadBalancer].Listeners[i]
			ports[l.Port] = true
			srv := n.servers[l.Port]
			if srv == nil {
				srv = &server{node: n, port: l.Port, slot: e.slots}
				e.slots++
				n.servers[l.Port] = srv
			}
			t.set(srv.slot, e.newListener(balancers[want.LoadBalancer], l, n, t.groups))
		}
		for port, srv := range n.servers {
			if !ports[port] {
				srv.gone.Store(true)
				srv.close()
				delete(n.servers, port)
			}
		}
	}
	for id, n := range e.nodes {
		if nodes[id] != n {
			gone = append(gone, n)
		}
	}
	e.nodes = nodes
	return gone
}

func (t *table) set(slot int, l *listener) {
	if grow := slot + 1 - len(t.listeners); grow > 0 {
		t.listeners = append(t.listeners, make([]*listener, grow)...)
	}
	t.listeners[slot] = l
}

// closeOrphans closes idle clients of servers that are gone; the busy ones find out after their request.
func (e *Engine) closeOrphans() {
	e.sweeper.closeIdle(func(s *socket) bool { return s.server != nil && s.server.isGone() })
}

// ensure opens the sockets that are missing. It reports whether all are open and whether any one's state changed.
func (e *Engine) ensure() (complete, changed bool) {
	complete = true
	if e.closing.Load() {
		return complete, false
	}
	for _, n := range e.nodes {
		all, some := n.ensure()
		complete, changed = complete && all, changed || some
	}
	return complete, changed
}

// each calls f for every endpoint of a target.
func (e *Engine) each(t *target, f func(*endpoint)) {
	for _, n := range e.nodes {
		if ep, ok := n.endpoints.Load(t); ok {
			f(ep.(*endpoint))
		}
	}
}

func (e *Engine) revive(t *target) {
	if t.draining.Load() {
		t.deadline = time.Time{}
		t.severed.Store(false)
		t.draining.Store(false)
	}
}

// drain keeps a target from further requests and cuts those it has at the deadline.
func (e *Engine) drain(t *target, until time.Time) {
	if t.draining.Swap(true) && t.deadline.Equal(until) {
		return
	}
	t.deadline = until
	e.each(t, (*endpoint).clear)
	time.AfterFunc(time.Until(until), func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.targets[t.key] == t && t.draining.Load() && t.deadline.Equal(until) {
			t.severed.Store(true)
			e.each(t, (*endpoint).cut)
		}
	})
}

// retire is the end of a target no snapshot names. Requests it still has may end.
func (e *Engine) retire(t *target) {
	t.draining.Store(true)
	for _, n := range e.nodes {
		if ep, ok := n.endpoints.LoadAndDelete(t); ok {
			ep.(*endpoint).clear()
		}
	}
	addBack(&e.ledger.group(t.key.Group).counters.gone, t.counters.read())
}

// SetHealth says whether a target is to be routed to.
func (e *Engine) SetHealth(key TargetKey, healthy bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.targets[key]
	if t == nil || t.healthy == healthy {
		return
	}
	t.healthy = healthy
	e.table.Load().groups[key.Group].refresh()
}

// Dial connects to an address from one of the nodes, the first that can.
func (e *Engine) Dial(ctx context.Context, nodes []string, to netip.AddrPort) (net.Conn, error) {
	err := errNoNamespace
	for _, id := range nodes {
		e.mu.Lock()
		n := e.nodes[id]
		e.mu.Unlock()
		if n == nil || n.namespace.Load() == nil {
			continue
		}
		return n.dial(ctx, to)
	}
	return nil, err
}

// NoNamespace reports whether a Dial failed because no node was there to dial from.
func NoNamespace(err error) bool { return errors.Is(err, errNoNamespace) }

// InFlight is how many requests a target has. drained is true when it is draining and has none; no later request will be
// given to it then.
func (e *Engine) InFlight(key TargetKey) (n int64, drained bool) {
	e.mu.Lock()
	t := e.targets[key]
	e.mu.Unlock()
	if t == nil {
		return 0, true
	}
	draining := t.draining.Load()
	n = t.inFlight.Load()
	return max(n, 0), draining && n == 0
}

// Sockets reports on every listening socket there should be.
func (e *Engine) Sockets() []edgeapi.SocketStatus {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []edgeapi.SocketStatus
	for _, n := range e.nodes {
		for _, s := range n.servers {
			st := edgeapi.SocketStatus{ID: n.ID, Address: s.address().String(), Open: s.socket != nil}
			if err := errors.Join(n.problem, s.problem); err != nil && !st.Open {
				st.Error = err.Error()
			}
			out = append(out, st)
		}
	}
	slices.SortFunc(out, func(a, b edgeapi.SocketStatus) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Address, b.Address))
	})
	return out
}
