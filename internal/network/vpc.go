package network

import (
	"net/netip"

	"github.com/neargate/neargate/internal/state"
)

// VPC is a virtual private cloud.
type VPC struct {
	Scope
	ID            string
	Blocks        []VPCBlock // the first is the primary one
	Default       bool
	DHCPOptionsID string

	DNSSupport      bool
	DNSHostnames    bool
	AddressMetrics  bool // counts network address units; kept, and read back
	DefaultGroupID  string
	DefaultACLID    string
	MainAssociation string // of the main route table at creation
}

// VPCBlock is a CIDR block of a VPC.
type VPCBlock struct {
	AssociationID string
	CIDR          netip.Prefix
}

// CIDR is the primary block.
func (v *VPC) CIDR() netip.Prefix { return v.Blocks[0].CIDR }

// Resolver is the address of the VPC's DNS resolver: the base of the primary block plus two.
func (v *VPC) Resolver() netip.Addr { return address(number(v.CIDR().Addr()) + 2) }

// VPC finds a VPC of the scope.
func (t *Tables) VPC(tx *state.Tx, scope Scope, id string) (*VPC, error) {
	v, ok := t.VPCs.Get(tx, id)
	if !ok || v.Scope != scope {
		return nil, ErrVPCNotFound.New("The vpc ID '%s' does not exist", id)
	}
	return v, nil
}

// DefaultVPC is the scope's default VPC.
func (t *Tables) DefaultVPC(tx *state.Tx, scope Scope) (*VPC, bool) {
	for v := range t.VPCs.By(tx, "scope", scope.Key()) {
		if v.Default {
			return v, true
		}
	}
	return nil, false
}

// CreateVPC makes a VPC with its main route table, default security group and default network ACL.
func (t *Tables) CreateVPC(tx *state.Tx, scope Scope, cidr netip.Prefix) (*VPC, error) {
	if !vpcBlock(cidr) {
		return nil, class("InvalidVpc.Range").New("The CIDR '%s' is invalid.", cidr)
	}
	home, err := t.Home(tx, scope)
	if err != nil {
		return nil, err
	}
	return t.createVPC(tx, scope, cidr, home.DHCPOptionsID), nil
}

func (t *Tables) createVPC(tx *state.Tx, scope Scope, cidr netip.Prefix, dhcp string) *VPC {
	v := &VPC{
		Scope: scope, ID: NewID("vpc"), DHCPOptionsID: dhcp, DNSSupport: true,
		Blocks: []VPCBlock{{AssociationID: NewID("vpc-cidr-assoc"), CIDR: cidr}},
	}
	main := newRouteTable(v)
	main.Associations = []RouteTableAssociation{{ID: NewID("rtbassoc"), Main: true}}
	t.RouteTables.Put(tx, main)
	v.MainAssociation = main.Associations[0].ID
	acl := newACL(v)
	t.ACLs.Put(tx, acl)
	v.DefaultACLID = acl.ID
	v.DefaultGroupID = t.createDefaultGroup(tx, v).ID
	t.VPCs.Put(tx, v)
	return v
}

// DeleteVPC deletes a VPC that has nothing left but what came with it.
func (t *Tables) DeleteVPC(tx *state.Tx, scope Scope, id string) error {
	v, err := t.VPC(tx, scope, id)
	if err != nil {
		return err
	}
	if t.vpcInUse(tx, v) {
		return ErrDependency.New("The vpc '%s' has dependencies and cannot be deleted.", id)
	}
	for rt := range t.RouteTables.By(tx, "vpc", id) {
		t.RouteTables.Delete(tx, rt.ID)
		t.Tags.Delete(tx, rt.ID)
	}
	for acl := range t.ACLs.By(tx, "vpc", id) {
		t.ACLs.Delete(tx, acl.ID)
		t.Tags.Delete(tx, acl.ID)
	}
	t.removeGroup(tx, v.DefaultGroupID)
	t.VPCs.Delete(tx, id)
	t.Tags.Delete(tx, id)
	return nil
}

func (t *Tables) vpcInUse(tx *state.Tx, v *VPC) bool {
	for range t.Subnets.By(tx, "vpc", v.ID) {
		return true
	}
	for range t.InternetGateways.By(tx, "vpc", v.ID) {
		return true
	}
	for rt := range t.RouteTables.By(tx, "vpc", v.ID) {
		if !rt.main() {
			return true
		}
	}
	for g := range t.Groups.By(tx, "vpc", v.ID) {
		if g.ID != v.DefaultGroupID {
			return true
		}
	}
	return false
}
