package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/aws/gateway"
	"github.com/neargate/neargate/internal/machine/containers"
	"github.com/neargate/neargate/internal/machine/fabric"
	"github.com/neargate/neargate/internal/registry"
	"github.com/neargate/neargate/internal/state/sqlite"
)

// shutdownWait is how long requests in flight may go on when the platform ends.
const shutdownWait = 3 * time.Second

// logInterval is how often Elastic Load Balancing publishes logs.
const logInterval = 5 * time.Minute

// Platform is one running control plane.
type Platform struct {
	config   Config
	at       place
	edge     *edgeProcess
	listener net.Listener
	ready    chan struct{}

	resets sync.Mutex   // one reset at a time: each ends the core that the one before it started
	mu     sync.RWMutex // held by requests for reading, by a reset for writing
	core   *core
	stop   context.CancelFunc // ends core's loops and long requests
	life   context.Context    // of core
	done   chan error         // what core's loops ended with
	fail   chan error         // a loop that ended by itself
	base   context.Context
}

// Open opens the platform of a data directory and its port. Close it, unless Run is called, which does.
func Open(ctx context.Context, config Config) (*Platform, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(config.DataDir, 0o700); err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", config.Listen)
	if err != nil {
		return nil, err
	}
	config.Listen = endpoint(config.Listen, listener.Addr())
	at, err := placeOf(config.DataDir, config.Log)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	c, err := open(ctx, config, at)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return &Platform{
		config: config, at: at, core: c, listener: listener, ready: make(chan struct{}), fail: make(chan error, 1),
		edge: &edgeProcess{edgePlace: at.edge, binary: config.Binary, logger: config.Log, logInterval: c.clock.Wait(logInterval)},
	}, nil
}

// endpoint is the configured address with the port that was really taken.
func endpoint(configured string, actual net.Addr) string {
	host, port, err := net.SplitHostPort(configured)
	if err != nil || port != "0" {
		return configured
	}
	return net.JoinHostPort(host, fmt.Sprint(actual.(*net.TCPAddr).Port))
}

// Endpoint is the URL of the AWS APIs for clients on this machine.
func (p *Platform) Endpoint() string {
	listen := p.config.Listen
	if p.Everywhere() { // which is no address that a client could ask
		return "http://127.0.0.1" + listen[strings.LastIndexByte(listen, ':'):]
	}
	return "http://" + listen
}

// Everywhere tells whether the AWS APIs are served at all addresses of this machine.
func (p *Platform) Everywhere() bool {
	host, _, err := net.SplitHostPort(p.config.Listen)
	ip := net.ParseIP(host)
	return err == nil && (host == "" || ip != nil && ip.IsUnspecified())
}

// Ready is closed once requests are served.
func (p *Platform) Ready() <-chan struct{} { return p.ready }

// Run serves until ctx is done or something fails. Tasks, network and traffic
// go on afterwards, for the next start to take over; Remove takes them down.
func (p *Platform) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	p.base = ctx
	server := gateway.NewServer(p.handler())
	p.start()
	g.Go(func() error { return p.edge.run(ctx) })
	g.Go(func() error { return p.edge.keepLogShort(ctx) })
	g.Go(func() error {
		if err := server.Serve(p.listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		select {
		case err := <-p.fail:
			return err
		case <-ctx.Done():
			return nil
		}
	})
	g.Go(func() error {
		<-ctx.Done()
		p.mu.RLock()
		p.stop() // ends streams, which Shutdown would wait for
		p.mu.RUnlock()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownWait)
		defer cancel()
		if err := server.Shutdown(end); err != nil {
			return server.Close()
		}
		return nil
	})
	close(p.ready)
	err := g.Wait()
	return errors.Join(err, <-p.done, p.core.close())
}

// start runs the core's loops.
func (p *Platform) start() {
	p.life, p.stop = context.WithCancel(p.base)
	done := make(chan error, 1)
	p.done = done
	c, life := p.core, p.life
	go func() {
		err := c.run(life)
		if err != nil {
			p.failed(err)
		}
		done <- err
	}()
}

// reset empties the account: tasks and network are removed from the machine,
// every row is deleted. Images that were loaded stay.
func (p *Platform) reset(ctx context.Context) error {
	p.resets.Lock()
	defer p.resets.Unlock()
	locked := make(chan struct{})
	go func() {
		p.mu.Lock()
		close(locked)
	}()
	// New requests wait from here on; streams are ended, or they would never let go.
	p.stop()
	<-locked
	defer p.mu.Unlock()
	err := <-p.done
	p.done <- err // for Run, should this reset fail
	if err != nil {
		return err
	}
	p.edge.starts.Lock()
	err = errors.Join(p.core.close(), p.at.remove(ctx), eraseState(p.config.DataDir))
	p.edge.starts.Unlock()
	if err != nil {
		p.failed(fmt.Errorf("reset: %w", err))
		return err
	}
	c, err := open(p.base, p.config, p.at)
	if err != nil {
		p.failed(fmt.Errorf("reset: %w", err))
		return err
	}
	p.core = c
	p.start()
	return nil
}

