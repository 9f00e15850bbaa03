package edgeapi

import (
	"fmt"
	"slices"
)

// forwards tells for each protocol of a network listener those of the groups it can forward to ("Listeners for your Network Load Balancers").
var forwards = map[string][]string{
	ProtocolTCP:    {ProtocolTCP, ProtocolTCPUDP},
	ProtocolTLS:    {ProtocolTCP, ProtocolTLS},
	ProtocolUDP:    {ProtocolUDP, ProtocolTCPUDP},
	ProtocolTCPUDP: {ProtocolTCPUDP},
}

// Network reports whether the group is one of network load balancers.
func (g *TargetGroup) Network() bool {
	return slices.Contains([]string{ProtocolTCP, ProtocolTLS, ProtocolUDP, ProtocolTCPUDP}, g.Protocol)
}

// validateKind checks what only one kind of group can have.
func (g *TargetGroup) validateKind() error {
	if !g.Network() {
		for _, f := range []feature{
			{"target type alb", g.Type == TargetALB},
			{"preservation of client addresses", g.PreserveClientIP},
			{"Proxy Protocol", g.ProxyProtocol},
			{"connection termination", g.TerminateDeregistered || g.TerminateUnhealthy || g.UnhealthyDrain != 0},
		} {
			if f.wanted {
				return fmt.Errorf("%s is not supported with protocol %s", f.name, g.Protocol)
			}
		}
		return nil
	}
	switch {
	case g.Type != "" && g.Type != TargetIP && g.Type != TargetALB:
		return fmt.Errorf("target type %q is not supported", g.Type)
	case g.Type == TargetALB && g.Protocol != ProtocolTCP:
		return fmt.Errorf("target type alb is not supported with protocol %s", g.Protocol)
	case g.ProtocolVersion != "" || g.Algorithm != "" || g.SlowStart != 0 || g.AnomalyMitigation:
		return fmt.Errorf("a protocol version, an algorithm and slow start are not supported with protocol %s", g.Protocol)
	case g.Stickiness != nil && g.Stickiness.Type != StickySourceIP:
		return fmt.Errorf("stickiness %q is not supported with protocol %s", g.Stickiness.Type, g.Protocol)
	case g.TerminateUnhealthy && g.UnhealthyDrain != 0:
		return fmt.Errorf("connections of unhealthy targets cannot both be terminated and drain")
	case g.UnhealthyDrain < 0:
		return fmt.Errorf("unhealthy draining interval %v is negative", g.UnhealthyDrain)
	}
	return g.Routing.validate()
}

// validateNetwork is validate for a network load balancer. groups are those of its kind.
func (lb *LoadBalancer) validateNetwork(groups map[string]*TargetGroup) error {
	arns, ports := map[string]bool{}, map[int]bool{}
	for i := range lb.Listeners {
		l := &lb.Listeners[i]
		if l.ARN == "" || arns[l.ARN] || !isPort(l.Port) || ports[l.Port] {
			return fmt.Errorf("listener %q: missing or repeated ARN or port %d", l.ARN, l.Port)
		}
		arns[l.ARN], ports[l.Port] = true, true
		if err := l.validateNetwork(groups); err != nil {
			return fmt.Errorf("listener %s: %w", l.ARN, err)
		}
	}
	return nil
}

func (l *Listener) validateNetwork(groups map[string]*TargetGroup) error {
	allowed := forwards[l.Protocol]
	switch {
	case allowed == nil:
		return fmt.Errorf("protocol %q is not supported", l.Protocol)
	case (l.Protocol == ProtocolTLS) != (l.TLS != nil):
		return fmt.Errorf("protocol %s with or without TLS settings", l.Protocol)
	case l.TLS != nil && l.TLS.Mutual != nil:
		return fmt.Errorf("mutual TLS is not supported with protocol %s", l.Protocol)
	case l.Attributes.TCPIdle != 0 && l.Protocol != ProtocolTCP && l.Protocol != ProtocolTCPUDP:
		return fmt.Errorf("an idle timeout is not supported with protocol %s", l.Protocol)
	case l.Attributes.TCPIdle < 0:
		return fmt.Errorf("bad idle timeout %v", l.Attributes.TCPIdle)
	case len(l.Attributes.ResponseHeaders) > 0 || len(l.Attributes.RequestHeaders) > 0 || l.Attributes.ServerHeaderOff:
		return fmt.Errorf("attributes of headers are not supported with protocol %s", l.Protocol)
	case len(l.Rules) != 1 || l.Rules[0].Priority != 0 || len(l.Rules[0].Conditions) > 0 || len(l.Rules[0].Transforms) > 0:
		return fmt.Errorf("other rules than the default one are not supported with protocol %s", l.Protocol)
	}
	f := l.Rules[0].Action.Forward
	if f == nil || len(f.Groups) == 0 || l.Rules[0].Action.Redirect != nil || l.Rules[0].Action.FixedResponse != nil || f.Stickiness != 0 {
		return fmt.Errorf("an action other than to forward is not supported with protocol %s", l.Protocol)
	}
	for _, w := range f.Groups {
		g := groups[w.TargetGroup]
		switch {
		case g == nil:
			return fmt.Errorf("forward to unknown target group %q", w.TargetGroup)
		case !slices.Contains(allowed, g.Protocol):
			return fmt.Errorf("forward to %s: protocol %s", w.TargetGroup, g.Protocol)
		case w.Weight < 0 || w.Weight > 999:
			return fmt.Errorf("forward to %s: bad weight %d", w.TargetGroup, w.Weight)
		}
	}
	return nil
}
