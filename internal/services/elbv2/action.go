package elbv2

import (
	"slices"
	"strconv"
	"strings"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/balance"
)

// actionOf is the action of a rule. Rules end with one of forward, redirect and fixed-response; actions that come before it
// authenticate, which cannot be done yet.
func actionOf(in []elbv2api.Action) (balance.Action, error) {
	var list []balance.Action
	for i := range in {
		a, err := parseAction(&in[i])
		if err != nil {
			return balance.Action{}, err
		}
		list = append(list, a)
	}
	if len(list) != 1 {
		return balance.Action{}, balance.ErrInvalidAction.New("You must specify exactly one action of type 'forward', 'redirect' or 'fixed-response'")
	}
	return list[0], nil
}

func parseAction(in *elbv2api.Action) (balance.Action, error) {
	a := balance.Action{Order: int(aws.Val(in.Order))}
	if err := checkActionFields(in); err != nil {
		return a, err
	}
	var err error
	switch *in.Type {
	case elbv2api.ActionTypeEnumForward:
		a.Forward, err = forwardOf(in)
	case elbv2api.ActionTypeEnumRedirect:
		a.Redirect, err = redirectOf(in.RedirectConfig)
	case elbv2api.ActionTypeEnumFixedResponse:
		a.FixedResponse, err = fixedResponseOf(in.FixedResponseConfig)
	default:
		err = awserr.NotImplemented("action type " + *in.Type)
	}
	return a, err
}

// checkActionFields refuses a configuration that belongs to another type of action.
func checkActionFields(in *elbv2api.Action) error {
	for _, f := range []struct {
		name, kind string
		set        bool
	}{
		{"TargetGroupArn", elbv2api.ActionTypeEnumForward, in.TargetGroupArn != nil},
		{"ForwardConfig", elbv2api.ActionTypeEnumForward, in.ForwardConfig != nil},
		{"RedirectConfig", elbv2api.ActionTypeEnumRedirect, in.RedirectConfig != nil},
		{"FixedResponseConfig", elbv2api.ActionTypeEnumFixedResponse, in.FixedResponseConfig != nil},
		{"AuthenticateOidcConfig", elbv2api.ActionTypeEnumAuthenticateOidc, in.AuthenticateOidcConfig != nil},
		{"AuthenticateCognitoConfig", elbv2api.ActionTypeEnumAuthenticateCognito, in.AuthenticateCognitoConfig != nil},
		{"JwtValidationConfig", elbv2api.ActionTypeEnumJwtValidation, in.JwtValidationConfig != nil},
	} {
		if f.set && *in.Type != f.kind {
			return invalid("The '%s' field is not compatible with an action of type '%s'", f.name, *in.Type)
		}
	}
	return nil
}

func forwardOf(in *elbv2api.Action) (*balance.Forward, error) {
	if in.ForwardConfig == nil {
		if in.TargetGroupArn == nil {
			return nil, invalid("A target group ARN must be specified")
		}
		return &balance.Forward{Groups: []balance.WeightedGroup{{TargetGroupARN: *in.TargetGroupArn, Weight: 1}}}, checkARN("targetgroup", *in.TargetGroupArn)
	}
	c := in.ForwardConfig
	f := &balance.Forward{}
	for _, t := range c.TargetGroups {
		g := balance.WeightedGroup{TargetGroupARN: aws.Val(t.TargetGroupArn), Weight: 1}
		if err := checkARN("targetgroup", g.TargetGroupARN); err != nil {
			return nil, err
		}
		if t.Weight != nil {
			g.Weight = int(*t.Weight)
		}
		if g.Weight < 0 || g.Weight > 999 {
			return nil, invalid("Target group weight '%d' must be between '0' and '999' inclusive", g.Weight)
		}
		if slices.ContainsFunc(f.Groups, func(o balance.WeightedGroup) bool { return o.TargetGroupARN == g.TargetGroupARN }) {
			return nil, invalid("Target group '%s' was specified more than once", g.TargetGroupARN)
		}
		f.Groups = append(f.Groups, g)
	}
	switch {
	case len(f.Groups) == 0:
		return nil, invalid("A target group ARN must be specified")
	case len(f.Groups) > balance.MaxGroupsPerAction:
		return nil, balance.ErrTooManyTargetGroups.New("An action can forward to at most '%d' target groups", balance.MaxGroupsPerAction)
	case in.TargetGroupArn != nil && (len(f.Groups) != 1 || f.Groups[0].TargetGroupARN != *in.TargetGroupArn):
		return nil, invalid("You cannot specify both a target group ARN and a forward config that names other target groups")
	}
	return f, stickinessOf(c.TargetGroupStickinessConfig, f)
}

func stickinessOf(c *elbv2api.TargetGroupStickinessConfig, f *balance.Forward) error {
	if c == nil {
		return nil
	}
	if c.DurationSeconds != nil && (*c.DurationSeconds < 1 || *c.DurationSeconds > 604800) {
		return invalid("Target group stickiness duration must be between 1 and 604800 seconds")
	}
	f.Sticky, f.StickinessDuration = aws.Val(c.Enabled), int(aws.Val(c.DurationSeconds))
	if f.Sticky && f.StickinessDuration == 0 {
		return invalid("Target group stickiness duration must be specified when target group stickiness is enabled")
	}
	return nil
}

