package network

import "github.com/neargate/neargate/internal/state"

// Tables are the engine's rows. Indexes named "scope" list an account's rows of one region (see Scope).
type Tables struct {
	Homes            *state.Table[Home]
	VPCs             *state.Table[VPC]
	Subnets          *state.Table[Subnet]
	RouteTables      *state.Table[RouteTable]
	InternetGateways *state.Table[InternetGateway]
	NatGateways      *state.Table[NatGateway]
	Addresses        *state.Table[Address]
	Interfaces       *state.Table[Interface]
	Groups           *state.Table[SecurityGroup]
	Rules            *state.Table[SecurityGroupRule]
	PrefixLists      *state.Table[PrefixList]
	ACLs             *state.Table[ACL]
	DHCPOptions      *state.Table[DHCPOptions]
	Tags             *state.Table[TagSet]

	Status *state.Table[Status] // volatile: what the loop has made of interfaces
	blocks *state.Table[block]  // volatile: addresses in use, derived from the rows above
	usages *state.Table[usage]  // volatile: the same, counted
}

// NewTables adds the engine's tables to the schema.
func NewTables(s *state.Schema) *Tables {
	return &Tables{
		Homes: state.AddTable(s, "network.home", func(h *Home) string { return h.Scope.Key() }),
		VPCs: state.AddTable(s, "network.vpc", func(v *VPC) string { return v.ID },
			state.Index("scope", func(v *VPC) []string { return []string{v.Scope.Key()} })),
		Subnets: state.AddTable(s, "network.subnet", func(n *Subnet) string { return n.ID },
			state.Index("scope", func(n *Subnet) []string { return []string{n.Scope.Key()} }),
			state.Index("vpc", func(n *Subnet) []string { return []string{n.VPCID} })),
		RouteTables: state.AddTable(s, "network.routetable", func(t *RouteTable) string { return t.ID },
			state.Index("scope", func(t *RouteTable) []string { return []string{t.Scope.Key()} }),
			state.Index("vpc", func(t *RouteTable) []string { return []string{t.VPCID} }),
			state.Index("association", (*RouteTable).associationIDs),
			state.Index("subnet", (*RouteTable).subnetIDs),
			state.Index("target", (*RouteTable).targets)),
		InternetGateways: state.AddTable(s, "network.internetgateway", func(g *InternetGateway) string { return g.ID },
			state.Index("scope", func(g *InternetGateway) []string { return []string{g.Scope.Key()} }),
			state.Index("vpc", func(g *InternetGateway) []string { return present(g.VPCID) })),
		NatGateways: state.AddTable(s, "network.natgateway", func(g *NatGateway) string { return g.ID },
			state.Index("scope", func(g *NatGateway) []string { return []string{g.Scope.Key()} }),
			state.Index("vpc", func(g *NatGateway) []string { return []string{g.VPCID} })),
		Addresses: state.AddTable(s, "network.address", func(a *Address) string { return a.ID },
			state.Index("scope", func(a *Address) []string { return []string{a.Scope.Key()} }),
			state.Index("ip", func(a *Address) []string { return []string{a.PublicIP.String()} }),
			state.Index("association", func(a *Address) []string { return present(a.AssociationID) })),
		Interfaces: state.AddTable(s, "network.interface", func(i *Interface) string { return i.ID },
			state.Index("scope", func(i *Interface) []string { return []string{i.Scope.Key()} }),
			state.Index("vpc", func(i *Interface) []string { return []string{i.VPCID} }),
			state.Index("subnet", func(i *Interface) []string { return []string{i.SubnetID} }),
			state.Index("group", func(i *Interface) []string { return i.Groups }),
			state.Index("public", (*Interface).publicVPC),
			state.Index("realised", (*Interface).realisedVPC)),
		Groups: state.AddTable(s, "network.securitygroup", func(g *SecurityGroup) string { return g.ID },
			state.Index("scope", func(g *SecurityGroup) []string { return []string{g.Scope.Key()} }),
			state.Index("vpc", func(g *SecurityGroup) []string { return []string{g.VPCID} })),
		Rules: state.AddTable(s, "network.securitygrouprule", func(r *SecurityGroupRule) string { return r.ID },
			state.Index("scope", func(r *SecurityGroupRule) []string { return []string{r.Scope.Key()} }),
			state.Index("group", func(r *SecurityGroupRule) []string { return []string{r.GroupID} }),
			state.Index("peer", func(r *SecurityGroupRule) []string { return present(r.Peer.GroupID, r.Peer.PrefixListID) })),
		PrefixLists: state.AddTable(s, "network.prefixlist", func(p *PrefixList) string { return p.Scope.Key() + "/" + p.ID },
			state.Index("scope", func(p *PrefixList) []string { return []string{p.Scope.Key()} })),
		ACLs: state.AddTable(s, "network.acl", func(a *ACL) string { return a.ID },
			state.Index("scope", func(a *ACL) []string { return []string{a.Scope.Key()} }),
			state.Index("vpc", func(a *ACL) []string { return []string{a.VPCID} })),
		DHCPOptions: state.AddTable(s, "network.dhcpoptions", func(d *DHCPOptions) string { return d.ID },
			state.Index("scope", func(d *DHCPOptions) []string { return []string{d.Scope.Key()} })),
		Tags: state.AddTable(s, "network.tags", func(t *TagSet) string { return t.ResourceID },
			state.Index("scope", func(t *TagSet) []string { return []string{t.Scope.Key()} })),
		Status: state.AddTable(s, "network.status", func(s *Status) string { return s.InterfaceID }, state.Volatile[Status]()),
		blocks: state.AddTable(s, "network.addressblock", (*block).key, state.Volatile[block]()),
		usages: state.AddTable(s, "network.addressusage", func(u *usage) string { return u.Pool }, state.Volatile[usage]()),
	}
}

// present are the values that are not empty: an index lists a row only under what it has.
func present(values ...string) []string {
	var out []string
	for _, v := range values {
		if v != "" {
			out = append(out, v)
		}
	}
	return out
}
