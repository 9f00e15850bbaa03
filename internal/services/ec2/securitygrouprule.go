package ec2

import (
	"context"
	"net/netip"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/network"
)

func prefixString(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}

func (c caller) rule(r *network.SecurityGroupRule) ec2api.SecurityGroupRule {
	out := ec2api.SecurityGroupRule{
		SecurityGroupRuleId: new(r.ID), SecurityGroupRuleArn: new(r.ARN()), GroupId: new(r.GroupID), GroupOwnerId: new(r.Account),
		IsEgress: new(r.Egress), IpProtocol: new(r.Protocol), FromPort: new(int32(r.FromPort)), ToPort: new(int32(r.ToPort)),
		CidrIpv4: optional(prefixString(r.Peer.CIDR)), CidrIpv6: optional(prefixString(r.Peer.CIDR6)), PrefixListId: optional(r.Peer.PrefixListID),
		Description: optional(r.Description), Tags: filled(c.tagsOf(r.ID)),
	}
	if r.Peer.GroupID != "" {
		out.ReferencedGroupInfo = &ec2api.ReferencedSecurityGroup{GroupId: new(r.Peer.GroupID), UserId: new(r.Account)}
	}
	return out
}

// authorization is a request for new rules, in either direction.
type authorization struct {
	groupID, groupName *string
	egress             bool
	permissions        []ec2api.IpPermission
	flat               flat
	tags               []ec2api.TagSpecification
	dryRun             *bool
}

func (s *Service) authorize(ctx context.Context, a authorization) (rules []ec2api.SecurityGroupRule, err error) {
	asked, err := told(a.permissions, a.flat)
	if err != nil {
		return nil, err
	}
	if len(asked) == 0 {
		return nil, missing("ipPermissions")
	}
	err = s.change(ctx, a.dryRun, func(c caller) error {
		g, err := c.group(a.groupID, a.groupName)
		if err != nil {
			return err
		}
		specs, err := c.specs(g, a.egress, asked)
		if err != nil {
			return err
		}
		added, err := c.AuthorizeRules(c.tx, g, specs)
		if err != nil {
			return err
		}
		for _, r := range added {
			if err := c.created(a.tags, "security-group-rule", r.ID); err != nil {
				return err
			}
			rules = append(rules, c.rule(r))
		}
		return nil
	})
	return rules, err
}

// AuthorizeSecurityGroupIngress adds rules for traffic to a group's interfaces.
func (s *Service) AuthorizeSecurityGroupIngress(ctx context.Context, in *ec2api.AuthorizeSecurityGroupIngressInput) (*ec2api.AuthorizeSecurityGroupIngressOutput, error) {
	rules, err := s.authorize(ctx, authorization{
		groupID: in.GroupId, groupName: in.GroupName, permissions: in.IpPermissions, tags: in.TagSpecifications, dryRun: in.DryRun,
		flat: flat{in.IpProtocol, in.CidrIp, in.SourceSecurityGroupName, in.SourceSecurityGroupOwnerId, in.FromPort, in.ToPort},
	})
	return &ec2api.AuthorizeSecurityGroupIngressOutput{Return: new(true), SecurityGroupRules: filled(rules)}, err
}

// AuthorizeSecurityGroupEgress adds rules for traffic from a group's interfaces.
func (s *Service) AuthorizeSecurityGroupEgress(ctx context.Context, in *ec2api.AuthorizeSecurityGroupEgressInput) (*ec2api.AuthorizeSecurityGroupEgressOutput, error) {
	rules, err := s.authorize(ctx, authorization{
		groupID: in.GroupId, egress: true, permissions: in.IpPermissions, tags: in.TagSpecifications, dryRun: in.DryRun,
		flat: flat{in.IpProtocol, in.CidrIp, in.SourceSecurityGroupName, in.SourceSecurityGroupOwnerId, in.FromPort, in.ToPort},
	})
	return &ec2api.AuthorizeSecurityGroupEgressOutput{Return: new(true), SecurityGroupRules: filled(rules)}, err
}

