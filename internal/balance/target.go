package balance

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// Target is an address and port registered in a target group. It is either in service or on its way out: DrainUntil is when the
// requests it still has are cut, zero while it is in service.
type Target struct {
	TargetGroupARN string
	ID             string     // as registered: an address, or the ARN of a load balancer
	Address        netip.Addr // invalid for a load balancer, which has its nodes'
	Port           int
	Zone           string // "all" for an address outside of the VPC
	Asked          string // the zone that was asked for, if any
	RegisteredAt   time.Time
	DrainUntil     time.Time `json:",omitzero"`

	// Ticket is the generation of snapshots from which on what edge says is about this registration or deregistration, and not
	// about an earlier one of the same address and port.
	Ticket uint64
}

// Draining is whether the target is on its way out.
func (t *Target) Draining() bool { return !t.DrainUntil.IsZero() }

const draining = "yes"

func (t *Target) drainIndex() []string {
	if t.Draining() {
		return []string{draining}
	}
	return nil
}

// AllZones as a target's zone means that it belongs to none in particular.
const AllZones = "all"

// TargetSpec names a target. Port 0 is the group's port; the zone is found by the address unless it is outside of the VPC.
type TargetSpec struct {
	ID   string
	Port int
	Zone string
}

// outside are the ranges of addresses that may be registered though they are not in the VPC: the private ones.
var outside = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
}

// TargetsOf are a group's targets, draining ones too.
func (t *Tables) TargetsOf(tx *state.Tx, groupARN string) []*Target {
	return slices.Collect(t.Targets.All(tx, groupPrefix(groupARN)))
}

// Target finds a registered target.
func (t *Tables) Target(tx *state.Tx, groupARN, id string, port int) (*Target, bool) {
	return t.Targets.Get(tx, targetKey(groupARN, id, port))
}

// Register puts targets in service. One that is in service stays as it is; one that drains returns.
//
// Errors: TargetGroupNotFound, ValidationError, InvalidTarget, TooManyTargets.
func (b *Balance) Register(tx *state.Tx, groupARN string, specs []TargetSpec) error {
	g, ok := b.TargetGroups.Get(tx, groupARN)
	if !ok {
		return ErrTargetGroupNotFound.New("Target groups '%s' not found", groupARN)
	}
	for _, s := range specs {
		t, err := b.target(tx, g, s)
		if err != nil {
			return err
		}
		if have, ok := b.Target(tx, groupARN, t.ID, t.Port); ok && !have.Draining() && have.Zone == t.Zone {
			continue
		}
		t.RegisteredAt, t.Ticket = stamp(b.clock.Now()), b.Ticket(tx)
		b.Healths.Delete(tx, targetKey(groupARN, t.ID, t.Port))
		b.Targets.Put(tx, t)
	}
	return b.targetsFit(tx, groupARN)
}

// targetsFit is whether a group, and the load balancer it is used by, has no more targets than it may.
func (b *Balance) targetsFit(tx *state.Tx, groupARN string) error {
	n := len(b.TargetsOf(tx, groupARN))
	if g, _ := b.TargetGroups.Get(tx, groupARN); g.Type == TargetALB && n > 1 {
		return ErrTooManyTargets.New("The maximum number of targets for a target group with target type 'alb' has been reached: '1'")
	}
	if n > MaxTargets {
		return ErrTooManyTargets.New("The maximum number of targets per target group has been reached: '%d'", MaxTargets)
	}
	lb, ok := b.LoadBalancerOf(tx, groupARN)
	if !ok {
		return nil
	}
	zones := map[string]int{}
	total := 0
	for _, g := range b.TargetGroupsBehind(tx, lb) {
		for _, t := range b.TargetsOf(tx, g.ARN) {
			zones[t.Zone]++
			total++
		}
	}
	limit := MaxTargetsPerLoadBalancer
	switch {
	case lb.Network() && lb.Attributes.CrossZone:
		limit = MaxTargetsPerZone
	case lb.Network():
		limit = MaxTargetsPerNetwork
		for zone, n := range zones {
			if n > MaxTargetsPerZone {
				return ErrTooManyTargets.New("The maximum number of targets per Availability Zone has been reached in '%s': '%d'", zone, MaxTargetsPerZone)
			}
		}
	}
	if total > limit {
		return ErrTooManyTargets.New("The maximum number of targets per load balancer has been reached: '%d'", limit)
	}
	return nil
}

// target checks a spec.
func (b *Balance) target(tx *state.Tx, g *TargetGroup, s TargetSpec) (*Target, error) {
	if g.Type == TargetInstance {
		if !strings.HasPrefix(s.ID, "i-") {
			return nil, ErrValidation.New("Instance ID '%s' is not valid", s.ID)
		}
		return nil, ErrInvalidTarget.New("The following targets are not in a running state and cannot be registered: '%s'", s.ID)
	}
	if g.Type == TargetALB {
		return b.albTarget(tx, g, s)
	}
	a, err := netip.ParseAddr(s.ID)
	if err != nil || !a.Is4() {
		return nil, ErrValidation.New("The IP address '%s' is not a valid IPv4 address", s.ID)
	}
	t := &Target{TargetGroupARN: g.ARN, ID: s.ID, Address: a, Port: s.Port, Asked: s.Zone}
	if t.Port == 0 {
		t.Port = g.Port
	}
	t.Zone, err = b.zone(tx, g, a, s.Zone)
	return t, err
}

