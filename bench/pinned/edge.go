package pinned

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/neargate/neargate/internal/edge"
	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// EdgeVerb makes this program run an edge process instead of the comparison.
const EdgeVerb = "edge"

// StartEdge runs this program as an edge that serves s, on one processor, and waits until address accepts connections. dir is for its files; profile
// is where to profile to, if anywhere. The socket is the one that takes further snapshots.
func StartEdge(dir, core, address, profile string, s *edgeapi.Snapshot) (p *Process, socket string, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	socket, kept := filepath.Join(dir, "sock"), filepath.Join(dir, "snapshot")
	if err := edge.Prepare(kept, s); err != nil {
		return nil, "", err
	}
	p, err = Start("neargate", core, address, []string{"GOMAXPROCS=1"}, self, EdgeVerb, socket, kept, profile)
	return p, socket, err
}

// ServeEdge is the process under test: the same edge.Run that "neargate edge" runs. It is given what follows EdgeVerb: socket, what edge.Prepare was given,
// and where to profile to, if anywhere.
func ServeEdge(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if len(args) > 2 && args[2] != "" {
		f, err := os.Create(args[2])
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return edge.Run(ctx, edge.Config{Socket: args[0], Snapshot: args[1], Log: log, DrainTimeout: time.Second})
}
