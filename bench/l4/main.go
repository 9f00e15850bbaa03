// Command l4 compares Neargate's layer 4 data plane with HAProxy in TCP mode: the same work, the same client, the same target, in turn,
// in one run.
//
//	go run ./bench/l4 -rounds 5 -duration 5s -json l4.json
//
// The proxy under test is pinned to one core; client and target share the others. Where they are the bottleneck, and on a noisy machine, the
// ratios per second of the proxy's own CPU time say more than those per second of wall time, so both are printed, as the median over
// the rounds.
//
// haproxy must be installed.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/neargate/neargate/bench/pinned"
)

// Verbs that make this program one of the processes of a comparison.
const (
	targetVerb = "target"
	clientVerb = "client"
)

type options struct {
	duration     time.Duration
	rounds       int
	core, others string
	json         string
	only         string
	profile      string
}

func main() {
	if err := dispatch(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "l4:", err)
		os.Exit(1)
	}
}

func dispatch(args []string) error {
	verbs := map[string]func([]string) error{pinned.EdgeVerb: pinned.ServeEdge, targetVerb: serveTarget, clientVerb: runClient}
	if len(args) > 0 && verbs[args[0]] != nil {
		return verbs[args[0]](args[1:])
	}
	var o options
	flag.DurationVar(&o.duration, "duration", 4*time.Second, "length of each measurement")
	flag.IntVar(&o.rounds, "rounds", 5, "measurements of each proxy, taken in turn")
	flag.StringVar(&o.core, "core", "0", "core the proxy is pinned to (taskset -c)")
	flag.StringVar(&o.others, "others", "1", "cores of client and target")
	flag.StringVar(&o.json, "json", "", "file to write the results to")
	flag.StringVar(&o.only, "only", "", "measure only works whose name contains this")
	flag.StringVar(&o.profile, "profile", "", "file for a CPU profile of the edge process")
	flag.Parse()
	return run(o)
}

func run(o options) error {
	if err := pinned.Self(o.others); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "neargate-l4-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	target, err := startTarget(self, o)
	if err != nil {
		return fmt.Errorf("target: %w", err)
	}
	defer target.Stop()
	haproxy, err := startHAProxy(filepath.Join(dir, "haproxy.cfg"), o, target.Address)
	if err != nil {
		return fmt.Errorf("haproxy: %w", err)
	}
	defer haproxy.Stop()
	edge, err := startEdge(dir, o, target.Address)
	if err != nil {
		return fmt.Errorf("edge: %w", err)
	}
	defer edge.Stop()

	var all []comparison
	for _, w := range works {
		if !strings.Contains(w.name, o.only) {
			continue
		}
		c, err := compare(self, w, o, haproxy, edge)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		all = append(all, c)
		c.print(os.Stdout)
	}
	if o.json == "" {
		return nil
	}
	content, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(o.json, append(content, '\n'), 0o644)
}
