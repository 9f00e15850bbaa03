package main

import (
	"context"
	"fmt"
	"os"

	"github.com/neargate/neargate/bench/pinned"
)

// proxy is a process under test.
type proxy struct {
	*pinned.Process
	cookie string // what clients send, of sticky setups
	tls    bool
	// change keeps changing the configuration until ctx is done; nil: it stays as it is.
	change func(ctx context.Context) error
}

// start runs a proxy.
func start(name, cores, address string, env []string, command ...string) (*proxy, error) {
	p, err := pinned.Start(name, cores, address, env, command...)
	if err != nil {
		return nil, err
	}
	return &proxy{Process: p}, nil
}

// url is that of a path at the proxy.
func (p *proxy) url(path string) string {
	if p.tls {
		return "https://" + p.Address + path
	}
	return "http://" + p.Address + path
}

// keepChanging changes the configuration until stop is called.
func (p *proxy) keepChanging() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := p.change(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "l7: changes:", err)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
