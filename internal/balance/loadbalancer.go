package balance

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// Schemes of a load balancer.
const (
	SchemeInternetFacing = "internet-facing"
	SchemeInternal       = "internal"
)

// TypeApplication is the one type of load balancer there is now.
const TypeApplication = "application"

// States of a load balancer. It only ever becomes active.
const (
	StateProvisioning = "provisioning"
	StateActive       = "active"
)

// LoadBalancer is an Application Load Balancer.
type LoadBalancer struct {
	network.Scope
	ARN            string
	ID             string // last part of the ARN
	Name           string
	Type           string
	Scheme         string
	VPCID          string
	DNSName        string
	Loopback       netip.Addr // where the machine itself reaches it, whatever its ports
	CreatedAt      time.Time
	State          string
	SecurityGroups []string
	Nodes          []Node // by zone
	Attributes     Attributes
}

// Node is a load balancer's presence in one zone: a network interface.
type Node struct {
	SubnetID    string
	Zone        string
	InterfaceID string
	Ready       bool // its interface has been real; edge may listen there
}

// Processing of the X-Forwarded-For header, and of requests that are not quite HTTP.
const (
	ForwardedForAppend = "append"
	DesyncDefensive    = "defensive"
)

// Attributes are the load balancer attributes that something acts on, or that are kept for what cannot be used yet: HTTP2 and
// TLSHeaders speak of HTTPS listeners. See "Application Load Balancers", load balancer attributes.
type Attributes struct {
	DeletionProtection     bool
	IdleTimeout            time.Duration
	ClientKeepAlive        time.Duration
	ForwardedFor           string
	ForwardedForClientPort bool
	PreserveHost           bool
	DropInvalidHeaders     bool
	Desync                 string
	HTTP2                  bool
	TLSHeaders             bool
}

// DefaultAttributes are those of a new load balancer.
func DefaultAttributes() Attributes {
	return Attributes{
		IdleTimeout: 60 * time.Second, ClientKeepAlive: time.Hour, ForwardedFor: ForwardedForAppend, Desync: DesyncDefensive, HTTP2: true,
	}
}

func (l *LoadBalancer) interfaces() []string {
	var ids []string
	for _, n := range l.Nodes {
		ids = append(ids, n.InterfaceID)
	}
	return ids
}

// clone copies what is changed in place.
func (l *LoadBalancer) clone() *LoadBalancer {
	c := *l
	c.Nodes = slices.Clone(l.Nodes)
	return &c
}

// Subnets are the ids of the subnets its nodes are in.
func (l *LoadBalancer) Subnets() []string {
	var ids []string
	for _, n := range l.Nodes {
		ids = append(ids, n.SubnetID)
	}
	return ids
}

// LoadBalancerSpec is a load balancer to be created. Without groups it gets the VPC's default security group.
type LoadBalancerSpec struct {
	network.Scope
	Name           string
	Scheme         string
	SubnetIDs      []string
	SecurityGroups []string
	Tags           map[string]string
	Now            time.Time
}

// LoadBalancer finds a load balancer of the scope.
func (t *Tables) LoadBalancer(tx *state.Tx, scope network.Scope, arn string) (*LoadBalancer, error) {
	l, ok := t.LoadBalancers.Get(tx, arn)
	if !ok || l.Scope != scope {
		return nil, ErrLoadBalancerNotFound.New("Load balancer '%s' not found", arn)
	}
	return l, nil
}

// LoadBalancerNamed finds a load balancer by its name.
func (t *Tables) LoadBalancerNamed(tx *state.Tx, scope network.Scope, name string) (*LoadBalancer, bool) {
	for l := range t.LoadBalancers.By(tx, "name", nameKey(scope, name)) {
		return l, true
	}
	return nil, false
}

// LoadBalancersOf are all load balancers of a scope.
func (t *Tables) LoadBalancersOf(tx *state.Tx, scope network.Scope) []*LoadBalancer {
	return slices.Collect(t.LoadBalancers.By(tx, "scope", scope.Key()))
}

// CreateLoadBalancer makes a load balancer and its nodes' interfaces. One that is there already with the same settings is
// returned as it is.
//
// Errors: DuplicateLoadBalancerName, TooManyLoadBalancers, SubnetNotFound, InvalidSubnet, InvalidConfigurationRequest, ValidationError.
func (b *Balance) CreateLoadBalancer(tx *state.Tx, s LoadBalancerSpec) (*LoadBalancer, error) {
	subnets, err := b.subnets(tx, s.Scope, s.SubnetIDs, s.Scheme)
	if err != nil {
		return nil, err
	}
	groups, err := b.securityGroups(tx, s.Scope, subnets[0].VPCID, s.SecurityGroups)
	if err != nil {
		return nil, err
	}
	if l, exists := b.LoadBalancerNamed(tx, s.Scope, s.Name); exists {
		if !l.sameSettings(&s, subnets, groups) {
			return nil, ErrDuplicateLoadBalancer.New("A load balancer with the same name '%s' exists, but with different settings", s.Name)
		}
		return l, nil
	}
	if len(b.LoadBalancersOf(tx, s.Scope)) >= MaxLoadBalancers {
		return nil, ErrTooManyLoadBalancers.New("The limit on load balancers for the account has been reached: '%d'", MaxLoadBalancers)
	}
	l := &LoadBalancer{
		Scope: s.Scope, ID: newID(), Name: s.Name, Type: TypeApplication, Scheme: s.Scheme, VPCID: subnets[0].VPCID,
		DNSName: b.dnsName(tx, s.Name, s.Scheme, s.Region), Loopback: b.loopback(tx), CreatedAt: stamp(s.Now), State: StateProvisioning,
		SecurityGroups: groups, Attributes: DefaultAttributes(),
	}
	l.ARN = arnOf(s.Scope, "loadbalancer/app/"+l.Name+"/"+l.ID)
	for _, subnet := range subnets {
		if err := b.addNode(tx, l, subnet); err != nil {
			return nil, err
		}
	}
	b.LoadBalancers.Put(tx, l)
	return l, b.SetTags(tx, l.ARN, s.Tags)
}

