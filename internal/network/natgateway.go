package network

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/neargate/neargate/internal/state"
)

// States of a NAT gateway.
//
//	pending ──▶ available ──▶ deleting ──▶ deleted ──▶ (forgotten after an hour)
//	   └──────▶ failed ─────────┴───────────────────────────┘
const (
	NatPending   = "pending"
	NatAvailable = "available"
	NatFailed    = "failed"
	NatDeleting  = "deleting"
	NatDeleted   = "deleted"
)

// natMemory is how long a deleted or failed NAT gateway is still described (VPC User Guide, "NAT gateway: delete").
const natMemory = time.Hour

// NatGateway gives the private addresses of a VPC a way out under its Elastic IP address.
type NatGateway struct {
	Scope
	ID           string
	VPCID        string
	SubnetID     string
	State        string
	AllocationID string

	InterfaceID   string
	AssociationID string
	PrivateIP     netip.Addr
	PublicIP      netip.Addr

	FailureCode, FailureMessage string
	Created                     time.Time
	Ended                       time.Time // when it was deleted, or failed
}

// NatGatewaySpec is a public NAT gateway to be created.
type NatGatewaySpec struct {
	SubnetID     string
	AllocationID string
	PrivateIP    netip.Addr // any free one if invalid
}

// NatGateway finds a NAT gateway of the scope.
func (t *Tables) NatGateway(tx *state.Tx, scope Scope, id string) (*NatGateway, error) {
	g, ok := t.NatGateways.Get(tx, id)
	if !ok || g.Scope != scope {
		return nil, ErrNatGatewayNotFound.New("The Nat Gateway %s was not found", id)
	}
	return g, nil
}

// CreateNatGateway makes a NAT gateway that is pending. What is wrong with it beyond its ids shows as its failure, as on AWS
// (VPC User Guide, "Troubleshoot NAT gateways").
func (n *Network) CreateNatGateway(tx *state.Tx, scope Scope, spec NatGatewaySpec) (*NatGateway, error) {
	s, err := n.Subnet(tx, scope, spec.SubnetID)
	if err != nil {
		return nil, err
	}
	if _, err := n.Allocation(tx, scope, spec.AllocationID); err != nil {
		return nil, err
	}
	if a := spec.PrivateIP; a.IsValid() {
		p := subnetPool(s)
		if !p.contains(a) {
			return nil, ErrInvalid.New("Address does not fall within the subnet's address range")
		}
		if p.reserved(a) {
			return nil, ErrInvalid.New("Address is in subnet's reserved address range")
		}
	}
	g := &NatGateway{
		Scope: scope, ID: NewID("nat"), VPCID: s.VPCID, SubnetID: s.ID, State: NatPending,
		AllocationID: spec.AllocationID, PrivateIP: spec.PrivateIP, Created: n.clock.Now().UTC(),
	}
	n.NatGateways.Put(tx, g)
	return g, nil
}

// DeleteNatGateway begins to delete a NAT gateway.
func (n *Network) DeleteNatGateway(tx *state.Tx, scope Scope, id string) error {
	g, err := n.NatGateway(tx, scope, id)
	if err != nil {
		return err
	}
	switch g.State {
	case NatDeleted:
		return ErrNatGatewayNotFound.New("The Nat Gateway %s was not found", id)
	case NatDeleting:
		return nil
	}
	c := *g
	c.State = NatDeleting
	n.NatGateways.Put(tx, &c)
	return nil
}

// natDue says when a NAT gateway leaves its state by itself, if ever.
func (n *Network) natDue(g *NatGateway) (time.Time, bool) {
	switch g.State {
	case NatPending, NatDeleting:
		return time.Time{}, true
	case NatDeleted, NatFailed:
		return g.Ended.Add(n.clock.Wait(natMemory)), true
	}
	return time.Time{}, false
}

