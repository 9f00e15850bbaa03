package elbv2

import (
	"context"
	"maps"
	"strconv"
	"strings"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

type httpAttributes = balance.ListenerAttributes

// listenerAttributes are those of an HTTP listener: Elastic Load Balancing API Reference, "ListenerAttribute". The others are about
// TLS and belong to HTTPS listeners.
var listenerAttributes = []attribute[httpAttributes]{
	{
		key: "routing.http.response.server.enabled", unset: "true", check: boolean,
		get: func(a *httpAttributes) string { return strconv.FormatBool(!a.ServerHeaderOff) },
		set: func(a *httpAttributes, v string) { a.ServerHeaderOff = v == "false" },
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

// encryptedOnly begins the keys that only HTTPS listeners have.
const encryptedOnly = "routing.http.request."

// header is the attribute that sets a header of every answer.
func header(key, name string, check func(string) bool) attribute[httpAttributes] {
	return attribute[httpAttributes]{
		key: "routing.http.response." + key + ".header_value", check: check,
		get: func(a *httpAttributes) string { return a.ResponseHeaders[name] },
		set: func(a *httpAttributes, v string) {
			if v == "" {
				delete(a.ResponseHeaders, name)
				return
			}
			a.ResponseHeaders[name] = v
		},
	}
}

// maxFieldValue is how long a header's value may be.
const maxFieldValue = 1024

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
		p := pairOf(a.Key, a.Value)
		if strings.HasPrefix(p.key, encryptedOnly) {
			return nil, balance.ErrInvalidConfiguration.New("Listener attribute key '%s' is not supported on listeners with protocol 'HTTP'", p.key)
		}
		pairs = append(pairs, p)
	}
	return update(ctx, s, func(tx *state.Tx, scope network.Scope) (*elbv2api.ModifyListenerAttributesOutput, error) {
		l, err := s.balance.Listener(tx, scope, *in.ListenerArn)
		if err != nil {
			return nil, err
		}
		a := l.Attributes
		if a.ResponseHeaders = maps.Clone(a.ResponseHeaders); a.ResponseHeaders == nil {
			a.ResponseHeaders = map[string]string{}
		}
		if err := modify("Listener", listenerAttributes, &a, pairs); err != nil {
			return nil, err
		}
		l = s.balance.SetListenerAttributes(tx, l, a)
		return &elbv2api.ModifyListenerAttributesOutput{Attributes: describedListener(l)}, nil
	})
}

func describedListener(l *balance.Listener) []elbv2api.ListenerAttribute {
	var out []elbv2api.ListenerAttribute
	for _, p := range describe(listenerAttributes, &l.Attributes) {
		out = append(out, elbv2api.ListenerAttribute{Key: new(p.key), Value: new(p.value)})
	}
	return out
}
