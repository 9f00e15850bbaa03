package measure

import (
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// What one load balancer capacity unit holds: "Elastic Load Balancing pricing". Rates are of seconds, bytes of an hour.
type unit struct{ opened, active, evaluations float64 }

const unitBytes = 1e9

var (
	applicationUnit = unit{opened: 25, active: 3000, evaluations: 1000}
	networkUnit     = map[string]unit{
		edgeapi.ProtocolTCP: {opened: 800, active: 100_000},
		edgeapi.ProtocolUDP: {opened: 400, active: 50_000},
		edgeapi.ProtocolTLS: {opened: 50, active: 3000},
	}
)

// freeRules are not billed of each request.
const freeRules = 10

// applicationUnits are the units in use: of the dimension that takes most.
func (t *taking) applicationUnits(s *share) float64 {
	f := &s.front
	billed := 0.0
	if free := freeRules * f.Requests; f.RuleEvaluations > free {
		billed = float64(f.RuleEvaluations - free)
	}
	return max(
		t.rate(f.NewConnections)/applicationUnit.opened,
		float64(max(f.ActiveConnections, 0))/applicationUnit.active,
		t.hourly(f.BytesIn+f.BytesOut)/unitBytes,
		billed/t.elapsed().Seconds()/applicationUnit.evaluations,
	)
}

func (t *taking) networkUnits(protocol string, f *edgeapi.FlowCounters) float64 {
	u := networkUnit[protocol]
	return max(t.rate(f.New)/u.opened, float64(max(f.Active, 0))/u.active, t.hourly(f.Bytes)/unitBytes)
}

// rate is how many there were in a second.
func (t *taking) rate(n uint64) float64 { return float64(n) / t.elapsed().Seconds() }

// hourly is how many there would be in an hour.
func (t *taking) hourly(n uint64) float64 {
	return float64(n) * float64(time.Hour) / float64(t.elapsed())
}
