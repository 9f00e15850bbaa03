package balance

import (
	"maps"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// Types of targets. There are no instances here, so a group of that type stays empty.
const (
	TargetIP       = "ip"
	TargetInstance = "instance"
	TargetALB      = "alb" // one Application Load Balancer
)

// PortTraffic as a health check's port is the port each target receives traffic on.
const PortTraffic = "traffic-port"

// TargetGroup is a set of targets that receive requests by the same rules, and how their health is checked.
type TargetGroup struct {
	network.Scope
	ARN             string
	ID              string
	Name            string
	Type            string
	Protocol        string
	ProtocolVersion string // of HTTP and HTTPS
	Port            int
	VPCID           string
	CreatedAt       time.Time
	HealthCheck     HealthCheck
	Attributes      TargetGroupAttributes
}

// HealthCheck is how targets are probed. See "Health checks" in the guides for Application and Network Load Balancers. A check by TCP
// has neither path nor matcher.
type HealthCheck struct {
	Protocol  string
	Port      string // a number or PortTraffic
	Path      string
	Matcher   string // "200", "200-299,301", of gRPC "0-5"
	Interval  time.Duration
	Timeout   time.Duration
	Healthy   int // successes in a row
	Unhealthy int // failures in a row
}

// DefaultHealthCheck is the check of a target group whose creator said nothing but, perhaps, by which protocol.
func DefaultHealthCheck(g *TargetGroup, protocol string) HealthCheck {
	h := HealthCheck{Protocol: protocol, Port: PortTraffic, Interval: 30 * time.Second, Healthy: 5, Unhealthy: 2}
	if h.Protocol == "" {
		h.Protocol = ProtocolHTTP
		if !Web(g.Protocol) && g.Type != TargetALB {
			h.Protocol = ProtocolTCP
		}
	}
	switch {
	case Web(g.Protocol):
		h.Timeout = 5 * time.Second
	case h.Protocol == ProtocolHTTP:
		h.Timeout = 6 * time.Second
	default:
		h.Timeout = 10 * time.Second
	}
	switch {
	case g.ProtocolVersion == VersionGRPC:
		h.Path, h.Matcher = "/AWS.ALB/healthcheck", "12"
	case Web(g.Protocol):
		h.Path, h.Matcher = "/", "200"
	case Web(h.Protocol):
		h.Path, h.Matcher = "/", "200-399"
	}
	return h
}

// TargetGroup finds a target group of the scope.
func (t *Tables) TargetGroup(tx *state.Tx, scope network.Scope, arn string) (*TargetGroup, error) {
	g, ok := t.TargetGroups.Get(tx, arn)
	if !ok || g.Scope != scope {
		return nil, ErrTargetGroupNotFound.New("One or more target groups not found")
	}
	return g, nil
}

// TargetGroupNamed finds a target group by its name.
func (t *Tables) TargetGroupNamed(tx *state.Tx, scope network.Scope, name string) (*TargetGroup, bool) {
	for g := range t.TargetGroups.By(tx, "name", nameKey(scope, name)) {
		return g, true
	}
	return nil, false
}

// TargetGroupsOf are all target groups of a scope.
func (t *Tables) TargetGroupsOf(tx *state.Tx, scope network.Scope) []*TargetGroup {
	return slices.Collect(t.TargetGroups.By(tx, "scope", scope.Key()))
}

// CreateTargetGroup makes a target group of what is filled in of g. One that is there already with the same settings is returned
// as it is.
//
// Errors: DuplicateTargetGroupName, TooManyTargetGroups, ValidationError for a VPC that is not there.
func (b *Balance) CreateTargetGroup(tx *state.Tx, g TargetGroup, tags map[string]string) (*TargetGroup, error) {
	if _, err := b.network.VPC(tx, g.Scope, g.VPCID); err != nil {
		return nil, ErrValidation.New("The VPC ID '%s' is not found", g.VPCID)
	}
	if have, exists := b.TargetGroupNamed(tx, g.Scope, g.Name); exists {
		if !have.sameSettings(&g) {
			return nil, ErrDuplicateTargetGroup.New("A target group with the same name '%s' exists, but with different settings", g.Name)
		}
		return have, nil
	}
	if len(b.TargetGroupsOf(tx, g.Scope)) >= MaxTargetGroups {
		return nil, ErrTooManyTargetGroups.New("The maximum number of target groups has been reached: '%d'", MaxTargetGroups)
	}
	g.ID = newID()
	g.ARN = arnOf(g.Scope, "targetgroup/"+g.Name+"/"+g.ID)
	g.CreatedAt = stamp(g.CreatedAt)
	g.Attributes = DefaultTargetGroupAttributes(&g)
	b.TargetGroups.Put(tx, &g)
	return &g, b.SetTags(tx, g.ARN, tags)
}

func (g *TargetGroup) sameSettings(o *TargetGroup) bool {
	return g.Type == o.Type && g.Protocol == o.Protocol && g.ProtocolVersion == o.ProtocolVersion && g.Port == o.Port &&
		g.VPCID == o.VPCID && g.HealthCheck == o.HealthCheck
}

// SetHealthCheck changes how a group's targets are probed.
func (b *Balance) SetHealthCheck(tx *state.Tx, g *TargetGroup, h HealthCheck) *TargetGroup {
	c := *g
	c.HealthCheck = h
	b.TargetGroups.Put(tx, &c)
	return &c
}

// SetTargetGroupAttributes changes a group's attributes. Deregistrations under way keep their deadlines.
func (b *Balance) SetTargetGroupAttributes(tx *state.Tx, g *TargetGroup, a TargetGroupAttributes) *TargetGroup {
	c := *g
	c.Attributes = a
	b.TargetGroups.Put(tx, &c)
	return &c
}

// DeleteTargetGroup deletes a target group that no rule forwards to, with its targets. One that does not exist is no error.
func (b *Balance) DeleteTargetGroup(tx *state.Tx, scope network.Scope, arn string) error {
	if _, err := b.TargetGroup(tx, scope, arn); err != nil {
		return nil
	}
	if b.InUse(tx, arn) {
		return ErrResourceInUse.New("Target group '%s' is currently in use by a listener or a rule", arn)
	}
	for t := range b.Targets.All(tx, groupPrefix(arn)) {
		b.remove(tx, t)
	}
	b.TargetGroups.Delete(tx, arn)
	b.Tags.Delete(tx, arn)
	return nil
}

// InUse is whether a rule forwards to the group.
func (t *Tables) InUse(tx *state.Tx, groupARN string) bool {
	return !none(t.Rules.By(tx, "targetgroup", groupARN))
}

// LoadBalancerOf is the load balancer whose rules forward to the group: there is at most one.
func (t *Tables) LoadBalancerOf(tx *state.Tx, groupARN string) (*LoadBalancer, bool) {
	for r := range t.Rules.By(tx, "targetgroup", groupARN) {
		return t.LoadBalancers.Get(tx, r.LoadBalancerARN)
	}
	return nil, false
}

// TargetGroupsBehind are the groups that a load balancer's rules forward to.
func (t *Tables) TargetGroupsBehind(tx *state.Tx, l *LoadBalancer) []*TargetGroup {
	arns := map[string]bool{}
	for r := range t.Rules.By(tx, "loadbalancer", l.ARN) {
		for _, arn := range r.Action.TargetGroups() {
			arns[arn] = true
		}
	}
	var list []*TargetGroup
	for _, arn := range slices.Sorted(maps.Keys(arns)) {
		if g, ok := t.TargetGroups.Get(tx, arn); ok {
			list = append(list, g)
		}
	}
	return list
}
