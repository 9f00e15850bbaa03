package balance

import (
	"errors"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// site is a placement with its subnet.
type site struct {
	Placement
	subnet *network.Subnet
}

// has is whether a node is what is asked for: one without a wish for addresses may have any.
func (s site) has(n Node) bool {
	return n.SubnetID == s.SubnetID && (s.AllocationID == "" || s.AllocationID == n.AllocationID) && (!s.PrivateIP.IsValid() || s.PrivateIP == n.PrivateIP)
}

// sites are where a load balancer may have its nodes.
func (b *Balance) sites(tx *state.Tx, scope network.Scope, kind, scheme string, placements []Placement) ([]site, error) {
	var sites []site
	zones, vpcs := map[string]bool{}, map[string]bool{}
	for _, p := range placements {
		s, err := b.network.Subnet(tx, scope, p.SubnetID)
		if err != nil {
			return nil, ErrSubnetNotFound.New("The subnet ID '%s' does not exist", p.SubnetID)
		}
		if slices.ContainsFunc(sites, func(o site) bool { return o.Placement == p }) {
			continue
		}
		if zones[s.Zone] {
			return nil, ErrInvalidConfiguration.New("A load balancer cannot be attached to multiple subnets in the same Availability Zone")
		}
		zones[s.Zone], vpcs[s.VPCID] = true, true
		sites = append(sites, site{p, s})
	}
	switch {
	case len(vpcs) > 1:
		return nil, ErrInvalidConfiguration.New("All subnets must belong to the same VPC: '%s'", joined(vpcs))
	case len(zones) < 2 && kind == TypeApplication:
		return nil, ErrValidation.New("At least two subnets in two different Availability Zones must be specified")
	case len(zones) == 0:
		return nil, ErrValidation.New("At least one subnet must be specified")
	case scheme == SchemeInternetFacing && none(b.network.InternetGateways.By(tx, "vpc", sites[0].subnet.VPCID)):
		return nil, ErrInvalidSubnet.New("VPC %s has no internet gateway", sites[0].subnet.VPCID)
	}
	return sites, nil
}

// roomFor is whether subnets have the free addresses that a load balancer asks for when it comes into them.
func (b *Balance) roomFor(tx *state.Tx, sites []site) error {
	for _, s := range sites {
		if b.network.FreeAddresses(tx, s.subnet) < minFreeAddresses && !b.hasNode(tx, s.subnet.ID) {
			return ErrInvalidSubnet.New("Not enough IP space available in %s. ELB requires at least %d free IP addresses in each subnet.", s.subnet.ID, minFreeAddresses)
		}
	}
	return nil
}

// placementError is what is wrong with the addresses that were asked for.
func placementError(at site, err error) error {
	switch {
	case errors.Is(err, network.ErrAllocationNotFound):
		return ErrAllocationNotFound.New("The allocation IDs '%s' do not exist", at.AllocationID)
	case errors.Is(err, network.ErrAssociated):
		return ErrInvalidConfiguration.New("The allocation ID '%s' is already associated with another resource", at.AllocationID)
	case at.PrivateIP.IsValid() && errors.Is(err, network.ErrAddressInUse):
		return ErrInvalidConfiguration.New("The private IPv4 address '%s' is already in use", at.PrivateIP)
	case at.PrivateIP.IsValid() && errors.Is(err, network.ErrInvalid):
		return ErrInvalidConfiguration.New("The private IPv4 address '%s' is not valid for the subnet '%s'", at.PrivateIP, at.SubnetID)
	}
	return err
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

// securityGroups checks the groups of a load balancer in the VPC and returns them in order; none means the default group, or for a
// Network Load Balancer none.
func (b *Balance) securityGroups(tx *state.Tx, scope network.Scope, kind, vpcID string, ids []string) ([]string, error) {
	if len(ids) == 0 {
		v, err := b.network.VPC(tx, scope, vpcID)
		if err != nil || kind == TypeNetwork {
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
