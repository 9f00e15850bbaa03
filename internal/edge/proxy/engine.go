package proxy

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/edge/accesslog"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/edge/http2"
	"github.com/neargate/neargate/internal/edge/netns"
	"github.com/neargate/neargate/internal/edge/retry"
	"github.com/neargate/neargate/internal/edge/tlsterm"
)

// Config is what an Engine needs.
type Config struct {
	Opener *netns.Opener
	// TLS has loaded each snapshot before it is applied. nil: no snapshot has TLS.
	TLS *tlsterm.Servers
	Log *slog.Logger
	// Changed is called, from any goroutine and often for nothing, when Targets or Sockets might answer differently.
	Changed func()
	Logs    *accesslog.Spool // of requests and connections; nil: none are written
	// MaxClients is how many client connections are held at a time; more are closed at once. 0: three quarters of what the
	// limit of open files allows.
	MaxClients int
}

// Engine is the layer 7 data plane of one process.
type Engine struct {
	log        *slog.Logger
	opener     *netns.Opener
	tls        *tlsterm.Servers
	logs       *accesslog.Spool
	changed    func()
	maxClients int64

	table     atomic.Pointer[table]
	sweeper   *sweeper
	clients   atomic.Int64
	crew      crew // attends to clients
	porters   crew // agree with clients on TLS first, which takes larger stacks
	streams   *http2.Crew
	pipes     pipes
	turnstile turnstile
	missing   retry.Signal    // a socket could not be opened at once
	closing   atomic.Bool     // connections close after the request they are at
	closed    chan struct{}   // closed when Run ends
	ctx       context.Context // of connecting to targets; done when time for requests is over
	cancel    context.CancelFunc

	accepting, serving sync.WaitGroup

	mu       sync.Mutex // guards everything below and table's writers
	started  time.Time
	targets  map[TargetKey]*target
	nodes    map[string]*node
	slots    int
	ledger   ledger
	sealer   *sealer
	snapshot *edgeapi.Snapshot
}

// New makes an Engine that serves nothing until Apply and Run.
func New(c Config) *Engine {
	ctx, cancel := context.WithCancel(context.Background())
	e := &Engine{
		ctx: ctx, cancel: cancel,
		log: c.Log, opener: c.Opener, tls: c.TLS, logs: c.Logs, changed: c.Changed, maxClients: int64(c.MaxClients),
		sweeper: newSweeper(), pipes: make(pipes, sparePipes), missing: retry.NewSignal(), closed: make(chan struct{}), started: time.Now(),
		targets: map[TargetKey]*target{}, nodes: map[string]*node{}, ledger: newLedger(), snapshot: &edgeapi.Snapshot{},
	}
	e.streams = http2.NewCrew(e.closed)
	if e.maxClients == 0 {
		e.maxClients = clientLimit()
	}
	e.turnstile.begin(e.clock)
	e.crew.begin((*client).attend)
	e.porters.begin((*client).greet)
	e.table.Store(&table{})
	return e
}

// clock is the time since the engine was made. It is half as dear as time.Now, which reads the wall clock too.
func (e *Engine) clock() time.Duration { return time.Since(e.started) }

// clientLimit leaves files for the targets' side of those clients that are not idle, and for everything else.
func clientLimit() int64 {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 10_000
	}
	return max(int64(min(l.Cur, 1<<22))-512, 128) / 4 * 3
}

// Run keeps timeouts and sockets until ctx is done, then stops accepting and lets requests under way end for at most drain. It fails if it is out of files
// before it has begun.
func (e *Engine) Run(ctx context.Context, drain time.Duration) error {
	if err := e.turnstile.run(); err != nil {
		return err
	}
	defer e.turnstile.end()
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
	e.cancel()
	e.sweeper.closeAll()
	<-done
	e.porters.dismiss()
	e.crew.dismiss()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, n := range e.nodes {
		n.clear()
		n.shut()
	}
	e.pipes.drop()
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