// albTarget checks a spec that names an Application Load Balancer: User Guide for Network Load Balancers, "Use an Application Load Balancer
// as a target".
func (b *Balance) albTarget(tx *state.Tx, g *TargetGroup, s TargetSpec) (*Target, error) {
	port := s.Port
	if port == 0 {
		port = g.Port
	}
	lb, ok := b.LoadBalancers.Get(tx, s.ID)
	switch {
	case s.Zone != "":
		return nil, ErrValidation.New("You cannot specify an Availability Zone for targets of a target group with target type 'alb'")
	case !ok || lb.Scope != g.Scope || lb.Network():
		return nil, ErrInvalidTarget.New("The following targets are not Application Load Balancers of this account and Region: '%s'", s.ID)
	case lb.VPCID != g.VPCID:
		return nil, ErrInvalidTarget.New("The following targets are not in the target group VPC '%s': '%s'", g.VPCID, s.ID)
	case !slices.ContainsFunc(b.ListenersOf(tx, lb.ARN), func(l *Listener) bool { return l.Port == port }):
		return nil, ErrValidation.New("If the target type is ALB, the target must have at least one listener that matches the target group port or any specified port overrides")
	}
	return &Target{TargetGroupARN: g.ARN, ID: s.ID, Port: port, Zone: AllZones}, nil
}

// zone is the zone of an address: that of its subnet, or for one outside of the VPC what was asked for.
func (b *Balance) zone(tx *state.Tx, g *TargetGroup, a netip.Addr, asked string) (string, error) {
	for s := range b.network.Subnets.By(tx, "vpc", g.VPCID) {
		if !s.CIDR.Contains(a) {
			continue
		}
		if asked != "" && asked != s.Zone {
			return "", ErrValidation.New("The IP address '%s' is within the VPC, and cannot have its Availability Zone overridden to '%s' from '%s'", a, asked, s.Zone)
		}
		return s.Zone, nil
	}
	if !slices.ContainsFunc(outside, func(p netip.Prefix) bool { return p.Contains(a) }) {
		return "", ErrValidation.New("The IP address '%s' is not in the VPC and not in a range of private addresses", a)
	}
	if asked == "" {
		return "", ErrValidation.New("The Availability Zone is required for IP address '%s' because it is not in the VPC", a)
	}
	if asked != AllZones && !slices.ContainsFunc(network.Zones(g.Region), func(z network.Zone) bool { return z.Name == asked }) {
		return "", ErrValidation.New("You must specify a valid Availability Zone or select 'all' for all enabled Availability zones, since the IP address '%s' is outside the VPC", a)
	}
	return asked, nil
}

// Deregister takes targets out of service: no new request reaches them once edge serves the next snapshot, and those they have go on
// for as long as the group's deregistration delay. A target that nothing sends requests to is gone at once. One that is not
// registered is no error.
func (b *Balance) Deregister(tx *state.Tx, groupARN string, specs []TargetSpec) error {
	g, ok := b.TargetGroups.Get(tx, groupARN)
	if !ok {
		return ErrTargetGroupNotFound.New("Target groups '%s' not found", groupARN)
	}
	now := stamp(b.clock.Now())
	for _, s := range specs {
		if s.Port == 0 {
			s.Port = g.Port
		}
		t, ok := b.Target(tx, groupARN, s.ID, s.Port)
		if !ok || t.Draining() {
			continue
		}
		if g.Attributes.DeregistrationDelay == 0 || !b.InUse(tx, groupARN) {
			b.remove(tx, t)
			continue
		}
		c := *t
		c.DrainUntil, c.Ticket = now.Add(g.Attributes.DeregistrationDelay), b.Ticket(tx)
		b.Targets.Put(tx, &c)
	}
	return nil
}

// Deregistered is whether a target is gone: nothing of it is in flight any more, or its time is over.
func (t *Tables) Deregistered(tx *state.Tx, groupARN, id string, port int) bool {
	_, ok := t.Target(tx, groupARN, id, port)
	return !ok
}

// remove ends a target's registration.
func (b *Balance) remove(tx *state.Tx, t *Target) {
	key := targetKey(t.TargetGroupARN, t.ID, t.Port)
	b.Targets.Delete(tx, key)
	b.Healths.Delete(tx, key)
}

// RemoveDrained removes the targets whose time to drain is over and returns when the next one's is, zero for never.
func (b *Balance) RemoveDrained(tx *state.Tx, now time.Time) (next time.Time) {
	for t := range b.Targets.By(tx, "draining", draining) {
		switch {
		case !now.Before(t.DrainUntil):
			b.remove(tx, t)
		case next.IsZero() || t.DrainUntil.Before(next):
			next = t.DrainUntil
		}
	}
	return next
}
