package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/machine/process"
)

// edgePlace is where a platform's edge process keeps its things.
type edgePlace struct{ run, snapshot, log, pid, logs string }

func (e edgePlace) socket() string { return filepath.Join(e.run, socketFile) }

// lock is the file whose lock a living edge holds, and whoever has it open but us is one.
func (e edgePlace) lock() string { return e.socket() + lockSuffix }

// names is where edge writes the names of its load balancers for other platforms; theirs are found by neighbours.
func (e edgePlace) names() string { return filepath.Join(e.run, namesFile) }

const (
	socketFile = "edge.sock"
	lockSuffix = ".lock"
	namesFile  = "names.json"
	neighbours = "/run/neargate-*-edge/" + namesFile
	otherEdges = "/run/neargate-*-edge/" + socketFile + lockSuffix // pattern of all edges' locks
)

// Waits of the edge supervisor.
const (
	edgeRest  = 500 * time.Millisecond // after an edge that ended at once
	edgeYoung = time.Second            // how long one must live not to count as that
	edgeEnd   = 15 * time.Second       // for requests in flight when it is told to end

	edgeLog      = 16 << 20    // bytes of log from which on a new one is begun
	edgeLogEvery = time.Minute // how often that is looked at
)

// edgeProcess keeps one edge process alive. The process is its own session and
// outlives this one: traffic does not depend on the control plane.
type edgeProcess struct {
	edgePlace
	binary      string
	logger      *slog.Logger
	logInterval time.Duration // of access logs

	// starts is held while an edge is started, and by a reset for as long as it
	// removes things: an edge that came up in between would lose its socket.
	starts sync.Mutex
}

// run starts edge, or takes over the one that an earlier control plane left, and
// starts it again whenever it ends, until ctx is done.
func (e *edgeProcess) run(ctx context.Context) error {
	for ctx.Err() == nil {
		born := time.Now()
		e.starts.Lock()
		ended, err := e.start()
		e.starts.Unlock()
		alive := errors.Is(err, errEdgeRuns)
		switch {
		case alive:
			var replaced bool
			if replaced, err = e.outdated(); err != nil {
				e.logger.Warn("looking which program the running edge is", "error", err)
			}
			if err = e.waitUnlocked(ctx); replaced && err == nil {
				continue
			}
		case err == nil:
			select {
			case <-ctx.Done(): // it lives on; init reaps it
			case err = <-ended:
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		e.logger.Warn("edge ended, starting it again", "how", ending(err, alive))
		if time.Since(born) < edgeYoung {
			select {
			case <-ctx.Done():
			case <-time.After(edgeRest):
			}
		}
	}
	return nil
}

// ending is how an edge ended, as far as we can know: only a child tells.
func ending(err error, adopted bool) string {
	switch {
	case err != nil:
		return err.Error()
	case adopted:
		return "unknown: an earlier control plane started it"
	}
	return "exit status 0"
}

// outdated tells an edge of another build to make room: it would not understand all that we publish. It lets go of lock and
// sockets at once, for its successor, and ends the requests it is busy with.
func (e *edgeProcess) outdated() (bool, error) {
	edges, err := process.Holding(e.lock())
	if err != nil {
		return false, err
	}
	replaced := false
	for _, p := range edges {
		same, err := p.Runs(e.binary)
		if err != nil {
			return false, err
		}
		if same {
			e.logger.Info("edge is running already")
			continue
		}
		e.logger.Info("edge of another build is running, replacing it", "pid", p.PID)
		replaced = p.Signal(syscall.SIGTERM) == nil
	}
	return replaced, nil
}

// waitUnlocked returns when an edge that is no child of ours has ended or made room: it has let go of its lock.
func (e *edgeProcess) waitUnlocked(ctx context.Context) error {
	f, err := os.OpenFile(e.lock(), os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil // removed together with its edge
	} else if err != nil {
		return err
	}
	done := make(chan error, 1)
	// The goroutine ends with the edge, or with this process: a blocked flock can't be called off.
	go func() {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX)
		f.Close()
		done <- err
	}()
	select {
	case <-ctx.Done():
		return nil
	case err := <-done:
		return err
	}
}

// errEdgeRuns is that there is an edge already.
var errEdgeRuns = errors.New("an edge is running")

// start starts an edge and tells when it has ended. The edge is born with the lock, so there is no moment in which
// another one could be started beside it, whenever we are killed.
func (e *edgeProcess) start() (ended <-chan error, err error) {
	for _, dir := range []string{e.edgePlace.run, filepath.Dir(e.snapshot)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	lock, err := os.OpenFile(e.lock(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return nil, errEdgeRuns
	} else if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(e.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(e.binary, "edge", "--socket", e.socket(), "--lock-fd", "3", "--snapshot", e.snapshot, "--names", e.names(), "--neighbours", neighbours,
		"--logs", e.logs, "--log-interval", e.logInterval.String())
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{lock}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	// For people and scripts: what is to be stopped is told by the lock. They find this edge or the one before, never half a number.
	draft := e.pid + ".new"
	err = os.WriteFile(draft, []byte(process.Identify(cmd.Process.Pid).String()), 0o600)
	if err == nil {
		err = os.Rename(draft, e.pid)
	}
	if err != nil {
		e.logger.Warn("writing down edge's process number", "error", err)
	}
	return done, nil
}

// keepLogShort begins a new log of edge's whenever the one it has is large, until ctx is done: every change of a target's health is a
// line of it, and an edge may live for months.
func (e *edgeProcess) keepLogShort(ctx context.Context) error {
	for {
		e.starts.Lock()
		err := e.turnLog()
		e.starts.Unlock()
		if err != nil {
			e.logger.Warn("beginning a new log of edge's", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(edgeLogEvery):
		}
	}
}

// turnLog copies a large log beside itself, over the one before it, and empties it. It can't be renamed: edge has it open as its
// standard error, and appends to it. What edge says between copy and cut is lost.
func (e *edgeProcess) turnLog() error {
	log, err := os.OpenFile(e.log, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer log.Close()
	if fi, err := log.Stat(); err != nil || fi.Size() <= edgeLog {
		return err
	}
	older, err := os.OpenFile(e.log+".1", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(older, log)
	return errors.Join(err, older.Close(), log.Truncate(0)) // also on a full disk, or it never gets better
}

// stop ends the edge of a place, if there is one, and removes what it left outside the data directory.
func (e edgePlace) stop() error {
	edges, err := process.Holding(e.lock())
	for _, p := range edges {
		err = errors.Join(err, endProcess(p))
	}
	return errors.Join(err, os.RemoveAll(e.run))
}

// endProcess asks a process to end, and makes it when it does not. One that is long gone is none.
func endProcess(p process.ID) error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return nil
	}
	deadline := time.Now().Add(edgeEnd)
	for p.Alive() {
		if time.Now().After(deadline) {
			if err := p.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("edge process %d: %w", p.PID, err)
			}
			deadline = time.Now().Add(edgeEnd)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return nil
}
