package measure

import (
	"time"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/state"
)

// Input is all that the metrics of one interval follow from.
type Input struct {
	From, To  time.Time
	At        time.Time         // what the data are dated
	Before    *edgeapi.Counters // of the same edge process; empty counters if it began in this interval
	After     *edgeapi.Counters
	Balancers []Balancer
}

// Balancer is a load balancer as its rows have it.
type Balancer struct {
	ARN, Account, Region string
	Network              bool
	DropsInvalid         bool     // routing.http.drop_invalid_header_fields.enabled
	Zones                []string // where it has nodes
	Groups               []Group  // that its rules forward to
}

// Group is a target group.
type Group struct {
	ARN          string
	Sticky       bool
	CrossZone    bool
	DNS, Routing balance.MinimumHealthy
	Targets      []Target
}

// Target is a registered target that is not draining.
type Target struct {
	ID                 string
	Port               int
	Zone               string // balance.AllZones for one outside of the VPC
	Healthy, Unhealthy bool   // neither: not known yet
}

// balancers reads the rows.
func balancers(tx *state.Tx, t *balance.Tables) []Balancer {
	var out []Balancer
	for lb := range t.LoadBalancers.All(tx, "") {
		b := Balancer{
			ARN: lb.ARN, Account: lb.Account, Region: lb.Region, Network: lb.Network(), DropsInvalid: lb.Attributes.DropInvalidHeaders,
		}
		for _, n := range lb.Nodes {
			b.Zones = append(b.Zones, n.Zone)
		}
		for _, g := range t.TargetGroupsBehind(tx, lb) {
			b.Groups = append(b.Groups, group(tx, t, lb, g))
		}
		out = append(out, b)
	}
	return out
}

func group(tx *state.Tx, t *balance.Tables, lb *balance.LoadBalancer, g *balance.TargetGroup) Group {
	out := Group{
		ARN: g.ARN, Sticky: g.Attributes.Stickiness.Enabled, DNS: g.Attributes.DNS, Routing: g.Attributes.Routing,
		CrossZone: !lb.Network() || lb.Attributes.CrossZone,
	}
	if own := g.Attributes.CrossZone; own != balance.CrossZoneInherited {
		out.CrossZone = own == "true"
	}
	for _, x := range t.TargetsOf(tx, g.ARN) {
		if x.Draining() || !x.Serves(lb) {
			continue
		}
		state := edgeapi.TargetState(t.Verdict(tx, g.ARN, x.ID, x.Port).State)
		out.Targets = append(out.Targets, Target{
			ID: x.ID, Port: x.Port, Zone: x.Zone, Healthy: state == edgeapi.TargetHealthy,
			Unhealthy: state == edgeapi.TargetUnhealthy || state == edgeapi.TargetUnhealthyDraining,
		})
	}
	return out
}
