package elbv2_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
)

func TestActions(t *testing.T) {
	d := newDesk(t)
	second := must(t)(d.CreateTargetGroup(d.ctx, d.groupInput("second"))).(*elbv2api.CreateTargetGroupOutput).TargetGroups[0].TargetGroupArn
	forward := func(groups ...elbv2api.TargetGroupTuple) elbv2api.Action {
		return elbv2api.Action{Type: new("forward"), ForwardConfig: &elbv2api.ForwardActionConfig{TargetGroups: groups}}
	}
	redirect := func(c elbv2api.RedirectActionConfig) elbv2api.Action {
		c.StatusCode = new("HTTP_301")
		return elbv2api.Action{Type: new("redirect"), RedirectConfig: &c}
	}
	off := &elbv2api.TargetGroupStickinessConfig{Enabled: new(false)}
	one := forward(elbv2api.TargetGroupTuple{TargetGroupArn: &d.group, Weight: new(int32(1))})
	one.TargetGroupArn, one.ForwardConfig.TargetGroupStickinessConfig = &d.group, off
	two := forward(elbv2api.TargetGroupTuple{TargetGroupArn: &d.group, Weight: new(int32(0))}, elbv2api.TargetGroupTuple{TargetGroupArn: second, Weight: new(int32(999))})
	twoShown := two
	twoShown.ForwardConfig = &elbv2api.ForwardActionConfig{TargetGroups: two.ForwardConfig.TargetGroups, TargetGroupStickinessConfig: off}
	sticky := forward(elbv2api.TargetGroupTuple{TargetGroupArn: &d.group})
	sticky.ForwardConfig.TargetGroupStickinessConfig = &elbv2api.TargetGroupStickinessConfig{Enabled: new(true), DurationSeconds: new(int32(60))}
	stickyShown := forward(elbv2api.TargetGroupTuple{TargetGroupArn: &d.group, Weight: new(int32(1))})
	stickyShown.TargetGroupArn, stickyShown.ForwardConfig.TargetGroupStickinessConfig = &d.group, sticky.ForwardConfig.TargetGroupStickinessConfig
	mixed := redirect(elbv2api.RedirectActionConfig{Protocol: new("HTTPS")})
	mixed.TargetGroupArn = &d.group
	fixed := elbv2api.Action{Type: new("fixed-response"), FixedResponseConfig: &elbv2api.FixedResponseActionConfig{StatusCode: new("404"), ContentType: new("text/plain"), MessageBody: new("no")}}

	for _, c := range []struct {
		name string
		in   elbv2api.Action
		out  *elbv2api.Action
		want string
	}{
		{"target group", d.forward()[0], &one, ""},
		{"list of one", forward(elbv2api.TargetGroupTuple{TargetGroupArn: &d.group}), &one, ""},
		{"weights", two, &twoShown, ""},
		{"fixed response", fixed, &fixed, ""},
		{"redirect", redirect(elbv2api.RedirectActionConfig{Protocol: new("HTTPS"), Port: new("443")}), new(redirect(elbv2api.RedirectActionConfig{
			Protocol: new("HTTPS"), Port: new("443"), Host: new("#{host}"), Path: new("/#{path}"), Query: new("#{query}"),
		})), ""},
		{"redirect in a loop", redirect(elbv2api.RedirectActionConfig{}), nil, "InvalidLoadBalancerAction: The redirect configuration is not valid because it creates a loop"},
		{"redirect path", redirect(elbv2api.RedirectActionConfig{Path: new("x")}), nil, "InvalidLoadBalancerAction: The Path parameter must be a valid path"},
		{"redirect placeholder", redirect(elbv2api.RedirectActionConfig{Path: new("/#{query}")}), nil, "InvalidLoadBalancerAction: The Path parameter"},
		{"redirect port", redirect(elbv2api.RedirectActionConfig{Port: new("70000")}), nil, "InvalidLoadBalancerAction: The Port parameter"},
		{"redirect port with a sign", redirect(elbv2api.RedirectActionConfig{Port: new("+80")}), nil, "InvalidLoadBalancerAction: The Port parameter"},
		{"redirect port with a zero", redirect(elbv2api.RedirectActionConfig{Port: new("080")}), nil, "InvalidLoadBalancerAction: The Port parameter"},
		{"redirect port and more", redirect(elbv2api.RedirectActionConfig{Port: new("#{port}1")}), nil, "InvalidLoadBalancerAction: The Port parameter"},
		{"redirect host", redirect(elbv2api.RedirectActionConfig{Host: new("a b")}), nil, "InvalidLoadBalancerAction: The Host parameter"},
		{"weight", forward(elbv2api.TargetGroupTuple{TargetGroupArn: &d.group, Weight: new(int32(1000))}), nil, "ValidationError: Target group weight '1000' must be between '0' and '999' inclusive"},
		{"group twice", forward(elbv2api.TargetGroupTuple{TargetGroupArn: &d.group}, elbv2api.TargetGroupTuple{TargetGroupArn: &d.group}), nil, "ValidationError: Target group '"},
		{"no group", forward(), nil, "ValidationError: A target group ARN must be specified"},
		{"stickiness", sticky, &stickyShown, ""},
		{"mixed", mixed, nil, "ValidationError: The 'TargetGroupArn' field is not compatible with an action of type 'redirect'"},
		{"content type", elbv2api.Action{Type: new("fixed-response"), FixedResponseConfig: &elbv2api.FixedResponseActionConfig{StatusCode: new("200"), ContentType: new("image/png")}}, nil, "InvalidLoadBalancerAction: The ContentType must be one of:"},
		{"authentication", elbv2api.Action{Type: new("authenticate-oidc")}, nil, "NotImplemented: Neargate does not implement action type authenticate-oidc"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := d.ModifyListener(d.ctx, &elbv2api.ModifyListenerInput{ListenerArn: &d.listener, DefaultActions: []elbv2api.Action{c.in}})
			check(t, err, c.want)
			if c.out != nil {
				if diff := cmp.Diff([]elbv2api.Action{*c.out}, out.Listeners[0].DefaultActions); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestConditions(t *testing.T) {
	d := newDesk(t)
	long := strings.Repeat("a", 129)
	query := func(pairs ...elbv2api.QueryStringKeyValuePair) elbv2api.RuleCondition {
		return elbv2api.RuleCondition{Field: new("query-string"), QueryStringConfig: &elbv2api.QueryStringConditionConfig{Values: pairs}}
	}
	for _, c := range []struct {
		name string
		in   []elbv2api.RuleCondition
		out  []elbv2api.RuleCondition // nil: as it came in
		want string
	}{
		{"path, short form", onPath("/a"), []elbv2api.RuleCondition{{Field: new("path-pattern"), Values: []string{"/a"}, PathPatternConfig: &elbv2api.PathPatternConditionConfig{Values: []string{"/a"}}}}, ""},
		{
			"host, long form",
			[]elbv2api.RuleCondition{{Field: new("host-header"), HostHeaderConfig: &elbv2api.HostHeaderConditionConfig{Values: []string{"*.a.com", "b.com"}}}},
			[]elbv2api.RuleCondition{{Field: new("host-header"), Values: []string{"*.a.com", "b.com"}, HostHeaderConfig: &elbv2api.HostHeaderConditionConfig{Values: []string{"*.a.com", "b.com"}}}},
			"",
		},
		{"header", []elbv2api.RuleCondition{{Field: new("http-header"), HttpHeaderConfig: &elbv2api.HttpHeaderConditionConfig{HttpHeaderName: new("X-Env"), Values: []string{"test*"}}}}, nil, ""},
		{"method", []elbv2api.RuleCondition{{Field: new("http-request-method"), HttpRequestMethodConfig: &elbv2api.HttpRequestMethodConditionConfig{Values: []string{"GET", "M-SEARCH"}}}}, nil, ""},
		{"query", []elbv2api.RuleCondition{query(elbv2api.QueryStringKeyValuePair{Key: new("v"), Value: new("1")}, elbv2api.QueryStringKeyValuePair{Value: new("*x*")})}, nil, ""},
		{"source", []elbv2api.RuleCondition{{Field: new("source-ip"), SourceIpConfig: &elbv2api.SourceIpConditionConfig{Values: []string{"10.0.0.0/8", "fd00::/8"}}}}, nil, ""},

		{"none", []elbv2api.RuleCondition{}, nil, "ValidationError: A condition must be specified"},
		{"no field", []elbv2api.RuleCondition{{Values: []string{"/a"}}}, nil, "ValidationError: A condition field must be specified"},
		{"unknown field", []elbv2api.RuleCondition{{Field: new("cookie"), Values: []string{"a"}}}, nil, "ValidationError: Condition field 'cookie' must be one of '["},
		{"no value", []elbv2api.RuleCondition{{Field: new("path-pattern")}}, nil, "ValidationError: A condition value must be specified"},
		{"two short values", []elbv2api.RuleCondition{{Field: new("path-pattern"), Values: []string{"/a", "/b"}}}, nil, "ValidationError: The 'path-pattern' field contains too many values; the limit is '1'"},
		{"both forms", []elbv2api.RuleCondition{{Field: new("host-header"), Values: []string{"a"}, HostHeaderConfig: &elbv2api.HostHeaderConditionConfig{Values: []string{"a"}}}}, nil, "ValidationError: You cannot provide both Values and 'HostHeaderConfig' for a condition of type 'host-header'"},
		{"too long", onPath(long), nil, "ValidationError: The 'path-pattern' value is too long; the limit is '128'"},
		{"characters", onPath("/a b"), nil, "ValidationError: The 'path-pattern' value '/a b' contains invalid characters"},
		{"values of a method", []elbv2api.RuleCondition{{Field: new("http-request-method"), Values: []string{"GET"}}}, nil, "ValidationError: The 'Values' field is not compatible with 'http-request-method'"},
		{"other's configuration", []elbv2api.RuleCondition{{Field: new("path-pattern"), Values: []string{"/"}, SourceIpConfig: &elbv2api.SourceIpConditionConfig{}}}, nil, "ValidationError: The 'SourceIpConfig' field is not compatible with 'path-pattern'"},
		{"method in lower case", []elbv2api.RuleCondition{{Field: new("http-request-method"), HttpRequestMethodConfig: &elbv2api.HttpRequestMethodConditionConfig{Values: []string{"get"}}}}, nil, "ValidationError: The 'http-request-method' value is invalid; the allowed characters are A-Z, hyphen and underscore"},
		{"no method", []elbv2api.RuleCondition{{Field: new("http-request-method")}}, nil, "ValidationError: A 'HttpRequestMethodConfig' must be specified with 'http-request-method'"},
		{"host as header", []elbv2api.RuleCondition{{Field: new("http-header"), HttpHeaderConfig: &elbv2api.HttpHeaderConditionConfig{HttpHeaderName: new("Host"), Values: []string{"a"}}}}, nil, "ValidationError: The 'HttpHeaderName' value cannot be 'Host'"},
		{"header name", []elbv2api.RuleCondition{{Field: new("http-header"), HttpHeaderConfig: &elbv2api.HttpHeaderConditionConfig{HttpHeaderName: new("a:b"), Values: []string{"a"}}}}, nil, "ValidationError: The 'HttpHeaderName' value 'a:b' contains invalid characters"},
		{"address", []elbv2api.RuleCondition{{Field: new("source-ip"), SourceIpConfig: &elbv2api.SourceIpConditionConfig{Values: []string{"10.0.0.1"}}}}, nil, "ValidationError: The 'source-ip' value '10.0.0.1' is not a valid CIDR block"},
		{"query without value", []elbv2api.RuleCondition{query(elbv2api.QueryStringKeyValuePair{Key: new("v")})}, nil, "ValidationError: A 'Value' must be specified in 'QueryStringKeyValuePair'"},
		{"twice", append(onPath("/a"), onPath("/b")...), nil, "ValidationError: Conditions of type 'path-pattern' cannot be specified more than once"},
		{"regex", []elbv2api.RuleCondition{{Field: new("path-pattern"), RegexValues: []string{"^/a"}}}, []elbv2api.RuleCondition{{
			Field: new("path-pattern"), RegexValues: []string{"^/a"}, PathPatternConfig: &elbv2api.PathPatternConditionConfig{RegexValues: []string{"^/a"}},
		}}, ""},
		{"bad regex", []elbv2api.RuleCondition{{Field: new("path-pattern"), RegexValues: []string{"(?=a)"}}}, nil, "ValidationError: The regular expression '(?=a)' is not valid"},
		{"regex and values", []elbv2api.RuleCondition{{Field: new("path-pattern"), Values: []string{"/a"}, RegexValues: []string{"a"}}}, nil, "ValidationError: You cannot provide both Values and RegexValues"},
		{"regex of methods", []elbv2api.RuleCondition{{Field: new("http-request-method"), RegexValues: []string{"a"}}}, nil, "ValidationError: The 'RegexValues' field is not compatible with 'http-request-method'"},
		{"six values", []elbv2api.RuleCondition{{Field: new("path-pattern"), PathPatternConfig: &elbv2api.PathPatternConditionConfig{Values: []string{"/1", "/2", "/3", "/4", "/5", "/6"}}}}, nil, "ValidationError: A rule can only have '5' condition values"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := d.ModifyRule(d.ctx, &elbv2api.ModifyRuleInput{RuleArn: &d.rule, Conditions: c.in})
			check(t, err, c.want)
			if c.want != "" || err != nil {
				return
			}
			want := c.out
			if want == nil {
				want = c.in
			}
			if diff := cmp.Diff(want, out.Rules[0].Conditions); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRules(t *testing.T) {
	d := newDesk(t)
	out := must(t)(d.DescribeRules(d.ctx, &elbv2api.DescribeRulesInput{ListenerArn: &d.listener})).(*elbv2api.DescribeRulesOutput)
	if len(out.Rules) != 2 || *out.Rules[0].Priority != "10" || *out.Rules[0].IsDefault || *out.Rules[1].Priority != "default" || !*out.Rules[1].IsDefault {
		t.Errorf("rules %+v", out.Rules)
	}
	byDefault := out.Rules[1].RuleArn
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"nothing":      {second(d.ModifyRule(d.ctx, &elbv2api.ModifyRuleInput{RuleArn: &d.rule})), "ValidationError: Either conditions or actions must be specified"},
		"default":      {second(d.ModifyRule(d.ctx, &elbv2api.ModifyRuleInput{RuleArn: byDefault, Actions: d.forward()})), "OperationNotPermitted: Default rule '" + *byDefault + "' cannot be modified"},
		"delete":       {second(d.DeleteRule(d.ctx, &elbv2api.DeleteRuleInput{RuleArn: byDefault})), "OperationNotPermitted: Default rule '" + *byDefault + "' cannot be deleted"},
		"priority":     {second(d.CreateRule(d.ctx, &elbv2api.CreateRuleInput{ListenerArn: &d.listener, Priority: new(int32(10)), Conditions: onPath("/"), Actions: d.forward()})), "PriorityInUse: Priority '10' is currently in use"},
		"transforms":   {second(d.CreateRule(d.ctx, &elbv2api.CreateRuleInput{ListenerArn: &d.listener, Priority: new(int32(11)), Conditions: onPath("/"), Actions: d.forward(), Transforms: []elbv2api.RuleTransform{{}}})), "ValidationError: A transform of type '' must have exactly one rewrite"},
		"moved twice":  {second(d.SetRulePriorities(d.ctx, &elbv2api.SetRulePrioritiesInput{RulePriorities: []elbv2api.RulePriorityPair{{RuleArn: &d.rule, Priority: new(int32(1))}, {RuleArn: byDefault, Priority: new(int32(1))}}})), "ValidationError: Priority '1' was provided multiple times"},
		"group in use": {second(d.DeleteTargetGroup(d.ctx, &elbv2api.DeleteTargetGroupInput{TargetGroupArn: &d.group})), "ResourceInUse: Target group '" + d.group + "' is currently in use by a listener or a rule"},
	} {
		t.Run(name, func(t *testing.T) { check(t, c.err, c.want) })
	}
	moved := must(t)(d.SetRulePriorities(d.ctx, &elbv2api.SetRulePrioritiesInput{RulePriorities: []elbv2api.RulePriorityPair{{RuleArn: &d.rule, Priority: new(int32(7))}}})).(*elbv2api.SetRulePrioritiesOutput)
	if len(moved.Rules) != 1 || *moved.Rules[0].Priority != "7" {
		t.Errorf("moved %+v", moved.Rules)
	}
}
