package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/neargate/neargate/bench/pinned"
)

// tuned is HAProxy after its Configuration Manual: one thread (the core it is pinned to), idle connections to servers kept and
// shared by all clients, data passed on by splice where that pays, no logs.
const tuned = `
global
	maxconn 4096
	nbthread 1
	tune.pipesize 262144

defaults
	mode http
	maxconn 4096
	timeout connect 10s
	timeout client 60s
	timeout server 60s
	timeout http-request 60s
	timeout http-keep-alive 75s
	option splice-auto
	http-reuse always
	default-server pool-purge-delay 75s

frontend front
	bind %[1]s backlog 4096 defer-accept%[4]s
	option forwardfor
	http-request set-header X-Forwarded-Proto http
	http-request set-header X-Forwarded-Port %%[dst_port]
	http-request set-header X-Amzn-Trace-Id Root=1-%%[uuid]
%[2]s	default_backend last

%[3]s`

func startHAProxy(dir string, o options, s setup, port int) (*proxy, error) {
	address, err := pinned.FreeAddress()
	if err != nil {
		return nil, err
	}
	var servers strings.Builder
	if s.sticky {
		servers.WriteString("\tcookie route insert indirect nocache\n")
	}
	for i, a := range s.addresses(port) {
		fmt.Fprintf(&servers, "\tserver s%d %s", i, a)
		if s.sticky {
			fmt.Fprintf(&servers, " cookie s%d", i)
		}
		servers.WriteString("\n")
	}
	var rules, backends strings.Builder
	for i := range s.rules - 1 {
		fmt.Fprintf(&rules, "\tuse_backend last if { path_beg %s }\n", s.path(i))
	}
	fmt.Fprintf(&backends, "backend last\n%s", servers.String())
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	bind := ""
	if s.tls {
		bind = " ssl crt " + o.certificate.bothFile
	}
	if s.http2 {
		bind += " alpn h2"
	}
	config := filepath.Join(dir, "haproxy.cfg")
	if err := os.WriteFile(config, fmt.Appendf(nil, tuned, address, rules.String(), backends.String(), bind), 0o644); err != nil {
		return nil, err
	}
	return start(haproxy, o.core, address, nil, "haproxy", "-db", "-f", config)
}
