package control

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge"
	"github.com/neargate/neargate/internal/machine/containers"
)

// TestMain lets the test's binary be the processes that a platform starts, too.
func TestMain(m *testing.M) {
	containers.MaybeShim()
	if len(os.Args) > 1 && os.Args[1] == "edge" {
		if err := runEdge(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func runEdge(args []string) error {
	f := flag.NewFlagSet("edge", flag.ContinueOnError)
	config := edge.Config{Log: slog.New(slog.DiscardHandler)}
	config.Flags(f)
	if err := f.Parse(args); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return edge.Run(ctx, config)
}

// running is a platform that serves; what it made is gone when the test ends.
func running(t *testing.T) *Platform {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: namespaces and nftables")
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Short, and not t.TempDir: that is removed before the platform ends.
	dir, err := os.MkdirTemp("", "neargate-control-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // as one that somebody made with mkdir
		t.Fatal(err)
	}
	p, err := Open(t.Context(), Config{
		Listen: "127.0.0.1:0", DataDir: dir, Account: "000000000000", Region: "us-east-1", TimeScale: 1, AllowReset: true,
		Binary: binary, Version: "test", Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("run: %v", err)
			}
		case <-time.After(2 * time.Minute):
			t.Error("the platform does not end")
		}
		if err := p.Remove(context.Background()); err != nil {
			t.Errorf("remove: %v", err)
		}
		_ = os.RemoveAll(dir)
	})
	<-p.Ready()
	return p
}
