package ec2

import (
	"context"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
	"github.com/neargate/neargate/internal/aws/idem"
	"github.com/neargate/neargate/internal/network"
)

func (c caller) routeTable(rt *network.RouteTable) ec2api.RouteTable {
	out := ec2api.RouteTable{
		RouteTableId: new(rt.ID), VpcId: new(rt.VPCID), OwnerId: new(rt.Account), Tags: filled(c.tagsOf(rt.ID)),
		Associations: []ec2api.RouteTableAssociation{}, PropagatingVgws: []ec2api.PropagatingVgw{},
	}
	for _, r := range rt.Routes {
		out.Routes = append(out.Routes, c.route(rt, r))
	}
	for _, a := range rt.Associations {
		association := ec2api.RouteTableAssociation{
			RouteTableAssociationId: new(a.ID), RouteTableId: new(rt.ID), Main: new(a.Main), AssociationState: associated(),
		}
		if !a.Main {
			association.SubnetId = new(a.SubnetID)
		}
		out.Associations = append(out.Associations, association)
	}
	return out
}

func associated() *ec2api.RouteTableAssociationState {
	return &ec2api.RouteTableAssociationState{State: new("associated")}
}

// CreateRouteTable makes a route table of a VPC.
func (s *Service) CreateRouteTable(ctx context.Context, in *ec2api.CreateRouteTableInput) (*ec2api.CreateRouteTableOutput, error) {
	var out *ec2api.CreateRouteTableOutput
	err := s.change(ctx, in.DryRun, func(c caller) (err error) {
		out, err = idem.Do(c.tx, s.tokens, c.call, in.ClientToken, in, func() (*ec2api.CreateRouteTableOutput, error) {
			rt, err := c.CreateRouteTable(c.tx, c.scope, *in.VpcId)
			if err != nil {
				return nil, err
			}
			if err := c.created(in.TagSpecifications, "route-table", rt.ID); err != nil {
				return nil, err
			}
			return &ec2api.CreateRouteTableOutput{RouteTable: new(c.routeTable(rt)), ClientToken: in.ClientToken}, nil
		})
		return err
	})
	return out, err
}

// DeleteRouteTable deletes a route table that nothing is associated with.
func (s *Service) DeleteRouteTable(ctx context.Context, in *ec2api.DeleteRouteTableInput) (*ec2api.DeleteRouteTableOutput, error) {
	return nil, s.change(ctx, in.DryRun, func(c caller) error { return c.DeleteRouteTable(c.tx, c.scope, *in.RouteTableId) })
}

func (c caller) routeTableFilters() filters[*network.RouteTable] {
	associations := func(value func(network.RouteTableAssociation) string) func(*network.RouteTable) []string {
		return func(rt *network.RouteTable) (out []string) {
			for _, a := range rt.Associations {
				if v := value(a); v != "" {
					out = append(out, v)
				}
			}
			return out
		}
	}
	routes := func(value func(ec2api.Route) *string) func(*network.RouteTable) []string {
		return func(rt *network.RouteTable) (out []string) {
			for _, r := range rt.Routes {
				if v := value(c.route(rt, r)); v != nil {
					out = append(out, *v)
				}
			}
			return out
		}
	}
	return filters[*network.RouteTable]{
		"route-table-id":                         one(func(rt *network.RouteTable) string { return rt.ID }),
		"association.route-table-id":             one(func(rt *network.RouteTable) string { return rt.ID }),
		"vpc-id":                                 one(func(rt *network.RouteTable) string { return rt.VPCID }),
		"owner-id":                               one(func(rt *network.RouteTable) string { return rt.Account }),
		"association.route-table-association-id": associations(func(a network.RouteTableAssociation) string { return a.ID }),
		"association.subnet-id":                  associations(func(a network.RouteTableAssociation) string { return a.SubnetID }),
		"association.main": associations(func(a network.RouteTableAssociation) string {
			if a.Main {
				return "true"
			}
			return "false"
		}),
		"association.gateway-id":                none[*network.RouteTable],
		"route.destination-cidr-block":          routes(func(r ec2api.Route) *string { return r.DestinationCidrBlock }),
		"route.destination-prefix-list-id":      routes(func(r ec2api.Route) *string { return r.DestinationPrefixListId }),
		"route.destination-ipv6-cidr-block":     none[*network.RouteTable],
		"route.gateway-id":                      routes(func(r ec2api.Route) *string { return r.GatewayId }),
		"route.nat-gateway-id":                  routes(func(r ec2api.Route) *string { return r.NatGatewayId }),
		"route.network-interface-id":            routes(func(r ec2api.Route) *string { return r.NetworkInterfaceId }),
		"route.origin":                          routes(func(r ec2api.Route) *string { return r.Origin }),
		"route.state":                           routes(func(r ec2api.Route) *string { return r.State }),
		"route.instance-id":                     none[*network.RouteTable],
		"route.transit-gateway-id":              none[*network.RouteTable],
		"route.vpc-peering-connection-id":       none[*network.RouteTable],
		"route.egress-only-internet-gateway-id": none[*network.RouteTable],
	}
}

