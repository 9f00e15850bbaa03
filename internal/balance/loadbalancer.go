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

// Types of load balancers.
const (
	TypeApplication = "application"
	TypeNetwork     = "network"
)

// States of a load balancer. It only ever becomes active.
const (
	StateProvisioning = "provisioning"
	StateActive       = "active"
)

// LoadBalancer is an Application or a Network Load Balancer.
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
	SecurityGroups []string // a Network Load Balancer that was made without any never gets one
	Nodes          []Node   // by zone
	Attributes     Attributes

	// EnforceOnPrivateLink is whether the security groups of a Network Load Balancer apply to traffic over PrivateLink, on or off: kept, for
	// there is no PrivateLink.
	EnforceOnPrivateLink string `json:",omitempty"`
}

// Network is whether it is a Network Load Balancer.
func (l *LoadBalancer) Network() bool { return l.Type == TypeNetwork }

// Node is a load balancer's presence in one zone: a network interface.
type Node struct {
	SubnetID     string
	Zone         string
	InterfaceID  string
	AllocationID string     `json:",omitempty"` // of the Elastic IP address it was given
	PrivateIP    netip.Addr `json:",omitzero"`  // the private address that was asked for
	Ready        bool       // its interface has been real; edge may listen there
}

// Placement is where a node is to be: a subnet, and for Network Load Balancers the Elastic IP address of an internet-facing one or the
// private address of an internal one.
type Placement struct {
	SubnetID     string
	AllocationID string
	PrivateIP    netip.Addr
}

// Placements are those of the subnets, with any addresses.
func Placements(subnetIDs ...string) []Placement {
	var list []Placement
	for _, id := range subnetIDs {
		list = append(list, Placement{SubnetID: id})
	}
	return list
}

// Processing of the X-Forwarded-For header, and of requests that are not quite HTTP.
const (
	ForwardedForAppend = "append"
	DesyncDefensive    = "defensive"
)

// Attributes are the load balancer attributes that something acts on. See "Load balancer attributes" in the guides for Application and
// Network Load Balancers.
type Attributes struct {
	DeletionProtection bool
	AccessLogs         LogTarget

	// Of Application Load Balancers. HTTP2 and TLSHeaders are about HTTPS listeners.
	IdleTimeout            time.Duration
	ClientKeepAlive        time.Duration
	ForwardedFor           string
	ForwardedForClientPort bool
	PreserveHost           bool
	DropInvalidHeaders     bool
	Desync                 string
	HTTP2                  bool
	TLSHeaders             bool
	ConnectionLogs         LogTarget

	// CrossZone is of Network Load Balancers: Application Load Balancers always cross zones, unless a target group does not.
	CrossZone bool
}

// LogTarget is where a log goes to.
type LogTarget struct {
	Enabled        bool
	Bucket, Prefix string
}

