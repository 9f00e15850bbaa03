// Command l7 compares Neargate's layer 7 data plane with nginx, HAProxy and Caddy, and with itself in other setups: the same work, the
// same client, the same target, in turn, in one run.
//
//	go run ./bench/l7 -rounds 5 -duration 5s -json l7.json
//
// The proxy under test is pinned to one core; client and target share the others. On a noisy machine the ratios of requests
// per second of the proxy's own CPU time say more than those of requests per second of wall time, so both are printed, as
// the median over the rounds.
//
// nginx (Debian: nginx-light), haproxy, caddy, wrk and h2load (nghttp2-client) must be installed.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/bench/pinned"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == pinned.EdgeVerb {
		if err := pinned.ServeEdge(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "l7 edge:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.DurationVar(&o.duration, "duration", 4*time.Second, "length of each measurement")
	flag.IntVar(&o.rounds, "rounds", 5, "measurements of each proxy, taken in turn")
	flag.IntVar(&o.connections, "connections", 64, "client connections kept alive")
	flag.StringVar(&o.core, "core", "0", "core the proxy is pinned to (taskset -c)")
	flag.StringVar(&o.others, "others", "1", "cores of client and target")
	flag.StringVar(&o.json, "json", "", "file to write the results to")
	flag.StringVar(&o.only, "only", "", "measure only works whose name contains this")
	flag.StringVar(&o.profile, "profile", "", "file for a CPU profile of the edge process")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "l7:", err)
		os.Exit(1)
	}
}

type options struct {
	duration     time.Duration
	rounds       int
	connections  int
	core, others string
	json         string
	only         string
	profile      string

	certificate *certificate
}

func run(o options) error {
	if err := pinned.Self(o.others); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "neargate-l7-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // workers run as other users
		return err
	}
	if o.certificate, err = newCertificate(dir); err != nil {
		return err
	}
	address, err := pinned.FreeAddress()
	if err != nil {
		return err
	}
	port := int(netip.MustParseAddrPort(address).Port())
	target, err := startTarget(filepath.Join(dir, "target"), o.others, port)
	if err != nil {
		return fmt.Errorf("target: %w", err)
	}
	defer target.Stop()

	var r report
	for i, w := range works {
		if !strings.Contains(w.name, o.only) {
			continue
		}
		c, err := compare(w, o, filepath.Join(dir, strconv.Itoa(i)), port)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		r.Works = append(r.Works, c)
		c.print(os.Stdout)
	}
	if strings.Contains(idleWork, o.only) {
		i, err := measureIdle(o, dir, port)
		if err != nil {
			return fmt.Errorf("%s: %w", idleWork, err)
		}
		r.Idle = &i
		fmt.Printf("%s\n  %d connections, %.1f KB each\n", idleWork, i.Connections, i.BytesEach/1000)
	}
	if o.json == "" {
		return nil
	}
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(o.json, append(content, '\n'), 0o644)
}
