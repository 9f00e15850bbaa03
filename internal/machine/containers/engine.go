package containers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/neargate/neargate/internal/machine/containers/cgroup"
	"github.com/neargate/neargate/internal/machine/containers/shim"
	"github.com/neargate/neargate/internal/machine/images"
	"github.com/neargate/neargate/internal/task"
)

// Config says where an engine lives. Engines with different instances and directories run side by side.
type Config struct {
	Instance string // distinguishes the platforms of one machine: names control groups and the run directory
	DataDir  string // images, tasks, volumes, spools
	RunDir   string // sockets and runc's state; empty: /run/neargate-<instance>. Keep it short: socket paths end at 107 bytes
	Runtime  string // path of runc; empty: beside the executable, else on PATH
	Binary   string // executable that becomes the shim, see MaybeShim; empty: this one

	Registry images.Locate // where registries are reached that are not where their names say
	Log      *slog.Logger
}

// Engine is task.Engine on this machine. It is safe for concurrent use; one engine at a time may use a data directory.
type Engine struct {
	cfg     Config
	log     *slog.Logger
	images  *images.Store
	groups  *cgroup.Tree
	shim    string // path of the shim executable
	limits  machineLimits
	seccomp func() bool
	static  func() bool // the executable can be an init in any image
	starts  *semaphore.Weighted
	hub     hub
	told    sync.Map     // what has been logged once
	tidied  atomic.Int64 // unix seconds of the last look for old spools

	layers sync.RWMutex // held for reading while a container is made on layers that nothing else shows to be in use

	mu    sync.Mutex
	tasks map[string]*sandbox
	index sync.Map // container id → *container

	waits sync.WaitGroup // goroutines that wait for containers
	ctx   context.Context
	stop  context.CancelFunc
}

var _ task.Engine = (*Engine)(nil)

// Open opens the engine of cfg.DataDir and adopts what runs.
func Open(ctx context.Context, cfg Config) (*Engine, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("containers: %w", err)
	}
	groups, err := cgroup.Detect()
	if err != nil {
		return nil, fmt.Errorf("containers: %w", err)
	}
	for _, d := range []string{cfg.tasksDir(), cfg.volumesDir(), cfg.spoolDir(), filepath.Join(cfg.DataDir, "bin"), cfg.RunDir} {
		if err := os.MkdirAll(d, 0o711); err != nil {
			return nil, fmt.Errorf("containers: %w", err)
		}
	}
	e := &Engine{
		cfg: cfg, log: cfg.Log, groups: groups, limits: readLimits(),
		shim:   filepath.Join(cfg.DataDir, "bin", shim.Name),
		starts: semaphore.NewWeighted(int64(2 * runtime.NumCPU())),
		tasks:  map[string]*sandbox{},
	}
	e.seccomp = sync.OnceValue(func() bool { return hasSeccomp(cfg.Runtime) })
	e.static = sync.OnceValue(func() bool { return isStatic(e.shim) })
	go e.seccomp() // asks runc, which takes as long as everything else here
	if err := placeExecutable(cfg.Binary, e.shim); err != nil {
		return nil, fmt.Errorf("containers: shim: %w", err)
	}
	if e.images, err = images.Open(ctx, images.Config{Dir: filepath.Join(cfg.DataDir, "images"), Registry: cfg.Registry}); err != nil {
		return nil, fmt.Errorf("containers: %w", err)
	}
	e.ctx, e.stop = context.WithCancel(context.WithoutCancel(ctx))
	if err := e.adopt(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("containers: %w", err), e.Close())
	}
	return e, nil
}

// Close lets go of the containers, which run on.
func (e *Engine) Close() error {
	e.stop()
	e.mu.Lock()
	for _, s := range e.tasks {
		s.disconnect()
	}
	e.mu.Unlock()
	e.waits.Wait()
	e.hub.close()
	return e.images.Close()
}

// Images is the engine's image store, for `neargate image` and the API's image administration.
func (e *Engine) Images() *images.Store { return e.images }

func (c *Config) complete() error {
	if c.Instance == "" || c.DataDir == "" {
		return errors.New("instance and data directory must be set")
	}
	var err error
	if c.DataDir, err = filepath.Abs(c.DataDir); err != nil {
		return err
	}
	if strings.ContainsAny(c.DataDir, `:,\"`) { // which separate things in mount options
		return fmt.Errorf("data directory %s: the characters : , \\ and \" cannot be in its path", c.DataDir)
	}
	if c.RunDir == "" {
		c.RunDir = "/run/neargate-" + c.Instance
	}
	if n := len(c.socket("")); n > 107 {
		return fmt.Errorf("run directory %s makes socket paths of %d bytes, more than a unix socket may have", c.RunDir, n)
	}
	if c.Binary == "" {
		if c.Binary, err = os.Executable(); err != nil {
			return err
		}
	}
	if c.Runtime == "" {
		if c.Runtime, err = findRuntime(c.Binary); err != nil {
			return err
		}
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return nil
}

func findRuntime(binary string) (string, error) {
	if beside := filepath.Join(filepath.Dir(binary), "runc"); isExecutable(beside) {
		return beside, nil
	}
	if path, err := exec.LookPath("runc"); err == nil {
		return path, nil
	}
	for _, path := range []string{"/usr/sbin/runc", "/usr/local/sbin/runc", "/usr/bin/runc"} { // PATH of non-login shells
		if isExecutable(path) {
			return path, nil
		}
	}
	return "", errors.New("runc is not installed (Debian and Ubuntu: apt install runc)")
}

func isExecutable(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0
}

// placeExecutable makes binary known under the name at: as a hard link, because a program cannot tell the name of a symbolic
// link from its own, or as a copy on another file system. An older one is replaced: running shims keep theirs.
// One that is the same stays: a start must not need more disk than there is.
func placeExecutable(binary, at string) error {
	tmp := at + ".new"
	_ = os.Remove(tmp)
	if same, err := sameContent(binary, at); err == nil && same {
		return nil
	}
	if os.Link(binary, tmp) != nil {
		if err := copyExecutable(binary, tmp); err != nil {
			_ = os.Remove(tmp)
			return err
		}
	}
	return os.Rename(tmp, at)
}
