package network

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/state"
)

// RouteTable decides where the traffic of the subnets associated with it goes.
type RouteTable struct {
	Scope
	ID           string
	VPCID        string
	Routes       []TableRoute
	Associations []RouteTableAssociation
}

// RouteTableAssociation makes a table the table of a subnet, or the main one of its VPC: that of all subnets without any.
type RouteTableAssociation struct {
	ID       string
	SubnetID string
	Main     bool
}

// TableRoute is a route as a user wrote it. Its destination is a block or a prefix list.
type TableRoute struct {
	CIDR         netip.Prefix
	PrefixListID string
	Target       string // "local", or the id of an internet gateway, a NAT gateway or an interface
	Origin       string // CreateRouteTable for local routes, CreateRoute
}

// Destination is what identifies the route in its table.
func (r TableRoute) Destination() string {
	if r.PrefixListID != "" {
		return r.PrefixListID
	}
	return r.CIDR.String()
}

// Local says whether this is the route to the VPC's own addresses, which comes with the table.
func (r TableRoute) Local() bool { return r.Target == "local" }

func newRouteTable(v *VPC) *RouteTable {
	rt := &RouteTable{Scope: v.Scope, ID: NewID("rtb"), VPCID: v.ID}
	for _, b := range v.Blocks {
		rt.Routes = append(rt.Routes, TableRoute{CIDR: b.CIDR, Target: "local", Origin: "CreateRouteTable"})
	}
	return rt
}

func (rt *RouteTable) associationIDs() []string {
	var ids []string
	for _, a := range rt.Associations {
		ids = append(ids, a.ID)
	}
	return ids
}

func (rt *RouteTable) subnetIDs() []string {
	var ids []string
	for _, a := range rt.Associations {
		ids = append(ids, present(a.SubnetID)...)
	}
	return ids
}

