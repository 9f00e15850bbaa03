package network

import (
	"net/netip"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/state"
)

// Types of interfaces, as DescribeNetworkInterfaces names them.
const (
	TypeInterface           = "interface"
	TypeNatGateway          = "nat_gateway"
	TypeNetworkLoadBalancer = "network_load_balancer"
)

// maxGroups is the hard limit of security groups on an interface (VPC User Guide, "Amazon VPC quotas").
const maxGroups = 16

// Interface is an elastic network interface: an address of a subnet, guarded by security groups.
type Interface struct {
	Scope
	ID        string
	VPCID     string
	SubnetID  string
	Zone      string
	ZoneID    string
	PrivateIP netip.Addr
	MAC       string
	Groups    []string // ids of security groups; without any, of a service's interface, everything may pass

	// PublicIP is the public address mapped to PrivateIP, invalid if there is none. AllocationID and
	// AssociationID are set where it is an Elastic IP; others are given back with the interface.
	PublicIP      netip.Addr
	AllocationID  string
	AssociationID string

	Type             string
	Description      string
	SourceDestCheck  bool
	RequesterID      string
	RequesterManaged bool
	Attachment       *Attachment
	Created          time.Time

	Realised bool `json:"-"` // it is in the kernel; filled in by Network.Interface
}

// Attachment is what an interface is used by. Users can not create any, for there are no instances: every attachment
// belongs to the service that asked for the interface.
type Attachment struct {
	ID      string
	OwnerID string // of the instance at the other end: a service's own account
	Since   time.Time
}

// InterfaceSpec is an interface to be created. Type and Groups have AWS's defaults.
type InterfaceSpec struct {
	Account, Region string
	SubnetID        string
	GroupIDs        []string
	PrivateIP       netip.Addr // any free one if invalid
	Description     string
	Type            string

	// RequesterID is whom AWS shows as the one who asked for the interface, "amazon-elb" for a load balancer. A
	// RequesterManaged interface can not be changed or deleted by the user.
	RequesterID      string
	RequesterManaged bool

	// Idle is an interface that nothing uses: it has no attachment and stays out of the kernel.
	Idle bool

	AssignPublicIP bool
	AllocationID   string // an Elastic IP address to have instead of a public address of the pool
	Tags           map[string]string
}

// ARN of the interface.
func (i *Interface) ARN() string {
	return arn.New("ec2", i.Region, i.Account, "network-interface/"+i.ID)
}

func (i *Interface) publicVPC() []string {
	if i.PublicIP.IsValid() {
		return []string{i.VPCID}
	}
	return nil
}

// realises says whether the interface belongs in the kernel.
func (i *Interface) realises() bool { return i.Attachment != nil && i.Type != TypeNatGateway }

func (i *Interface) realisedVPC() []string {
	if i.realises() {
		return []string{i.VPCID}
	}
	return nil
}

// NetworkInterface finds an interface of the scope.
func (t *Tables) NetworkInterface(tx *state.Tx, scope Scope, id string) (*Interface, error) {
	i, ok := t.Interfaces.Get(tx, id)
	if !ok || i.Scope != scope {
		return nil, ErrInterfaceNotFound.New("The networkInterface ID '%s' does not exist", id)
	}
	return i, nil
}

// CreateInterface makes an interface in a subnet. Without a realising loop it is rows only; see Realise.
//
// Errors: InvalidSubnetID.NotFound, InvalidGroup.NotFound, InsufficientFreeAddressesInSubnet, InvalidIPAddress.InUse,
// InvalidAllocationID.NotFound, Resource.AlreadyAssociated.
func (n *Network) CreateInterface(tx *state.Tx, spec InterfaceSpec) (*Interface, error) {
	scope := Scope{spec.Account, spec.Region}
	s, err := n.Subnet(tx, scope, spec.SubnetID)
	if err != nil {
		return nil, err
	}
	i := &Interface{
		Scope: scope, ID: NewID("eni"), VPCID: s.VPCID, SubnetID: s.ID, Zone: s.Zone, ZoneID: s.ZoneID, MAC: newMAC(),
		Type: spec.Type, Description: spec.Description, RequesterID: spec.RequesterID, RequesterManaged: spec.RequesterManaged,
		Created: n.clock.Now().UTC(),
	}
	if i.Type == "" {
		i.Type = TypeInterface
	}
	if !spec.Idle {
		i.Attachment = &Attachment{ID: NewID("ela-attach"), OwnerID: spec.RequesterID, Since: i.Created}
		if spec.RequesterID == "" {
			i.Attachment.OwnerID = "amazon-aws"
		}
	}
	// Gateways and network load balancers pass on what is not their own, and are guarded by security groups only if they were given some.
	i.SourceDestCheck = i.Type == TypeInterface
	if i.SourceDestCheck || i.Type == TypeNetworkLoadBalancer && len(spec.GroupIDs) > 0 {
		if i.Groups, err = n.interfaceGroups(tx, s, spec.GroupIDs); err != nil {
			return nil, err
		}
	}
	if i.PrivateIP, err = n.privateAddress(tx, s, spec.PrivateIP); err != nil {
		return nil, err
	}
	if spec.AssignPublicIP && spec.AllocationID == "" {
		if i.PublicIP, err = n.publicAddress(tx); err != nil {
			return nil, err
		}
	}
	n.Interfaces.Put(tx, i)
	n.Tag(tx, scope, "network-interface", i.ID, spec.Tags)
	if spec.AllocationID != "" {
		return n.withAddress(tx, i, spec.AllocationID)
	}
	return i, nil
}

