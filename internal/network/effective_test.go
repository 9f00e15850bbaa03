package network

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/internal/state"
)

// town is a VPC with a public and a private subnet, an internet gateway, and a NAT gateway in the public subnet.
type town struct {
	vpc             *VPC
	public, private *Subnet
	publicTable     *RouteTable
	privateTable    *RouteTable
	gateway         *InternetGateway
	nat             *NatGateway
}

func build(t fatal, n *Network, tx *state.Tx) town {
	t.Helper()
	var w town
	w.vpc = must[*VPC](t)(n.CreateVPC(tx, testScope, prefix("10.0.0.0/16")))
	w.public = must[*Subnet](t)(n.CreateSubnet(tx, testScope, SubnetSpec{VPCID: w.vpc.ID, CIDR: prefix("10.0.0.0/24")}))
	w.private = must[*Subnet](t)(n.CreateSubnet(tx, testScope, SubnetSpec{VPCID: w.vpc.ID, CIDR: prefix("10.0.1.0/24")}))
	w.publicTable = must[*RouteTable](t)(n.CreateRouteTable(tx, testScope, w.vpc.ID))
	w.privateTable = must[*RouteTable](t)(n.CreateRouteTable(tx, testScope, w.vpc.ID))
	must[*RouteTableAssociation](t)(n.AssociateRouteTable(tx, testScope, w.publicTable.ID, w.public.ID))
	must[*RouteTableAssociation](t)(n.AssociateRouteTable(tx, testScope, w.privateTable.ID, w.private.ID))
	w.gateway = n.CreateInternetGateway(tx, testScope)
	ok(t, n.AttachInternetGateway(tx, testScope, w.gateway.ID, w.vpc.ID))
	ok(t, n.CreateRoute(tx, testScope, w.publicTable.ID, TableRoute{CIDR: prefix("0.0.0.0/0"), Target: w.gateway.ID}))
	eip := must[*Address](t)(n.AllocateAddress(tx, testScope))
	w.nat = must[*NatGateway](t)(n.CreateNatGateway(tx, testScope, NatGatewaySpec{SubnetID: w.public.ID, AllocationID: eip.ID}))
	ok(t, n.stepNat(tx, w.nat, w.nat.Created))
	w.nat, _ = n.NatGateways.Get(tx, w.nat.ID)
	ok(t, n.CreateRoute(tx, testScope, w.privateTable.ID, TableRoute{CIDR: prefix("0.0.0.0/0"), Target: w.nat.ID}))
	return w
}

