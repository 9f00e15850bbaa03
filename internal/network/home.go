package network

import (
	"net/netip"

	"github.com/neargate/neargate/internal/state"
)

// Home is what an account has in a region from the beginning. AWS makes it when the account is opened; here it is made in the
// account's first request that could notice, and the row remembers that it was, so that a deleted default VPC stays deleted.
type Home struct {
	Scope
	DHCPOptionsID string
}

// DHCPOptions is a DHCP options set, told to instances at their start. There is the region's default one.
type DHCPOptions struct {
	Scope
	ID            string
	DomainName    string
	DomainServers string
}

// AtHome says whether the scope's home is there.
func (t *Tables) AtHome(tx *state.Tx, scope Scope) bool {
	_, ok := t.Homes.Get(tx, scope.Key())
	return ok
}

// Home is the scope's home, made if it is the first time.
func (t *Tables) Home(tx *state.Tx, scope Scope) (*Home, error) {
	if h, ok := t.Homes.Get(tx, scope.Key()); ok {
		return h, nil
	}
	d := &DHCPOptions{Scope: scope, ID: NewID("dopt"), DomainName: PrivateDomain(scope.Region), DomainServers: "AmazonProvidedDNS"}
	t.DHCPOptions.Put(tx, d)
	h := &Home{Scope: scope, DHCPOptionsID: d.ID}
	t.Homes.Put(tx, h)
	t.awsPrefixLists(tx, scope)
	_, err := t.CreateDefaultVPC(tx, scope)
	return h, err
}

// PrivateDomain is the domain of private host names in a region.
func PrivateDomain(region string) string {
	if region == "us-east-1" {
		return "ec2.internal"
	}
	return region + ".compute.internal"
}

// defaultBlock is the block of every default VPC (VPC User Guide, "Default VPC components").
var defaultBlock = netip.MustParsePrefix("172.31.0.0/16")

// CreateDefaultVPC makes a default VPC: a default subnet in each zone, an internet gateway, and a main route table that leads to it.
func (t *Tables) CreateDefaultVPC(tx *state.Tx, scope Scope) (*VPC, error) {
	home, err := t.Home(tx, scope)
	if err != nil {
		return nil, err
	}
	if _, there := t.DefaultVPC(tx, scope); there {
		return nil, class("DefaultVpcAlreadyExists").New("A Default VPC already exists for this account in this region.")
	}
	v := t.createVPC(tx, scope, defaultBlock, home.DHCPOptionsID)
	c := *v
	c.Default, c.DNSHostnames = true, true
	t.VPCs.Put(tx, &c)
	for _, z := range Zones(scope.Region) {
		if _, err := t.CreateDefaultSubnet(tx, scope, z.Name); err != nil {
			return nil, err
		}
	}
	g := t.CreateInternetGateway(tx, scope)
	if err := t.AttachInternetGateway(tx, scope, g.ID, v.ID); err != nil {
		return nil, err
	}
	everywhere := TableRoute{CIDR: netip.MustParsePrefix("0.0.0.0/0"), Target: g.ID}
	for rt := range t.RouteTables.By(tx, "vpc", v.ID) {
		if err := t.CreateRoute(tx, scope, rt.ID, everywhere); err != nil {
			return nil, err
		}
	}
	return &c, nil
}

// CreateDefaultSubnet makes the default subnet of a zone: the first free /20 of the default VPC.
func (t *Tables) CreateDefaultSubnet(tx *state.Tx, scope Scope, zoneName string) (*Subnet, error) {
	v, ok := t.DefaultVPC(tx, scope)
	if !ok {
		return nil, class("DefaultVpcDoesNotExist").New("No default VPC exists for this account in this region.")
	}
	z, ok := zone(scope.Region, zoneName)
	if !ok {
		return nil, ErrInvalid.New("Value (%s) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: %s.", zoneName, zoneNames(scope.Region))
	}
	var used []netip.Prefix
	for s := range t.Subnets.By(tx, "vpc", v.ID) {
		if s.Default && s.Zone == z.Name {
			return nil, class("DefaultSubnetAlreadyExistsInAvailabilityZone").New("'%s' is already the default subnet in %s.", s.ID, z.Name)
		}
		used = append(used, s.CIDR)
	}
	cidr, ok := firstFree(v.CIDR(), 20, used)
	if !ok {
		return nil, class("InsufficientCidrBlocks").New("There are not enough free CIDR blocks in the default VPC for another default subnet.")
	}
	s := *t.createSubnet(tx, v, cidr, z)
	s.Default, s.PublicIP = true, true
	t.Subnets.Put(tx, &s)
	return &s, nil
}

// firstFree is the lowest block of the given length in p that overlaps none of those used.
func firstFree(p netip.Prefix, length int, used []netip.Prefix) (netip.Prefix, bool) {
	for n := range uint32(1) << (length - p.Bits()) {
		candidate := netip.PrefixFrom(address(number(p.Addr())+n<<(32-length)), length)
		free := true
		for _, u := range used {
			free = free && !u.Overlaps(candidate)
		}
		if free {
			return candidate, true
		}
	}
	return netip.Prefix{}, false
}

// DHCPOptionsSet finds a DHCP options set of the scope.
func (t *Tables) DHCPOptionsSet(tx *state.Tx, scope Scope, id string) (*DHCPOptions, error) {
	d, ok := t.DHCPOptions.Get(tx, id)
	if !ok || d.Scope != scope {
		return nil, ErrDHCPOptionsNotFound.New("The dhcpOption ID '%s' does not exist", id)
	}
	return d, nil
}
