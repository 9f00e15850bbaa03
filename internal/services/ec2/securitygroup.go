package ec2

import (
	"context"
	"strconv"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
	"github.com/neargate/neargate/internal/network"
)

func (c caller) securityGroup(g *network.SecurityGroup) ec2api.SecurityGroup {
	return ec2api.SecurityGroup{
		GroupId: new(g.ID), GroupName: new(g.Name), Description: new(g.Description), OwnerId: new(g.Account), VpcId: new(g.VPCID),
		SecurityGroupArn: new(g.ARN()), Tags: c.tagsOf(g.ID),
		IpPermissions:       filled(permissions(c.RulesOf(c.tx, g.ID, false), g.Account)),
		IpPermissionsEgress: filled(permissions(c.RulesOf(c.tx, g.ID, true), g.Account)),
	}
}

// groupNamed finds a group by name in a VPC, or in the default VPC if that is empty.
func (c caller) groupNamed(vpcID, name string) (*network.SecurityGroup, error) {
	if vpcID != "" {
		v, err := c.VPC(c.tx, c.scope, vpcID)
		if err != nil {
			return nil, err
		}
		return c.SecurityGroupByName(c.tx, v, name)
	}
	v, ok := c.DefaultVPC(c.tx, c.scope)
	if !ok {
		return nil, noDefaultVPC()
	}
	g, err := c.SecurityGroupByName(c.tx, v, name)
	if err != nil {
		return nil, network.ErrGroupNotFound.New("The security group '%s' does not exist in default VPC '%s'", name, v.ID)
	}
	return g, nil
}

// group finds the group that a request names by id, or by name in the default VPC.
func (c caller) group(id, name *string) (*network.SecurityGroup, error) {
	switch {
	case id != nil && name != nil:
		return nil, network.ErrCombination.New("The parameter GroupName may not be used in combination with GroupId")
	case id != nil:
		return c.SecurityGroup(c.tx, c.scope, *id)
	case name != nil:
		return c.groupNamed("", *name)
	}
	return nil, network.ErrMissing.New("The request must contain the parameter groupName or groupId")
}

func noDefaultVPC() error {
	return network.ErrNoDefaultVPC.New("No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC.")
}

// CreateSecurityGroup makes a security group, in the default VPC unless told otherwise.
func (s *Service) CreateSecurityGroup(ctx context.Context, in *ec2api.CreateSecurityGroupInput) (*ec2api.CreateSecurityGroupOutput, error) {
	if *in.Description == "" {
		return nil, missing("GroupDescription")
	}
	out := &ec2api.CreateSecurityGroupOutput{}
	return out, s.change(ctx, in.DryRun, func(c caller) error {
		vpcID := ""
		if in.VpcId != nil {
			vpcID = *in.VpcId
		} else if v, ok := c.DefaultVPC(c.tx, c.scope); ok {
			vpcID = v.ID
		} else {
			return noDefaultVPC()
		}
		g, err := c.CreateSecurityGroup(c.tx, c.scope, vpcID, *in.GroupName, *in.Description)
		if err != nil {
			return err
		}
		if err := c.created(in.TagSpecifications, "security-group", g.ID); err != nil {
			return err
		}
		*out = ec2api.CreateSecurityGroupOutput{GroupId: new(g.ID), SecurityGroupArn: new(g.ARN()), Tags: c.tagsOf(g.ID)}
		return nil
	})
}

// DeleteSecurityGroup deletes a security group that is not in use.
func (s *Service) DeleteSecurityGroup(ctx context.Context, in *ec2api.DeleteSecurityGroupInput) (*ec2api.DeleteSecurityGroupOutput, error) {
	out := &ec2api.DeleteSecurityGroupOutput{Return: new(true)}
	return out, s.change(ctx, in.DryRun, func(c caller) error {
		g, err := c.group(in.GroupId, in.GroupName)
		if err != nil {
			return err
		}
		out.GroupId = new(g.ID)
		return c.DeleteSecurityGroup(c.tx, c.scope, g.ID)
	})
}

