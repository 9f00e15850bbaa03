package network

import "github.com/neargate/neargate/internal/state"

// ACL is a network ACL. There is only the default one of each VPC yet, which admits everything, and all
// subnets are associated with it.
type ACL struct {
	Scope
	ID    string
	VPCID string
}

func newACL(v *VPC) *ACL { return &ACL{Scope: v.Scope, ID: NewID("acl"), VPCID: v.ID} }

// ACL finds a network ACL of the scope.
func (t *Tables) ACL(tx *state.Tx, scope Scope, id string) (*ACL, error) {
	a, ok := t.ACLs.Get(tx, id)
	if !ok || a.Scope != scope {
		return nil, ErrACLNotFound.New("The networkAcl ID '%s' does not exist", id)
	}
	return a, nil
}