func ok(t fatal, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestEffectiveRoutes(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(t fatal, n *Network, tx *state.Tx, w town)
		of     func(w town) *Subnet
		want   map[string]RouteTarget
	}{
		{
			name: "public subnet", of: func(w town) *Subnet { return w.public },
			want: map[string]RouteTarget{"10.0.0.0/16": RouteLocal, "0.0.0.0/0": RouteInternet},
		},
		{
			name: "private subnet", of: func(w town) *Subnet { return w.private },
			want: map[string]RouteTarget{"10.0.0.0/16": RouteLocal, "0.0.0.0/0": RouteNAT},
		},
		{
			name: "no association: the main table decides", of: func(w town) *Subnet { return w.private },
			change: func(t fatal, n *Network, tx *state.Tx, w town) {
				rt, _ := n.RouteTables.Get(tx, w.privateTable.ID)
				ok(t, n.DisassociateRouteTable(tx, testScope, rt.Associations[0].ID))
			},
			want: map[string]RouteTarget{"10.0.0.0/16": RouteLocal},
		},
		{
			name: "another table made the main one", of: func(w town) *Subnet { return w.private },
			change: func(t fatal, n *Network, tx *state.Tx, w town) {
				rt, _ := n.RouteTables.Get(tx, w.privateTable.ID)
				ok(t, n.DisassociateRouteTable(tx, testScope, rt.Associations[0].ID))
				must[*RouteTableAssociation](t)(n.ReplaceRouteTableAssociation(tx, testScope, w.vpc.MainAssociation, w.publicTable.ID))
			},
			want: map[string]RouteTarget{"10.0.0.0/16": RouteLocal, "0.0.0.0/0": RouteInternet},
		},
		{
			name: "internet gateway detached", of: func(w town) *Subnet { return w.public },
			change: func(t fatal, n *Network, tx *state.Tx, w town) {
				ok(t, n.DeleteNatGateway(tx, testScope, w.nat.ID))
				g, _ := n.NatGateways.Get(tx, w.nat.ID)
				ok(t, n.stepNat(tx, g, g.Created))
				ok(t, n.DetachInternetGateway(tx, testScope, w.gateway.ID, w.vpc.ID))
			},
			want: map[string]RouteTarget{"10.0.0.0/16": RouteLocal, "0.0.0.0/0": RouteBlackhole},
		},
		{
			name: "NAT gateway deleted", of: func(w town) *Subnet { return w.private },
			change: func(t fatal, n *Network, tx *state.Tx, w town) { ok(t, n.DeleteNatGateway(tx, testScope, w.nat.ID)) },
			want:   map[string]RouteTarget{"10.0.0.0/16": RouteLocal, "0.0.0.0/0": RouteBlackhole},
		},
		{
			name: "NAT gateway in a subnet that leads nowhere", of: func(w town) *Subnet { return w.private },
			change: func(t fatal, n *Network, tx *state.Tx, w town) {
				ok(t, n.DeleteRoute(tx, testScope, w.publicTable.ID, TableRoute{CIDR: prefix("0.0.0.0/0")}))
			},
			want: map[string]RouteTarget{"10.0.0.0/16": RouteLocal, "0.0.0.0/0": RouteBlackhole},
		},
		{
			name: "NAT gateway in a private subnet of its own", of: func(w town) *Subnet { return w.private },
			change: func(t fatal, n *Network, tx *state.Tx, w town) {
				ok(t, n.ReplaceRoute(tx, testScope, w.publicTable.ID, TableRoute{CIDR: prefix("0.0.0.0/0"), Target: w.nat.ID}))
			},
			want: map[string]RouteTarget{"10.0.0.0/16": RouteLocal, "0.0.0.0/0": RouteBlackhole},
		},
		{
			name: "NAT gateway's subnet knows only a part of the way", of: func(w town) *Subnet { return w.private },
			change: func(t fatal, n *Network, tx *state.Tx, w town) {
				ok(t, n.DeleteRoute(tx, testScope, w.publicTable.ID, TableRoute{CIDR: prefix("0.0.0.0/0")}))
				ok(t, n.CreateRoute(tx, testScope, w.publicTable.ID, TableRoute{CIDR: prefix("203.0.113.0/24"), Target: w.gateway.ID}))
			},
			want: map[string]RouteTarget{"10.0.0.0/16": RouteLocal, "0.0.0.0/0": RouteBlackhole, "203.0.113.0/24": RouteNAT},
		},
		{
			name: "the sending subnet's own more specific route stands", of: func(w town) *Subnet { return w.private },
			change: func(t fatal, n *Network, tx *state.Tx, w town) {
				ok(t, n.CreateRoute(tx, testScope, w.privateTable.ID, TableRoute{CIDR: prefix("203.0.0.0/16"), Target: w.gateway.ID}))
				ok(t, n.CreateRoute(tx, testScope, w.publicTable.ID, TableRoute{CIDR: prefix("203.0.113.0/24"), Target: w.gateway.ID}))
			},
			want: map[string]RouteTarget{"10.0.0.0/16": RouteLocal, "0.0.0.0/0": RouteNAT, "203.0.0.0/16": RouteInternet},
		},
		{
			name: "prefix list", of: func(w town) *Subnet { return w.private },
			change: func(t fatal, n *Network, tx *state.Tx, w town) {
				p := must[*PrefixList](t)(n.CreatePrefixList(tx, testScope, PrefixListSpec{
					Name: "partners", Family: "IPv4", MaxEntries: 5,
					Entries: []PrefixListEntry{{CIDR: prefix("192.0.2.0/24")}, {CIDR: prefix("198.51.100.0/24")}, {CIDR: prefix("0.0.0.0/0")}},
				}))
				ok(t, n.CreateRoute(tx, testScope, w.privateTable.ID, TableRoute{PrefixListID: p.ID, Target: w.gateway.ID}))
			},
			want: map[string]RouteTarget{
				"10.0.0.0/16": RouteLocal, "0.0.0.0/0": RouteNAT, "192.0.2.0/24": RouteInternet, "198.51.100.0/24": RouteInternet,
			},
		},
		{
			name: "interface in use, and one that is idle", of: func(w town) *Subnet { return w.private },
			change: func(t fatal, n *Network, tx *state.Tx, w town) {
				used := must[*Interface](t)(n.CreateInterface(tx, spec(w.public)))
				idle := spec(w.public)
				idle.Idle = true
				unused := must[*Interface](t)(n.CreateInterface(tx, idle))
				ok(t, n.CreateRoute(tx, testScope, w.privateTable.ID, TableRoute{CIDR: prefix("192.0.2.0/24"), Target: used.ID}))
				ok(t, n.CreateRoute(tx, testScope, w.privateTable.ID, TableRoute{CIDR: prefix("198.51.100.0/24"), Target: unused.ID}))
			},
			want: map[string]RouteTarget{
				"10.0.0.0/16": RouteLocal, "0.0.0.0/0": RouteNAT, "192.0.2.0/24": RouteInterface, "198.51.100.0/24": RouteBlackhole,
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, store := open(t, nil)
			update(t, store, func(tx *state.Tx) {
				w := build(t, n, tx)
				if c.change != nil {
					c.change(t, n, tx, w)
				}
				got := map[string]RouteTarget{}
				for _, r := range n.effectiveRoutes(tx, c.of(w)) {
					got[r.Destination.String()] = r.Via
				}
				if d := cmp.Diff(c.want, got); d != "" {
					t.Error(d)
				}
			})
		})
	}
}