// stepNat takes a NAT gateway that is due one state on.
func (n *Network) stepNat(tx *state.Tx, g *NatGateway, now time.Time) error {
	c := *g
	switch g.State {
	case NatPending:
		c.State = NatAvailable
		if code, message := n.startNat(tx, &c); code != "" {
			c.State, c.FailureCode, c.FailureMessage, c.Ended = NatFailed, code, message, now
		}
	case NatDeleting:
		if err := n.DeleteInterface(tx, g.InterfaceID); err != nil {
			return err
		}
		c.State, c.Ended = NatDeleted, now
	case NatDeleted, NatFailed:
		n.NatGateways.Delete(tx, g.ID)
		n.Tags.Delete(tx, g.ID)
		return nil
	}
	n.NatGateways.Put(tx, &c)
	return nil
}

// startNat gives the gateway its interface and its address, or says with AWS's code and text why it can not have them.
func (n *Network) startNat(tx *state.Tx, g *NatGateway) (code, message string) {
	a, ok := n.Addresses.Get(tx, g.AllocationID)
	if !ok {
		return "InvalidAllocationID.NotFound", "Elastic IP address [" + g.AllocationID + "] could not be associated with this NAT gateway"
	}
	if a.AssociationID != "" {
		return "Resource.AlreadyAssociated", "Elastic IP address [" + g.AllocationID + "] is already associated"
	}
	if _, ok := n.attachedGateway(tx, g.VPCID); !ok {
		return "Gateway.NotAttached", "Network " + g.VPCID + " has no Internet gateway attached"
	}
	i, err := n.CreateInterface(tx, InterfaceSpec{
		Account: g.Account, Region: g.Region, SubnetID: g.SubnetID, PrivateIP: g.PrivateIP, Type: TypeNatGateway,
		Description: "Interface for NAT Gateway " + g.ID, RequesterID: "amazon-nat", RequesterManaged: true,
	})
	switch {
	case errors.Is(err, ErrNoFreeAddress), errors.Is(err, ErrAddressInUse):
		return ErrNoFreeAddress.Code, "Subnet has insufficient free addresses to create this NAT gateway"
	case err != nil:
		return ErrSubnetNotFound.Code, "The specified subnet \"" + g.SubnetID + "\" does not exist or could not be found."
	}
	associated := n.associate(tx, a.ID, i.ID)
	g.InterfaceID, g.PrivateIP, g.PublicIP, g.AssociationID = i.ID, i.PrivateIP, a.PublicIP, associated.AssociationID
	return "", ""
}

// runNatGateways takes NAT gateways through their states.
func (n *Network) runNatGateways(ctx context.Context) error {
	watch := n.store.Watch(n.NatGateways)
	defer watch.Close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-watch.Ready():
			if _, err := watch.Take(); err != nil {
				return fmt.Errorf("nat gateways: watch: %w", err)
			}
		case <-timer.C:
		}
		again, err := n.stepNatGateways(ctx)
		if err != nil {
			return fmt.Errorf("nat gateways: %w", err)
		}
		timer.Stop()
		if !again.IsZero() {
			timer.Reset(max(0, again.Sub(n.clock.Now())))
		}
	}
}

// stepNatGateways takes every NAT gateway on that has somewhere to go, and says when the next one will have.
func (n *Network) stepNatGateways(ctx context.Context) (again time.Time, err error) {
	now := n.clock.Now().UTC()
	for g := range n.NatGateways.All(n.store.View(), "") {
		due, waits := n.natDue(g)
		if !waits {
			continue
		}
		if due.After(now) {
			if again.IsZero() || due.Before(again) {
				again = due
			}
			continue
		}
		err := n.store.Update(ctx, func(tx *state.Tx) error {
			current, ok := n.NatGateways.Get(tx, g.ID)
			if !ok {
				return nil
			}
			return n.stepNat(tx, current, now)
		})
		if err != nil {
			return again, err
		}
		n.log.Info("nat gateway steps on", "nat_gateway", g.ID, "from", g.State)
	}
	return again, nil
}