func (l *LoadBalancer) sameSettings(s *LoadBalancerSpec, subnets []*network.Subnet, groups []string) bool {
	var ids []string
	for _, n := range subnets {
		ids = append(ids, n.ID)
	}
	have := l.Subnets()
	slices.Sort(ids)
	slices.Sort(have)
	return l.Scheme == s.Scheme && slices.Equal(have, ids) && slices.Equal(l.SecurityGroups, groups)
}

// addNode gives the load balancer an interface in the subnet.
func (b *Balance) addNode(tx *state.Tx, l *LoadBalancer, s *network.Subnet) error {
	i, err := b.network.CreateInterface(tx, network.InterfaceSpec{
		Account: l.Account, Region: l.Region, SubnetID: s.ID, GroupIDs: l.SecurityGroups,
		Description: "ELB app/" + l.Name + "/" + l.ID, RequesterID: "amazon-elb", RequesterManaged: true,
		AssignPublicIP: l.Scheme == SchemeInternetFacing,
	})
	if err != nil {
		return err
	}
	l.Nodes = append(l.Nodes, Node{SubnetID: s.ID, Zone: s.Zone, InterfaceID: i.ID})
	slices.SortFunc(l.Nodes, func(a, b Node) int { return strings.Compare(a.Zone, b.Zone) })
	return nil
}

// DeleteLoadBalancer deletes a load balancer with its listeners, rules and interfaces. One that does not exist is no error.
func (b *Balance) DeleteLoadBalancer(tx *state.Tx, scope network.Scope, arn string) error {
	l, err := b.LoadBalancer(tx, scope, arn)
	if err != nil {
		return nil
	}
	if l.Attributes.DeletionProtection {
		return ErrNotPermitted.New("Load balancer '%s' cannot be deleted because deletion protection is enabled", arn)
	}
	for listener := range b.Listeners.By(tx, "loadbalancer", arn) {
		b.removeListener(tx, listener)
	}
	for _, n := range l.Nodes {
		if err := b.network.DeleteInterface(tx, n.InterfaceID); err != nil {
			return err
		}
	}
	b.LoadBalancers.Delete(tx, arn)
	b.Tags.Delete(tx, arn)
	return nil
}

// SetSecurityGroups replaces a load balancer's security groups.
func (b *Balance) SetSecurityGroups(tx *state.Tx, scope network.Scope, arn string, groups []string) (*LoadBalancer, error) {
	l, err := b.LoadBalancer(tx, scope, arn)
	if err != nil {
		return nil, err
	}
	if groups, err = b.securityGroups(tx, scope, l.VPCID, groups); err != nil {
		return nil, err
	}
	c := l.clone()
	c.SecurityGroups = groups
	for _, n := range c.Nodes {
		if err := b.network.SetInterfaceGroups(tx, n.InterfaceID, groups); err != nil {
			return nil, err
		}
	}
	b.LoadBalancers.Put(tx, c)
	return c, nil
}

// SetSubnets replaces the subnets of a load balancer. Nodes in subnets that stay are left alone.
func (b *Balance) SetSubnets(tx *state.Tx, scope network.Scope, arn string, subnetIDs []string) (*LoadBalancer, error) {
	l, err := b.LoadBalancer(tx, scope, arn)
	if err != nil {
		return nil, err
	}
	subnets, err := b.subnets(tx, scope, subnetIDs, l.Scheme)
	if err != nil {
		return nil, err
	}
	if subnets[0].VPCID != l.VPCID {
		return nil, ErrInvalidSubnet.New("The subnet '%s' does not belong to the VPC '%s' of the load balancer", subnets[0].ID, l.VPCID)
	}
	c := l.clone()
	c.Nodes = nil
	for _, n := range l.Nodes {
		if slices.ContainsFunc(subnets, func(s *network.Subnet) bool { return s.ID == n.SubnetID }) {
			c.Nodes = append(c.Nodes, n)
		} else if err := b.network.DeleteInterface(tx, n.InterfaceID); err != nil {
			return nil, err
		}
	}
	for _, s := range subnets {
		if !slices.Contains(c.Subnets(), s.ID) {
			if err := b.addNode(tx, c, s); err != nil {
				return nil, err
			}
		}
	}
	b.LoadBalancers.Put(tx, c)
	return c, nil
}

// SetAttributes changes a load balancer's attributes.
func (b *Balance) SetAttributes(tx *state.Tx, l *LoadBalancer, a Attributes) *LoadBalancer {
	c := *l
	c.Attributes = a
	b.LoadBalancers.Put(tx, &c)
	return &c
}

func stamp(t time.Time) time.Time { return t.Round(0).UTC().Truncate(time.Millisecond) }
