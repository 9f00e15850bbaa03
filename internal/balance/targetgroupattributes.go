package balance

import (
	"encoding/json"
	"time"
)

// TargetGroupAttributes are how a target group's targets are chosen and let go. See "TargetGroupAttribute" in the Elastic Load Balancing
// API Reference.
type TargetGroupAttributes struct {
	DeregistrationDelay time.Duration
	Stickiness          Stickiness
	CrossZone           string // true, false or CrossZoneInherited
	DNS                 MinimumHealthy
	Routing             MinimumHealthy

	// Of groups of Application Load Balancers.
	SlowStart         time.Duration // 0 is off
	Algorithm         string
	AnomalyMitigation string // on or off

	// Of groups of Network Load Balancers.
	PreserveClientIP      bool
	ProxyProtocol         bool
	TerminateDeregistered bool
	TerminateUnhealthy    bool
	UnhealthyDrain        time.Duration
}

// Stickiness binds clients to targets. What it says means nothing while it is not enabled.
type Stickiness struct {
	Enabled     bool
	Type        string
	LBDuration  time.Duration // of lb_cookie
	AppDuration time.Duration // of app_cookie
	Cookie      string        // of app_cookie
}

// Types of stickiness.
const (
	StickyLBCookie  = "lb_cookie"
	StickyAppCookie = "app_cookie"
	StickySourceIP  = "source_ip"
)

// Algorithms.
const (
	AlgorithmRoundRobin       = "round_robin"
	AlgorithmLeastOutstanding = "least_outstanding_requests"
	AlgorithmWeightedRandom   = "weighted_random"
)

// CrossZoneInherited as a group's setting means that its load balancer decides.
const CrossZoneInherited = "use_load_balancer_configuration"

// MinimumHealthy is how many of a group's targets must be healthy; 0 is off.
type MinimumHealthy struct{ Count, Percent int }

// Met is whether so many healthy ones of all targets are enough.
func (m MinimumHealthy) Met(healthy, all int) bool {
	return healthy >= m.Count && healthy*100 >= m.Percent*all
}

// DefaultTargetGroupAttributes are those of a new target group.
func DefaultTargetGroupAttributes(g *TargetGroup) TargetGroupAttributes {
	a := TargetGroupAttributes{
		DeregistrationDelay: 300 * time.Second, CrossZone: CrossZoneInherited, DNS: MinimumHealthy{Count: 1}, Routing: MinimumHealthy{Count: 1},
	}
	if Web(g.Protocol) {
		a.Algorithm, a.AnomalyMitigation = AlgorithmRoundRobin, "off"
		a.Stickiness = Stickiness{Type: StickyLBCookie, LBDuration: 24 * time.Hour, AppDuration: 24 * time.Hour}
		return a
	}
	datagrams := g.Protocol == ProtocolUDP || g.Protocol == ProtocolTCPUDP
	a.Stickiness.Type = StickySourceIP
	a.PreserveClientIP = datagrams || g.Type != TargetIP
	a.TerminateDeregistered, a.TerminateUnhealthy = datagrams, !datagrams
	return a
}

// UnmarshalJSON reads attributes of rows that were written before there were as many: those are of HTTP target groups.
func (a *TargetGroupAttributes) UnmarshalJSON(data []byte) error {
	type plain TargetGroupAttributes
	all := plain(DefaultTargetGroupAttributes(&TargetGroup{Protocol: ProtocolHTTP}))
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	*a = TargetGroupAttributes(all)
	return nil
}
