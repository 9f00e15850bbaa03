package main

import (
	"fmt"
	"os"

	"github.com/neargate/neargate/bench/pinned"
)

// configuration is HAProxy's after its "Configuration Manual": one thread, TCP mode, splicing both ways, pipes as large as ours.
const configuration = `
global
	nbthread 1
	maxconn 4000
	maxpipes 500
	tune.pipesize 1048576
defaults
	mode tcp
	option splice-request
	option splice-response
	timeout connect 10s
	timeout client 350s
	timeout server 350s
listen l4
	bind %s backlog 4096
	server target %s
`

func startHAProxy(file string, o options, target string) (*pinned.Process, error) {
	address, err := pinned.FreeAddress()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, fmt.Appendf(nil, configuration, address, target), 0o644); err != nil {
		return nil, err
	}
	return pinned.Start("haproxy", o.core, address, nil, "haproxy", "-db", "-f", file)
}
