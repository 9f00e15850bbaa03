package shim

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"time"

	taskapi "github.com/containerd/containerd/api/runtime/task/v3"
	"github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2/task"
	"github.com/containerd/containerd/v2/core/events"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/shutdown"
	"github.com/containerd/containerd/v2/pkg/sys/reaper"
	"github.com/containerd/log"
	"github.com/containerd/ttrpc"
	"golang.org/x/sys/unix"
)

// Name is what the executable is called when it is a shim.
const Name = "containerd-shim-runc-v2"

// SocketFD is the file descriptor under which a shim finds its listening socket.
const SocketFD = 3

// Main serves the socket at SocketFD until it is told to shut down. It never returns.
func Main() {
	flags := flag.NewFlagSet(Name, flag.ExitOnError)
	namespace := flags.String("namespace", "", "containerd namespace of the containers")
	flags.String("id", "", "id of the task, for whoever reads the process list")
	_ = flags.Parse(os.Args[1:])
	if err := serve(*namespace); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", Name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serve(namespace string) error {
	if namespace == "" {
		return errors.New("no namespace")
	}
	// There are as many shims as tasks and each has little to do.
	runtime.GOMAXPROCS(2)
	debug.SetGCPercent(40)
	debug.SetMemoryLimit(32 << 20)
	_ = log.SetLevel("warn")
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("subreaper: %w", err)
	}
	signal.Ignore(unix.SIGPIPE, unix.SIGHUP, unix.SIGINT, unix.SIGTERM) // a shim ends when its task does
	children := make(chan os.Signal, 32)
	signal.Notify(children, unix.SIGCHLD)
	go func() {
		for range children {
			if err := reaper.Reap(); err != nil {
				log.L.WithError(err).Error("reap")
			}
		}
	}()

	f := os.NewFile(SocketFD, "socket")
	l, err := net.FileListener(f)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	f.Close()
	ctx, sd := shutdown.WithShutdown(namespaces.WithNamespace(context.Background(), namespace))
	inner, err := task.NewTaskService(ctx, silent{}, sd)
	if err != nil {
		return fmt.Errorf("task service: %w", err)
	}
	server, err := ttrpc.NewServer(ttrpc.WithServerHandshaker(ttrpc.UnixSocketRequireSameUser()))
	if err != nil {
		return err
	}
	taskapi.RegisterTTRPCTaskService(server, &service{TTRPCTaskService: inner, pidfds: map[string]int{}, trim: time.AfterFunc(time.Hour, debug.FreeOSMemory)})
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(ctx, l) }()
	select {
	case err = <-failed:
	case <-sd.Done():
		err = nil
	}
	_ = server.Close()
	return err
}

// silent drops the task service's events: the engine waits on the containers themselves, which also works for what happened while
// it was away.
type silent struct{}

func (silent) Publish(context.Context, string, events.Event) error { return nil }
func (silent) Close() error                                        { return nil }
