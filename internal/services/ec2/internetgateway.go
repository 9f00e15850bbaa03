package ec2

import (
	"context"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
	"github.com/neargate/neargate/internal/network"
)

func (c caller) internetGateway(g *network.InternetGateway) ec2api.InternetGateway {
	out := ec2api.InternetGateway{
		InternetGatewayId: new(g.ID), OwnerId: new(g.Account), Attachments: []ec2api.InternetGatewayAttachment{}, Tags: filled(c.tagsOf(g.ID)),
	}
	if g.VPCID != "" {
		// EC2 says "available" here where the model says "attached".
		out.Attachments = []ec2api.InternetGatewayAttachment{{VpcId: new(g.VPCID), State: new("available")}}
	}
	return out
}

// CreateInternetGateway makes an internet gateway.
func (s *Service) CreateInternetGateway(ctx context.Context, in *ec2api.CreateInternetGatewayInput) (*ec2api.CreateInternetGatewayOutput, error) {
	out := &ec2api.CreateInternetGatewayOutput{}
	return out, s.change(ctx, in.DryRun, func(c caller) error {
		g := c.CreateInternetGateway(c.tx, c.scope)
		if err := c.created(in.TagSpecifications, "internet-gateway", g.ID); err != nil {
			return err
		}
		out.InternetGateway = new(c.internetGateway(g))
		return nil
	})
}

// DeleteInternetGateway deletes an internet gateway that is attached to nothing.
func (s *Service) DeleteInternetGateway(ctx context.Context, in *ec2api.DeleteInternetGatewayInput) (*ec2api.DeleteInternetGatewayOutput, error) {
	return nil, s.change(ctx, in.DryRun, func(c caller) error { return c.DeleteInternetGateway(c.tx, c.scope, *in.InternetGatewayId) })
}

// AttachInternetGateway attaches a gateway to a VPC.
func (s *Service) AttachInternetGateway(ctx context.Context, in *ec2api.AttachInternetGatewayInput) (*ec2api.AttachInternetGatewayOutput, error) {
	return nil, s.change(ctx, in.DryRun, func(c caller) error {
		return c.AttachInternetGateway(c.tx, c.scope, *in.InternetGatewayId, *in.VpcId)
	})
}

// DetachInternetGateway detaches a gateway from its VPC.
func (s *Service) DetachInternetGateway(ctx context.Context, in *ec2api.DetachInternetGatewayInput) (*ec2api.DetachInternetGatewayOutput, error) {
	return nil, s.change(ctx, in.DryRun, func(c caller) error {
		return c.DetachInternetGateway(c.tx, c.scope, *in.InternetGatewayId, *in.VpcId)
	})
}

var internetGatewayFilters = filters[*network.InternetGateway]{
	"internet-gateway-id": one(func(g *network.InternetGateway) string { return g.ID }),
	"owner-id":            one(func(g *network.InternetGateway) string { return g.Account }),
	"attachment.vpc-id":   one(func(g *network.InternetGateway) string { return g.VPCID }),
	"attachment.state": one(func(g *network.InternetGateway) string {
		if g.VPCID == "" {
			return ""
		}
		return "available"
	}),
}

// DescribeInternetGateways lists internet gateways.
func (s *Service) DescribeInternetGateways(ctx context.Context, in *ec2api.DescribeInternetGatewaysInput) (*ec2api.DescribeInternetGatewaysOutput, error) {
	c, err := s.view(ctx, in.DryRun)
	if err != nil {
		return nil, err
	}
	rows, next, err := listing[*network.InternetGateway]{
		all: c.InternetGateways.By(c.tx, "scope", c.scope.Key()), filters: internetGatewayFilters, tags: c.tagMap,
		id:  func(g *network.InternetGateway) string { return g.ID },
		get: func(id string) (*network.InternetGateway, error) { return c.InternetGateway(c.tx, c.scope, id) },
		ids: in.InternetGatewayIds, parameter: "internetGatewayIds", with: in.Filters, token: in.NextToken, max: in.MaxResults,
	}.rows()
	if err != nil {
		return nil, err
	}
	out := &ec2api.DescribeInternetGatewaysOutput{InternetGateways: []ec2api.InternetGateway{}, NextToken: next}
	for _, g := range rows {
		out.InternetGateways = append(out.InternetGateways, c.internetGateway(g))
	}
	return out, nil
}
