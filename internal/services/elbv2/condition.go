package elbv2

import (
	"net/netip"
	"slices"
	"strings"

	elbv2api "github.com/neargate/neargate/internal/api/elbv2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// Limits of condition values: Elastic Load Balancing API Reference, "RuleCondition".
const (
	maxValue  = 128
	maxMethod = 40
	maxHeader = 40
)

// fields are what a condition can be about, with the configuration that belongs to it.
var fields = []struct {
	name, config string
	once         bool // a rule has at most one
}{
	{balance.FieldHost, "HostHeaderConfig", true},
	{balance.FieldHeader, "HttpHeaderConfig", false},
	{balance.FieldMethod, "HttpRequestMethodConfig", true},
	{balance.FieldPath, "PathPatternConfig", true},
	{balance.FieldQuery, "QueryStringConfig", false},
	{balance.FieldSourceIP, "SourceIpConfig", true},
}

func conditionsOf(in []elbv2api.RuleCondition) ([]balance.Condition, error) {
	if len(in) == 0 {
		return nil, invalid("A condition must be specified")
	}
	var list []balance.Condition
	for i := range in {
		c, err := conditionOf(&in[i])
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	for _, f := range fields {
		n := 0
		for _, c := range list {
			if c.Field == f.name {
				n++
			}
		}
		if f.once && n > 1 {
			return nil, invalid("Conditions of type '%s' cannot be specified more than once", f.name)
		}
	}
	return list, nil
}

func conditionOf(in *elbv2api.RuleCondition) (balance.Condition, error) {
	if in.Field == nil {
		return balance.Condition{}, invalid("A condition field must be specified")
	}
	c := balance.Condition{Field: *in.Field}
	if err := checkConditionFields(in); err != nil {
		return c, err
	}
	if regex := regexesOf(in); len(regex) > 0 {
		return regexCondition(in, c, regex)
	}
	var err error
	switch c.Field {
	case balance.FieldHost:
		c.Values, err = patterns(in, in.HostHeaderConfig != nil, valuesOf(in.HostHeaderConfig), otherThanHosts)
	case balance.FieldPath:
		c.Values, err = patterns(in, in.PathPatternConfig != nil, pathsOf(in.PathPatternConfig), otherThanPaths)
	case balance.FieldHeader:
		c.Header, c.Values, err = headerOf(in.HttpHeaderConfig)
	case balance.FieldMethod:
		c.Values, err = methodsOf(in.HttpRequestMethodConfig)
	case balance.FieldQuery:
		c.Query, err = queryOf(in.QueryStringConfig)
	case balance.FieldSourceIP:
		c.Values, err = networksOf(in.SourceIpConfig)
	}
	return c, err
}

// regexesOf are a condition's regular expressions, wherever they stand.
func regexesOf(in *elbv2api.RuleCondition) []string {
	switch {
	case len(in.RegexValues) > 0:
		return in.RegexValues
	case in.HostHeaderConfig != nil:
		return in.HostHeaderConfig.RegexValues
	case in.PathPatternConfig != nil:
		return in.PathPatternConfig.RegexValues
	case in.HttpHeaderConfig != nil:
		return in.HttpHeaderConfig.RegexValues
	}
	return nil
}

// regexCondition is a condition with regular expressions instead of values.
func regexCondition(in *elbv2api.RuleCondition, c balance.Condition, regex []string) (balance.Condition, error) {
	values := len(in.Values) + len(valuesOf(in.HostHeaderConfig)) + len(pathsOf(in.PathPatternConfig))
	switch c.Field {
	case balance.FieldHost, balance.FieldPath:
	case balance.FieldHeader:
		if in.HttpHeaderConfig != nil {
			values += len(in.HttpHeaderConfig.Values)
		}
		var err error
		if c.Header, err = headerName(in.HttpHeaderConfig); err != nil {
			return c, err
		}
	default:
		return c, invalid("The 'RegexValues' field is not compatible with '%s'", c.Field)
	}
	if values > 0 {
		return c, invalid("You cannot provide both Values and RegexValues for a condition of type '%s'", c.Field)
	}
	for _, r := range regex {
		if err := checkValue(c.Field, r, edgeapi.MaxConditionRegex); err != nil {
			return c, err
		}
		if err := checkRegex(r, c.Field == balance.FieldHost); err != nil {
			return c, err
		}
	}
	c.Regex = regex
	return c, nil
}

// checkConditionFields refuses an unknown field and a configuration that belongs to another field.
func checkConditionFields(in *elbv2api.RuleCondition) error {
	set := map[string]bool{
		"HostHeaderConfig": in.HostHeaderConfig != nil, "HttpHeaderConfig": in.HttpHeaderConfig != nil,
		"HttpRequestMethodConfig": in.HttpRequestMethodConfig != nil, "PathPatternConfig": in.PathPatternConfig != nil,
		"QueryStringConfig": in.QueryStringConfig != nil, "SourceIpConfig": in.SourceIpConfig != nil,
	}
	known := false
	var names []string
	for _, f := range fields {
		names = append(names, f.name)
		known = known || f.name == *in.Field
	}
	if !known {
		return invalid("Condition field '%s' must be one of '[%s]'", *in.Field, strings.Join(names, ", "))
	}
	for _, f := range fields {
		if f.name != *in.Field && set[f.config] {
			return invalid("The '%s' field is not compatible with '%s'", f.config, *in.Field)
		}
	}
	if len(in.Values) > 0 && *in.Field != balance.FieldHost && *in.Field != balance.FieldPath {
		return invalid("The 'Values' field is not compatible with '%s'", *in.Field)
	}
	return nil
}

func valuesOf(c *elbv2api.HostHeaderConditionConfig) []string {
	if c == nil {
		return nil
	}
	return c.Values
}

func pathsOf(c *elbv2api.PathPatternConditionConfig) []string {
	if c == nil {
		return nil
	}
	return c.Values
}

// patterns are the values of a host or path condition, which come in either of two places.
func patterns(in *elbv2api.RuleCondition, configured bool, values []string, forbidden func(rune) bool) ([]string, error) {
	field := *in.Field
	switch {
	case configured && len(in.Values) > 0:
		i := slices.IndexFunc(fields, func(f struct {
			name, config string
			once         bool
		},
		) bool {
			return f.name == field
		})
		return nil, invalid("You cannot provide both Values and '%s' for a condition of type '%s'", fields[i].config, field)
	case !configured && len(in.Values) > 1:
		return nil, invalid("The '%s' field contains too many values; the limit is '1'", field)
	case !configured:
		values = in.Values
	}
	if len(values) == 0 {
		return nil, invalid("A condition value must be specified")
	}
	for _, v := range values {
		if err := checkValue(field, v, maxValue); err != nil {
			return nil, err
		}
		if strings.ContainsFunc(v, forbidden) {
			return nil, invalid("The '%s' value '%s' contains invalid characters", field, v)
		}
	}
	return values, nil
}

func checkValue(field, v string, limit int) error {
	switch {
	case v == "":
		return invalid("A condition value must be specified")
	case len(v) > limit:
		return invalid("The '%s' value is too long; the limit is '%d'", field, limit)
	}
	return nil
}

func otherThanHosts(r rune) bool { return otherThanNames(r) && !strings.ContainsRune(".*?_:", r) }

func otherThanPaths(r rune) bool {
	return !alphanumeric(r) && !strings.ContainsRune("_-.$/~\"'@:+&*?%=;,!()[]", r)
}

// headerName is the name of the header that a condition is about.
func headerName(c *elbv2api.HttpHeaderConditionConfig) (string, error) {
	if c == nil || c.HttpHeaderName == nil || *c.HttpHeaderName == "" {
		return "", invalid("A 'HttpHeaderConfig' must be specified with 'http-header'")
	}
	name := *c.HttpHeaderName
	switch {
	case len(name) > maxHeader:
		return "", invalid("The 'HttpHeaderName' value is too long; the limit is '%d'", maxHeader)
	case strings.ContainsFunc(name, otherThanTokens):
		return "", invalid("The 'HttpHeaderName' value '%s' contains invalid characters", name)
	case strings.EqualFold(name, "host"):
		return "", invalid("The 'HttpHeaderName' value cannot be '%s'; use a 'host-header' condition instead", name)
	}
	return name, nil
}

func headerOf(c *elbv2api.HttpHeaderConditionConfig) (string, []string, error) {
	name, err := headerName(c)
	if err != nil {
		return "", nil, err
	}
	if len(c.Values) == 0 {
		return "", nil, invalid("A condition value must be specified")
	}
	for _, v := range c.Values {
		if err := checkValue(balance.FieldHeader, v, maxValue); err != nil {
			return "", nil, err
		}
	}
	return name, c.Values, nil
}

// otherThanTokens are characters that no HTTP header name has: RFC 9110, section 5.6.2.
func otherThanTokens(r rune) bool {
	return !alphanumeric(r) && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
}

func methodsOf(c *elbv2api.HttpRequestMethodConditionConfig) ([]string, error) {
	if c == nil {
		return nil, invalid("A 'HttpRequestMethodConfig' must be specified with 'http-request-method'")
	}
	if len(c.Values) == 0 {
		return nil, invalid("A condition value must be specified")
	}
	for _, v := range c.Values {
		if err := checkValue(balance.FieldMethod, v, maxMethod); err != nil {
			return nil, err
		}
		if strings.Trim(v, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") != "" {
			return nil, invalid("The 'http-request-method' value is invalid; the allowed characters are A-Z, hyphen and underscore")
		}
	}
	return c.Values, nil
}

func queryOf(c *elbv2api.QueryStringConditionConfig) ([]balance.QueryValue, error) {
	if c == nil {
		return nil, invalid("A 'QueryStringConfig' must be specified with 'query-string'")
	}
	if len(c.Values) == 0 {
		return nil, invalid("A condition value must be specified")
	}
	var list []balance.QueryValue
	for _, v := range c.Values {
		q := balance.QueryValue{Key: aws.Val(v.Key), Value: aws.Val(v.Value)}
		switch {
		case q.Value == "":
			return nil, invalid("A 'Value' must be specified in 'QueryStringKeyValuePair'")
		case len(q.Key) > maxValue:
			return nil, invalid("The 'Key' value is too long; the limit is '%d'", maxValue)
		case len(q.Value) > maxValue:
			return nil, invalid("The 'Value' value is too long; the limit is '%d'", maxValue)
		}
		list = append(list, q)
	}
	return list, nil
}

func networksOf(c *elbv2api.SourceIpConditionConfig) ([]string, error) {
	if c == nil {
		return nil, invalid("A 'SourceIpConfig' must be specified with 'source-ip'")
	}
	if len(c.Values) == 0 {
		return nil, invalid("A 'source-ip' value must be specified")
	}
	for _, v := range c.Values {
		if _, err := netip.ParsePrefix(v); err != nil {
			return nil, invalid("The 'source-ip' value '%s' is not a valid CIDR block", v)
		}
	}
	return c.Values, nil
}

// conditions shows conditions as AWS does: those on host and path in both of their forms.
func conditions(list []balance.Condition) []elbv2api.RuleCondition {
	out := []elbv2api.RuleCondition{}
	for _, c := range list {
		r := elbv2api.RuleCondition{Field: new(c.Field)}
		switch c.Field {
		case balance.FieldHost:
			r.Values, r.RegexValues = c.Values, c.Regex
			r.HostHeaderConfig = &elbv2api.HostHeaderConditionConfig{Values: c.Values, RegexValues: c.Regex}
		case balance.FieldPath:
			r.Values, r.RegexValues = c.Values, c.Regex
			r.PathPatternConfig = &elbv2api.PathPatternConditionConfig{Values: c.Values, RegexValues: c.Regex}
		case balance.FieldHeader:
			r.HttpHeaderConfig = &elbv2api.HttpHeaderConditionConfig{HttpHeaderName: new(c.Header), Values: c.Values, RegexValues: c.Regex}
		case balance.FieldMethod:
			r.HttpRequestMethodConfig = &elbv2api.HttpRequestMethodConditionConfig{Values: c.Values}
		case balance.FieldSourceIP:
			r.SourceIpConfig = &elbv2api.SourceIpConditionConfig{Values: c.Values}
		case balance.FieldQuery:
			r.QueryStringConfig = &elbv2api.QueryStringConditionConfig{}
			for _, q := range c.Query {
				pair := elbv2api.QueryStringKeyValuePair{Value: new(q.Value)}
				if q.Key != "" {
					pair.Key = new(q.Key)
				}
				r.QueryStringConfig.Values = append(r.QueryStringConfig.Values, pair)
			}
		}
		out = append(out, r)
	}
	return out
}