// revocation is a request to remove rules, in either direction.
type revocation struct {
	groupID, groupName *string
	egress             bool
	ruleIDs            []string
	permissions        []ec2api.IpPermission
	flat               flat
	dryRun             *bool
}

// revoke removes rules. Rules that are not there are an error, except in a default VPC, where the answer lists them
// (EC2 API Reference, "RevokeSecurityGroupIngress").
func (s *Service) revoke(ctx context.Context, r revocation) (revoked []ec2api.RevokedSecurityGroupRule, unknown []ec2api.IpPermission, err error) {
	asked, err := told(r.permissions, r.flat)
	if err != nil {
		return nil, nil, err
	}
	if len(r.ruleIDs) == 0 && len(asked) == 0 {
		return nil, nil, network.ErrMissing.New("Either 'ipPermissions' or 'securityGroupRuleIds' should be provided.")
	}
	if len(r.ruleIDs) > 0 && len(asked) > 0 {
		return nil, nil, network.ErrCombination.New("The parameter 'securityGroupRuleIds' may not be used in combination with 'ipPermissions'")
	}
	err = s.change(ctx, r.dryRun, func(c caller) error {
		g, err := c.group(r.groupID, r.groupName)
		if err != nil {
			return err
		}
		if len(r.ruleIDs) > 0 {
			rules, err := c.RevokeRuleIDs(c.tx, g, r.egress, r.ruleIDs)
			revoked = revokedRules(rules)
			return err
		}
		specs, err := c.specs(g, r.egress, asked)
		if err != nil {
			return err
		}
		rules, strange := c.RevokeRules(c.tx, g, specs)
		revoked, unknown = revokedRules(rules), unknownPermissions(strange, c.scope.Account)
		if v, ok := c.VPCs.Get(c.tx, g.VPCID); len(strange) > 0 && !(ok && v.Default) {
			return network.ErrNoSuchRule.New("The specified rule does not exist in this security group.")
		}
		return nil
	})
	return revoked, unknown, err
}

func revokedRules(rules []*network.SecurityGroupRule) []ec2api.RevokedSecurityGroupRule {
	var out []ec2api.RevokedSecurityGroupRule
	for _, r := range rules {
		out = append(out, ec2api.RevokedSecurityGroupRule{
			SecurityGroupRuleId: new(r.ID), GroupId: new(r.GroupID), IsEgress: new(r.Egress), IpProtocol: new(r.Protocol),
			FromPort: new(int32(r.FromPort)), ToPort: new(int32(r.ToPort)), CidrIpv4: optional(prefixString(r.Peer.CIDR)),
			CidrIpv6: optional(prefixString(r.Peer.CIDR6)), PrefixListId: optional(r.Peer.PrefixListID),
			ReferencedGroupId: optional(r.Peer.GroupID), Description: optional(r.Description),
		})
	}
	return out
}

// RevokeSecurityGroupIngress removes rules for traffic to a group's interfaces.
func (s *Service) RevokeSecurityGroupIngress(ctx context.Context, in *ec2api.RevokeSecurityGroupIngressInput) (*ec2api.RevokeSecurityGroupIngressOutput, error) {
	revoked, unknown, err := s.revoke(ctx, revocation{
		groupID: in.GroupId, groupName: in.GroupName, ruleIDs: in.SecurityGroupRuleIds, permissions: in.IpPermissions, dryRun: in.DryRun,
		flat: flat{in.IpProtocol, in.CidrIp, in.SourceSecurityGroupName, in.SourceSecurityGroupOwnerId, in.FromPort, in.ToPort},
	})
	return &ec2api.RevokeSecurityGroupIngressOutput{Return: new(true), RevokedSecurityGroupRules: filled(revoked), UnknownIpPermissions: filled(unknown)}, err
}

