package main

import (
	"net/netip"
	"time"

	"github.com/neargate/neargate/bench/pinned"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

func startEdge(dir string, o options, target string) (*pinned.Process, error) {
	address, err := pinned.FreeAddress()
	if err != nil {
		return nil, err
	}
	s, err := snapshot(address, target)
	if err != nil {
		return nil, err
	}
	p, _, err := pinned.StartEdge(dir, o.core, address, o.profile, s)
	return p, err
}

// snapshot is one network load balancer with one target.
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
			ARN: "lb", Name: "lb", Type: edgeapi.TypeNetwork, Scheme: "internal",
			Listeners: []edgeapi.Listener{{
				ARN: "listener", Port: int(listen.Port()), Protocol: edgeapi.ProtocolTCP,
				Rules: []edgeapi.Rule{{ARN: "default", Action: edgeapi.Action{
					Forward: &edgeapi.Forward{Groups: []edgeapi.WeightedGroup{{TargetGroup: "group", Weight: 1}}},
				}}},
			}},
		}},
		TargetGroups: []edgeapi.TargetGroup{{
			ARN: "group", Name: "group", Protocol: edgeapi.ProtocolTCP,
			HealthCheck: edgeapi.HealthCheck{
				Protocol: edgeapi.ProtocolTCP, Port: edgeapi.PortTraffic, Interval: 30 * time.Second, Timeout: 10 * time.Second,
				HealthyThreshold: 5, UnhealthyThreshold: 2,
			},
			Targets: []edgeapi.Target{{ID: to.Addr().String(), Address: to.Addr(), Port: int(to.Port())}},
		}},
	}, nil
}
