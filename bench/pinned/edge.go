package pinned

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/neargate/neargate/internal/edge"
)

// EdgeVerb makes this program run an edge process instead of the comparison.
const EdgeVerb = "edge"

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
