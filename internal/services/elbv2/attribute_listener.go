package elbv2

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

type lAttributes = balance.ListenerAttributes

// listenerAttributes are those of a listener of some protocol: Elastic Load Balancing API Reference, "ListenerAttribute".
func listenerAttributes(protocol string) []attribute[lAttributes] {
	switch protocol {
	case balance.ProtocolHTTPS:
		return slices.Concat(requestHeaders, responseHeaders)
	case balance.ProtocolHTTP:
		return responseHeaders
	case balance.ProtocolTCP:
		return []attribute[lAttributes]{tcpIdle}
	}
	return nil
}

// tcpIdle is of TCP listeners. The field is 0 for the default.
var tcpIdle = attribute[lAttributes]{
	key: "tcp.idle_timeout.seconds", unset: "350", check: within(60, 6000),
	get: func(a *lAttributes) string {
		if a.TCPIdle == 0 {
			return "350"
		}
		return strconv.Itoa(int(a.TCPIdle.Seconds()))
	},
	set: func(a *lAttributes, v string) {
		n, _ := number(v) // checked
		if a.TCPIdle = time.Duration(n) * time.Second; n == 350 {
			a.TCPIdle = 0
		}
	},
}

// requestHeaders rename what the load balancer tells targets of a TLS connection.
var requestHeaders = []attribute[lAttributes]{
	renamed("x_amzn_mtls_clientcert_serial_number", "X-Amzn-Mtls-Clientcert-Serial-Number"),
	renamed("x_amzn_mtls_clientcert_issuer", "X-Amzn-Mtls-Clientcert-Issuer"),
	renamed("x_amzn_mtls_clientcert_subject", "X-Amzn-Mtls-Clientcert-Subject"),
	renamed("x_amzn_mtls_clientcert_validity", "X-Amzn-Mtls-Clientcert-Validity"),
	renamed("x_amzn_mtls_clientcert_leaf", "X-Amzn-Mtls-Clientcert-Leaf"),
	renamed("x_amzn_mtls_clientcert", "X-Amzn-Mtls-Clientcert"),
	renamed("x_amzn_tls_version", "X-Amzn-Tls-Version"),
	renamed("x_amzn_tls_cipher_suite", "X-Amzn-Tls-Cipher-Suite"),
}

// responseHeaders are set on every answer.
var responseHeaders = []attribute[lAttributes]{
	{
		key: "routing.http.response.server.enabled", unset: "true", check: boolean,
		get: func(a *lAttributes) string { return strconv.FormatBool(!a.ServerHeaderOff) },
		set: func(a *lAttributes, v string) { a.ServerHeaderOff = v == "false" },
	},
	header("strict_transport_security", "Strict-Transport-Security", fieldValue),
	header("access_control_allow_origin", "Access-Control-Allow-Origin", fieldValue),
	header("access_control_allow_methods", "Access-Control-Allow-Methods", fieldValue),
	header("access_control_allow_headers", "Access-Control-Allow-Headers", fieldValue),
	header("access_control_allow_credentials", "Access-Control-Allow-Credentials", oneOf("", "true")),
	header("access_control_expose_headers", "Access-Control-Expose-Headers", fieldValue),
	header("access_control_max_age", "Access-Control-Max-Age", either(oneOf(""), within(0, 86400))),
	header("content_security_policy", "Content-Security-Policy", fieldValue),
	header("x_content_type_options", "X-Content-Type-Options", oneOf("", "nosniff")),
	header("x_frame_options", "X-Frame-Options", either(oneOf("", "DENY", "SAMEORIGIN"), allowFrom)),
}

// header is the attribute that sets a header of every answer.
func header(key, name string, check func(string) bool) attribute[lAttributes] {
	return attribute[lAttributes]{
		key: "routing.http.response." + key + ".header_value", check: check,
		get: func(a *lAttributes) string { return a.ResponseHeaders[name] },
		set: func(a *lAttributes, v string) { put(a.ResponseHeaders, name, v, "") },
	}
}

