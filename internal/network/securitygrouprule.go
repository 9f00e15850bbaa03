package network

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/state"
)

// ProtocolAll stands for every protocol.
const ProtocolAll = "-1"

// SecurityGroupRule admits traffic between the group's interfaces and one peer. Both generations of EC2's API read and
// write these rows: a permission of the older one with three ranges is three rules.
type SecurityGroupRule struct {
	Scope
	ID          string
	GroupID     string
	Egress      bool
	Protocol    string // "tcp", "udp", "icmp", "icmpv6", "-1", or a number
	FromPort    int    // ICMP: type
	ToPort      int    // ICMP: code
	Peer        Peer
	Description string
}

// Peer is the other end of a rule: exactly one of its fields is set.
//
// IPv6 blocks are kept and read back, since configurations for AWS name ::/0 all the time; they match nothing, as no interface has
// an IPv6 address.
type Peer struct {
	CIDR         netip.Prefix
	CIDR6        netip.Prefix
	PrefixListID string
	GroupID      string
}

var anywhere = Peer{CIDR: netip.MustParsePrefix("0.0.0.0/0")}

func (p Peer) String() string {
	switch {
	case p.CIDR.IsValid():
		return p.CIDR.String()
	case p.CIDR6.IsValid():
		return p.CIDR6.String()
	}
	return p.PrefixListID + p.GroupID
}

// IPv4Peer, and IPv6Peer, read a peer that is a block, and take it to its canonical form.
func IPv4Peer(s string) (Peer, error) {
	p, err := parseRuleCIDR(s, false)
	return Peer{CIDR: p}, err
}

// IPv6Peer is IPv4Peer for IPv6.
func IPv6Peer(s string) (Peer, error) {
	p, err := parseRuleCIDR(s, true)
	return Peer{CIDR6: p}, err
}

// RuleSpec is a rule without identity.
type RuleSpec struct {
	Egress           bool
	Protocol         string
	FromPort, ToPort int
	Peer             Peer
	Description      string
}

// ARN of the rule.
func (r *SecurityGroupRule) ARN() string {
	return arn.New("ec2", r.Region, r.Account, "security-group-rule/"+r.ID)
}

func (r *SecurityGroupRule) spec() RuleSpec {
	return RuleSpec{r.Egress, r.Protocol, r.FromPort, r.ToPort, r.Peer, r.Description}
}

// same says whether two rules admit the same traffic. Their descriptions do not matter.
func (s RuleSpec) same(o RuleSpec) bool {
	s.Description, o.Description = "", ""
	return s == o
}

// String is the rule as EC2's errors quote it.
func (s RuleSpec) String() string {
	switch s.Protocol {
	case ProtocolAll:
		return fmt.Sprintf("peer: %s, ALL, ALLOW", s.Peer)
	case "icmp", "icmpv6":
		return fmt.Sprintf("peer: %s, %s, type: %s, code: %s, ALLOW", s.Peer, strings.ToUpper(s.Protocol), orAll(s.FromPort), orAll(s.ToPort))
	case "tcp", "udp":
		return fmt.Sprintf("peer: %s, %s, from port: %d, to port: %d, ALLOW", s.Peer, strings.ToUpper(s.Protocol), s.FromPort, s.ToPort)
	}
	return fmt.Sprintf("peer: %s, protocol: %s, ALLOW", s.Peer, s.Protocol)
}

func orAll(n int) string {
	if n < 0 {
		return "ALL"
	}
	return strconv.Itoa(n)
}

// ParsePorts reads protocol and ports of a permission the way EC2 does, nil for what is absent.
func ParsePorts(protocol string, from, to *int32) (name string, fromPort, toPort int, err error) {
	name, err = parseProtocol(protocol)
	if err != nil {
		return "", 0, 0, err
	}
	switch name {
	case "tcp", "udp":
		if from == nil || to == nil {
			return "", 0, 0, ErrInvalid.New("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.")
		}
		fromPort, toPort = int(*from), int(*to)
		if fromPort < 0 || fromPort > 65535 || toPort < 0 || toPort > 65535 {
			return "", 0, 0, ErrInvalid.New("%s port (%d) out of range", strings.ToUpper(name), outOf(fromPort, toPort))
		}
		if fromPort > toPort {
			return "", 0, 0, ErrInvalid.New("Invalid %s port range. 'from' port (%d) must be less than or equal to 'to' port (%d).", strings.ToUpper(name), fromPort, toPort)
		}
	case "icmp", "icmpv6":
		fromPort, toPort = -1, -1
		if from != nil {
			fromPort = int(*from)
		}
		if to != nil {
			toPort = int(*to)
		}
		if fromPort < -1 || fromPort > 255 {
			return "", 0, 0, ErrInvalid.New("ICMP type (%d) out of range", fromPort)
		}
		if toPort < -1 || toPort > 255 || fromPort == -1 && toPort != -1 {
			return "", 0, 0, ErrInvalid.New("ICMP code (%d) out of range", toPort)
		}
	default: // ports mean nothing to other protocols
		fromPort, toPort = -1, -1
		if name != ProtocolAll && from != nil && to != nil {
			fromPort, toPort = int(*from), int(*to)
		}
	}
	return name, fromPort, toPort, nil
}

