package main

import (
	"context"
	"errors"
	"os"

	"github.com/neargate/neargate/internal/edge"
)

func runEdge(ctx context.Context, args []string) error {
	f := flags("edge")
	socket := f.String("socket", "", "unix socket of its control API")
	lock := f.Int("lock-fd", 0, "file descriptor of the socket's lock file, already locked")
	snapshot := f.String("snapshot", "", "path, without an ending, of the files that keep the last accepted snapshot")
	names := f.String("names", "", "file in which to write where load balancer names lead, for other platforms on this machine")
	neighbours := f.String("neighbours", "", "pattern of the files that other platforms wrote with --names")
	logs := f.String("logs", "", "directory for access and connection logs of load balancers, until they are delivered")
	interval := f.Duration("log-interval", 0, "how much time a file of those logs covers")
	level := f.String("log-level", "info", "debug, info, warn or error")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if err := none(rest); err != nil {
		return err
	}
	if *socket == "" || *snapshot == "" {
		return errors.New("edge needs --socket and --snapshot")
	}
	log, err := logger(*level)
	if err != nil {
		return err
	}
	config := edge.Config{
		Socket: *socket, Snapshot: *snapshot, Log: log, Names: *names, Neighbours: *neighbours, Logs: *logs, LogInterval: *interval,
	}
	if *lock > 0 {
		config.Lock = os.NewFile(uintptr(*lock), *socket+".lock")
	}
	return edge.Run(ctx, config)
}
