package elbv2

import (
	"strconv"
	"strings"
	"time"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/aws/awserr"
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

// change is h as the request wants it.
func (in healthCheck) change(h balance.HealthCheck, targetType string) (balance.HealthCheck, error) {
	if in.enabled != nil && !*in.enabled {
		return h, invalid("Health check enabled must be true for target groups with target type '%s'", targetType)
	}
	if err := checkProbe(in.protocol); err != nil {
		return h, err
	}
	if in.port != nil {
		h.Port = *in.port
	}
	if in.path != nil {
		h.Path = *in.path
	}
	setSeconds(&h.Interval, in.interval)
	setSeconds(&h.Timeout, in.timeout)
	if in.healthy != nil {
		h.Healthy = int(*in.healthy)
	}
	if in.unhealthy != nil {
		h.Unhealthy = int(*in.unhealthy)
	}
	if m := in.matcher; m != nil {
		if m.GrpcCode != nil {
			return h, invalid("The 'GrpcCode' matcher is only supported for target groups with protocol version 'GRPC'")
		}
		if m.HttpCode != nil {
			h.Matcher = *m.HttpCode
		}
	}
	return h, checkHealthCheck(h)
}

func setSeconds(field *time.Duration, given *int32) {
	if given != nil {
		*field = time.Duration(*given) * time.Second
	}
}

func checkProbe(protocol *string) error {
	switch {
	case protocol == nil || *protocol == balance.ProtocolHTTP:
		return nil
	case *protocol == elbv2api.ProtocolEnumHttps:
		return awserr.NotImplemented("health check protocol HTTPS")
	}
	return invalid("Health check protocol '%s' is not supported for target groups with protocol 'HTTP'", *protocol)
}

func checkHealthCheck(h balance.HealthCheck) error {
	if h.Port != balance.PortTraffic && !within(1, 65535)(h.Port) {
		return invalid("Health check port '%s' must be either '%s' or a number between '1' and '65535' inclusive", h.Port, balance.PortTraffic)
	}
	if !strings.HasPrefix(h.Path, "/") || strings.ContainsFunc(h.Path, invisible) {
		return invalid("Health check path '%s' is not valid. It must begin with a '/' character", h.Path)
	}
	if h.Interval <= h.Timeout {
		return invalid("Health check interval must be greater than the timeout.")
	}
	return checkMatcher(h.Matcher)
}

// checkMatcher checks codes like 200, 200-299 and 200-299,301.
func checkMatcher(codes string) error {
	for part := range strings.SplitSeq(codes, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		low, lowErr := strconv.Atoi(first)
		high, highErr := strconv.Atoi(last)
		if lowErr != nil || highErr != nil || low > high {
			return invalid("Health check matcher HTTP code '%s' is not valid", codes)
		}
		if low < 200 || high > 499 {
			return invalid("Health check matcher HTTP code '%s' must be within '200-499' inclusive", codes)
		}
	}
	return nil
}
