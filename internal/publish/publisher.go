package publish

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// Edge is the data plane. edgeapi.Client is it.
type Edge interface {
	// Put returns once edge serves the snapshot. An error that wraps edgeapi.ErrRejected will not pass by itself.
	Put(ctx context.Context, s *edgeapi.Snapshot) error
	// Status returns what edge observes as soon as its Seq is not after, or after wait.
	Status(ctx context.Context, after uint64, wait time.Duration) (*edgeapi.Status, error)
}

// Publisher keeps edge up to date with the rows, and the rows with what edge observes.
type Publisher struct {
	Store        *state.Store
	Balance      *balance.Balance
	Network      *network.Network
	Certificates Certificates
	Edge         Edge
	Log          *slog.Logger
}

// Run works until ctx is done. That edge cannot be reached is no reason to end: it is being restarted, or has not started yet.
func (p *Publisher) Run(ctx context.Context) error {
	behind := make(chan struct{}, 1)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return (&pusher{Publisher: p, behind: behind}).run(ctx) })
	g.Go(func() error { return (&follower{Publisher: p, behind: behind, closed: map[string]string{}}).run(ctx) })
	return g.Wait()
}

// Waits between tries to reach edge.
const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = 2 * time.Second
)

// rest sleeps and returns the next, longer rest.
func rest(ctx context.Context, d time.Duration) (time.Duration, error) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return d, ctx.Err()
	case <-t.C:
		return min(2*d, lastRetry), nil
	}
}