// renamed is the attribute that gives a header of requests to targets another name.
func renamed(key, name string) attribute[lAttributes] {
	return attribute[lAttributes]{
		key: "routing.http.request." + key + ".header_name", unset: name, check: fieldName,
		get: func(a *lAttributes) string {
			if other, ok := a.RequestHeaders[name]; ok {
				return other
			}
			return name
		},
		set: func(a *lAttributes, v string) { put(a.RequestHeaders, name, v, name) },
	}
}

// put sets a value that is not the usual one.
func put(in map[string]string, key, value, usual string) {
	if value == usual {
		delete(in, key)
		return
	}
	in[key] = value
}

// Limits of header names and values: User Guide for Application Load Balancers, "HTTP header modification".
const (
	maxFieldName  = 40
	maxFieldValue = 1024
)

func fieldName(v string) bool {
	return v != "" && len(v) <= maxFieldName && !strings.ContainsFunc(v, func(r rune) bool { return otherThanNames(r) && r != '_' })
}

func fieldValue(v string) bool {
	return len(v) <= maxFieldValue && !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r >= 0x7f })
}

func allowFrom(v string) bool { return strings.HasPrefix(v, "ALLOW-FROM ") && fieldValue(v) }

// DescribeListenerAttributes lists a listener's attributes.
func (s *Service) DescribeListenerAttributes(ctx context.Context, in *elbv2api.DescribeListenerAttributesInput) (*elbv2api.DescribeListenerAttributesOutput, error) {
	if err := checkARN("listener", *in.ListenerArn); err != nil {
		return nil, err
	}
	tx, scope := s.view(ctx)
	l, err := s.balance.Listener(tx, scope, *in.ListenerArn)
	if err != nil {
		return nil, err
	}
	return &elbv2api.DescribeListenerAttributesOutput{Attributes: describedListener(l)}, nil
}

// ModifyListenerAttributes changes attributes of a listener.
func (s *Service) ModifyListenerAttributes(ctx context.Context, in *elbv2api.ModifyListenerAttributesInput) (*elbv2api.ModifyListenerAttributesOutput, error) {
	if err := checkARN("listener", *in.ListenerArn); err != nil {
		return nil, err
	}
	var pairs []pair
	for _, a := range in.Attributes {
		pairs = append(pairs, pairOf(a.Key, a.Value))
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.ModifyListenerAttributesOutput, error) {
		l, err := s.balance.Listener(tx, scope, *in.ListenerArn)
		if err != nil {
			return nil, err
		}
		for _, p := range pairs {
			if foreignAttribute(l.Protocol, p.key) {
				return nil, balance.ErrInvalidConfiguration.New("Listener attribute key '%s' is not supported on listeners with protocol '%s'", p.key, l.Protocol)
			}
		}
		a := l.Attributes
		a.ResponseHeaders, a.RequestHeaders = writable(a.ResponseHeaders), writable(a.RequestHeaders)
		if err := modify("Listener", listenerAttributes(l.Protocol), &a, pairs); err != nil {
			return nil, err
		}
		l = s.balance.SetListenerAttributes(tx, l, a)
		return &elbv2api.ModifyListenerAttributesOutput{Attributes: describedListener(l)}, s.served(tx, l.LoadBalancerARN)
	})
}

// foreignAttribute is whether a key is one of listeners, but not of those of a protocol.
func foreignAttribute(protocol, key string) bool {
	has := func(of string) bool {
		for _, a := range listenerAttributes(of) {
			if a.key == key {
				return true
			}
		}
		return false
	}
	return !has(protocol) && (has(balance.ProtocolHTTPS) || has(balance.ProtocolTCP))
}

func writable(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return maps.Clone(m)
}

func describedListener(l *balance.Listener) []elbv2api.ListenerAttribute {
	out := []elbv2api.ListenerAttribute{}
	for _, p := range describe(listenerAttributes(l.Protocol), &l.Attributes) {
		out = append(out, elbv2api.ListenerAttribute{Key: new(p.key), Value: new(p.value)})
	}
	return out
}