// failed ends Run with err, unless something else has ended it already.
func (p *Platform) failed(err error) {
	select {
	case p.fail <- err:
	default:
	}
}

// eraseState deletes what the account's rows and events are in. Images stay.
func eraseState(dataDir string) error {
	var err error
	for _, pattern := range []string{"state.db*", "logs.db*", "metrics.db*", "objects.db*", "objects", "registry", "edge"} {
		found, e := filepath.Glob(filepath.Join(dataDir, pattern))
		err = errors.Join(err, e)
		for _, path := range found {
			if strings.HasSuffix(path, ".lock") {
				continue // someone may be waiting on it
			}
			err = errors.Join(err, os.RemoveAll(path))
		}
	}
	return err
}

// Remove takes everything the platform made off the machine: edge, containers,
// network. Its rows and images stay in the data directory. Call it after Run.
func (p *Platform) Remove(ctx context.Context) error { return p.at.remove(ctx) }

// remove is Remove for a platform that may have crashed.
func (a place) remove(ctx context.Context) error {
	return errors.Join(a.edge.stop(), containers.Sweep(ctx, a.containers), fabric.Sweep(a.fabric))
}

// Down removes from the machine what the platform of a data directory made,
// also after a crash. It refuses directories of something else, and those that
// a control plane is running in.
func Down(ctx context.Context, config Config) error {
	dir, err := filepath.Abs(config.DataDir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(dir); err != nil {
		return err
	}
	claim, err := sqlite.Claim(filepath.Join(dir, "state.db"))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not the data directory of a platform", dir)
	} else if err != nil {
		return fmt.Errorf("%s: stop the control plane first: %w", dir, err)
	}
	defer claim.Close()
	at, err := placeOf(dir, config.Log)
	if err != nil {
		return err
	}
	return at.remove(ctx)
}

// handler routes by path: Neargate's own endpoints, the registry, and the AWS APIs for everything else.
func (p *Platform) handler() http.Handler {
	own := p.ownEndpoints()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bucket, service := gateway.BucketHost(r.Host)
		// A bucket's keys may look like our own paths.
		byPath := bucket == "" || !service && !strings.Contains(r.Header.Get("Authorization"), "/s3/aws4_request")
		switch {
		case !p.config.Enforce && fromWebPage(r):
			answer(w, &refusal{http.StatusForbidden, "this looks like a web page's request: call localhost or an address, without Origin, or start serve with --auth enforce"})
		case byPath && strings.HasPrefix(r.URL.Path, "/_neargate/"):
			own.ServeHTTP(w, r)
		case byPath && (r.URL.Path == "/v2" || strings.HasPrefix(r.URL.Path, "/v2/")):
			p.with(w, r, func(c *core, w http.ResponseWriter, r *http.Request) {
				(&registry.Handler{Registry: c.registry, Place: c.place, Enforce: p.config.Enforce, Log: p.config.Log}).ServeHTTP(w, r)
			})
		default:
			p.with(w, r, func(c *core, w http.ResponseWriter, r *http.Request) { c.gateway.ServeHTTP(w, r) })
		}
	})
}

// with serves a request from the core of the moment, and ends it when that core ends.
func (p *Platform) with(w http.ResponseWriter, r *http.Request, serve func(c *core, w http.ResponseWriter, r *http.Request)) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	served, hurried := make(chan struct{}), make(chan bool, 1)
	release := context.AfterFunc(p.life, func() {
		cancel()
		hurried <- hurry(http.NewResponseController(w), served)
	})
	defer func() {
		close(served)
		if !release() && <-hurried {
			panic(http.ErrAbortHandler) // closes the connection: net/http takes it for dead from now on
		}
	}()
	serve(p.core, w, r.WithContext(ctx))
}

// Waits of requests whose core ends.
const (
	parting    = 500 * time.Millisecond // to end by themselves
	hurryAgain = 100 * time.Millisecond // handlers set deadlines of their own
)

// hurry ends a request's waits for a client that does not send or read another
// byte, and says whether that was necessary.
func hurry(connection *http.ResponseController, served <-chan struct{}) bool {
	for wait, forced := parting, false; ; wait, forced = hurryAgain, true {
		select {
		case <-served:
			return forced
		case <-time.After(wait):
		}
		// A connection without deadlines is a test's.
		_ = connection.SetReadDeadline(time.Now())
		_ = connection.SetWriteDeadline(time.Now())
	}
}
