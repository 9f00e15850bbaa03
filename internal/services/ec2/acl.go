package ec2

import (
	"context"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
	"github.com/neargate/neargate/internal/network"
)

// defaultEntries admit everything in both directions; the last one, which users can not change, denies the rest.
var defaultEntries = []ec2api.NetworkAclEntry{
	{RuleNumber: new(int32(100)), Protocol: new("-1"), RuleAction: new("allow"), Egress: new(true), CidrBlock: new("0.0.0.0/0")},
	{RuleNumber: new(int32(32767)), Protocol: new("-1"), RuleAction: new("deny"), Egress: new(true), CidrBlock: new("0.0.0.0/0")},
	{RuleNumber: new(int32(100)), Protocol: new("-1"), RuleAction: new("allow"), Egress: new(false), CidrBlock: new("0.0.0.0/0")},
	{RuleNumber: new(int32(32767)), Protocol: new("-1"), RuleAction: new("deny"), Egress: new(false), CidrBlock: new("0.0.0.0/0")},
}

func (c caller) acl(a *network.ACL) ec2api.NetworkAcl {
	out := ec2api.NetworkAcl{
		NetworkAclId: new(a.ID), VpcId: new(a.VPCID), OwnerId: new(a.Account), IsDefault: new(true), Entries: defaultEntries,
		Associations: []ec2api.NetworkAclAssociation{}, Tags: filled(c.tagsOf(a.ID)),
	}
	for s := range c.Subnets.By(c.tx, "vpc", a.VPCID) {
		out.Associations = append(out.Associations, ec2api.NetworkAclAssociation{
			NetworkAclAssociationId: new(s.ACLAssociationID), NetworkAclId: new(a.ID), SubnetId: new(s.ID),
		})
	}
	return out
}

func (c caller) aclFilters() filters[*network.ACL] {
	subnets := func(value func(*network.Subnet) string) func(*network.ACL) []string {
		return func(a *network.ACL) (out []string) {
			for s := range c.Subnets.By(c.tx, "vpc", a.VPCID) {
				out = append(out, value(s))
			}
			return out
		}
	}
	return filters[*network.ACL]{
		"network-acl-id":             one(func(a *network.ACL) string { return a.ID }),
		"association.network-acl-id": one(func(a *network.ACL) string { return a.ID }),
		"association.association-id": subnets(func(s *network.Subnet) string { return s.ACLAssociationID }),
		"association.subnet-id":      subnets(func(s *network.Subnet) string { return s.ID }),
		"vpc-id":                     one(func(a *network.ACL) string { return a.VPCID }),
		"owner-id":                   one(func(a *network.ACL) string { return a.Account }),
		"default":                    fixed[*network.ACL]("true"),
		"entry.cidr":                 fixed[*network.ACL]("0.0.0.0/0"),
		"entry.egress":               func(*network.ACL) []string { return []string{"true", "false"} },
		"entry.icmp.code":            none[*network.ACL],
		"entry.icmp.type":            none[*network.ACL],
		"entry.ipv6-cidr":            none[*network.ACL],
		"entry.port-range.from":      none[*network.ACL],
		"entry.port-range.to":        none[*network.ACL],
		"entry.protocol":             fixed[*network.ACL]("-1"),
		"entry.rule-action":          func(*network.ACL) []string { return []string{"allow", "deny"} },
		"entry.rule-number":          func(*network.ACL) []string { return []string{"100", "32767"} },
	}
}

// DescribeNetworkAcls lists network ACLs, of which there is each VPC's default one.
func (s *Service) DescribeNetworkAcls(ctx context.Context, in *ec2api.DescribeNetworkAclsInput) (*ec2api.DescribeNetworkAclsOutput, error) {
	c, err := s.view(ctx, in.DryRun)
	if err != nil {
		return nil, err
	}
	rows, next, err := listing[*network.ACL]{
		all: c.ACLs.By(c.tx, "scope", c.scope.Key()), filters: c.aclFilters(), tags: c.tagMap, id: func(a *network.ACL) string { return a.ID },
		get: func(id string) (*network.ACL, error) { return c.ACL(c.tx, c.scope, id) },
		ids: in.NetworkAclIds, parameter: "networkAclIds", with: in.Filters, token: in.NextToken, max: in.MaxResults,
	}.rows()
	if err != nil {
		return nil, err
	}
	out := &ec2api.DescribeNetworkAclsOutput{NetworkAcls: []ec2api.NetworkAcl{}, NextToken: next}
	for _, a := range rows {
		out.NetworkAcls = append(out.NetworkAcls, c.acl(a))
	}
	return out, nil
}
