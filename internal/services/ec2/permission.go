package ec2

import (
	ec2api "github.com/neargate/neargate/internal/api/ec2"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/network"
)

// This file is the older way to tell rules: a permission is a protocol with ports and any number of peers, each of them one rule.

// specs reads the rules that permissions of a group stand for.
func (c caller) specs(g *network.SecurityGroup, egress bool, permissions []ec2api.IpPermission) ([]network.RuleSpec, error) {
	var out []network.RuleSpec
	for _, p := range permissions {
		rules, err := c.permissionSpecs(g, egress, p)
		if err != nil {
			return nil, err
		}
		out = append(out, rules...)
	}
	return out, nil
}

func (c caller) permissionSpecs(g *network.SecurityGroup, egress bool, p ec2api.IpPermission) ([]network.RuleSpec, error) {
	protocol, from, to, err := network.ParsePorts(aws.Val(p.IpProtocol), p.FromPort, p.ToPort)
	if err != nil {
		return nil, err
	}
	var out []network.RuleSpec
	add := func(peer network.Peer, description *string) {
		out = append(out, network.RuleSpec{
			Egress: egress, Protocol: protocol, FromPort: from, ToPort: to, Peer: peer, Description: aws.Val(description),
		})
	}
	for _, r := range p.IpRanges {
		peer, err := network.IPv4Peer(aws.Val(r.CidrIp))
		if err != nil {
			return nil, err
		}
		add(peer, r.Description)
	}
	for _, r := range p.Ipv6Ranges {
		peer, err := network.IPv6Peer(aws.Val(r.CidrIpv6))
		if err != nil {
			return nil, err
		}
		add(peer, r.Description)
	}
	for _, l := range p.PrefixListIds {
		add(network.Peer{PrefixListID: aws.Val(l.PrefixListId)}, l.Description)
	}
	for _, pair := range p.UserIdGroupPairs {
		id, err := c.peerGroup(g, pair)
		if err != nil {
			return nil, err
		}
		add(network.Peer{GroupID: id}, pair.Description)
	}
	if len(out) == 0 {
		return nil, missing("cidrIp")
	}
	return out, nil
}

// peerGroup is the id of the group that a permission of g names by id, or by name in the same VPC.
func (c caller) peerGroup(g *network.SecurityGroup, pair ec2api.UserIdGroupPair) (string, error) {
	if err := refuse("UserIdGroupPairs", has("VpcPeeringConnectionId", pair.VpcPeeringConnectionId)); err != nil {
		return "", err
	}
	if user := aws.Val(pair.UserId); user != "" && user != c.scope.Account {
		return "", network.ErrGroupNotFound.New("The security group '%s' does not exist", aws.Val(pair.GroupId)+aws.Val(pair.GroupName))
	}
	switch {
	case pair.GroupId != nil:
		return *pair.GroupId, nil
	case pair.GroupName != nil:
		peer, err := c.groupNamed(g.VPCID, *pair.GroupName)
		if err != nil {
			return "", err
		}
		return peer.ID, nil
	}
	return "", missing("groupId")
}

// permissions are rules in the older form: one permission for all rules of the same protocol and ports.
func permissions(rules []*network.SecurityGroupRule, account string) []ec2api.IpPermission {
	type ports struct {
		protocol string
		from, to int
	}
	index := map[ports]int{}
	var out []ec2api.IpPermission
	for _, r := range rules {
		key := ports{r.Protocol, r.FromPort, r.ToPort}
		i, ok := index[key]
		if !ok {
			i = len(out)
			index[key] = i
			p := ec2api.IpPermission{
				IpProtocol: new(r.Protocol), IpRanges: []ec2api.IpRange{}, Ipv6Ranges: []ec2api.Ipv6Range{},
				PrefixListIds: []ec2api.PrefixListId{}, UserIdGroupPairs: []ec2api.UserIdGroupPair{},
			}
			if r.Protocol != network.ProtocolAll {
				p.FromPort, p.ToPort = new(int32(r.FromPort)), new(int32(r.ToPort))
			}
			out = append(out, p)
		}
		appendPeer(&out[i], r, account)
	}
	return out
}

func appendPeer(p *ec2api.IpPermission, r *network.SecurityGroupRule, account string) {
	description := optional(r.Description)
	switch peer := r.Peer; {
	case peer.CIDR.IsValid():
		p.IpRanges = append(p.IpRanges, ec2api.IpRange{CidrIp: new(peer.CIDR.String()), Description: description})
	case peer.CIDR6.IsValid():
		p.Ipv6Ranges = append(p.Ipv6Ranges, ec2api.Ipv6Range{CidrIpv6: new(peer.CIDR6.String()), Description: description})
	case peer.PrefixListID != "":
		p.PrefixListIds = append(p.PrefixListIds, ec2api.PrefixListId{PrefixListId: new(peer.PrefixListID), Description: description})
	default:
		p.UserIdGroupPairs = append(p.UserIdGroupPairs, ec2api.UserIdGroupPair{
			GroupId: new(peer.GroupID), UserId: new(account), Description: description,
		})
	}
}

// unknownPermissions are rules that a revocation did not find.
func unknownPermissions(specs []network.RuleSpec, account string) []ec2api.IpPermission {
	var rules []*network.SecurityGroupRule
	for _, s := range specs {
		rules = append(rules, &network.SecurityGroupRule{Protocol: s.Protocol, FromPort: s.FromPort, ToPort: s.ToPort, Peer: s.Peer})
	}
	return permissions(rules, account)
}

// flat is the oldest way to tell one rule: by parameters of the request itself.
type flat struct {
	protocol, cidr, group, owner *string
	from, to                     *int32
}

func (f flat) set() bool {
	return f.protocol != nil || f.cidr != nil || f.group != nil || f.owner != nil || f.from != nil || f.to != nil
}

// permission is what the request's parameters say as a permission.
func (f flat) permission() ec2api.IpPermission {
	p := ec2api.IpPermission{IpProtocol: f.protocol, FromPort: f.from, ToPort: f.to}
	if f.cidr != nil {
		p.IpRanges = []ec2api.IpRange{{CidrIp: f.cidr}}
	}
	if f.group != nil {
		if p.IpProtocol == nil {
			p.IpProtocol = new(network.ProtocolAll) // a group alone means all its traffic
		}
		p.UserIdGroupPairs = []ec2api.UserIdGroupPair{{GroupName: f.group, UserId: f.owner}}
	}
	return p
}

// told are the permissions of a request that has them in a list or in the old parameters, but not in both.
func told(list []ec2api.IpPermission, f flat) ([]ec2api.IpPermission, error) {
	switch {
	case len(list) > 0 && f.set():
		return nil, network.ErrCombination.New("The parameter 'ipPermissions' may not be used in combination with 'ipProtocol'")
	case f.set():
		return []ec2api.IpPermission{f.permission()}, nil
	}
	return list, nil
}
