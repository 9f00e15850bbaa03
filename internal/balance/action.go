package balance

import (
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/state"
)

// Action is what a rule does with a request: one of the three.
type Action struct {
	Order         int `json:",omitempty"` // as given, 0 if it was not
	Forward       *Forward
	Redirect      *Redirect
	FixedResponse *FixedResponse
}

// Forward sends the request to a target group chosen by weight.
type Forward struct {
	Groups             []WeightedGroup
	Sticky             bool `json:",omitempty"` // a client stays with the group it got first, by a cookie
	StickinessDuration int  `json:",omitempty"` // seconds; without effect while stickiness is off
}

// WeightedGroup is a target group's share: its weight, 0–999, among the sum of all.
type WeightedGroup struct {
	TargetGroupARN string
	Weight         int
}

// Redirect answers with a Location built of parts that may hold #{protocol}, #{host}, #{port}, #{path} and #{query}.
type Redirect struct {
	Protocol, Host, Port, Path, Query string
	StatusCode                        int // 301 or 302
}

// FixedResponse is answered by the load balancer itself.
type FixedResponse struct {
	StatusCode  int
	ContentType string
	Body        string
}

// same is whether two actions do the same, whatever order was given.
func (a Action) same(b Action) bool {
	a.Order, b.Order = 0, 0
	return reflect.DeepEqual(a, b)
}

// TargetGroups are the ARNs of the target groups an action forwards to.
func (a Action) TargetGroups() []string {
	if a.Forward == nil {
		return nil
	}
	var arns []string
	for _, g := range a.Forward.Groups {
		if !slices.Contains(arns, g.TargetGroupARN) {
			arns = append(arns, g.TargetGroupARN)
		}
	}
	return arns
}

// checkAction checks what an action of a listener's rule refers to.
//
// Errors: TargetGroupNotFound, TargetGroupAssociationLimit, IncompatibleProtocols, InvalidConfigurationRequest, InvalidLoadBalancerAction.
func (b *Balance) checkAction(tx *state.Tx, lb *LoadBalancer, l *Listener, a Action) error {
	if a.Redirect != nil && a.Redirect.loops(l.Protocol, l.Port) {
		return ErrInvalidAction.New("The redirect configuration is not valid because it creates a loop")
	}
	if lb.Network() {
		if a.Forward == nil {
			return ErrInvalidAction.New("Only actions of type 'forward' are supported with a load balancer of type 'network'")
		}
		if a.Forward.Sticky {
			return ErrInvalidAction.New("Target group stickiness is not supported with a load balancer of type 'network'")
		}
	}
	for _, arn := range a.TargetGroups() {
		g, ok := b.TargetGroups.Get(tx, arn)
		if !ok || g.Scope != lb.Scope {
			return ErrTargetGroupNotFound.New("Target groups '%s' not found", arn)
		}
		if g.VPCID != lb.VPCID {
			return ErrInvalidConfiguration.New("The target group '%s' and the load balancer '%s' must be in the same VPC", arn, lb.ARN)
		}
		for r := range b.Rules.By(tx, "targetgroup", arn) {
			if r.LoadBalancerARN != lb.ARN {
				return ErrAssociationLimit.New("The following target groups cannot be associated with more than one load balancer: %s", arn)
			}
		}
	}
	if err := b.checkCompatible(tx, l, a); err != nil {
		return err
	}
	return b.groupsFit(tx, lb, a)
}

// groupsFit is whether the load balancer may have the action's target groups besides those it has.
func (b *Balance) groupsFit(tx *state.Tx, lb *LoadBalancer, a Action) error {
	have := b.TargetGroupsBehind(tx, lb)
	n := len(have)
	for _, arn := range a.TargetGroups() {
		if !slices.ContainsFunc(have, func(g *TargetGroup) bool { return g.ARN == arn }) {
			n++
		}
	}
	if n > MaxGroupsPerLoadBalancer && n > len(have) {
		return ErrTooManyGroups.New("The maximum number of unique target groups per load balancer has been reached: '%d'", MaxGroupsPerLoadBalancer)
	}
	return nil
}

// loops is whether a redirect leads back to where the request came in, whatever the request.
func (r *Redirect) loops(protocol string, port int) bool {
	same := func(part string, values ...string) bool { return slices.Contains(values, part) }
	return same(r.Protocol, "#{protocol}", protocol) && same(r.Host, "#{host}") && same(r.Port, "#{port}", strconv.Itoa(port)) &&
		same(r.Path, "/#{path}") && same(r.Query, "#{query}", "")
}

// Fields of conditions.
const (
	FieldHost     = "host-header"
	FieldPath     = "path-pattern"
	FieldHeader   = "http-header"
	FieldMethod   = "http-request-method"
	FieldQuery    = "query-string"
	FieldSourceIP = "source-ip"
)

// Condition holds for requests of which any one of the values matches.
type Condition struct {
	Field  string
	Header string       `json:",omitempty"` // of http-header
	Values []string     `json:",omitempty"` // of all but query-string
	Query  []QueryValue `json:",omitempty"` // of query-string
	Regex  []string     `json:",omitempty"` // instead of values, of host-header, path-pattern and http-header
}

// QueryValue is a parameter of a query string; an empty key stands for any.
type QueryValue struct{ Key, Value string }

// Networks are the prefixes of a source-ip condition.
func (c Condition) Networks() []netip.Prefix {
	var list []netip.Prefix
	for _, v := range c.Values {
		if p, err := netip.ParsePrefix(v); err == nil {
			list = append(list, p)
		}
	}
	return list
}

// wildcards counts * and ? in a condition, which a rule may have so many of.
func (c Condition) wildcards() (n int) {
	for _, v := range c.Values {
		n += strings.Count(v, "*") + strings.Count(v, "?")
	}
	for _, q := range c.Query {
		n += strings.Count(q.Key, "*") + strings.Count(q.Key, "?") + strings.Count(q.Value, "*") + strings.Count(q.Value, "?")
	}
	return n
}

// size is how many values a condition has.
func (c Condition) size() int { return len(c.Values) + len(c.Query) + len(c.Regex) }

// Types of transforms.
const (
	RewriteHost = "host-header-rewrite"
	RewriteURL  = "url-rewrite"
)

// Transform rewrites a part of the requests that get a rule's action: what the expression matches is replaced.
type Transform struct {
	Type           string
	Regex, Replace string
}
