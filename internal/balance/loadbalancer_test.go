package balance_test

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/balance/balancetest"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

func TestCreateLoadBalancer(t *testing.T) {
	g := balancetest.New(t)
	lb := g.LoadBalancer(t, "web")
	if !regexp.MustCompile(`^arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/[0-9a-f]{16}$`).MatchString(lb.ARN) {
		t.Errorf("ARN %s", lb.ARN)
	}
	if !regexp.MustCompile(`^web-[0-9]+\.us-east-1\.elb\.localhost$`).MatchString(lb.DNSName) {
		t.Errorf("DNS name %s", lb.DNSName)
	}
	if !lb.Loopback.IsLoopback() || lb.Loopback == netip.MustParseAddr("127.0.0.1") {
		t.Errorf("loopback address %s", lb.Loopback)
	}
	tx := g.Store.View()
	for i, n := range lb.Nodes {
		e, ok := g.Network.Interface(tx, n.InterfaceID)
		if !ok || e.SubnetID != g.Subnets[i].ID || n.Zone != g.Subnets[i].Zone || !e.PublicIP.IsValid() ||
			e.Description != "ELB app/web/"+lb.ID || e.RequesterID != "amazon-elb" || !e.RequesterManaged || !slices.Equal(e.Groups, []string{g.Group.ID}) {
			t.Errorf("node %+v has interface %+v", n, e)
		}
	}
	if again := g.LoadBalancer(t, "web"); again.ARN != lb.ARN {
		t.Error("the same request made another load balancer")
	}
}

func TestInternalLoadBalancer(t *testing.T) {
	g := balancetest.New(t)
	spec := balance.LoadBalancerSpec{Scope: balancetest.Scope, Name: "api", Type: balance.TypeApplication, Scheme: balance.SchemeInternal, Placements: balance.Placements(g.Subnets[0].ID, g.Subnets[1].ID), Now: time.Now()}
	g.Do(t, func(tx *state.Tx) error {
		lb, err := g.Balance.CreateLoadBalancer(tx, spec)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(lb.DNSName, "internal-api-") {
			t.Errorf("DNS name %s", lb.DNSName)
		}
		if !slices.Equal(lb.SecurityGroups, []string{g.VPC.DefaultGroupID}) {
			t.Errorf("security groups %v, want the VPC's default", lb.SecurityGroups)
		}
		if e, _ := g.Network.Interface(tx, lb.Nodes[0].InterfaceID); e.PublicIP.IsValid() {
			t.Error("a node has a public address")
		}
		return nil
	})
}