func outOf(from, to int) int {
	if from < 0 || from > 65535 {
		return from
	}
	return to
}

func parseProtocol(s string) (string, error) {
	switch strings.ToLower(s) {
	case "tcp", "6":
		return "tcp", nil
	case "udp", "17":
		return "udp", nil
	case "icmp", "1":
		return "icmp", nil
	case "icmpv6", "58":
		return "icmpv6", nil
	case "all", "-1":
		return ProtocolAll, nil
	case "":
		return "", ErrMissing.New("The request must contain the parameter ipProtocol")
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 255 {
		return "", ErrInvalid.New("Invalid value '%s' for IP protocol. Unknown protocol.", s)
	}
	return strconv.Itoa(n), nil
}

// number is the IP protocol's number, -1 for all.
func (r *SecurityGroupRule) number() int {
	switch r.Protocol {
	case "tcp":
		return 6
	case "udp":
		return 17
	case "icmp":
		return 1
	case "icmpv6":
		return 58
	}
	n, _ := strconv.Atoi(r.Protocol)
	return n
}

// SecurityGroupRule finds a rule of the scope.
func (t *Tables) SecurityGroupRule(tx *state.Tx, scope Scope, id string) (*SecurityGroupRule, error) {
	r, ok := t.Rules.Get(tx, id)
	if !ok || r.Scope != scope {
		if !isID("sgr", id) {
			return nil, class("InvalidSecurityGroupRuleId.Malformed").New("Invalid id: \"%s\" (expecting \"sgr-...\")", id)
		}
		return nil, ErrRuleNotFound.New("The security group rule ID '%s' does not exist", id)
	}
	return r, nil
}

// RulesOf are the rules of a group in one direction, oldest id first.
func (t *Tables) RulesOf(tx *state.Tx, groupID string, egress bool) []*SecurityGroupRule {
	var out []*SecurityGroupRule
	for r := range t.Rules.By(tx, "group", groupID) {
		if r.Egress == egress {
			out = append(out, r)
		}
	}
	return out
}

// ruleDescription is what rule descriptions may consist of.
const ruleDescription = `a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*`

func checkDescription(s string) error {
	if len(s) > 255 || !groupText.MatchString(s) {
		return ErrInvalid.New("Invalid rule description. Valid descriptions are strings less than 256 characters from the following set: %s", ruleDescription)
	}
	return nil
}

// AuthorizeRules adds rules to a group: all of them or none.
func (t *Tables) AuthorizeRules(tx *state.Tx, g *SecurityGroup, specs []RuleSpec) ([]*SecurityGroupRule, error) {
	have := map[RuleSpec]bool{}
	for r := range t.Rules.By(tx, "group", g.ID) {
		have[r.identity()] = true
	}
	asked := map[RuleSpec]bool{}
	for _, s := range specs {
		if err := t.checkRule(tx, g, s); err != nil {
			return nil, err
		}
		s.Description = ""
		if asked[s] {
			return nil, ErrInvalid.New("The same permission must not appear multiple times")
		}
		if have[s] {
			return nil, ErrDuplicateRule.New("the specified rule \"%s\" already exists", s)
		}
		asked[s] = true
	}
	var out []*SecurityGroupRule
	for _, s := range specs {
		out = append(out, t.putRule(tx, g, s))
	}
	return out, nil
}

func (r *SecurityGroupRule) identity() RuleSpec {
	s := r.spec()
	s.Description = ""
	return s
}

func (t *Tables) putRule(tx *state.Tx, g *SecurityGroup, s RuleSpec) *SecurityGroupRule {
	r := &SecurityGroupRule{
		Scope: g.Scope, ID: NewID("sgr"), GroupID: g.ID, Egress: s.Egress, Protocol: s.Protocol,
		FromPort: s.FromPort, ToPort: s.ToPort, Peer: s.Peer, Description: s.Description,
	}
	t.Rules.Put(tx, r)
	return r
}

// checkRule says why the group can not have the rule.
func (t *Tables) checkRule(tx *state.Tx, g *SecurityGroup, s RuleSpec) error {
	if err := checkDescription(s.Description); err != nil {
		return err
	}
	if s.Peer.GroupID != "" {
		peer, err := t.SecurityGroup(tx, g.Scope, s.Peer.GroupID)
		if err != nil {
			return err
		}
		if peer.VPCID != g.VPCID {
			return ErrGroupNotFound.New("You have specified two resources that belong to different networks.")
		}
	}
	if s.Peer.PrefixListID != "" {
		if _, err := t.PrefixList(tx, g.Scope, s.Peer.PrefixListID); err != nil {
			return err
		}
	}
	return nil
}

// RevokeRules removes the rules that admit what the specs say, and returns the specs which no rule matches.
func (t *Tables) RevokeRules(tx *state.Tx, g *SecurityGroup, specs []RuleSpec) (revoked []*SecurityGroupRule, unknown []RuleSpec) {
	have := map[RuleSpec]*SecurityGroupRule{}
	for r := range t.Rules.By(tx, "group", g.ID) {
		have[r.identity()] = r
	}
	for _, s := range specs {
		s.Description = ""
		r, ok := have[s]
		if !ok {
			unknown = append(unknown, s)
			continue
		}
		delete(have, s)
		t.removeRule(tx, r.ID)
		revoked = append(revoked, r)
	}
	return revoked, unknown
}

// RevokeRuleIDs removes rules of one direction by their ids.
func (t *Tables) RevokeRuleIDs(tx *state.Tx, g *SecurityGroup, egress bool, ids []string) ([]*SecurityGroupRule, error) {
	var out []*SecurityGroupRule
	for _, id := range ids {
		r, err := t.SecurityGroupRule(tx, g.Scope, id)
		if err != nil {
			return nil, err
		}
		if r.GroupID != g.ID || r.Egress != egress {
			return nil, ErrRuleNotFound.New("The security group rule ID '%s' does not exist", id)
		}
		out = append(out, r)
	}
	for _, r := range out {
		t.removeRule(tx, r.ID)
	}
	return out, nil
}

func (t *Tables) removeRule(tx *state.Tx, id string) {
	t.Rules.Delete(tx, id)
	t.Tags.Delete(tx, id)
}

// ModifyRule gives a rule new content under the same id. Its direction stays.
func (t *Tables) ModifyRule(tx *state.Tx, g *SecurityGroup, id string, s RuleSpec) error {
	r, err := t.SecurityGroupRule(tx, g.Scope, id)
	if err != nil {
		return err
	}
	if r.GroupID != g.ID {
		return ErrRuleNotFound.New("The security group rule ID '%s' does not exist", id)
	}
	s.Egress = r.Egress
	if err := t.checkRule(tx, g, s); err != nil {
		return err
	}
	for other := range t.Rules.By(tx, "group", g.ID) {
		if other.ID != id && other.spec().same(s) {
			return ErrDuplicateRule.New("the specified rule \"%s\" already exists", s)
		}
	}
	c := *r
	c.Protocol, c.FromPort, c.ToPort, c.Peer, c.Description = s.Protocol, s.FromPort, s.ToPort, s.Peer, s.Description
	t.Rules.Put(tx, &c)
	return nil
}

// DescribeRule changes the description of a rule.
func (t *Tables) DescribeRule(tx *state.Tx, r *SecurityGroupRule, description string) error {
	if err := checkDescription(description); err != nil {
		return err
	}
	c := *r
	c.Description = description
	t.Rules.Put(tx, &c)
	return nil
}

// FindRule is the group's rule that admits what the spec says.
func (t *Tables) FindRule(tx *state.Tx, g *SecurityGroup, s RuleSpec) (*SecurityGroupRule, bool) {
	for r := range t.Rules.By(tx, "group", g.ID) {
		if r.spec().same(s) {
			return r, true
		}
	}
	return nil, false
}