// RevokeSecurityGroupEgress removes rules for traffic from a group's interfaces.
func (s *Service) RevokeSecurityGroupEgress(ctx context.Context, in *ec2api.RevokeSecurityGroupEgressInput) (*ec2api.RevokeSecurityGroupEgressOutput, error) {
	revoked, unknown, err := s.revoke(ctx, revocation{
		groupID: in.GroupId, egress: true, ruleIDs: in.SecurityGroupRuleIds, permissions: in.IpPermissions, dryRun: in.DryRun,
		flat: flat{in.IpProtocol, in.CidrIp, in.SourceSecurityGroupName, in.SourceSecurityGroupOwnerId, in.FromPort, in.ToPort},
	})
	return &ec2api.RevokeSecurityGroupEgressOutput{Return: new(true), RevokedSecurityGroupRules: filled(revoked), UnknownIpPermissions: filled(unknown)}, err
}

var ruleFilters = filters[*network.SecurityGroupRule]{
	"group-id":               one(func(r *network.SecurityGroupRule) string { return r.GroupID }),
	"security-group-rule-id": one(func(r *network.SecurityGroupRule) string { return r.ID }),
}

// DescribeSecurityGroupRules lists rules one by one.
func (s *Service) DescribeSecurityGroupRules(ctx context.Context, in *ec2api.DescribeSecurityGroupRulesInput) (*ec2api.DescribeSecurityGroupRulesOutput, error) {
	c, err := s.view(ctx, in.DryRun)
	if err != nil {
		return nil, err
	}
	all := c.Rules.By(c.tx, "scope", c.scope.Key())
	if id, ok := exact(in.Filters, "group-id"); ok {
		if _, err := c.SecurityGroup(c.tx, c.scope, id); err == nil {
			all = c.Rules.By(c.tx, "group", id)
		}
	}
	rows, next, err := listing[*network.SecurityGroupRule]{
		all: all, filters: ruleFilters, tags: c.tagMap, id: func(r *network.SecurityGroupRule) string { return r.ID },
		get: func(id string) (*network.SecurityGroupRule, error) { return c.SecurityGroupRule(c.tx, c.scope, id) },
		ids: in.SecurityGroupRuleIds, parameter: "securityGroupRuleIds", with: in.Filters, token: in.NextToken, max: in.MaxResults,
	}.rows()
	if err != nil {
		return nil, err
	}
	out := &ec2api.DescribeSecurityGroupRulesOutput{SecurityGroupRules: []ec2api.SecurityGroupRule{}, NextToken: next}
	for _, r := range rows {
		out.SecurityGroupRules = append(out.SecurityGroupRules, c.rule(r))
	}
	return out, nil
}

// requested reads a rule that a request describes whole.
func requested(r *ec2api.SecurityGroupRuleRequest) (network.RuleSpec, error) {
	protocol, from, to, err := network.ParsePorts(aws.Val(r.IpProtocol), r.FromPort, r.ToPort)
	if err != nil {
		return network.RuleSpec{}, err
	}
	spec := network.RuleSpec{Protocol: protocol, FromPort: from, ToPort: to, Description: aws.Val(r.Description)}
	peers := 0
	for _, p := range []*string{r.CidrIpv4, r.CidrIpv6, r.PrefixListId, r.ReferencedGroupId} {
		if p != nil {
			peers++
		}
	}
	if peers != 1 {
		return spec, network.ErrCombination.New("Exactly one of the following parameters must be specified: cidrIpv4, cidrIpv6, prefixListId, referencedGroupId")
	}
	switch {
	case r.CidrIpv4 != nil:
		spec.Peer, err = network.IPv4Peer(*r.CidrIpv4)
	case r.CidrIpv6 != nil:
		spec.Peer, err = network.IPv6Peer(*r.CidrIpv6)
	default:
		spec.Peer = network.Peer{PrefixListID: aws.Val(r.PrefixListId), GroupID: aws.Val(r.ReferencedGroupId)}
	}
	return spec, err
}

