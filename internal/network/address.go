package network

import (
	"net/netip"

	"github.com/neargate/neargate/internal/state"
)

// Address is an Elastic IP address.
type Address struct {
	Scope
	ID       string // eipalloc-…
	PublicIP netip.Addr

	// Set while it is associated. The interface names the address too, both in the same transaction.
	AssociationID string
	InterfaceID   string
	PrivateIP     netip.Addr
}

// Allocation finds an Elastic IP address of the scope.
func (t *Tables) Allocation(tx *state.Tx, scope Scope, id string) (*Address, error) {
	a, ok := t.Addresses.Get(tx, id)
	if !ok || a.Scope != scope {
		return nil, ErrAllocationNotFound.New("The allocation ID '%s' does not exist", id)
	}
	return a, nil
}

// AddressByIP finds an Elastic IP address of the scope by the address itself.
func (t *Tables) AddressByIP(tx *state.Tx, scope Scope, ip string) (*Address, error) {
	for a := range t.Addresses.By(tx, "ip", ip) {
		if a.Scope != scope {
			return nil, ErrAuthFailure.New("The address '%s' does not belong to you.", ip)
		}
		return a, nil
	}
	return nil, ErrAddressNotFound.New("Address '%s' not found.", ip)
}

// publicAddress takes a public address for an interface or an allocation.
func (n *Network) publicAddress(tx *state.Tx) (netip.Addr, error) {
	a, ok := n.take(tx, n.public)
	if !ok {
		return a, class("InsufficientAddressCapacity").New("Not enough available addresses to satisfy your request.")
	}
	return a, nil
}

// AllocateAddress takes an Elastic IP address from the platform's pool.
func (n *Network) AllocateAddress(tx *state.Tx, scope Scope) (*Address, error) {
	ip, err := n.publicAddress(tx)
	if err != nil {
		return nil, err
	}
	a := &Address{Scope: scope, ID: NewID("eipalloc"), PublicIP: ip}
	n.Addresses.Put(tx, a)
	return a, nil
}

// ReleaseAddress gives an Elastic IP address back that is not associated.
func (n *Network) ReleaseAddress(tx *state.Tx, scope Scope, id string) error {
	a, err := n.Allocation(tx, scope, id)
	if err != nil {
		return err
	}
	if a.AssociationID != "" {
		return ErrAddressInUse.New("Address %s is in use.", a.PublicIP)
	}
	n.release(tx, n.public, a.PublicIP)
	n.Addresses.Delete(tx, id)
	n.Tags.Delete(tx, id)
	return nil
}

// AddressAssociation asks for an Elastic IP address on an interface.
type AddressAssociation struct {
	AllocationID string
	InterfaceID  string
	PrivateIP    netip.Addr // of the interface; its only one if invalid
	Reassociate  bool       // take the address from where it is
}

// AssociateAddress maps an Elastic IP address to an interface, in place of the public address it has.
func (n *Network) AssociateAddress(tx *state.Tx, scope Scope, req AddressAssociation) (*Address, error) {
	a, err := n.Allocation(tx, scope, req.AllocationID)
	if err != nil {
		return nil, err
	}
	i, err := n.NetworkInterface(tx, scope, req.InterfaceID)
	if err != nil {
		return nil, err
	}
	if i.RequesterManaged {
		return nil, notYours()
	}
	if req.PrivateIP.IsValid() && req.PrivateIP != i.PrivateIP {
		return nil, ErrInvalid.New("Private IP address %s is not assigned to interface %s", req.PrivateIP, i.ID)
	}
	if _, ok := n.attachedGateway(tx, i.VPCID); !ok {
		return nil, ErrNotAttached.New("Network %s is not attached to any internet gateway", i.VPCID)
	}
	if a.InterfaceID == i.ID {
		return a, nil
	}
	if a.AssociationID != "" {
		if !req.Reassociate {
			return nil, ErrAssociated.New("resource %s is already associated with associate-id %s", a.ID, a.AssociationID)
		}
		if err := n.DisassociateAddress(tx, scope, a.AssociationID); err != nil {
			return nil, err
		}
	}
	if i.AssociationID != "" {
		if !req.Reassociate {
			return nil, ErrAssociated.New("resource %s is already associated with associate-id %s", i.ID, i.AssociationID)
		}
		if err := n.DisassociateAddress(tx, scope, i.AssociationID); err != nil {
			return nil, err
		}
	}
	return n.associate(tx, a.ID, i.ID), nil
}

// associate writes the association into both rows.
func (n *Network) associate(tx *state.Tx, allocationID, interfaceID string) *Address {
	a, _ := n.Addresses.Get(tx, allocationID)
	i, _ := n.Interfaces.Get(tx, interfaceID)
	if i.AllocationID == "" && i.PublicIP.IsValid() {
		n.release(tx, n.public, i.PublicIP)
	}
	address, eni := *a, *i
	address.AssociationID, address.InterfaceID, address.PrivateIP = NewID("eipassoc"), i.ID, i.PrivateIP
	eni.AssociationID, eni.AllocationID, eni.PublicIP = address.AssociationID, a.ID, a.PublicIP
	n.Addresses.Put(tx, &address)
	n.Interfaces.Put(tx, &eni)
	return &address
}

// DisassociateAddress takes an Elastic IP address from an interface that is the user's own.
func (n *Network) DisassociateAddress(tx *state.Tx, scope Scope, associationID string) error {
	for a := range n.Addresses.By(tx, "association", associationID) {
		if a.Scope != scope {
			break
		}
		if i, ok := n.Interfaces.Get(tx, a.InterfaceID); ok {
			if i.RequesterManaged {
				return notYours()
			}
			eni := *i
			eni.AssociationID, eni.AllocationID, eni.PublicIP = "", "", netip.Addr{}
			n.Interfaces.Put(tx, &eni)
		}
		c := *a
		c.AssociationID, c.InterfaceID, c.PrivateIP = "", "", netip.Addr{}
		n.Addresses.Put(tx, &c)
		return nil
	}
	return ErrAssociationNotFound.New("The association ID '%s' does not exist", associationID)
}

// PublicDNSName is the name of a public address in a region.
func PublicDNSName(region string, ip netip.Addr) string {
	domain := region + ".compute"
	if region == "us-east-1" {
		domain = "compute-1"
	}
	return "ec2-" + dashed(ip) + "." + domain + ".amazonaws.com"
}

// PrivateDNSName is the name of a private address in a region.
func PrivateDNSName(region string, ip netip.Addr) string {
	return "ip-" + dashed(ip) + "." + PrivateDomain(region)
}

func dashed(ip netip.Addr) string {
	b := []byte(ip.String())
	for i := range b {
		if b[i] == '.' {
			b[i] = '-'
		}
	}
	return string(b)
}
