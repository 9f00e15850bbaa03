package edge

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/edge/accesslog"
	"github.com/neargate/neargate/internal/edge/dns"
	"github.com/neargate/neargate/internal/edge/door"
	"github.com/neargate/neargate/internal/edge/health"
	"github.com/neargate/neargate/internal/edge/l4"
	"github.com/neargate/neargate/internal/edge/netns"
	"github.com/neargate/neargate/internal/edge/proxy"
	"github.com/neargate/neargate/internal/edge/tlsterm"
)

// Run serves until ctx is done, then stops accepting, lets its successor begin, lets requests in flight end and returns nil. It
// returns an error that wraps ErrRunning when another edge holds the socket.
//
// The last snapshot is served before Run listens on the socket. One that cannot be used is
// reported: edge starts empty and waits for a new one.
func Run(ctx context.Context, c Config) error {
	log := cmp.Or(c.Log, slog.Default())
	listener, release, err := hold(c.Socket, c.Lock)
	if err != nil {
		return fmt.Errorf("edge: %w", err)
	}
	defer release()

	remembered := c.Snapshot + ".health"
	sweep(remembered)
	keeper, kept, damage := openKeeper(c.Snapshot)
	if keeper == nil {
		return fmt.Errorf("edge: %w", damage)
	}
	defer keeper.close()
	opener := netns.NewOpener()
	defer opener.Close()
	logs, err := openLogs(c, log)
	if err != nil {
		return fmt.Errorf("edge: %w", err)
	}
	e := &process{log: log, keeper: keeper, healthFile: remembered, board: newBoard(), tls: tlsterm.NewServers()}
	e.proxy = proxy.New(proxy.Config{Opener: opener, TLS: e.tls, Log: log, Changed: e.board.changed, Logs: logs})
	e.l4 = l4.New(l4.Config{Opener: opener, Log: log, Changed: e.board.changed, Logs: logs})
	e.dns = dns.New(dns.Config{Opener: opener, Log: log, Changed: e.board.changed})
	e.doors = door.New(door.Config{Log: log, Changed: e.board.changed, Names: c.Names, Neighbours: c.Neighbours})
	known, err := loadHealth(remembered)
	if err != nil {
		log.Warn("health from before the restart is lost", "err", err)
	}
	e.health = health.New(health.Config{Dial: e.dial, Unreal: noNamespace, Changed: e.healthChanged, Known: known})
	if err := cmp.Or(damage, e.resume(kept, known)); err != nil {
		log.Error("last snapshot cannot be served", "err", err)
	}

	api := &http.Server{Handler: e.handler(), ReadHeaderTimeout: 10 * time.Second}
	g, ctx := errgroup.WithContext(ctx)
	drain := cmp.Or(c.DrainTimeout, 10*time.Second)
	// The order in which these are listed is that of the data: sockets, names, doors, health, and the API over all of them.
	logging, stopLogging := context.WithCancel(context.WithoutCancel(ctx)) // the last requests are logged too
	g.Go(func() error {
		defer stopLogging()
		both, ctx := errgroup.WithContext(ctx)
		both.Go(func() error { return e.proxy.Run(ctx, drain) })
		both.Go(func() error { return e.l4.Run(ctx, drain) })
		return both.Wait()
	})
	g.Go(func() error { return e.dns.Run(ctx) })
	g.Go(func() error { return e.doors.Run(ctx) })
	g.Go(func() error { return e.health.Run(ctx) })
	g.Go(func() error { return e.keepHealth(ctx) })
	if logs != nil {
		g.Go(func() error { return logs.Run(logging) })
	}
	g.Go(func() error {
		if err := api.Serve(listener); err != http.ErrServerClosed {
			return fmt.Errorf("edge: api: %w", err)
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		e.board.close()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if err := api.Shutdown(stop); err != nil {
			api.Close()
		}
		e.retire()
		release() // the listening sockets have been closed meanwhile
		return nil
	})
	log.Info("edge is ready", "socket", c.Socket, "generation", e.generation())
	return g.Wait()
}

func openLogs(c Config, log *slog.Logger) (*accesslog.Spool, error) {
	if c.Logs == "" {
		return nil, nil
	}
	return accesslog.Open(accesslog.Config{Dir: c.Logs, Interval: c.LogInterval, Log: log})
}