// DescribeRouteTables lists route tables.
func (s *Service) DescribeRouteTables(ctx context.Context, in *ec2api.DescribeRouteTablesInput) (*ec2api.DescribeRouteTablesOutput, error) {
	c, err := s.view(ctx, in.DryRun)
	if err != nil {
		return nil, err
	}
	rows, next, err := listing[*network.RouteTable]{
		all: c.RouteTables.By(c.tx, "scope", c.scope.Key()), filters: c.routeTableFilters(), tags: c.tagMap,
		id:  func(rt *network.RouteTable) string { return rt.ID },
		get: func(id string) (*network.RouteTable, error) { return c.RouteTable(c.tx, c.scope, id) },
		ids: in.RouteTableIds, parameter: "routeTableIds", with: in.Filters, token: in.NextToken, max: in.MaxResults,
	}.rows()
	if err != nil {
		return nil, err
	}
	out := &ec2api.DescribeRouteTablesOutput{RouteTables: []ec2api.RouteTable{}, NextToken: next}
	for _, rt := range rows {
		out.RouteTables = append(out.RouteTables, c.routeTable(rt))
	}
	return out, nil
}

// AssociateRouteTable makes a table a subnet's.
func (s *Service) AssociateRouteTable(ctx context.Context, in *ec2api.AssociateRouteTableInput) (*ec2api.AssociateRouteTableOutput, error) {
	if err := refuse("AssociateRouteTable", has("GatewayId", in.GatewayId), has("PublicIpv4Pool", in.PublicIpv4Pool)); err != nil {
		return nil, err
	}
	if in.SubnetId == nil {
		return nil, missing("subnetId")
	}
	out := &ec2api.AssociateRouteTableOutput{AssociationState: associated()}
	return out, s.change(ctx, in.DryRun, func(c caller) error {
		a, err := c.AssociateRouteTable(c.tx, c.scope, *in.RouteTableId, *in.SubnetId)
		if err != nil {
			return err
		}
		out.AssociationId = new(a.ID)
		return nil
	})
}

// DisassociateRouteTable gives a subnet back to its VPC's main table.
func (s *Service) DisassociateRouteTable(ctx context.Context, in *ec2api.DisassociateRouteTableInput) (*ec2api.DisassociateRouteTableOutput, error) {
	return nil, s.change(ctx, in.DryRun, func(c caller) error { return c.DisassociateRouteTable(c.tx, c.scope, *in.AssociationId) })
}

// ReplaceRouteTableAssociation moves an association to another table.
func (s *Service) ReplaceRouteTableAssociation(ctx context.Context, in *ec2api.ReplaceRouteTableAssociationInput) (*ec2api.ReplaceRouteTableAssociationOutput, error) {
	out := &ec2api.ReplaceRouteTableAssociationOutput{AssociationState: associated()}
	return out, s.change(ctx, in.DryRun, func(c caller) error {
		a, err := c.ReplaceRouteTableAssociation(c.tx, c.scope, *in.AssociationId, *in.RouteTableId)
		if err != nil {
			return err
		}
		out.NewAssociationId = new(a.ID)
		return nil
	})
}
