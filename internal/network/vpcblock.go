package network

import (
	"net/netip"
	"slices"

	"github.com/neargate/neargate/internal/state"
)

// maxBlocks is how many IPv4 blocks a VPC may have (VPC User Guide, "Amazon VPC quotas").
const maxBlocks = 5

// AddBlock gives a VPC another IPv4 block, and every route table of it the local route.
func (t *Tables) AddBlock(tx *state.Tx, scope Scope, vpcID string, cidr netip.Prefix) (VPCBlock, error) {
	v, err := t.VPC(tx, scope, vpcID)
	if err != nil {
		return VPCBlock{}, err
	}
	if !vpcBlock(cidr) {
		return VPCBlock{}, class("InvalidVpc.Range").New("The CIDR '%s' is invalid.", cidr)
	}
	for _, b := range v.Blocks {
		if b.CIDR.Overlaps(cidr) {
			return VPCBlock{}, class("InvalidVpc.Range").New("The CIDR '%s' conflicts with one of the CIDRs already associated with this VPC.", cidr)
		}
	}
	if len(v.Blocks) == maxBlocks {
		return VPCBlock{}, class("CidrLimitExceeded").New("This network '%s' has met its maximum number of allowed CIDRs: %d", vpcID, maxBlocks)
	}
	c := *v
	added := VPCBlock{AssociationID: NewID("vpc-cidr-assoc"), CIDR: cidr}
	c.Blocks = append(slices.Clone(v.Blocks), added)
	for rt := range t.RouteTables.By(tx, "vpc", vpcID) {
		changed := *rt
		changed.Routes = slices.Insert(slices.Clone(rt.Routes), len(v.Blocks), TableRoute{CIDR: cidr, Target: "local", Origin: "CreateRouteTable"})
		if slices.ContainsFunc(rt.Routes, func(r TableRoute) bool { return r.PrefixListID == "" && inside(r.CIDR, cidr) }) {
			return VPCBlock{}, class("InvalidVpc.Range").New("The CIDR '%s' conflicts with a route in route table %s.", cidr, rt.ID)
		}
		t.RouteTables.Put(tx, &changed)
	}
	t.VPCs.Put(tx, &c)
	return added, nil
}

// RemoveBlock takes a block that no subnet lies in from its VPC. The primary one stays.
func (t *Tables) RemoveBlock(tx *state.Tx, scope Scope, associationID string) (*VPC, VPCBlock, error) {
	for v := range t.VPCs.By(tx, "scope", scope.Key()) {
		i := slices.IndexFunc(v.Blocks, func(b VPCBlock) bool { return b.AssociationID == associationID })
		if i < 0 {
			continue
		}
		b := v.Blocks[i]
		if i == 0 {
			return nil, b, ErrNotPermitted.New("The vpc CIDR block with association ID %s may not be disassociated. It is the primary IPv4 CIDR block of the VPC", associationID)
		}
		for s := range t.Subnets.By(tx, "vpc", v.ID) {
			if inside(s.CIDR, b.CIDR) {
				return nil, b, class("InvalidCidr.InUse").New("The vpc CIDR block with association ID %s is currently in use.", associationID)
			}
		}
		c := *v
		c.Blocks = slices.Delete(slices.Clone(v.Blocks), i, i+1)
		t.VPCs.Put(tx, &c)
		for rt := range t.RouteTables.By(tx, "vpc", v.ID) {
			changed := *rt
			changed.Routes = slices.DeleteFunc(slices.Clone(rt.Routes), func(r TableRoute) bool { return r.Local() && r.CIDR == b.CIDR })
			t.RouteTables.Put(tx, &changed)
		}
		return &c, b, nil
	}
	return nil, VPCBlock{}, class("InvalidVpcCidrBlockAssociationID.NotFound").New("The vpc CIDR block association ID '%s' does not exist", associationID)
}
