package balance

import (
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// subnets are the subnets a load balancer may have its nodes in.
func (b *Balance) subnets(tx *state.Tx, scope network.Scope, ids []string, scheme string) ([]*network.Subnet, error) {
	var subnets []*network.Subnet
	zones, vpcs := map[string]bool{}, map[string]bool{}
	for _, id := range ids {
		s, err := b.network.Subnet(tx, scope, id)
		if err != nil {
			return nil, ErrSubnetNotFound.New("The subnet ID '%s' does not exist", id)
		}
		if slices.Contains(subnets, s) {
			continue
		}
		if zones[s.Zone] {
			return nil, ErrInvalidConfiguration.New("A load balancer cannot be attached to multiple subnets in the same Availability Zone")
		}
		zones[s.Zone], vpcs[s.VPCID] = true, true
		subnets = append(subnets, s)
	}
	if len(vpcs) > 1 {
		return nil, ErrInvalidConfiguration.New("All subnets must belong to the same VPC: '%s'", joined(vpcs))
	}
	if len(zones) < 2 {
		return nil, ErrValidation.New("At least two subnets in two different Availability Zones must be specified")
	}
	if scheme == SchemeInternetFacing && none(b.network.InternetGateways.By(tx, "vpc", subnets[0].VPCID)) {
		return nil, ErrInvalidSubnet.New("VPC %s has no internet gateway", subnets[0].VPCID)
	}
	for _, s := range subnets {
		if b.network.FreeAddresses(tx, s) < minFreeAddresses && !b.hasNode(tx, s.ID) {
			return nil, ErrInvalidSubnet.New("Not enough IP space available in %s. ELB requires at least %d free IP addresses in each subnet.", s.ID, minFreeAddresses)
		}
	}
	return subnets, nil
}

// hasNode is whether a load balancer is in the subnet already.
func (b *Balance) hasNode(tx *state.Tx, subnetID string) bool {
	for i := range b.network.Interfaces.By(tx, "subnet", subnetID) {
		if !none(b.LoadBalancers.By(tx, "interface", i.ID)) {
			return true
		}
	}
	return false
}

// securityGroups checks the groups of a load balancer in the VPC and returns them in order; none means the default group.
func (b *Balance) securityGroups(tx *state.Tx, scope network.Scope, vpcID string, ids []string) ([]string, error) {
	if len(ids) == 0 {
		v, err := b.network.VPC(tx, scope, vpcID)
		if err != nil {
			return nil, err
		}
		return []string{v.DefaultGroupID}, nil
	}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	if len(ids) > maxSecurityGroupsPerBalancer {
		return nil, ErrInvalidConfiguration.New("The maximum number of security groups per load balancer has been reached")
	}
	for _, id := range ids {
		g, ok := b.network.Groups.Get(tx, id)
		if !ok || g.Scope != scope {
			return nil, ErrInvalidConfiguration.New("One or more security groups are invalid")
		}
		if g.VPCID != vpcID {
			return nil, ErrInvalidConfiguration.New("Security group '%s' does not belong to VPC '%s'", id, vpcID)
		}
	}
	return ids, nil
}

func joined(set map[string]bool) string {
	var list []string
	for v := range set {
		list = append(list, v)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}