func spec(s *Subnet, groups ...string) InterfaceSpec {
	return InterfaceSpec{Account: s.Account, Region: s.Region, SubnetID: s.ID, GroupIDs: groups, RequesterID: "amazon-ecs", RequesterManaged: true}
}

func TestVPCConfig(t *testing.T) {
	n, store := open(t, nil)
	update(t, store, func(tx *state.Tx) {
		w := build(t, n, tx)
		s := spec(w.public)
		s.AssignPublicIP = true
		i := must[*Interface](t)(n.CreateInterface(tx, s))
		c := n.vpcConfig(tx, w.vpc)
		if !c.Uplink || c.DNS != netip.MustParseAddr("10.0.0.2") || len(c.Subnets) != 2 {
			t.Errorf("%+v", c)
		}
		if want := []PublicAddress{{i.PublicIP, i.PrivateIP}}; !cmp.Equal(want, c.Public, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })) {
			t.Errorf("public addresses %v, want %v: a NAT gateway's address is not mapped to its interface", c.Public, want)
		}
		for _, s := range c.Subnets {
			for _, r := range s.Routes {
				if r.Via == RouteNAT && (r.NatPublic != w.nat.PublicIP || r.NatPrivate != w.nat.PrivateIP) {
					t.Errorf("%+v, want %s and %s", r, w.nat.PublicIP, w.nat.PrivateIP)
				}
			}
		}
	})
}

func TestGroupConfig(t *testing.T) {
	n, store := open(t, nil)
	update(t, store, func(tx *state.Tx) {
		w := build(t, n, tx)
		web := must[*SecurityGroup](t)(n.CreateSecurityGroup(tx, testScope, w.vpc.ID, "web", "web"))
		lb := must[*SecurityGroup](t)(n.CreateSecurityGroup(tx, testScope, w.vpc.ID, "lb", "lb"))
		list := must[*PrefixList](t)(n.CreatePrefixList(tx, testScope, PrefixListSpec{
			Name: "office", Family: "IPv4", MaxEntries: 2, Entries: []PrefixListEntry{{CIDR: prefix("192.0.2.0/24")}},
		}))
		http := func(p Peer) RuleSpec { return RuleSpec{Protocol: "tcp", FromPort: 80, ToPort: 80, Peer: p} }
		must[[]*SecurityGroupRule](t)(n.AuthorizeRules(tx, web, []RuleSpec{
			http(Peer{CIDR: prefix("10.0.0.0/8")}), http(Peer{GroupID: lb.ID}), http(Peer{GroupID: web.ID}), http(Peer{PrefixListID: list.ID}),
			http(Peer{CIDR6: prefix("::/0")}),
			{Protocol: "icmp", FromPort: 8, ToPort: -1, Peer: Peer{CIDR: prefix("0.0.0.0/0")}},
			{Protocol: "icmpv6", FromPort: -1, ToPort: -1, Peer: Peer{CIDR6: prefix("::/0")}},
		}))
		i := must[*Interface](t)(n.CreateInterface(tx, spec(w.private, web.ID)))
		got := n.groupConfig(tx, web)
		groups := []string{lb.ID, web.ID}
		if lb.ID > web.ID {
			groups = []string{web.ID, lb.ID}
		}
		want := GroupConfig{
			ID: web.ID, VPC: w.vpc.ID, Members: []netip.Addr{i.PrivateIP},
			Ingress: []Rule{
				{Protocol: 1, FromPort: 8, ToPort: -1, CIDRs: []netip.Prefix{prefix("0.0.0.0/0")}},
				{Protocol: 6, FromPort: 80, ToPort: 80, CIDRs: []netip.Prefix{prefix("10.0.0.0/8"), prefix("192.0.2.0/24")}, Groups: groups},
			},
			Egress: []Rule{{Protocol: -1, FromPort: -1, ToPort: -1, CIDRs: []netip.Prefix{prefix("0.0.0.0/0")}}},
		}
		if d := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); d != "" {
			t.Error(d)
		}
	})
}
