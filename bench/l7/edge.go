package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/neargate/neargate/bench/pinned"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

func startEdge(dir string, o options, s setup, port int) (*proxy, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	address, err := pinned.FreeAddress()
	if err != nil {
		return nil, err
	}
	first, err := s.snapshot(1, address, port, o.certificate)
	if err != nil {
		return nil, err
	}
	edge, socket, err := pinned.StartEdge(dir, o.core, address, o.profile, first)
	if err != nil {
		return nil, err
	}
	p := &proxy{Process: edge}
	if s.changing {
		p.change = func(ctx context.Context) error { return s.keepChanging(ctx, socket, address, port, o.certificate) }
	}
	return p, nil
}

// keepChanging puts a new snapshot a hundred times a second, each with other weights and every tenth with other targets.
func (s setup) keepChanging(ctx context.Context, socket, address string, port int, c *certificate) error {
	client := edgeapi.NewClient(socket)
	defer client.Close()
	status, err := client.Status(ctx, 0, 0)
	if err != nil {
		return err
	}
	every := time.NewTicker(10 * time.Millisecond)
	defer every.Stop()
	for generation := status.Generation + 1; ; generation++ {
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
		next, err := s.snapshot(generation, address, port, c)
		if err != nil {
			return err
		}
		rules := next.LoadBalancers[0].Listeners[0].Rules
		rules[len(rules)-1].Action.Forward.Groups[0].Weight = 1 + int(generation%999)
		if g := &next.TargetGroups[0]; generation%20 >= 10 && len(g.Targets) > 1 {
			last := &g.Targets[len(g.Targets)-1]
			last.Draining, last.DrainUntil = true, time.Now().Add(time.Minute)
		}
		if err := client.Put(ctx, next); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// snapshot is one load balancer with one target group.
func (s setup) snapshot(generation uint64, address string, port int, c *certificate) (*edgeapi.Snapshot, error) {
	listen, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, err
	}
	group := edgeapi.TargetGroup{
		ARN: "group", Name: "group", Protocol: edgeapi.ProtocolHTTP, ProtocolVersion: edgeapi.VersionHTTP1,
		Algorithm: edgeapi.AlgorithmRoundRobin, Routing: edgeapi.Failover{Count: 1},
		HealthCheck: edgeapi.HealthCheck{
			Protocol: edgeapi.ProtocolHTTP, Port: edgeapi.PortTraffic, Path: "/1k", Interval: 30 * time.Second,
			Timeout: 5 * time.Second, HealthyThreshold: 5, UnhealthyThreshold: 2, Matcher: "200",
		},
	}
	if s.sticky {
		group.Stickiness = &edgeapi.Stickiness{Type: edgeapi.StickyLBCookie, Duration: 24 * time.Hour}
	}
	for _, a := range s.addresses(port) {
		to, err := netip.ParseAddrPort(a)
		if err != nil {
			return nil, err
		}
		group.Targets = append(group.Targets, edgeapi.Target{ID: to.Addr().String(), Address: to.Addr(), Port: int(to.Port())})
	}
	forward := func() edgeapi.Action {
		return edgeapi.Action{Forward: &edgeapi.Forward{Groups: []edgeapi.WeightedGroup{{TargetGroup: "group", Weight: 1}}}}
	}
	var rules []edgeapi.Rule
	for i := range s.rules - 1 {
		rules = append(rules, edgeapi.Rule{
			ARN: fmt.Sprintf("rule-%d", i), Priority: i + 1, Action: forward(),
			Conditions: []edgeapi.Condition{{Field: edgeapi.FieldPath, Values: []string{s.path(i) + "*"}}},
		})
	}
	out := &edgeapi.Snapshot{
		Generation: generation,
		Nodes:      []edgeapi.Node{{ID: "eni-1", LoadBalancer: "lb", Address: listen.Addr()}},
		CookieKey:  []byte("a key of bench/l7, 32 octets big"),
		LoadBalancers: []edgeapi.LoadBalancer{{
			ARN: "lb", Name: "lb", DNSName: "lb.localhost", Type: edgeapi.TypeApplication, Scheme: "internal",
			Attributes: edgeapi.DefaultAttributes(),
			Listeners: []edgeapi.Listener{{
				ARN: "listener", Port: int(listen.Port()), Protocol: edgeapi.ProtocolHTTP,
				Rules: append(rules, edgeapi.Rule{ARN: "default", Action: forward()}),
			}},
		}},
		TargetGroups: []edgeapi.TargetGroup{group},
	}
	if s.tls {
		l := &out.LoadBalancers[0].Listeners[0]
		l.Protocol = edgeapi.ProtocolHTTPS
		l.TLS = &edgeapi.TLS{Policy: "ELBSecurityPolicy-TLS13-1-2-2021-06", Certificates: []string{"certificate"}}
		out.Certificates = []edgeapi.Certificate{{ARN: "certificate", Chain: c.chain, Key: c.key}}
	}
	return out, nil
}
