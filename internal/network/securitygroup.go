package network

import (
	"regexp"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/state"
)

// SecurityGroup is a set of interfaces with rules for their traffic. Its rules are rows of their own.
type SecurityGroup struct {
	Scope
	ID          string
	VPCID       string
	Name        string
	Description string
	Default     bool // the one its VPC came with
}

// ARN of the security group.
func (g *SecurityGroup) ARN() string {
	return arn.New("ec2", g.Region, g.Account, "security-group/"+g.ID)
}

// SecurityGroup finds a security group of the scope.
func (t *Tables) SecurityGroup(tx *state.Tx, scope Scope, id string) (*SecurityGroup, error) {
	g, ok := t.Groups.Get(tx, id)
	if !ok || g.Scope != scope {
		if !isID("sg", id) {
			return nil, class("InvalidGroupId.Malformed").New("Invalid id: \"%s\" (expecting \"sg-...\")", id)
		}
		return nil, ErrGroupNotFound.New("The security group '%s' does not exist", id)
	}
	return g, nil
}

// SecurityGroupByName finds a security group of a VPC by its name.
func (t *Tables) SecurityGroupByName(tx *state.Tx, v *VPC, name string) (*SecurityGroup, error) {
	for g := range t.Groups.By(tx, "vpc", v.ID) {
		if g.Name == name {
			return g, nil
		}
	}
	return nil, ErrGroupNotFound.New("The security group '%s' does not exist in VPC '%s'", name, v.ID)
}

// groupText is what names and descriptions of groups in a VPC may consist of.
var groupText = regexp.MustCompile(`^[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]*$`)

// CreateSecurityGroup makes a group that admits nothing and lets everything out.
func (t *Tables) CreateSecurityGroup(tx *state.Tx, scope Scope, vpcID, name, description string) (*SecurityGroup, error) {
	v, err := t.VPC(tx, scope, vpcID)
	if err != nil {
		return nil, err
	}
	name = strings.TrimRight(name, " ")
	switch {
	case strings.HasPrefix(strings.ToLower(name), "sg-"):
		return nil, ErrInvalid.New("Value (%s) for parameter GroupName is invalid. Group names may not be in the format sg-*.", name)
	case name == "" || len(name) > 255 || !groupText.MatchString(name):
		return nil, ErrInvalid.New("Value (%s) for parameter GroupName is invalid. Valid group names are strings less than 256 characters from the following set: a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*", name)
	case len(description) > 255 || !groupText.MatchString(description):
		return nil, ErrInvalid.New("Invalid security group description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*")
	case name == "default":
		return nil, ErrInvalid.New("Cannot use reserved security group name: default")
	}
	if _, err := t.SecurityGroupByName(tx, v, name); err == nil {
		return nil, ErrDuplicateGroup.New("The security group '%s' already exists for VPC '%s'", name, v.ID)
	}
	g := &SecurityGroup{Scope: scope, ID: NewID("sg"), VPCID: v.ID, Name: name, Description: description}
	t.Groups.Put(tx, g)
	t.putRule(tx, g, RuleSpec{Egress: true, Protocol: ProtocolAll, FromPort: -1, ToPort: -1, Peer: anywhere})
	return g, nil
}

// createDefaultGroup makes a VPC's default group: its members reach each other, and everything else from inside.
func (t *Tables) createDefaultGroup(tx *state.Tx, v *VPC) *SecurityGroup {
	g := &SecurityGroup{
		Scope: v.Scope, ID: NewID("sg"), VPCID: v.ID, Name: "default", Description: "default VPC security group", Default: true,
	}
	t.Groups.Put(tx, g)
	t.putRule(tx, g, RuleSpec{Protocol: ProtocolAll, FromPort: -1, ToPort: -1, Peer: Peer{GroupID: g.ID}})
	t.putRule(tx, g, RuleSpec{Egress: true, Protocol: ProtocolAll, FromPort: -1, ToPort: -1, Peer: anywhere})
	return g
}

// DeleteSecurityGroup deletes a group that no interface is in and no other group's rule names.
func (t *Tables) DeleteSecurityGroup(tx *state.Tx, scope Scope, id string) error {
	g, err := t.SecurityGroup(tx, scope, id)
	if err != nil {
		return err
	}
	if g.Default {
		return ErrCannotDelete.New("the specified group: \"%s\" name: \"%s\" cannot be deleted by a user", id, g.Name)
	}
	inUse := ErrDependency.New("resource %s has a dependent object", id)
	for range t.Interfaces.By(tx, "group", id) {
		return inUse
	}
	for r := range t.Rules.By(tx, "peer", id) {
		if r.GroupID != id {
			return inUse
		}
	}
	t.removeGroup(tx, id)
	return nil
}

func (t *Tables) removeGroup(tx *state.Tx, id string) {
	for r := range t.Rules.By(tx, "group", id) {
		t.Rules.Delete(tx, r.ID)
		t.Tags.Delete(tx, r.ID)
	}
	t.Groups.Delete(tx, id)
	t.Tags.Delete(tx, id)
}
