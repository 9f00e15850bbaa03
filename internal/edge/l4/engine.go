package l4

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/edge/accesslog"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/netns"
	"github.com/neargate/neargate/internal/edge/retry"
)

// Config is what an Engine needs.
type Config struct {
	Opener *netns.Opener
	Log    *slog.Logger
	Logs   *accesslog.Spool // of TLS connections; may be nil
	// Changed is called, from any goroutine and often for nothing, when Sockets or Flows might answer differently.
	Changed func()
	// MaxFlows is how many flows are held at a time; more are turned away. 0: a third of what the limit of open files allows, because
	// a flow has two.
	MaxFlows int
}

// Engine is the layer 4 data plane of one process.
type Engine struct {
	log      *slog.Logger
	logs     *accesslog.Spool
	opener   *netns.Opener
	changed  func()
	maxFlows int64

	table   atomic.Pointer[table]
	flows   atomic.Int64
	clock   clock
	begun   chan struct{}   // closed when there are loops
	missing retry.Signal    // a socket could not be opened at once
	ctx     context.Context // of flows that have goroutines
	cancel  context.CancelFunc
	working sync.WaitGroup // loops
	serving sync.WaitGroup // TLS
	grumble atomic.Int64   // tick of the last complaint about a socket that accepts nothing

	mu       sync.Mutex // guards everything below and table's writers
	loops    []*loop    // none until there is a node; then always the same
	targets  map[TargetKey]*target
	nodes    map[string]*node
	slots    int
	ledger   ledger
	snapshot *edgeapi.Snapshot
	closing  bool
	tls      map[*tlsFlow]struct{}
}

// New makes an Engine that serves nothing until Apply and Run.
func New(c Config) *Engine {
	ctx, cancel := context.WithCancel(context.Background())
	e := &Engine{
		log: c.Log, logs: c.Logs, opener: c.Opener, changed: c.Changed, maxFlows: int64(c.MaxFlows), missing: retry.NewSignal(), ctx: ctx, cancel: cancel,
		begun:   make(chan struct{}),
		targets: map[TargetKey]*target{}, nodes: map[string]*node{}, ledger: newLedger(), snapshot: &edgeapi.Snapshot{}, tls: map[*tlsFlow]struct{}{},
	}
	if e.maxFlows == 0 {
		e.maxFlows = flowLimit()
	}
	e.table.Store(&table{})
	return e
}

func flowLimit() int64 {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 10_000
	}
	return max(int64(min(l.Cur, 1<<22))-512, 128) / 3
}

// maxLoops is how many loops carry flows at most. More pay only with more network cards than a development machine has.
const maxLoops = 8

// start makes the loops. Engine.mu is held.
func (e *Engine) start() error {
	for i := range min(runtime.GOMAXPROCS(0), maxLoops) {
		l, err := e.newLoop(i)
		if err != nil {
			for _, l := range e.loops {
				l.end()
			}
			e.loops = nil
			return err
		}
		e.loops = append(e.loops, l)
		e.working.Go(func() {
			if err := l.run(); err != nil {
				e.log.Error("flows are lost", "err", err)
			}
		})
	}
	close(e.begun)
	return nil
}

// Run keeps time and sockets until ctx is done, then stops accepting and lets flows end for at most drain.
func (e *Engine) Run(ctx context.Context, drain time.Duration) error {
	timing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var timed sync.WaitGroup
	timed.Go(func() { e.keepTime(timing) })
	defer timed.Wait()
	defer stop()
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

// keepTime moves the clock, and has loops look once a second for flows that are over time. It begins with the first load balancer.
func (e *Engine) keepTime(ctx context.Context) {
	const sweepEvery = int64(time.Second / tick)
	select {
	case <-ctx.Done():
		return
	case <-e.begun:
	}
	started := time.Now()
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			now := int64(time.Since(started) / tick)
			e.clock.now.Store(now)
			if now%sweepEvery == 0 {
				e.sweep(now)
			}
		}
	}
}

func (e *Engine) sweep(now int64) {
	e.mu.Lock()
	loops := e.loops
	for f := range e.tls {
		f.check(now)
	}
	e.mu.Unlock()
	for _, l := range loops {
		if l.live.Load() > 0 || l.spare.Load() {
			l.do(func() { l.sweep(now) })
		}
	}
}

func (e *Engine) shutdown(drain time.Duration) {
	e.mu.Lock()
	e.closing = true
	for _, n := range e.nodes {
		for _, s := range n.servers {
			s.closeStream()
			s.closeTLS()
		}
	}
	e.mu.Unlock()
	for deadline := time.Now().Add(drain); e.flows.Load() > 0 && time.Now().Before(deadline); {
		time.Sleep(tick / 10)
	}
	e.cancel()
	e.mu.Lock()
	for _, n := range e.nodes {
		n.shut()
	}
	for _, l := range e.loops {
		l.end()
	}
	for f := range e.tls {
		f.cut()
	}
	e.mu.Unlock()
	e.working.Wait()
	e.serving.Wait()
}

// ensure opens the sockets that are missing. It reports whether all are open and whether any one's state changed.
func (e *Engine) ensure() (complete, changed bool) {
	complete = true
	if e.closing {
		return complete, false
	}
	if len(e.nodes) > 0 && len(e.loops) == 0 {
		if err := e.start(); err != nil {
			e.log.Error("flows are not carried", "err", err)
			return false, false
		}
	}
	for _, n := range e.nodes {
		all, some := n.ensure()
		complete, changed = complete && all, changed || some
	}
	return complete, changed
}

// listener is what the current table has for a server; nil when the server is gone.
func (e *Engine) listener(s *server) *listener {
	t := e.table.Load()
	if s.slot >= len(t.listeners) {
		return nil
	}
	return t.listeners[s.slot]
}

// complain reports that a socket accepts nothing, at most once a second.
func (e *Engine) complain(s *server, err error) {
	now := e.clock.now.Load()
	if last := e.grumble.Load(); now-last < int64(time.Second/tick) || !e.grumble.CompareAndSwap(last, now) {
		return
	}
	e.log.Warn("accept", "address", s.address(), "err", fmt.Errorf("connections wait: %w", err))
}