// withAddress gives a service's interface the Elastic IP address it is to have.
func (n *Network) withAddress(tx *state.Tx, i *Interface, allocationID string) (*Interface, error) {
	a, err := n.Allocation(tx, i.Scope, allocationID)
	if err != nil {
		return nil, err
	}
	if a.AssociationID != "" {
		return nil, ErrAssociated.New("resource %s is already associated with associate-id %s", a.ID, a.AssociationID)
	}
	n.associate(tx, a.ID, i.ID)
	i, _ = n.Interfaces.Get(tx, i.ID)
	return i, nil
}

// interfaceGroups checks the groups of an interface in the subnet; none means the VPC's default group.
func (t *Tables) interfaceGroups(tx *state.Tx, s *Subnet, ids []string) ([]string, error) {
	if len(ids) == 0 {
		v, err := t.VPC(tx, s.Scope, s.VPCID)
		if err != nil {
			return nil, err
		}
		return []string{v.DefaultGroupID}, nil
	}
	for _, id := range ids {
		g, err := t.SecurityGroup(tx, s.Scope, id)
		if err != nil {
			return nil, err
		}
		if g.VPCID != s.VPCID {
			return nil, ErrInvalid.New("You have specified two resources that belong to different networks.")
		}
	}
	unique := slices.Clone(ids)
	slices.Sort(unique)
	if unique = slices.Compact(unique); len(unique) > maxGroups {
		return nil, class("SecurityGroupsPerInterfaceLimitExceeded").New("The maximum number of security groups per interface has been reached.")
	}
	return unique, nil
}

// privateAddress takes the address asked for, or the next free one.
func (t *Tables) privateAddress(tx *state.Tx, s *Subnet, asked netip.Addr) (netip.Addr, error) {
	p := subnetPool(s)
	if !asked.IsValid() {
		a, ok := t.take(tx, p)
		if !ok {
			return a, ErrNoFreeAddress.New("The specified subnet does not have enough free addresses to satisfy the request.")
		}
		return a, nil
	}
	switch {
	case !p.contains(asked):
		return asked, ErrInvalid.New("Address does not fall within the subnet's address range")
	case p.reserved(asked):
		return asked, ErrInvalid.New("Address is in subnet's reserved address range")
	case t.taken(tx, p, asked):
		return asked, ErrAddressInUse.New("The specified address is already in use.")
	}
	t.claim(tx, p, asked)
	return asked, nil
}

// DeleteInterface deletes an interface whoever it belongs to, and gives its addresses back. One that does not exist is no error.
func (n *Network) DeleteInterface(tx *state.Tx, id string) error {
	i, ok := n.Interfaces.Get(tx, id)
	if !ok {
		return nil
	}
	if a, ok := n.Addresses.Get(tx, i.AllocationID); ok {
		c := *a
		c.AssociationID, c.InterfaceID, c.PrivateIP = "", "", netip.Addr{}
		n.Addresses.Put(tx, &c)
	} else if i.PublicIP.IsValid() {
		n.release(tx, n.public, i.PublicIP)
	}
	if s, ok := n.Subnets.Get(tx, i.SubnetID); ok {
		n.release(tx, subnetPool(s), i.PrivateIP)
	}
	n.Interfaces.Delete(tx, id)
	n.Tags.Delete(tx, id)
	return nil
}

// DeleteIdleInterface deletes an interface on a user's behalf.
func (n *Network) DeleteIdleInterface(tx *state.Tx, scope Scope, id string) error {
	i, err := n.NetworkInterface(tx, scope, id)
	if err != nil {
		return err
	}
	if i.Attachment != nil {
		return ErrInvalid.New("Network interface '%s' is currently in use.", id)
	}
	return n.DeleteInterface(tx, id)
}

// InterfaceChange is what a user may change of an interface; nil leaves it.
type InterfaceChange struct {
	Description     *string
	SourceDestCheck *bool
	GroupIDs        []string
}

// ModifyInterface changes an interface on a user's behalf.
func (n *Network) ModifyInterface(tx *state.Tx, scope Scope, id string, change InterfaceChange) error {
	i, err := n.NetworkInterface(tx, scope, id)
	if err != nil {
		return err
	}
	if i.RequesterManaged {
		return notYours()
	}
	c := *i
	if change.Description != nil {
		c.Description = *change.Description
	}
	if change.SourceDestCheck != nil {
		c.SourceDestCheck = *change.SourceDestCheck
	}
	if len(change.GroupIDs) > 0 {
		s, err := n.Subnet(tx, scope, i.SubnetID)
		if err != nil {
			return err
		}
		if c.Groups, err = n.interfaceGroups(tx, s, change.GroupIDs); err != nil {
			return err
		}
	}
	n.Interfaces.Put(tx, &c)
	return nil
}

// SetInterfaceGroups changes the security groups of an interface on behalf of the service it belongs to.
func (n *Network) SetInterfaceGroups(tx *state.Tx, id string, groupIDs []string) error {
	i, ok := n.Interfaces.Get(tx, id)
	if !ok {
		return ErrInterfaceNotFound.New("The networkInterface ID '%s' does not exist", id)
	}
	s, err := n.Subnet(tx, i.Scope, i.SubnetID)
	if err != nil {
		return err
	}
	c := *i
	if c.Groups, err = n.interfaceGroups(tx, s, groupIDs); err != nil {
		return err
	}
	n.Interfaces.Put(tx, &c)
	return nil
}

// Interface is an interface as it is wanted, with what has become of it.
func (n *Network) Interface(tx *state.Tx, id string) (*Interface, bool) {
	i, ok := n.Interfaces.Get(tx, id)
	if !ok {
		return nil, false
	}
	c := *i
	if s, ok := n.Status.Get(tx, id); ok {
		c.Realised = s.Realised
	}
	return &c, true
}
