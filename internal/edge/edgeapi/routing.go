package edgeapi

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// MaxStickiness is the longest duration of stickiness.
const MaxStickiness = 7 * 24 * time.Hour

func (f Failover) validate() error {
	if f.Count < 0 || f.Percent < 0 || f.Percent > 100 {
		return fmt.Errorf("bad threshold of healthy targets: %d or %d %%", f.Count, f.Percent)
	}
	return nil
}

// validateRouting checks what decides which target of a group of protocol HTTP or HTTPS a request goes to.
func (g *TargetGroup) validateRouting() error {
	switch {
	case !slices.Contains([]string{AlgorithmRoundRobin, AlgorithmLeastOutstanding, AlgorithmWeightedRandom}, g.Algorithm):
		return fmt.Errorf("algorithm %q is not supported", g.Algorithm)
	case g.AnomalyMitigation && g.Algorithm != AlgorithmWeightedRandom:
		return fmt.Errorf("anomaly mitigation with algorithm %q", g.Algorithm)
	case g.SlowStart != 0 && (g.SlowStart < 0 || g.Algorithm != AlgorithmRoundRobin):
		return fmt.Errorf("slow start of %v with algorithm %q", g.SlowStart, g.Algorithm)
	}
	if err := g.Routing.validate(); err != nil {
		return err
	}
	s := g.Stickiness
	if s == nil {
		return nil
	}
	switch {
	case s.Type != StickyLBCookie && s.Type != StickyAppCookie:
		return fmt.Errorf("stickiness type %q is not supported", s.Type)
	case s.Duration < time.Second || s.Duration > MaxStickiness:
		return fmt.Errorf("bad duration of stickiness %v", s.Duration)
	case s.Type == StickyAppCookie && (s.Cookie == "" || strings.ContainsFunc(s.Cookie, notToken)):
		return fmt.Errorf("bad name of application cookie %q", s.Cookie)
	}
	return nil
}

func (f *Forward) validate(groups map[string]bool) error {
	if len(f.Groups) == 0 {
		return fmt.Errorf("forward without target groups")
	}
	if f.Stickiness != 0 && (f.Stickiness < time.Second || f.Stickiness > MaxStickiness) {
		return fmt.Errorf("forward with bad duration of stickiness %v", f.Stickiness)
	}
	for _, g := range f.Groups {
		if !groups[g.TargetGroup] {
			return fmt.Errorf("forward to unknown target group %q", g.TargetGroup)
		}
		if g.Weight < 0 || g.Weight > 999 {
			return fmt.Errorf("forward to %s: bad weight %d", g.TargetGroup, g.Weight)
		}
	}
	return nil
}