func TestCreateLoadBalancerErrors(t *testing.T) {
	g := balancetest.New(t)
	g.LoadBalancer(t, "web")
	var private, small []*network.Subnet
	var foreign string
	g.Do(t, func(tx *state.Tx) error {
		other, err := g.Network.CreateVPC(tx, balancetest.Scope, netip.MustParsePrefix("10.9.0.0/16"))
		if err != nil {
			return err
		}
		foreign = other.DefaultGroupID
		for i, cidr := range []string{"10.9.0.0/24", "10.9.1.0/24"} {
			s, err := g.Network.CreateSubnet(tx, balancetest.Scope, network.SubnetSpec{VPCID: other.ID, CIDR: netip.MustParsePrefix(cidr), Zone: g.Subnets[i].Zone})
			if err != nil {
				return err
			}
			private = append(private, s)
		}
		s, err := g.Network.CreateSubnet(tx, balancetest.Scope, network.SubnetSpec{VPCID: g.VPC.ID, CIDR: netip.MustParsePrefix("10.0.9.0/28"), Zone: "us-east-1d"})
		small = append(small, s)
		for range 4 {
			if _, err := g.Network.CreateInterface(tx, network.InterfaceSpec{Account: s.Account, Region: s.Region, SubnetID: s.ID}); err != nil {
				return err
			}
		}
		return err
	})
	a, b := g.Subnets[0].ID, g.Subnets[1].ID
	for _, c := range []struct {
		name    string
		subnets []string
		groups  []string
		want    string
	}{
		{"same", []string{a, b}, nil, "DuplicateLoadBalancerName: A load balancer with the same name 'web' exists, but with different settings"},
		{"none", nil, nil, "ValidationError: At least two subnets in two different Availability Zones must be specified"},
		{"one", []string{a}, nil, "ValidationError: At least two subnets in two different Availability Zones must be specified"},
		{"twice", []string{a, a}, nil, "ValidationError: At least two subnets in two different Availability Zones must be specified"},
		{"unknown", []string{a, "subnet-0123"}, nil, "SubnetNotFound: The subnet ID 'subnet-0123' does not exist"},
		{"zone", []string{a, private[0].ID}, nil, "InvalidConfigurationRequest: A load balancer cannot be attached to multiple subnets in the same Availability Zone"},
		{"vpcs", []string{a, private[1].ID}, nil, "InvalidConfigurationRequest: All subnets must belong to the same VPC: '"},
		{"private", []string{private[0].ID, private[1].ID}, nil, "InvalidSubnet: VPC " + private[0].VPCID + " has no internet gateway"},
		{"full", []string{a, small[0].ID}, nil, "InvalidSubnet: Not enough IP space available in " + small[0].ID + ". ELB requires at least 8 free IP addresses in each subnet."},
		{"group", []string{a, b}, []string{"sg-0123"}, "InvalidConfigurationRequest: One or more security groups are invalid"},
		{"foreign", []string{a, b}, []string{foreign}, "InvalidConfigurationRequest: Security group '" + foreign + "' does not belong to VPC '"},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := c.name
			if name == "same" {
				name = "web"
			}
			err := g.Store.Update(t.Context(), func(tx *state.Tx) error {
				_, err := g.Balance.CreateLoadBalancer(tx, balance.LoadBalancerSpec{
					Scope: balancetest.Scope, Name: name, Type: balance.TypeApplication, Scheme: balance.SchemeInternetFacing, Placements: balance.Placements(c.subnets...), SecurityGroups: c.groups, Now: time.Now(),
				})
				return err
			})
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestSetSubnetsKeepsNodesThatStay(t *testing.T) {
	g := balancetest.New(t)
	lb := g.LoadBalancer(t, "web")
	var changed *balance.LoadBalancer
	g.Do(t, func(tx *state.Tx) (err error) {
		changed, err = g.Balance.SetSubnets(tx, balancetest.Scope, lb.ARN, balance.Placements(g.Subnets[2].ID, g.Subnets[0].ID))
		return err
	})
	if len(changed.Nodes) != 2 || changed.Nodes[0] != lb.Nodes[0] || changed.Nodes[1] != lb.Nodes[2] {
		t.Errorf("nodes %+v, want the first and last of %+v", changed.Nodes, lb.Nodes)
	}
	if _, there := g.Network.Interface(g.Store.View(), lb.Nodes[1].InterfaceID); there {
		t.Error("the interface of the node that left is there")
	}
}

func TestDeleteLoadBalancer(t *testing.T) {
	g := balancetest.New(t)
	tg := g.TargetGroup(t, "web")
	lb := g.LoadBalancer(t, "web")
	g.Listener(t, lb, 80, tg)
	remove := func() error {
		return g.Store.Update(t.Context(), func(tx *state.Tx) error { return g.Balance.DeleteLoadBalancer(tx, balancetest.Scope, lb.ARN) })
	}
	g.Do(t, func(tx *state.Tx) error {
		a := lb.Attributes
		a.DeletionProtection = true
		lb = g.Balance.SetAttributes(tx, lb, a)
		return nil
	})
	if err := remove(); err == nil || err.Error() != "OperationNotPermitted: Load balancer '"+lb.ARN+"' cannot be deleted because deletion protection is enabled" {
		t.Errorf("got %v", err)
	}
	g.Do(t, func(tx *state.Tx) error {
		g.Balance.SetAttributes(tx, lb, balance.DefaultAttributes(balance.TypeApplication))
		return nil
	})
	for range 2 { // the second time there is nothing, which is fine
		if err := remove(); err != nil {
			t.Fatal(err)
		}
	}
	tx := g.Store.View()
	if n := g.Balance.LoadBalancers.Len(tx) + g.Balance.Listeners.Len(tx) + g.Balance.Rules.Len(tx) + g.Network.Interfaces.Len(tx); n != 0 {
		t.Errorf("%d rows left", n)
	}
	if g.Balance.InUse(tx, tg.ARN) {
		t.Error("target group still in use")
	}
}