func redirectOf(c *elbv2api.RedirectActionConfig) (*balance.Redirect, error) {
	if c == nil {
		return nil, invalid("A redirect config must be specified")
	}
	part := func(given *string, unset string) string {
		if given == nil {
			return unset
		}
		return *given
	}
	r := &balance.Redirect{
		Protocol: part(c.Protocol, "#{protocol}"), Host: part(c.Host, "#{host}"), Port: part(c.Port, "#{port}"),
		Path: part(c.Path, "/#{path}"), Query: part(c.Query, "#{query}"), StatusCode: 301,
	}
	if *c.StatusCode == elbv2api.RedirectActionStatusCodeEnumHttp302 {
		r.StatusCode = 302
	}
	switch {
	case r.Port != "#{port}" && !within(1, 65535)(r.Port):
		return nil, invalidAction("The Port parameter must be a value from 1 to 65535 or '#{port}'")
	case !strings.HasPrefix(r.Path, "/") || strings.ContainsFunc(r.Path, invisible) || !placeholders(r.Path, "path", "host", "port"):
		return nil, invalidAction("The Path parameter must be a valid path, should start with a '/', and may contain up to one of each of these placeholders: '#{path}', '#{host}', '#{port}'.")
	case r.Host == "" || strings.ContainsFunc(r.Host, notHost) || !placeholders(r.Host, "host"):
		return nil, invalidAction("The Host parameter must be a valid hostname, and may contain up to one of this placeholder: '#{host}'.")
	case strings.ContainsFunc(r.Query, invisible) || !placeholders(r.Query, "query", "path", "host", "port", "protocol"):
		return nil, invalidAction("The Query parameter must be a valid query, and may contain up to one of each of these placeholders: '#{query}', '#{path}', '#{host}', '#{port}', '#{protocol}'.")
	}
	return r, nil
}

func invalidAction(text string) error { return balance.ErrInvalidAction.New("%s", text) }

// placeholders is whether every #{…} of the text is one of those, and none there twice.
func placeholders(text string, names ...string) bool {
	for _, n := range names {
		text = strings.Replace(text, "#{"+n+"}", "", 1)
	}
	return !strings.Contains(text, "#{")
}

func invisible(r rune) bool { return r <= ' ' || r >= 0x7f }

func notHost(r rune) bool { return otherThanNames(r) && !strings.ContainsRune(".#{}", r) }

// contentTypes are those a fixed response may have.
var contentTypes = []string{"text/html", "application/json", "application/javascript", "text/css", "text/plain"}

func fixedResponseOf(c *elbv2api.FixedResponseActionConfig) (*balance.FixedResponse, error) {
	if c == nil {
		return nil, invalid("A fixed response config must be specified")
	}
	code, ok := number(*c.StatusCode)
	if !ok {
		return nil, invalid("The fixed response status code '%s' is not valid", *c.StatusCode)
	}
	kind := aws.Val(c.ContentType)
	if kind != "" && !slices.Contains(contentTypes, kind) {
		return nil, balance.ErrInvalidAction.New("The ContentType must be one of:'%s'", strings.Join(contentTypes, "', '"))
	}
	return &balance.FixedResponse{StatusCode: code, ContentType: kind, Body: aws.Val(c.MessageBody)}, nil
}

// actions shows an action as AWS does: one target group both by itself and as a list.
func actions(a balance.Action) []elbv2api.Action {
	out := elbv2api.Action{}
	if a.Order > 0 {
		out.Order = new(int32(a.Order))
	}
	switch {
	case a.Forward != nil:
		out.Type = new(elbv2api.ActionTypeEnumForward)
		out.ForwardConfig = &elbv2api.ForwardActionConfig{TargetGroupStickinessConfig: &elbv2api.TargetGroupStickinessConfig{Enabled: new(a.Forward.Sticky)}}
		if d := a.Forward.StickinessDuration; d > 0 {
			out.ForwardConfig.TargetGroupStickinessConfig.DurationSeconds = new(int32(d))
		}
		for _, g := range a.Forward.Groups {
			out.ForwardConfig.TargetGroups = append(out.ForwardConfig.TargetGroups,
				elbv2api.TargetGroupTuple{TargetGroupArn: new(g.TargetGroupARN), Weight: new(int32(g.Weight))})
		}
		if len(a.Forward.Groups) == 1 {
			out.TargetGroupArn = new(a.Forward.Groups[0].TargetGroupARN)
		}
	case a.Redirect != nil:
		r := a.Redirect
		out.Type = new(elbv2api.ActionTypeEnumRedirect)
		out.RedirectConfig = &elbv2api.RedirectActionConfig{
			Protocol: new(r.Protocol), Host: new(r.Host), Port: new(r.Port), Path: new(r.Path), Query: new(r.Query),
			StatusCode: new("HTTP_" + strconv.Itoa(r.StatusCode)),
		}
	default:
		f := a.FixedResponse
		out.Type = new(elbv2api.ActionTypeEnumFixedResponse)
		out.FixedResponseConfig = &elbv2api.FixedResponseActionConfig{StatusCode: new(strconv.Itoa(f.StatusCode))}
		if f.ContentType != "" {
			out.FixedResponseConfig.ContentType = new(f.ContentType)
		}
		if f.Body != "" {
			out.FixedResponseConfig.MessageBody = new(f.Body)
		}
	}
	return []elbv2api.Action{out}
}
