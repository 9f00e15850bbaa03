package elbv2

import (
	"strings"
	"time"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/balance"
)

// healthCheck is what a request says of a health check; nil leaves things as they are.
type healthCheck struct {
	protocol, port, path *string
	enabled              *bool
	interval, timeout    *int32
	healthy, unhealthy   *int32
	matcher              *elbv2api.Matcher
}

// change is h, a check of the group's targets, as the request wants it.
func (in healthCheck) change(h balance.HealthCheck, g *balance.TargetGroup) (balance.HealthCheck, error) {
	if in.enabled != nil && !*in.enabled {
		return h, invalid("Health check enabled must be true for target groups with target type '%s'", g.Type)
	}
	if in.protocol != nil {
		if err := checkProbe(*in.protocol, g); err != nil {
			return h, err
		}
		if *in.protocol != h.Protocol {
			unset := balance.DefaultHealthCheck(g, *in.protocol)
			h.Protocol, h.Path, h.Matcher = *in.protocol, unset.Path, unset.Matcher
		}
	}
	if in.port != nil {
		h.Port = *in.port
	}
	setSeconds(&h.Interval, in.interval)
	setSeconds(&h.Timeout, in.timeout)
	if in.healthy != nil {
		h.Healthy = int(*in.healthy)
	}
	if in.unhealthy != nil {
		h.Unhealthy = int(*in.unhealthy)
	}
	if h.Protocol == balance.ProtocolTCP {
		if in.path != nil || in.matcher != nil {
			return h, invalid("Health check paths and matchers cannot be specified for health checks with protocol 'TCP'")
		}
		return h, checkHealthCheck(h, g)
	}
	if in.path != nil {
		h.Path = *in.path
	}
	var err error
	if in.matcher != nil {
		h.Matcher, err = matcherOf(in.matcher, g, h.Matcher)
	}
	if err != nil {
		return h, err
	}
	return h, checkHealthCheck(h, g)
}

func setSeconds(field *time.Duration, given *int32) {
	if given != nil {
		*field = time.Duration(*given) * time.Second
	}
}

// checkProbe is whether targets of a group can be probed by a protocol.
func checkProbe(protocol string, g *balance.TargetGroup) error {
	switch {
	case balance.Web(protocol), protocol == balance.ProtocolTCP && !balance.Web(g.Protocol) && g.Type != balance.TargetALB:
		return nil
	case g.Type == balance.TargetALB:
		return invalid("Health check protocol '%s' is not supported for target groups with target type 'alb'", protocol)
	}
	return invalid("Health check protocol '%s' is not supported for target groups with protocol '%s'", protocol, g.Protocol)
}

func checkHealthCheck(h balance.HealthCheck, g *balance.TargetGroup) error {
	if h.Port != balance.PortTraffic && !within(1, 65535)(h.Port) {
		return invalid("Health check port '%s' must be either '%s' or a number between '1' and '65535' inclusive", h.Port, balance.PortTraffic)
	}
	if h.Path != "" && (!strings.HasPrefix(h.Path, "/") || strings.ContainsFunc(h.Path, invisible)) {
		return invalid("Health check path '%s' is not valid. It must begin with a '/' character", h.Path)
	}
	switch web := balance.Web(g.Protocol); {
	case web && h.Interval <= h.Timeout:
		return invalid("Health check interval must be greater than the timeout.")
	case !web && h.Interval < h.Timeout:
		return invalid("Health check interval must be greater than or equal to the timeout.")
	}
	return nil
}

// matcherOf are the codes a matcher names, or those there are.
func matcherOf(m *elbv2api.Matcher, g *balance.TargetGroup, have string) (string, error) {
	grpc := g.ProtocolVersion == balance.VersionGRPC
	switch {
	case m.GrpcCode != nil && !grpc:
		return "", invalid("The 'GrpcCode' matcher is only supported for target groups with protocol version 'GRPC'")
	case m.HttpCode != nil && grpc:
		return "", invalid("The 'HttpCode' matcher is not supported for target groups with protocol version 'GRPC'")
	case m.GrpcCode != nil:
		return *m.GrpcCode, checkMatcher("GRPC", *m.GrpcCode, 0, 99)
	case m.HttpCode != nil && balance.Web(g.Protocol):
		return *m.HttpCode, checkMatcher("HTTP", *m.HttpCode, 200, 499)
	case m.HttpCode != nil:
		return *m.HttpCode, checkMatcher("HTTP", *m.HttpCode, 200, 599)
	}
	return have, nil
}

// checkMatcher checks codes like 200, 200-299 and 200-299,301.
func checkMatcher(kind, codes string, least, most int) error {
	for part := range strings.SplitSeq(codes, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		low, lowOK := number(first)
		high, highOK := number(last)
		if !lowOK || !highOK || low > high {
			return invalid("Health check matcher %s code '%s' is not valid", kind, codes)
		}
		if low < least || high > most {
			return invalid("Health check matcher %s code '%s' must be within '%d-%d' inclusive", kind, codes, least, most)
		}
	}
	return nil
}
