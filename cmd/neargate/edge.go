package main

import (
	"context"
	"errors"

	"github.com/neargate/neargate/internal/edge"
)

func runEdge(ctx context.Context, args []string) error {
	f := flags("edge")
	var config edge.Config
	config.Flags(f)
	level := f.String("log-level", "info", "debug, info, warn or error")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if err := none(rest); err != nil {
		return err
	}
	if config.Socket == "" || config.Snapshot == "" {
		return errors.New("edge needs --socket and --snapshot")
	}
	if config.Log, err = logger(*level); err != nil {
		return err
	}
	return edge.Run(ctx, config)
}
