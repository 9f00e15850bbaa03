package balance

import (
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/state"
)

// Protocols of listeners, target groups and health checks.
const (
	ProtocolHTTP   = "HTTP"
	ProtocolHTTPS  = "HTTPS"
	ProtocolTCP    = "TCP"
	ProtocolTLS    = "TLS"
	ProtocolUDP    = "UDP"
	ProtocolTCPUDP = "TCP_UDP"
)

// Versions of HTTP spoken with targets.
const (
	VersionHTTP1 = "HTTP1"
	VersionHTTP2 = "HTTP2"
	VersionGRPC  = "GRPC"
)

// DefaultPolicy is the security policy of listeners made with the API without naming one: User Guide for Application Load Balancers,
// "Security policies".
const DefaultPolicy = "ELBSecurityPolicy-2016-08"

// listenerProtocols are those of a type of load balancer, in the order AWS names them.
var listenerProtocols = map[string][]string{
	TypeApplication: {ProtocolHTTPS, ProtocolHTTP},
	TypeNetwork:     {ProtocolTLS, ProtocolTCP, ProtocolTCPUDP, ProtocolUDP},
}

// groupProtocols are those of the target groups that a listener may forward to: User Guide for Network Load Balancers, "Listeners for
// your Network Load Balancers".
var groupProtocols = map[string][]string{
	ProtocolHTTP:   {ProtocolHTTP, ProtocolHTTPS},
	ProtocolHTTPS:  {ProtocolHTTP, ProtocolHTTPS},
	ProtocolTCP:    {ProtocolTCP, ProtocolTCPUDP},
	ProtocolTLS:    {ProtocolTCP, ProtocolTLS},
	ProtocolUDP:    {ProtocolUDP, ProtocolTCPUDP},
	ProtocolTCPUDP: {ProtocolTCPUDP},
}

// Secure is whether listeners of a protocol terminate TLS.
func Secure(protocol string) bool { return protocol == ProtocolHTTPS || protocol == ProtocolTLS }

// Web is whether a protocol is one of Application Load Balancers.
func Web(protocol string) bool { return protocol == ProtocolHTTP || protocol == ProtocolHTTPS }

func checkProtocol(lb *LoadBalancer, protocol string) error {
	known := listenerProtocols[lb.Type]
	if !slices.Contains(known, protocol) {
		return ErrValidation.New("Listener protocol '%s' must be one of '%s'", protocol, strings.Join(known, ", "))
	}
	return nil
}

// checkCompatible is whether a listener may forward to an action's target groups.
func (b *Balance) checkCompatible(tx *state.Tx, l *Listener, a Action) error {
	for _, arn := range a.TargetGroups() {
		g, ok := b.TargetGroups.Get(tx, arn)
		switch {
		case !ok:
			return ErrTargetGroupNotFound.New("Target groups '%s' not found", arn)
		case !slices.Contains(groupProtocols[l.Protocol], g.Protocol):
			return ErrIncompatible.New("The listener and its associated target group '%s' have incompatible protocols: '%s' and '%s'", arn, l.Protocol, g.Protocol)
		case l.Protocol == ProtocolHTTP && g.ProtocolVersion != VersionHTTP1:
			return ErrInvalidConfiguration.New("Listener protocol 'HTTP' is not supported with a target group with the protocol-version '%s'", g.ProtocolVersion)
		case g.Type == TargetALB && l.Protocol != ProtocolTCP:
			return ErrIncompatible.New("Listener protocol '%s' is not supported with a target group with target type 'alb'", l.Protocol)
		}
	}
	return nil
}
