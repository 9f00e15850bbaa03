package network

import "github.com/neargate/neargate/internal/state"

// InternetGateway connects one VPC to the world.
type InternetGateway struct {
	Scope
	ID    string
	VPCID string // empty while it is attached to none
}

// InternetGateway finds an internet gateway of the scope.
func (t *Tables) InternetGateway(tx *state.Tx, scope Scope, id string) (*InternetGateway, error) {
	g, ok := t.InternetGateways.Get(tx, id)
	if !ok || g.Scope != scope {
		return nil, ErrInternetGatewayNotFound.New("The internetGateway ID '%s' does not exist", id)
	}
	return g, nil
}

// CreateInternetGateway makes an internet gateway attached to nothing.
func (t *Tables) CreateInternetGateway(tx *state.Tx, scope Scope) *InternetGateway {
	g := &InternetGateway{Scope: scope, ID: NewID("igw")}
	t.InternetGateways.Put(tx, g)
	return g
}

// AttachInternetGateway attaches the gateway to a VPC that has none.
func (t *Tables) AttachInternetGateway(tx *state.Tx, scope Scope, id, vpcID string) error {
	g, err := t.InternetGateway(tx, scope, id)
	if err != nil {
		return err
	}
	if _, err := t.VPC(tx, scope, vpcID); err != nil {
		return err
	}
	if g.VPCID != "" {
		return ErrAssociated.New("resource %s is already attached to network %s", id, g.VPCID)
	}
	for range t.InternetGateways.By(tx, "vpc", vpcID) {
		return ErrInvalid.New("Network %s already has an internet gateway attached", vpcID)
	}
	c := *g
	c.VPCID = vpcID
	t.InternetGateways.Put(tx, &c)
	return nil
}

// DetachInternetGateway detaches the gateway from a VPC in which no interface has a public address.
func (t *Tables) DetachInternetGateway(tx *state.Tx, scope Scope, id, vpcID string) error {
	g, err := t.InternetGateway(tx, scope, id)
	if err != nil {
		return err
	}
	if _, err := t.VPC(tx, scope, vpcID); err != nil {
		return err
	}
	if g.VPCID != vpcID {
		return ErrNotAttached.New("resource %s is not attached to network %s", id, vpcID)
	}
	for range t.Interfaces.By(tx, "public", vpcID) {
		return ErrDependency.New("Network %s has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.", vpcID)
	}
	c := *g
	c.VPCID = ""
	t.InternetGateways.Put(tx, &c)
	return nil
}

// DeleteInternetGateway deletes a gateway that is attached to nothing.
func (t *Tables) DeleteInternetGateway(tx *state.Tx, scope Scope, id string) error {
	g, err := t.InternetGateway(tx, scope, id)
	if err != nil {
		return err
	}
	if g.VPCID != "" {
		return ErrDependency.New("The internetGateway '%s' has dependencies and cannot be deleted.", id)
	}
	t.InternetGateways.Delete(tx, id)
	t.Tags.Delete(tx, id)
	return nil
}

// attachedGateway is the VPC's internet gateway.
func (t *Tables) attachedGateway(tx *state.Tx, vpcID string) (*InternetGateway, bool) {
	for g := range t.InternetGateways.By(tx, "vpc", vpcID) {
		return g, true
	}
	return nil, false
}
