package edgeapi

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// network is a snapshot of a network load balancer that uses everything.
func network() *Snapshot {
	return &Snapshot{
		Generation: 1,
		Nodes:      []Node{{ID: "eni-1", LoadBalancer: "lb", Namespace: "/run/netns/a", Address: netip.MustParseAddr("10.0.0.5"), AvailabilityZone: "us-east-1a"}},
		LoadBalancers: []LoadBalancer{{ARN: "lb", Type: TypeNetwork, Listeners: []Listener{
			{ARN: "l1", Port: 80, Protocol: ProtocolTCP, Attributes: ListenerAttributes{TCPIdle: time.Minute}, Rules: []Rule{
				{ARN: "r1", Action: Action{Forward: &Forward{Groups: []WeightedGroup{{"g", 1}, {"both", 0}}}}},
			}},
			{ARN: "l2", Port: 53, Protocol: ProtocolTCPUDP, Rules: []Rule{{ARN: "r2", Action: Action{Forward: &Forward{Groups: []WeightedGroup{{"both", 1}}}}}}},
		}}},
		TargetGroups: []TargetGroup{
			{
				ARN: "g", Type: TargetALB, Protocol: ProtocolTCP, PreserveClientIP: true, TerminateUnhealthy: true, CrossZone: new(true),
				HealthCheck: HealthCheck{
					Protocol: ProtocolHTTP, Port: PortTraffic, Path: "/", Interval: 30 * time.Second, Timeout: 6 * time.Second,
					HealthyThreshold: 5, UnhealthyThreshold: 2, Matcher: "200-399",
				},
			},
			{
				ARN: "both", Type: TargetIP, Protocol: ProtocolTCPUDP, PreserveClientIP: true, ProxyProtocol: true, TerminateDeregistered: true,
				UnhealthyDrain: time.Minute, Stickiness: &Stickiness{Type: StickySourceIP}, Routing: Failover{Count: 2, Percent: 10},
				HealthCheck: HealthCheck{
					Protocol: ProtocolTCP, Port: "8080", Interval: 30 * time.Second, Timeout: 10 * time.Second, HealthyThreshold: 5, UnhealthyThreshold: 2,
				},
				Targets: []Target{{ID: "10.0.1.1", Address: netip.MustParseAddr("10.0.1.1"), Port: 53}},
			},
		},
	}
}

func TestValidateNetwork(t *testing.T) {
	if err := network().Validate(); err != nil {
		t.Fatal(err)
	}
	listener := func(s *Snapshot) *Listener { return &s.LoadBalancers[0].Listeners[0] }
	for _, c := range []struct {
		want   string
		change func(*Snapshot)
	}{
		{"protocol", func(s *Snapshot) { listener(s).Protocol = "QUIC" }},
		{"protocol", func(s *Snapshot) { listener(s).Protocol = "TCP_QUIC" }},
		{"protocol", func(s *Snapshot) { listener(s).Protocol = ProtocolHTTP }},
		{"without TLS", func(s *Snapshot) { listener(s).Protocol = ProtocolTLS }},
		{"port", func(s *Snapshot) { listener(s).Port = 53 }},
		{"protocol TCP_UDP", func(s *Snapshot) {
			listener(s).Protocol, listener(s).Attributes.TCPIdle = ProtocolTLS, 0
			listener(s).TLS = &TLS{}
		}},
		{"idle timeout", func(s *Snapshot) { listener(s).Attributes.TCPIdle = -1 }},
		{"headers", func(s *Snapshot) { listener(s).Attributes.ServerHeaderOff = true }},
		{"rules", func(s *Snapshot) { listener(s).Rules = append(listener(s).Rules, listener(s).Rules[0]) }},
		{"action", func(s *Snapshot) {
			listener(s).Rules[0].Action = Action{FixedResponse: &FixedResponse{StatusCode: 200}}
		}},
		{"unknown target group", func(s *Snapshot) { listener(s).Rules[0].Action.Forward.Groups[0].TargetGroup = "x" }},
		{"weight", func(s *Snapshot) { listener(s).Rules[0].Action.Forward.Groups[0].Weight = -1 }},
		{"protocol UDP", func(s *Snapshot) { s.TargetGroups[0].Type, s.TargetGroups[0].Protocol = TargetIP, ProtocolUDP }},
		{"type alb", func(s *Snapshot) { s.TargetGroups[0].Protocol = ProtocolTLS }},
		{"algorithm", func(s *Snapshot) { s.TargetGroups[0].Algorithm = AlgorithmRoundRobin }},
		{"stickiness", func(s *Snapshot) { s.TargetGroups[1].Stickiness.Type = StickyLBCookie }},
		{"both be terminated and drain", func(s *Snapshot) { s.TargetGroups[1].TerminateUnhealthy = true }},
		{"threshold of healthy targets", func(s *Snapshot) { s.TargetGroups[1].Routing.Percent = 101 }},
		{"path or matcher", func(s *Snapshot) { s.TargetGroups[1].HealthCheck.Path = "/" }},
		{"thresholds", func(s *Snapshot) { s.TargetGroups[1].HealthCheck.UnhealthyThreshold = 0 }},
		{"not supported with protocol HTTP", func(s *Snapshot) {
			*s = *valid()
			s.TargetGroups[0].ProxyProtocol = true
		}},
		{"not supported with protocol HTTP", func(s *Snapshot) {
			*s = *valid()
			h := &s.TargetGroups[0].HealthCheck
			h.Protocol, h.Path, h.Matcher = ProtocolTCP, "", ""
		}},
		{"unknown target group", func(s *Snapshot) { // of the other kind
			n := s.TargetGroups[1]
			*s = *valid()
			n.ARN = "g"
			s.TargetGroups = []TargetGroup{n}
		}},
	} {
		s := network()
		c.change(s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want an error with %q, got %v", c.want, err)
		}
	}
}
