package ec2

import (
	"testing"

	ec2api "github.com/neargate/neargate/internal/api/ec2"
)

func port(n int32) *int32 { return &n }

// TestBothGenerationsOfRules adds rules by permissions and reads them one by one, and the other way round.
func TestBothGenerationsOfRules(t *testing.T) {
	f := open(t)
	vpc := f.vpc("10.0.0.0/16")
	web, lb := f.group(vpc, "web"), f.group(vpc, "lb")
	added := do(f, f.AuthorizeSecurityGroupIngress, &ec2api.AuthorizeSecurityGroupIngressInput{
		GroupId: &web,
		IpPermissions: []ec2api.IpPermission{{
			IpProtocol: new("6"), FromPort: port(80), ToPort: port(80),
			IpRanges:         []ec2api.IpRange{{CidrIp: new("10.9.8.7/8"), Description: new("inside")}, {CidrIp: new("192.0.2.0/24")}},
			Ipv6Ranges:       []ec2api.Ipv6Range{{CidrIpv6: new("::/0")}},
			UserIdGroupPairs: []ec2api.UserIdGroupPair{{GroupName: new("lb")}},
		}},
		TagSpecifications: []ec2api.TagSpecification{{ResourceType: new("security-group-rule"), Tags: []ec2api.Tag{{Key: new("a"), Value: new("b")}}}},
	}).SecurityGroupRules
	if len(added) != 4 || *added[0].CidrIpv4 != "10.0.0.0/8" || *added[0].IpProtocol != "tcp" || *added[3].ReferencedGroupInfo.GroupId != lb || len(added[0].Tags) != 1 {
		t.Fatalf("%+v", added)
	}

	g := do(f, f.DescribeSecurityGroups, &ec2api.DescribeSecurityGroupsInput{GroupIds: []string{web}}).SecurityGroups[0]
	if p := g.IpPermissions; len(p) != 1 || len(p[0].IpRanges) != 2 || len(p[0].Ipv6Ranges) != 1 || len(p[0].UserIdGroupPairs) != 1 {
		t.Errorf("%+v", p)
	}
	if p := g.IpPermissionsEgress; len(p) != 1 || *p[0].IpProtocol != "-1" || p[0].FromPort != nil || *p[0].IpRanges[0].CidrIp != "0.0.0.0/0" {
		t.Errorf("a new group lets everything out: %+v", p)
	}

	do(f, f.ModifySecurityGroupRules, &ec2api.ModifySecurityGroupRulesInput{GroupId: &web, SecurityGroupRules: []ec2api.SecurityGroupRuleUpdate{{
		SecurityGroupRuleId: added[1].SecurityGroupRuleId,
		SecurityGroupRule:   &ec2api.SecurityGroupRuleRequest{IpProtocol: new("udp"), FromPort: port(53), ToPort: port(53), CidrIpv4: new("192.0.2.0/24"), Description: new("names")},
	}}})
	do(f, f.UpdateSecurityGroupRuleDescriptionsIngress, &ec2api.UpdateSecurityGroupRuleDescriptionsIngressInput{GroupId: &web, IpPermissions: []ec2api.IpPermission{{
		IpProtocol: new("tcp"), FromPort: port(80), ToPort: port(80), IpRanges: []ec2api.IpRange{{CidrIp: new("10.0.0.0/8"), Description: new("house")}},
	}}})
	byID := map[string]ec2api.SecurityGroupRule{}
	for _, r := range do(f, f.DescribeSecurityGroupRules, &ec2api.DescribeSecurityGroupRulesInput{Filters: filter("group-id", web)}).SecurityGroupRules {
		byID[*r.SecurityGroupRuleId] = r
	}
	if len(byID) != 5 {
		t.Errorf("%d rules, want four and the one for egress", len(byID))
	}
	if r := byID[*added[0].SecurityGroupRuleId]; *r.Description != "house" {
		t.Errorf("%+v", r)
	}
	if r := byID[*added[1].SecurityGroupRuleId]; *r.IpProtocol != "udp" || *r.Description != "names" {
		t.Errorf("%+v", r)
	}

	revoked := do(f, f.RevokeSecurityGroupIngress, &ec2api.RevokeSecurityGroupIngressInput{GroupId: &web, SecurityGroupRuleIds: []string{*added[0].SecurityGroupRuleId}})
	if len(revoked.RevokedSecurityGroupRules) != 1 {
		t.Errorf("%+v", revoked)
	}
	do(f, f.RevokeSecurityGroupIngress, &ec2api.RevokeSecurityGroupIngressInput{GroupId: &web, IpPermissions: []ec2api.IpPermission{{
		IpProtocol: new("tcp"), FromPort: port(80), ToPort: port(80), UserIdGroupPairs: []ec2api.UserIdGroupPair{{GroupId: &lb}},
	}}})
	g = do(f, f.DescribeSecurityGroups, &ec2api.DescribeSecurityGroupsInput{GroupIds: []string{web}}).SecurityGroups[0]
	if len(g.IpPermissions) != 2 {
		t.Errorf("%+v", g.IpPermissions)
	}
	do(f, f.DeleteSecurityGroup, &ec2api.DeleteSecurityGroupInput{GroupId: &lb}) // nobody names it any more
}