func (c caller) groupFilters() filters[*network.SecurityGroup] {
	type row = *network.SecurityGroup
	out := filters[row]{
		"group-id":    one(func(g row) string { return g.ID }),
		"group-name":  one(func(g row) string { return g.Name }),
		"description": one(func(g row) string { return g.Description }),
		"owner-id":    one(func(g row) string { return g.Account }),
		"vpc-id":      one(func(g row) string { return g.VPCID }),
	}
	rules := func(egress bool, value func(*network.SecurityGroupRule) string) func(row) []string {
		return func(g row) (values []string) {
			for _, r := range c.RulesOf(c.tx, g.ID, egress) {
				if v := value(r); v != "" {
					values = append(values, v)
				}
			}
			return values
		}
	}
	for prefix, egress := range map[string]bool{"ip-permission.": false, "egress.ip-permission.": true} {
		out[prefix+"cidr"] = rules(egress, func(r *network.SecurityGroupRule) string { return prefixString(r.Peer.CIDR) })
		out[prefix+"ipv6-cidr"] = rules(egress, func(r *network.SecurityGroupRule) string { return prefixString(r.Peer.CIDR6) })
		out[prefix+"group-id"] = rules(egress, func(r *network.SecurityGroupRule) string { return r.Peer.GroupID })
		out[prefix+"prefix-list-id"] = rules(egress, func(r *network.SecurityGroupRule) string { return r.Peer.PrefixListID })
		out[prefix+"protocol"] = rules(egress, func(r *network.SecurityGroupRule) string { return r.Protocol })
		out[prefix+"from-port"] = rules(egress, func(r *network.SecurityGroupRule) string { return strconv.Itoa(r.FromPort) })
		out[prefix+"to-port"] = rules(egress, func(r *network.SecurityGroupRule) string { return strconv.Itoa(r.ToPort) })
		out[prefix+"group-name"] = rules(egress, func(r *network.SecurityGroupRule) string {
			if peer, ok := c.Groups.Get(c.tx, r.Peer.GroupID); ok {
				return peer.Name
			}
			return ""
		})
		out[prefix+"user-id"] = rules(egress, func(r *network.SecurityGroupRule) string {
			if r.Peer.GroupID == "" {
				return ""
			}
			return r.Account
		})
	}
	return out
}

// DescribeSecurityGroups lists security groups with their rules in the older form.
func (s *Service) DescribeSecurityGroups(ctx context.Context, in *ec2api.DescribeSecurityGroupsInput) (*ec2api.DescribeSecurityGroupsOutput, error) {
	c, err := s.view(ctx, in.DryRun)
	if err != nil {
		return nil, err
	}
	ids := in.GroupIds
	for _, name := range in.GroupNames {
		g, err := c.groupNamed("", name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, g.ID)
	}
	rows, next, err := listing[*network.SecurityGroup]{
		all: c.Groups.By(c.tx, "scope", c.scope.Key()), filters: c.groupFilters(), tags: c.tagMap,
		id:  func(g *network.SecurityGroup) string { return g.ID },
		get: func(id string) (*network.SecurityGroup, error) { return c.SecurityGroup(c.tx, c.scope, id) },
		ids: ids, parameter: "groupIds", with: in.Filters, token: in.NextToken, max: in.MaxResults,
	}.rows()
	if err != nil {
		return nil, err
	}
	out := &ec2api.DescribeSecurityGroupsOutput{SecurityGroups: []ec2api.SecurityGroup{}, NextToken: next}
	for _, g := range rows {
		out.SecurityGroups = append(out.SecurityGroups, c.securityGroup(g))
	}
	return out, nil
}

// DescribeSecurityGroupReferences tells which VPCs at the other end of a peering refer to groups: there are no peerings.
func (s *Service) DescribeSecurityGroupReferences(ctx context.Context, in *ec2api.DescribeSecurityGroupReferencesInput) (*ec2api.DescribeSecurityGroupReferencesOutput, error) {
	c, err := s.view(ctx, in.DryRun)
	if err != nil {
		return nil, err
	}
	for _, id := range in.GroupId {
		if _, err := c.SecurityGroup(c.tx, c.scope, id); err != nil {
			return nil, err
		}
	}
	return &ec2api.DescribeSecurityGroupReferencesOutput{SecurityGroupReferenceSet: []ec2api.SecurityGroupReference{}}, nil
}

// GetSecurityGroupsForVpc lists the groups that interfaces of a VPC may be in.
func (s *Service) GetSecurityGroupsForVpc(ctx context.Context, in *ec2api.GetSecurityGroupsForVpcInput) (*ec2api.GetSecurityGroupsForVpcOutput, error) {
	c, err := s.view(ctx, in.DryRun)
	if err != nil {
		return nil, err
	}
	v, err := c.VPC(c.tx, c.scope, *in.VpcId)
	if err != nil {
		return nil, err
	}
	possible := c.groupFilters()
	possible["primary-vpc-id"] = possible["vpc-id"]
	rows, next, err := listing[*network.SecurityGroup]{
		all: c.Groups.By(c.tx, "vpc", v.ID), filters: possible, tags: c.tagMap, id: func(g *network.SecurityGroup) string { return g.ID },
		with: in.Filters, token: in.NextToken, max: in.MaxResults,
	}.rows()
	if err != nil {
		return nil, err
	}
	out := &ec2api.GetSecurityGroupsForVpcOutput{SecurityGroupForVpcs: []ec2api.SecurityGroupForVpc{}, NextToken: next}
	for _, g := range rows {
		out.SecurityGroupForVpcs = append(out.SecurityGroupForVpcs, ec2api.SecurityGroupForVpc{
			GroupId: new(g.ID), GroupName: new(g.Name), Description: new(g.Description), OwnerId: new(g.Account), PrimaryVpcId: new(g.VPCID),
			Tags: c.tagsOf(g.ID),
		})
	}
	return out, nil
}