// targets are the ids that routes of the table mention, so that a change to one of them finds the table.
func (rt *RouteTable) targets() []string {
	var ids []string
	for _, r := range rt.Routes {
		if !r.Local() {
			ids = append(ids, r.Target)
		}
		ids = append(ids, present(r.PrefixListID)...)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func (rt *RouteTable) main() bool {
	return slices.ContainsFunc(rt.Associations, func(a RouteTableAssociation) bool { return a.Main })
}

// without is a copy that lacks the associations for which gone says so.
func (rt *RouteTable) without(gone func(RouteTableAssociation) bool) *RouteTable {
	c := *rt
	c.Associations = slices.DeleteFunc(slices.Clone(rt.Associations), gone)
	return &c
}

// with is a copy that has one association more.
func (rt *RouteTable) with(a RouteTableAssociation) *RouteTable {
	c := *rt
	c.Associations = append(slices.Clone(rt.Associations), a)
	return &c
}

func (rt *RouteTable) route(destination string) int {
	return slices.IndexFunc(rt.Routes, func(r TableRoute) bool { return r.Destination() == destination })
}

// RouteTable finds a route table of the scope.
func (t *Tables) RouteTable(tx *state.Tx, scope Scope, id string) (*RouteTable, error) {
	rt, ok := t.RouteTables.Get(tx, id)
	if !ok || rt.Scope != scope {
		return nil, ErrRouteTableNotFound.New("The routeTable ID '%s' does not exist", id)
	}
	return rt, nil
}

// CreateRouteTable makes a table that has the VPC's local routes.
func (t *Tables) CreateRouteTable(tx *state.Tx, scope Scope, vpcID string) (*RouteTable, error) {
	v, err := t.VPC(tx, scope, vpcID)
	if err != nil {
		return nil, err
	}
	rt := newRouteTable(v)
	t.RouteTables.Put(tx, rt)
	return rt, nil
}

// DeleteRouteTable deletes a table that nothing is associated with.
func (t *Tables) DeleteRouteTable(tx *state.Tx, scope Scope, id string) error {
	rt, err := t.RouteTable(tx, scope, id)
	if err != nil {
		return err
	}
	if len(rt.Associations) > 0 {
		return ErrDependency.New("The routeTable '%s' has dependencies and cannot be deleted.", id)
	}
	t.RouteTables.Delete(tx, id)
	t.Tags.Delete(tx, id)
	return nil
}

// AssociateRouteTable makes the table the subnet's. Doing so twice is doing it once.
func (t *Tables) AssociateRouteTable(tx *state.Tx, scope Scope, id, subnetID string) (*RouteTableAssociation, error) {
	rt, err := t.RouteTable(tx, scope, id)
	if err != nil {
		return nil, err
	}
	s, err := t.Subnet(tx, scope, subnetID)
	if err != nil {
		return nil, err
	}
	if s.VPCID != rt.VPCID {
		return nil, ErrInvalid.New("route table %s and subnet %s belong to different networks", id, subnetID)
	}
	for other := range t.RouteTables.By(tx, "subnet", subnetID) {
		if other.ID != id {
			return nil, ErrAssociated.New("the specified association for route table %s conflicts with an existing association", id)
		}
		i := slices.IndexFunc(other.Associations, func(a RouteTableAssociation) bool { return a.SubnetID == subnetID })
		return &other.Associations[i], nil
	}
	a := RouteTableAssociation{ID: NewID("rtbassoc"), SubnetID: subnetID}
	t.RouteTables.Put(tx, rt.with(a))
	return &a, nil
}

// association finds an association of the scope, and the table it belongs to.
func (t *Tables) association(tx *state.Tx, scope Scope, id string) (*RouteTable, RouteTableAssociation, error) {
	for rt := range t.RouteTables.By(tx, "association", id) {
		for _, a := range rt.Associations {
			if a.ID == id && rt.Scope == scope {
				return rt, a, nil
			}
		}
	}
	return nil, RouteTableAssociation{}, ErrAssociationNotFound.New("The association ID '%s' does not exist", id)
}

// DisassociateRouteTable gives a subnet back to its VPC's main table.
func (t *Tables) DisassociateRouteTable(tx *state.Tx, scope Scope, id string) error {
	rt, a, err := t.association(tx, scope, id)
	if err != nil {
		return err
	}
	if a.Main {
		return ErrInvalid.New("cannot disassociate the main route table association %s", id)
	}
	t.RouteTables.Put(tx, rt.without(func(a RouteTableAssociation) bool { return a.ID == id }))
	return nil
}

// ReplaceRouteTableAssociation moves an association, be it a subnet's or the main one, to another table of the VPC under a new id.
func (t *Tables) ReplaceRouteTableAssociation(tx *state.Tx, scope Scope, associationID, id string) (*RouteTableAssociation, error) {
	from, a, err := t.association(tx, scope, associationID)
	if err != nil {
		return nil, err
	}
	to, err := t.RouteTable(tx, scope, id)
	if err != nil {
		return nil, err
	}
	if to.VPCID != from.VPCID {
		return nil, ErrInvalid.New("route table %s and route table %s belong to different networks", from.ID, id)
	}
	t.RouteTables.Put(tx, from.without(func(a RouteTableAssociation) bool { return a.ID == associationID }))
	to, _ = t.RouteTables.Get(tx, id) // it may be the one just changed
	moved := RouteTableAssociation{ID: NewID("rtbassoc"), SubnetID: a.SubnetID, Main: a.Main}
	t.RouteTables.Put(tx, to.with(moved))
	return &moved, nil
}

// CreateRoute adds a route. CIDR or PrefixListID, and Target, are given.
func (t *Tables) CreateRoute(tx *state.Tx, scope Scope, id string, r TableRoute) error {
	rt, err := t.RouteTable(tx, scope, id)
	if err != nil {
		return err
	}
	if err := t.checkRoute(tx, rt, r); err != nil {
		return err
	}
	if rt.route(r.Destination()) >= 0 {
		return class("RouteAlreadyExists").New("The route identified by %s already exists.", r.Destination())
	}
	r.Origin = "CreateRoute"
	c := *rt
	c.Routes = append(slices.Clone(rt.Routes), r)
	t.RouteTables.Put(tx, &c)
	return nil
}

// ReplaceRoute gives the route to a destination another target.
func (t *Tables) ReplaceRoute(tx *state.Tx, scope Scope, id string, r TableRoute) error {
	rt, err := t.RouteTable(tx, scope, id)
	if err != nil {
		return err
	}
	i := rt.route(r.Destination())
	if i < 0 {
		return ErrInvalid.New("There is no route defined for '%s' in the route table. Use CreateRoute instead.", r.Destination())
	}
	if rt.Routes[i].Local() {
		if r.Local() {
			return nil
		}
		return ErrInvalid.New("cannot replace local route %s in route table %s", r.Destination(), id)
	}
	if err := t.checkRoute(tx, rt, r); err != nil {
		return err
	}
	r.Origin = rt.Routes[i].Origin
	c := *rt
	c.Routes = slices.Clone(rt.Routes)
	c.Routes[i] = r
	t.RouteTables.Put(tx, &c)
	return nil
}

// DeleteRoute removes the route to a destination.
func (t *Tables) DeleteRoute(tx *state.Tx, scope Scope, id string, r TableRoute) error {
	rt, err := t.RouteTable(tx, scope, id)
	if err != nil {
		return err
	}
	i := rt.route(r.Destination())
	if i < 0 {
		parameter := "destination-cidr-block"
		if r.PrefixListID != "" {
			parameter = "destination-prefix-list-id"
		}
		return class("InvalidRoute.NotFound").New("no route with %s %s in route table %s", parameter, r.Destination(), id)
	}
	if rt.Routes[i].Local() {
		return ErrInvalid.New("cannot remove local route %s in route table %s", r.Destination(), id)
	}
	c := *rt
	c.Routes = slices.Delete(slices.Clone(rt.Routes), i, i+1)
	t.RouteTables.Put(tx, &c)
	return nil
}

// checkRoute says why the table can not have the route.
func (t *Tables) checkRoute(tx *state.Tx, rt *RouteTable, r TableRoute) error {
	if r.PrefixListID != "" {
		if _, err := t.PrefixList(tx, rt.Scope, r.PrefixListID); err != nil {
			return err
		}
	} else {
		for _, local := range rt.Routes {
			if !local.Local() || local.CIDR == r.CIDR || !inside(r.CIDR, local.CIDR) {
				continue
			}
			if !strings.HasPrefix(r.Target, "igw-") {
				return awserr.NotImplemented("a route more specific than the local route")
			}
			return ErrInvalid.New("The destination CIDR block %s is equal to or more specific than one of this VPC's CIDR blocks. This route can target only an interface or an instance.", r.CIDR)
		}
	}
	return t.checkTarget(tx, rt, r.Target)
}

func (t *Tables) checkTarget(tx *state.Tx, rt *RouteTable, id string) error {
	kind, _, _ := strings.Cut(id, "-")
	switch kind {
	case "igw":
		g, ok := t.InternetGateways.Get(tx, id)
		if !ok || g.Scope != rt.Scope {
			return ErrGatewayNotFound.New("The gateway ID '%s' does not exist", id)
		}
		if g.VPCID != rt.VPCID {
			return ErrInvalid.New("route table %s and network gateway %s belong to different networks", rt.ID, id)
		}
	case "nat":
		g, ok := t.NatGateways.Get(tx, id)
		if !ok || g.Scope != rt.Scope || g.State == NatDeleted {
			return ErrRouteNatNotFound.New("The natGateway ID '%s' does not exist", id)
		}
		if g.VPCID != rt.VPCID {
			return ErrInvalid.New("route table %s and NAT gateway %s belong to different networks", rt.ID, id)
		}
	case "eni":
		i, ok := t.Interfaces.Get(tx, id)
		if !ok || i.Scope != rt.Scope {
			return ErrInterfaceNotFound.New("The networkInterface ID '%s' does not exist", id)
		}
		if i.VPCID != rt.VPCID {
			return ErrInvalid.New("route table %s and interface %s belong to different networks", rt.ID, id)
		}
	case "local":
		return ErrInvalid.New("The destination of a local route is a CIDR block of the VPC.")
	default:
		return ErrGatewayNotFound.New("The gateway ID '%s' does not exist", id)
	}
	return nil
}
