package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/neargate/neargate/internal/control"
)

// defaultDataDir is where a platform keeps everything durable.
const defaultDataDir = "/var/lib/neargate"

// takeDown bounds the removal of everything after an interrupt.
const takeDown = 60 * time.Second

func platformFlags(f *flag.FlagSet) *control.Config {
	c := &control.Config{Version: version}
	f.StringVar(&c.Listen, "listen", "127.0.0.1:4566", "address of the AWS APIs")
	f.StringVar(&c.DataDir, "data-dir", defaultDataDir, "where state, logs and images are kept; one platform each")
	f.StringVar(&c.Account, "account-id", "000000000000", "default AWS account")
	f.StringVar(&c.Region, "region", "us-east-1", "default Region")
	f.Float64Var(&c.TimeScale, "time-scale", 1, "how many times faster control loops wait: 60 makes a minute a second")
	f.BoolVar(&c.AllowReset, "allow-reset", false, "serve POST /_neargate/reset, which empties the account")
	f.Func("auth", "open: any access key counts as the account owner's (loopback only); enforce: only signatures with issued keys", func(v string) error {
		switch v {
		case "open":
			c.Enforce = false
		case "enforce":
			c.Enforce = true
		default:
			return errors.New("must be open or enforce")
		}
		return nil
	})
	return c
}

func runServe(ctx context.Context, args []string) error {
	f := flags("serve")
	config := platformFlags(f)
	level := f.String("log-level", "info", "debug, info, warn or error")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if err := none(rest); err != nil {
		return err
	}
	if config.Log, err = logger(*level); err != nil {
		return err
	}
	if err := needRoot(); err != nil {
		return err
	}
	if config.Binary, err = os.Executable(); err != nil {
		return err
	}

	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	defer signal.Stop(interrupted)

	p, err := control.Open(ctx, *config)
	if err != nil {
		if !caught(interrupted) {
			return err
		}
		if errors.Is(err, context.Canceled) {
			err = nil
		}
		config.Log.Info("interrupted: taking everything down")
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeDown)
		defer cancel()
		return errors.Join(err, control.Down(end, *config)) // what it had made or adopted until then (ADR 7)
	}
	go func() {
		<-p.Ready()
		fmt.Printf("neargate is ready: endpoint %s, account %s, region %s\n", p.Endpoint(), config.Account, config.Region)
		fmt.Printf("point AWS clients here: eval \"$(neargate env --endpoint %s)\"\n", p.Endpoint())
		if p.Everywhere() {
			fmt.Println("it listens on all addresses of this machine: clients elsewhere take one that leads here, and the same port")
		}
	}()
	err = p.Run(ctx)
	if !caught(interrupted) {
		config.Log.Info("control plane ends, tasks and traffic go on", "take down", "neargate down --data-dir "+config.DataDir)
		return err
	}
	config.Log.Info("interrupted: taking everything down")
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeDown)
	defer cancel()
	return errors.Join(err, p.Remove(end))
}

// caught tells whether a signal has come.
func caught(signals chan os.Signal) bool {
	signal.Stop(signals) // one that is just being delivered, and has ended the context already, is in the channel afterwards
	return len(signals) > 0
}

func logger(level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, err
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: l})), nil
}

// needRoot says early what would fail late.
func needRoot() error {
	if os.Geteuid() != 0 {
		return errors.New("must run as root: it makes network namespaces, nftables rules and containers (try sudo)")
	}
	return nil
}

func runDown(ctx context.Context, args []string) error {
	f := flags("down")
	dir := f.String("data-dir", defaultDataDir, "the platform's data directory")
	purge := f.Bool("purge", false, "delete the data directory as well: state, logs and images")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if err := none(rest); err != nil {
		return err
	}
	if err := needRoot(); err != nil {
		return err
	}
	log, err := logger("warn")
	if err != nil {
		return err
	}
	if err := control.Down(ctx, control.Config{DataDir: *dir, Log: log}); err != nil {
		return err
	}
	if *purge {
		if err := os.RemoveAll(*dir); err != nil {
			return err
		}
	}
	fmt.Println("the platform of", *dir, "is gone from this machine")
	return nil
}

// ended is whether an error only says that the program was asked to end.
func ended(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, syscall.EPIPE)
}
