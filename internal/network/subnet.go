package network

import (
	"net/netip"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/state"
)

// Subnet is a range of a VPC's addresses in one availability zone.
type Subnet struct {
	Scope
	ID       string
	VPCID    string
	CIDR     netip.Prefix
	Zone     string
	ZoneID   string
	Default  bool // the zone's default subnet
	PublicIP bool // interfaces of instances get a public address unless they say otherwise

	HostnameType     string // "ip-name" or "resource-name"
	ResourceNameA    bool   // resource names are answered with A records
	ACLAssociationID string // with the VPC's default network ACL
}

// ARN of the subnet.
func (s *Subnet) ARN() string { return arn.New("ec2", s.Region, s.Account, "subnet/"+s.ID) }

// Gateway is the router's address in the subnet: its base plus one.
func (s *Subnet) Gateway() netip.Addr { return address(number(s.CIDR.Addr()) + 1) }

// SubnetSpec is a subnet to be created. The zone is given by name, by id or not at all.
type SubnetSpec struct {
	VPCID        string
	CIDR         netip.Prefix
	Zone, ZoneID string
}

// Subnet finds a subnet of the scope.
func (t *Tables) Subnet(tx *state.Tx, scope Scope, id string) (*Subnet, error) {
	s, ok := t.Subnets.Get(tx, id)
	if !ok || s.Scope != scope {
		return nil, ErrSubnetNotFound.New("The subnet ID '%s' does not exist", id)
	}
	return s, nil
}

// FreeAddresses is how many addresses of the subnet can still be taken.
func (t *Tables) FreeAddresses(tx *state.Tx, s *Subnet) int { return t.free(tx, subnetPool(s)) }

// CreateSubnet makes a subnet.
func (t *Tables) CreateSubnet(tx *state.Tx, scope Scope, spec SubnetSpec) (*Subnet, error) {
	v, err := t.VPC(tx, scope, spec.VPCID)
	if err != nil {
		return nil, err
	}
	if spec.CIDR.Bits() < 16 || spec.CIDR.Bits() > 28 || !v.covers(spec.CIDR) {
		return nil, class("InvalidSubnet.Range").New("The CIDR '%s' is invalid.", spec.CIDR)
	}
	for other := range t.Subnets.By(tx, "vpc", v.ID) {
		if other.CIDR.Overlaps(spec.CIDR) {
			return nil, class("InvalidSubnet.Conflict").New("The CIDR '%s' conflicts with another subnet", spec.CIDR)
		}
	}
	z, err := t.subnetZone(tx, v, spec)
	if err != nil {
		return nil, err
	}
	return t.createSubnet(tx, v, spec.CIDR, z), nil
}

func (t *Tables) createSubnet(tx *state.Tx, v *VPC, cidr netip.Prefix, z Zone) *Subnet {
	s := &Subnet{
		Scope: v.Scope, ID: NewID("subnet"), VPCID: v.ID, CIDR: cidr, Zone: z.Name, ZoneID: z.ID,
		HostnameType: "ip-name", ACLAssociationID: NewID("aclassoc"),
	}
	t.Subnets.Put(tx, s)
	return s
}

// covers says whether the prefix lies in one of the VPC's blocks.
func (v *VPC) covers(p netip.Prefix) bool {
	for _, b := range v.Blocks {
		if inside(p, b.CIDR) {
			return true
		}
	}
	return false
}

// subnetZone is the zone asked for, or else the one in which the VPC has the fewest subnets.
func (t *Tables) subnetZone(tx *state.Tx, v *VPC, spec SubnetSpec) (Zone, error) {
	zones := Zones(v.Region)
	if spec.Zone != "" && spec.ZoneID != "" {
		return Zone{}, ErrCombination.New("You may specify only one of the following parameters: availabilityZone, availabilityZoneId")
	}
	if asked := spec.Zone + spec.ZoneID; asked != "" {
		var valid []string
		for _, z := range zones {
			if spec.Zone == z.Name || spec.ZoneID == z.ID {
				return z, nil
			}
			if spec.Zone != "" {
				valid = append(valid, z.Name)
			} else {
				valid = append(valid, z.ID)
			}
		}
		parameter := "availabilityZone"
		if spec.ZoneID != "" {
			parameter = "availabilityZoneId"
		}
		return Zone{}, ErrInvalid.New("Value (%s) for parameter %s is invalid. Subnets can currently only be created in the following availability zones: %s.",
			asked, parameter, strings.Join(valid, ", "))
	}
	count := map[string]int{}
	for s := range t.Subnets.By(tx, "vpc", v.ID) {
		count[s.Zone]++
	}
	best := zones[0]
	for _, z := range zones {
		if count[z.Name] < count[best.Name] {
			best = z
		}
	}
	return best, nil
}

// DeleteSubnet deletes a subnet without interfaces. Its association with a route table goes with it.
func (t *Tables) DeleteSubnet(tx *state.Tx, scope Scope, id string) error {
	s, err := t.Subnet(tx, scope, id)
	if err != nil {
		return err
	}
	for range t.Interfaces.By(tx, "subnet", id) {
		return ErrDependency.New("The subnet '%s' has dependencies and cannot be deleted.", id)
	}
	for rt := range t.RouteTables.By(tx, "subnet", id) {
		t.RouteTables.Put(tx, rt.without(func(a RouteTableAssociation) bool { return a.SubnetID == id }))
	}
	t.forget(tx, subnetPool(s))
	t.Subnets.Delete(tx, id)
	t.Tags.Delete(tx, id)
	return nil
}
