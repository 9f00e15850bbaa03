// Package balancetest is the ground that tests of load balancing stand on: a VPC with three public subnets over an in-memory store, and
// engines without a kernel below them.
package balancetest

import (
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/cert"
	"github.com/neargate/neargate/internal/clock"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
)

// Scope is whose the ground is.
var Scope = network.Scope{Account: "123456789012", Region: "us-east-1"}

// Ground is a store with a network and load balancing.
type Ground struct {
	Journal      state.Journal
	Store        *state.Store
	Network      *network.Network
	Balance      *balance.Balance
	Certificates *cert.Tables

	VPC     *network.VPC
	Subnets []*network.Subnet // one in each of us-east-1a, b and c
	Group   *network.SecurityGroup
}

// New makes the ground.
func New(t testing.TB) *Ground {
	t.Helper()
	g := Open(t, state.Memory())
	g.Do(t, func(tx *state.Tx) error {
		var err error
		if g.VPC, err = g.Network.CreateVPC(tx, Scope, netip.MustParsePrefix("10.0.0.0/16")); err != nil {
			return err
		}
		for i, zone := range []string{"us-east-1a", "us-east-1b", "us-east-1c"} {
			cidr := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i), 0}), 24)
			s, err := g.Network.CreateSubnet(tx, Scope, network.SubnetSpec{VPCID: g.VPC.ID, CIDR: cidr, Zone: zone})
			if err != nil {
				return err
			}
			g.Subnets = append(g.Subnets, s)
		}
		if g.Group, err = g.Network.CreateSecurityGroup(tx, Scope, g.VPC.ID, "alb", "load balancer"); err != nil {
			return err
		}
		return g.Network.AttachInternetGateway(tx, Scope, g.Network.CreateInternetGateway(tx, Scope).ID, g.VPC.ID)
	})
	return g
}

// Open starts the engines over what a journal holds.
func Open(t testing.TB, j state.Journal) *Ground {
	t.Helper()
	schema := state.NewSchema()
	tables, networkTables, certificates := balance.NewTables(schema), network.NewTables(schema), cert.NewTables(schema)
	store, err := state.Open(t.Context(), schema, j)
	if err != nil {
		t.Fatal(err)
	}
	n, err := network.New(t.Context(), network.Config{
		Store: store, Tables: networkTables, Fabric: paths{}, Log: slog.New(slog.DiscardHandler), PublicPool: netip.MustParsePrefix("198.18.0.0/20"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &Ground{Journal: j, Store: store, Network: n, Balance: balance.New(tables, n, clock.Clock{}), Certificates: certificates}
}

// paths is a fabric that knows where namespaces would be and nothing else.
type paths struct{ network.Fabric }

func (paths) NamespacePath(id string) string { return "/run/netns/test-" + id }

// Do runs fn in a transaction that must succeed.
func (g *Ground) Do(t testing.TB, fn func(tx *state.Tx) error) {
	t.Helper()
	if err := g.Store.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// CookieKey is the key that seals cookies.
func (g *Ground) CookieKey(t testing.TB) (key []byte) {
	t.Helper()
	g.Do(t, func(tx *state.Tx) error {
		key = g.Balance.CookieKey(tx)
		return nil
	})
	return key
}

// Realise makes all interfaces real, as the network's loop would.
func (g *Ground) Realise(t testing.TB) {
	t.Helper()
	g.Do(t, func(tx *state.Tx) error {
		for i := range g.Network.Interfaces.All(tx, "") {
			g.Network.Status.Put(tx, &network.Status{InterfaceID: i.ID, VPCID: i.VPCID, Realised: true})
		}
		return nil
	})
}

// LoadBalancer makes an internet-facing Application Load Balancer in all subnets.
func (g *Ground) LoadBalancer(t testing.TB, name string) *balance.LoadBalancer {
	t.Helper()
	return g.loadBalancer(t, name, balance.TypeApplication)
}

// NetworkLoadBalancer makes an internet-facing Network Load Balancer in all subnets.
func (g *Ground) NetworkLoadBalancer(t testing.TB, name string) *balance.LoadBalancer {
	t.Helper()
	return g.loadBalancer(t, name, balance.TypeNetwork)
}

func (g *Ground) loadBalancer(t testing.TB, name, kind string) *balance.LoadBalancer {
	t.Helper()
	spec := balance.LoadBalancerSpec{
		Scope: Scope, Name: name, Type: kind, Scheme: balance.SchemeInternetFacing, SecurityGroups: []string{g.Group.ID}, Now: time.Now(),
	}
	for _, s := range g.Subnets {
		spec.Placements = append(spec.Placements, balance.Placement{SubnetID: s.ID})
	}
	var lb *balance.LoadBalancer
	g.Do(t, func(tx *state.Tx) (err error) {
		lb, err = g.Balance.CreateLoadBalancer(tx, spec)
		return err
	})
	return lb
}

// TargetGroup makes an HTTP target group of port 8080.
func (g *Ground) TargetGroup(t testing.TB, name string) *balance.TargetGroup {
	t.Helper()
	return g.TargetGroupOf(t, balance.TargetGroup{Name: name, Type: balance.TargetIP, Protocol: balance.ProtocolHTTP, ProtocolVersion: balance.VersionHTTP1, Port: 8080})
}

// TargetGroupOf makes a target group of what is filled in, with the default health check.
func (g *Ground) TargetGroupOf(t testing.TB, group balance.TargetGroup) *balance.TargetGroup {
	t.Helper()
	group.Scope, group.VPCID, group.CreatedAt = Scope, g.VPC.ID, time.Now()
	group.HealthCheck = balance.DefaultHealthCheck(&group, "")
	var made *balance.TargetGroup
	g.Do(t, func(tx *state.Tx) (err error) {
		made, err = g.Balance.CreateTargetGroup(tx, group, nil)
		return err
	})
	return made
}

// Listener makes an HTTP listener that forwards to target groups, with equal weights.
func (g *Ground) Listener(t testing.TB, lb *balance.LoadBalancer, port int, groups ...*balance.TargetGroup) *balance.Listener {
	t.Helper()
	return g.ListenerOf(t, balance.ListenerSpec{LoadBalancerARN: lb.ARN, Port: port, Protocol: balance.ProtocolHTTP, Action: Forward(groups...)})
}

// ListenerOf makes a listener.
func (g *Ground) ListenerOf(t testing.TB, spec balance.ListenerSpec) *balance.Listener {
	t.Helper()
	spec.Now = time.Now()
	var l *balance.Listener
	g.Do(t, func(tx *state.Tx) (err error) {
		l, err = g.Balance.CreateListener(tx, Scope, spec)
		return err
	})
	return l
}

// Forward is an action that forwards to target groups, with equal weights.
func Forward(groups ...*balance.TargetGroup) balance.Action {
	f := &balance.Forward{}
	for _, g := range groups {
		f.Groups = append(f.Groups, balance.WeightedGroup{TargetGroupARN: g.ARN, Weight: 1})
	}
	return balance.Action{Forward: f}
}