func TestRuleErrors(t *testing.T) {
	f := open(t)
	vpc := f.vpc("10.0.0.0/16")
	web := f.group(vpc, "web")
	elsewhere := f.group(f.vpc("10.0.0.0/16"), "web")
	allow := func(p ec2api.IpPermission) *ec2api.AuthorizeSecurityGroupIngressInput {
		return &ec2api.AuthorizeSecurityGroupIngressInput{GroupId: &web, IpPermissions: []ec2api.IpPermission{p}}
	}
	from := func(protocol string, a, b int32, cidrs ...string) ec2api.IpPermission {
		p := ec2api.IpPermission{IpProtocol: &protocol, FromPort: &a, ToPort: &b}
		for _, c := range cidrs {
			p.IpRanges = append(p.IpRanges, ec2api.IpRange{CidrIp: &c})
		}
		return p
	}
	do(f, f.AuthorizeSecurityGroupIngress, allow(from("tcp", 80, 80, "0.0.0.0/0")))
	do(f, f.AuthorizeSecurityGroupIngress, allow(from("icmp", -1, -1, "0.0.0.0/0")))
	do(f, f.AuthorizeSecurityGroupIngress, allow(from("-1", 0, 0, "10.0.0.0/8")))
	for _, c := range []struct {
		p             ec2api.IpPermission
		code, message string
	}{
		{from("tcp", 80, 80, "0.0.0.0/0"), "InvalidPermission.Duplicate", `the specified rule "peer: 0.0.0.0/0, TCP, from port: 80, to port: 80, ALLOW" already exists`},
		{from("all", 1, 2, "10.0.0.0/8"), "InvalidPermission.Duplicate", `the specified rule "peer: 10.0.0.0/8, ALL, ALLOW" already exists`},
		{from("tcp", 81, 81, "0.0.0.0/0", "0.0.0.0/0"), "InvalidParameterValue", "The same permission must not appear multiple times"},
		{from("tcp", 81, 80, "0.0.0.0/0"), "InvalidParameterValue", ""},
		{from("tcp", -1, -1, "0.0.0.0/0"), "InvalidParameterValue", ""},
		{from("tcp", 1, 70000, "0.0.0.0/0"), "InvalidParameterValue", ""},
		{
			ec2api.IpPermission{IpProtocol: new("tcp"), IpRanges: []ec2api.IpRange{{CidrIp: new("0.0.0.0/0")}}},
			"InvalidParameterValue",
			"Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.",
		},
		{from("tcp", 81, 81, "10.0.0.0/33"), "InvalidParameterValue", "CIDR block 10.0.0.0/33 is malformed"},
		{from("tcp", 81, 81, "::/0"), "InvalidParameterValue", "CIDR block ::/0 is malformed"},
		{from("quic", 81, 81, "0.0.0.0/0"), "InvalidParameterValue", "Invalid value 'quic' for IP protocol. Unknown protocol."},
		{ec2api.IpPermission{IpProtocol: new("-1"), UserIdGroupPairs: []ec2api.UserIdGroupPair{{GroupId: &elsewhere}}}, "InvalidGroup.NotFound", "You have specified two resources that belong to different networks."},
		{ec2api.IpPermission{IpProtocol: new("-1"), UserIdGroupPairs: []ec2api.UserIdGroupPair{{GroupId: new("sg-01234567")}}}, "InvalidGroup.NotFound", "The security group 'sg-01234567' does not exist"},
		{ec2api.IpPermission{IpProtocol: new("-1"), PrefixListIds: []ec2api.PrefixListId{{PrefixListId: new("pl-1")}}}, "InvalidPrefixListID.NotFound", "The prefix list ID 'pl-1' does not exist"},
		{ec2api.IpPermission{IpProtocol: new("-1")}, "MissingParameter", ""},
	} {
		fails(f, f.AuthorizeSecurityGroupIngress, allow(c.p), c.code, c.message)
	}
	fails(f, f.AuthorizeSecurityGroupEgress, &ec2api.AuthorizeSecurityGroupEgressInput{GroupId: &web, IpPermissions: []ec2api.IpPermission{from("-1", 0, 0, "0.0.0.0/0")}},
		"InvalidPermission.Duplicate", `the specified rule "peer: 0.0.0.0/0, ALL, ALLOW" already exists`)
	fails(f, f.RevokeSecurityGroupIngress, &ec2api.RevokeSecurityGroupIngressInput{GroupId: &web, IpPermissions: []ec2api.IpPermission{from("tcp", 80, 80, "0.0.0.0/0"), from("tcp", 99, 99, "0.0.0.0/0")}},
		"InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
	fails(f, f.RevokeSecurityGroupIngress, &ec2api.RevokeSecurityGroupIngressInput{GroupId: &web}, "MissingParameter", "Either 'ipPermissions' or 'securityGroupRuleIds' should be provided.")
	fails(f, f.RevokeSecurityGroupIngress, &ec2api.RevokeSecurityGroupIngressInput{GroupId: &web, SecurityGroupRuleIds: []string{"sgr-01234567"}},
		"InvalidSecurityGroupRuleId.NotFound", "The security group rule ID 'sgr-01234567' does not exist")
	if g := do(f, f.DescribeSecurityGroups, &ec2api.DescribeSecurityGroupsInput{GroupIds: []string{web}}).SecurityGroups[0]; len(g.IpPermissions) != 3 {
		t.Errorf("what failed changed something: %+v", g.IpPermissions)
	}
}

// TestRevocationInADefaultVPC tells of rules that are not there instead of failing.
func TestRevocationInADefaultVPC(t *testing.T) {
	f := open(t)
	do(f, f.CreateSecurityGroup, &ec2api.CreateSecurityGroupInput{GroupName: new("web"), Description: new("web")})
	do(f, f.AuthorizeSecurityGroupIngress, &ec2api.AuthorizeSecurityGroupIngressInput{GroupName: new("web"), IpProtocol: new("tcp"), FromPort: port(80), ToPort: port(80), CidrIp: new("0.0.0.0/0")})
	out := do(f, f.RevokeSecurityGroupIngress, &ec2api.RevokeSecurityGroupIngressInput{GroupName: new("web"), IpPermissions: []ec2api.IpPermission{
		{IpProtocol: new("tcp"), FromPort: port(80), ToPort: port(80), IpRanges: []ec2api.IpRange{{CidrIp: new("0.0.0.0/0")}}},
		{IpProtocol: new("tcp"), FromPort: port(81), ToPort: port(81), IpRanges: []ec2api.IpRange{{CidrIp: new("0.0.0.0/0")}}},
	}})
	if len(out.RevokedSecurityGroupRules) != 1 || len(out.UnknownIpPermissions) != 1 || *out.UnknownIpPermissions[0].FromPort != 81 {
		t.Errorf("%+v", out)
	}
}