// DefaultAttributes are those of a new load balancer.
func DefaultAttributes(kind string) Attributes {
	if kind == TypeNetwork {
		return Attributes{}
	}
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

// Placements are where its nodes are, as they were asked for.
func (l *LoadBalancer) Placements() []Placement {
	var list []Placement
	for _, n := range l.Nodes {
		list = append(list, n.placement())
	}
	return list
}

func (n *Node) placement() Placement { return Placement{n.SubnetID, n.AllocationID, n.PrivateIP} }

// PublicAddress is the public address of a node, empty if it has none.
func (b *Balance) PublicAddress(tx *state.Tx, n Node) string {
	if i, ok := b.network.Interfaces.Get(tx, n.InterfaceID); ok && i.PublicIP.IsValid() {
		return i.PublicIP.String()
	}
	return ""
}

// LoadBalancerSpec is a load balancer to be created. Without groups an Application Load Balancer gets the VPC's default security group, and a
// Network Load Balancer none.
type LoadBalancerSpec struct {
	network.Scope
	Name           string
	Type           string
	Scheme         string
	Placements     []Placement
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
// Errors: DuplicateLoadBalancerName, TooManyLoadBalancers, SubnetNotFound, InvalidSubnet, AllocationIdNotFound, InvalidConfigurationRequest,
// ValidationError.
func (b *Balance) CreateLoadBalancer(tx *state.Tx, s LoadBalancerSpec) (*LoadBalancer, error) {
	sites, err := b.sites(tx, s.Scope, s.Type, s.Scheme, s.Placements)
	if err != nil {
		return nil, err
	}
	groups, err := b.securityGroups(tx, s.Scope, s.Type, sites[0].subnet.VPCID, s.SecurityGroups)
	if err != nil {
		return nil, err
	}
	if l, exists := b.LoadBalancerNamed(tx, s.Scope, s.Name); exists {
		if !l.sameSettings(&s, groups) {
			return nil, ErrDuplicateLoadBalancer.New("A load balancer with the same name '%s' exists, but with different settings", s.Name)
		}
		return l, nil
	}
	if b.loadBalancerCount(tx, s.Scope, s.Type) >= MaxLoadBalancers {
		return nil, ErrTooManyLoadBalancers.New("The limit on load balancers for the account has been reached: '%d'", MaxLoadBalancers)
	}
	if err := b.roomFor(tx, sites); err != nil {
		return nil, err
	}
	l := &LoadBalancer{
		Scope: s.Scope, ID: newID(), Name: s.Name, Type: s.Type, Scheme: s.Scheme, VPCID: sites[0].subnet.VPCID,
		Loopback: b.loopback(tx), CreatedAt: stamp(s.Now), State: StateProvisioning,
		SecurityGroups: groups, Attributes: DefaultAttributes(s.Type),
	}
	l.ARN = arnOf(s.Scope, "loadbalancer/"+l.path())
	l.DNSName = b.dnsName(tx, l)
	if l.Network() && len(groups) > 0 {
		l.EnforceOnPrivateLink = "on"
	}
	for _, site := range sites {
		if err := b.addNode(tx, l, site); err != nil {
			return nil, err
		}
	}
	b.LoadBalancers.Put(tx, l)
	return l, b.SetTags(tx, l.ARN, s.Tags)
}

// path is the load balancer's part of ARNs and of the descriptions of its interfaces.
func (l *LoadBalancer) path() string {
	if l.Network() {
		return "net/" + l.Name + "/" + l.ID
	}
	return "app/" + l.Name + "/" + l.ID
}

func (b *Balance) loadBalancerCount(tx *state.Tx, scope network.Scope, kind string) (n int) {
	for _, l := range b.LoadBalancersOf(tx, scope) {
		if l.Type == kind {
			n++
		}
	}
	return n
}

func (l *LoadBalancer) sameSettings(s *LoadBalancerSpec, groups []string) bool {
	bySubnet := func(a, b Placement) int { return strings.Compare(a.SubnetID, b.SubnetID) }
	want := slices.SortedFunc(slices.Values(s.Placements), bySubnet)
	have := slices.SortedFunc(slices.Values(l.Placements()), bySubnet)
	return l.Type == s.Type && l.Scheme == s.Scheme && slices.Equal(have, slices.Compact(want)) && slices.Equal(l.SecurityGroups, groups)
}

// addNode gives the load balancer an interface in the subnet.
func (b *Balance) addNode(tx *state.Tx, l *LoadBalancer, at site) error {
	spec := network.InterfaceSpec{
		Account: l.Account, Region: l.Region, SubnetID: at.subnet.ID, GroupIDs: l.SecurityGroups, PrivateIP: at.PrivateIP,
		Description: "ELB " + l.path(), RequesterID: "amazon-elb", RequesterManaged: true,
		AssignPublicIP: l.Scheme == SchemeInternetFacing, AllocationID: at.AllocationID,
	}
	if l.Network() {
		spec.Type = network.TypeNetworkLoadBalancer
	}
	i, err := b.network.CreateInterface(tx, spec)
	if err != nil {
		return placementError(at, err)
	}
	l.Nodes = append(l.Nodes, Node{
		SubnetID: at.subnet.ID, Zone: at.subnet.Zone, InterfaceID: i.ID, AllocationID: at.AllocationID, PrivateIP: at.PrivateIP,
	})
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
	for t := range b.Targets.By(tx, "id", arn) {
		if !t.Draining() {
			return ErrResourceInUse.New("Load balancer '%s' cannot be deleted because it is currently associated with another service", arn)
		}
		b.remove(tx, t)
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

// SetSecurityGroups replaces a load balancer's security groups. Enforcement on PrivateLink traffic stays as it is if none is given.
func (b *Balance) SetSecurityGroups(tx *state.Tx, scope network.Scope, arn string, groups []string, enforce string) (*LoadBalancer, error) {
	l, err := b.LoadBalancer(tx, scope, arn)
	if err != nil {
		return nil, err
	}
	if l.Network() && len(l.SecurityGroups) == 0 {
		return nil, ErrInvalidConfiguration.New("You cannot set security groups on a Network Load Balancer which was created without any security groups.")
	}
	if groups, err = b.securityGroups(tx, scope, l.Type, l.VPCID, groups); err != nil {
		return nil, err
	}
	c := l.clone()
	c.SecurityGroups = groups
	if enforce != "" {
		c.EnforceOnPrivateLink = enforce
	}
	for _, n := range c.Nodes {
		if err := b.network.SetInterfaceGroups(tx, n.InterfaceID, groups); err != nil {
			return nil, err
		}
	}
	b.LoadBalancers.Put(tx, c)
	return c, nil
}

// SetSubnets replaces the subnets of a load balancer. Nodes in subnets that stay are left alone.
func (b *Balance) SetSubnets(tx *state.Tx, scope network.Scope, arn string, placements []Placement) (*LoadBalancer, error) {
	l, err := b.LoadBalancer(tx, scope, arn)
	if err != nil {
		return nil, err
	}
	sites, err := b.sites(tx, scope, l.Type, l.Scheme, placements)
	if err != nil {
		return nil, err
	}
	if vpc := sites[0].subnet.VPCID; vpc != l.VPCID {
		return nil, ErrInvalidSubnet.New("The subnet '%s' does not belong to the VPC '%s' of the load balancer", sites[0].subnet.ID, l.VPCID)
	}
	var added []site
	for _, s := range sites {
		if !slices.ContainsFunc(l.Nodes, s.has) {
			added = append(added, s)
		}
	}
	if err := b.roomFor(tx, added); err != nil {
		return nil, err
	}
	c := l.clone()
	c.Nodes = nil
	for _, n := range l.Nodes {
		if slices.ContainsFunc(sites, func(s site) bool { return s.has(n) }) {
			c.Nodes = append(c.Nodes, n)
		} else if err := b.network.DeleteInterface(tx, n.InterfaceID); err != nil {
			return nil, err
		}
	}
	for _, s := range added {
		if err := b.addNode(tx, c, s); err != nil {
			return nil, err
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
