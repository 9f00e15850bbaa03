package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/neargate/neargate/internal/edge"
	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// edgeVerb makes this program run an edge process instead of the comparison.
const edgeVerb = "edge"

// serveEdge is the process under test: the same edge.Run that "neargate edge" runs.
func serveEdge(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if len(args) > 2 && args[2] != "" {
		f, err := os.Create(args[2])
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return edge.Run(ctx, edge.Config{Socket: args[0], SnapshotFile: args[1], Log: log, DrainTimeout: time.Second})
}

func startEdge(dir string, o options, target string) (*proxy, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s, err := snapshot(address, target)
	if err != nil {
		return nil, err
	}
	socket, file := filepath.Join(dir, "sock"), filepath.Join(dir, "snapshot")
	content, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, content, 0o644); err != nil {
		return nil, err
	}
	return start("neargate", o.core, address, []string{"GOMAXPROCS=1"}, self, edgeVerb, socket, file, o.profile)
}

// snapshot is one load balancer with one rule and one target.
func snapshot(address, target string) (*edgeapi.Snapshot, error) {
	listen, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	to, err := netip.ParseAddrPort(target)
	if err != nil {
		return nil, err
	}
	return &edgeapi.Snapshot{
		Generation: 1,
		Nodes:      []edgeapi.Node{{ID: "eni-1", LoadBalancer: "lb", Address: listen.Addr()}},
		LoadBalancers: []edgeapi.LoadBalancer{{
			ARN: "lb", Name: "lb", DNSName: "lb.localhost", Type: "application", Scheme: "internal",
			Attributes: edgeapi.DefaultAttributes(),
			Listeners: []edgeapi.Listener{{
				ARN: "listener", Port: int(listen.Port()), Protocol: edgeapi.ProtocolHTTP,
				Rules: []edgeapi.Rule{{ARN: "default", Action: edgeapi.Action{
					Forward: &edgeapi.Forward{Groups: []edgeapi.WeightedGroup{{TargetGroup: "group", Weight: 1}}},
				}}},
			}},
		}},
		TargetGroups: []edgeapi.TargetGroup{{
			ARN: "group", Name: "group", Protocol: edgeapi.ProtocolHTTP, ProtocolVersion: "HTTP1",
			Algorithm: edgeapi.AlgorithmRoundRobin,
			HealthCheck: edgeapi.HealthCheck{
				Protocol: edgeapi.ProtocolHTTP, Port: edgeapi.PortTraffic, Path: "/1k", Interval: 30 * time.Second,
				Timeout: 5 * time.Second, HealthyThreshold: 5, UnhealthyThreshold: 2, Matcher: "200",
			},
			Targets: []edgeapi.Target{{ID: to.Addr().String(), Address: to.Addr(), Port: int(to.Port())}},
		}},
	}, nil
}