// ModifySecurityGroupRules gives rules of a group new content under the same ids.
func (s *Service) ModifySecurityGroupRules(ctx context.Context, in *ec2api.ModifySecurityGroupRulesInput) (*ec2api.ModifySecurityGroupRulesOutput, error) {
	return &ec2api.ModifySecurityGroupRulesOutput{Return: new(true)}, s.change(ctx, in.DryRun, func(c caller) error {
		g, err := c.SecurityGroup(c.tx, c.scope, *in.GroupId)
		if err != nil {
			return err
		}
		for _, u := range in.SecurityGroupRules {
			if u.SecurityGroupRule == nil {
				return missing("SecurityGroupRule")
			}
			spec, err := requested(u.SecurityGroupRule)
			if err != nil {
				return err
			}
			if err := c.ModifyRule(c.tx, g, *u.SecurityGroupRuleId, spec); err != nil {
				return err
			}
		}
		return nil
	})
}

// redescription is a request for other descriptions of rules, in either direction.
type redescription struct {
	groupID, groupName *string
	egress             bool
	permissions        []ec2api.IpPermission
	byID               []ec2api.SecurityGroupRuleDescription
	dryRun             *bool
}

func (s *Service) redescribe(ctx context.Context, d redescription) error {
	if len(d.permissions) == 0 && len(d.byID) == 0 {
		return network.ErrMissing.New("Either 'ipPermissions' or 'securityGroupRuleDescriptions' should be provided.")
	}
	return s.change(ctx, d.dryRun, func(c caller) error {
		g, err := c.group(d.groupID, d.groupName)
		if err != nil {
			return err
		}
		specs, err := c.specs(g, d.egress, d.permissions)
		if err != nil {
			return err
		}
		for _, spec := range specs {
			r, ok := c.FindRule(c.tx, g, spec)
			if !ok {
				return network.ErrNoSuchRule.New("The specified rule does not exist in this security group.")
			}
			if err := c.DescribeRule(c.tx, r, spec.Description); err != nil {
				return err
			}
		}
		for _, u := range d.byID {
			r, err := c.SecurityGroupRule(c.tx, c.scope, aws.Val(u.SecurityGroupRuleId))
			if err != nil {
				return err
			}
			if r.GroupID != g.ID || r.Egress != d.egress {
				return network.ErrRuleNotFound.New("The security group rule ID '%s' does not exist", r.ID)
			}
			if err := c.DescribeRule(c.tx, r, aws.Val(u.Description)); err != nil {
				return err
			}
		}
		return nil
	})
}

// UpdateSecurityGroupRuleDescriptionsIngress changes what is said about rules for traffic to a group's interfaces.
func (s *Service) UpdateSecurityGroupRuleDescriptionsIngress(ctx context.Context, in *ec2api.UpdateSecurityGroupRuleDescriptionsIngressInput) (*ec2api.UpdateSecurityGroupRuleDescriptionsIngressOutput, error) {
	return &ec2api.UpdateSecurityGroupRuleDescriptionsIngressOutput{Return: new(true)}, s.redescribe(ctx, redescription{
		groupID: in.GroupId, groupName: in.GroupName, permissions: in.IpPermissions, byID: in.SecurityGroupRuleDescriptions, dryRun: in.DryRun,
	})
}

// UpdateSecurityGroupRuleDescriptionsEgress changes what is said about rules for traffic from a group's interfaces.
func (s *Service) UpdateSecurityGroupRuleDescriptionsEgress(ctx context.Context, in *ec2api.UpdateSecurityGroupRuleDescriptionsEgressInput) (*ec2api.UpdateSecurityGroupRuleDescriptionsEgressOutput, error) {
	return &ec2api.UpdateSecurityGroupRuleDescriptionsEgressOutput{Return: new(true)}, s.redescribe(ctx, redescription{
		groupID: in.GroupId, groupName: in.GroupName, egress: true, permissions: in.IpPermissions, byID: in.SecurityGroupRuleDescriptions, dryRun: in.DryRun,
	})
}
