package containers

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/ttrpc"

	"github.com/neargate/neargate/internal/machine/containers/shim"
	"github.com/neargate/neargate/internal/machine/process"
)

// MaybeShim becomes a shim and never returns if the executable runs under a shim's name. Call it first thing in main, and in
// TestMain of tests that open an engine.
func MaybeShim() {
	if len(os.Args) > 0 && filepath.Base(os.Args[0]) == shim.Name {
		shim.Main()
	}
}

// spawnShim starts the shim of a task. It can be connected to at once: the socket is listening before the process exists.
func (e *Engine) spawnShim(taskID string) (process.ID, error) {
	path := e.cfg.socket(taskID)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return process.ID{}, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return process.ID{}, err
	}
	l.SetUnlinkOnClose(false)
	defer l.Close()
	if err := os.Chmod(path, 0o600); err != nil {
		return process.ID{}, err
	}
	socket, err := l.File()
	if err != nil {
		return process.ID{}, err
	}
	defer socket.Close()
	messages, err := os.OpenFile(filepath.Join(e.cfg.taskDir(taskID), "shim.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return process.ID{}, err
	}
	defer messages.Close()
	cmd := exec.Command(e.shim, "-namespace", e.cfg.namespace(), "-id", taskID)
	cmd.Dir = e.cfg.taskDir(taskID)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	cmd.Stderr = messages
	cmd.ExtraFiles = []*os.File{socket} // becomes shim.SocketFD
	// A group of its own, so that Ctrl-C does not reach it, but no session: the kernel schedules a new session behind the others.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return process.ID{}, err
	}
	go cmd.Wait()
	return process.Identify(cmd.Process.Pid), nil
}

// connection is a line to a shim.
type connection struct {
	client *ttrpc.Client
	taskapi.TTRPCTaskService
}

// dial connects to the shim of a task; lost is called once when the line breaks.
func (e *Engine) dial(taskID string, lost func()) (*connection, error) {
	conn, err := net.DialTimeout("unix", e.cfg.socket(taskID), 5*time.Second)
	if err != nil {
		return nil, err
	}
	client := ttrpc.NewClient(conn, ttrpc.WithOnClose(lost))
	return &connection{client: client, TTRPCTaskService: taskapi.NewTTRPCTaskClient(client)}, nil
}

// shutdown ends a shim that has no containers left, whatever it takes.
func (c *connection) shutdown(ctx context.Context, taskID string, p process.ID) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if c != nil {
		if _, err := c.Shutdown(ctx, &taskapi.ShutdownRequest{ID: taskID}); err == nil {
			for wait := time.Millisecond; p.Alive() && ctx.Err() == nil; wait = min(2*wait, 20*time.Millisecond) {
				time.Sleep(wait)
			}
		}
	}
	p.Kill()
}
