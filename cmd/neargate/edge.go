package main

import (
	"context"
	"errors"

	"github.com/neargate/neargate/internal/edge"
)

func runEdge(ctx context.Context, args []string) error {
	f := flags("edge")
	socket := f.String("socket", "", "unix socket of its control API")
	snapshot := f.String("snapshot", "", "file of the last accepted snapshot")
	names := f.String("names", "", "file in which to write where load balancer names lead, for other platforms on this machine")
	neighbours := f.String("neighbours", "", "pattern of the files that other platforms wrote with --names")
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
	return edge.Run(ctx, edge.Config{Socket: *socket, SnapshotFile: *snapshot, Log: log, Names: *names, Neighbours: *neighbours})
}
