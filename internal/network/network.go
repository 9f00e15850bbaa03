package network

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"

	"github.com/neargate/neargate/internal/clock"
	"github.com/neargate/neargate/internal/state"
)

// Network is the engine. Its methods that take a transaction read and write rows in it; Run and Realise work on the Fabric.
type Network struct {
	*Tables
	store   *state.Store
	fabric  Fabric
	clock   clock.Clock
	log     *slog.Logger
	public  pool
	routers routers
	adopted chan struct{} // closed once the fabric knows what to leave running
}

// Config is what a Network stands on.
type Config struct {
	Store  *state.Store
	Tables *Tables
	Fabric Fabric
	Clock  clock.Clock
	Log    *slog.Logger

	// PublicPool is where Elastic IP addresses and other public addresses come from. Platforms that run side by
	// side on one machine need pools that do not overlap.
	PublicPool netip.Prefix
}

// New makes the engine and counts the addresses that rows of the store hold.
func New(ctx context.Context, c Config) (*Network, error) {
	if !c.PublicPool.IsValid() || !c.PublicPool.Addr().Is4() {
		return nil, fmt.Errorf("network: public pool %q: not an IPv4 block", c.PublicPool)
	}
	n := &Network{
		Tables: c.Tables, store: c.Store, fabric: c.Fabric, clock: c.Clock, log: c.Log, public: publicPool(c.PublicPool),
		adopted: make(chan struct{}),
	}
	if err := c.Store.Update(ctx, n.count); err != nil {
		return nil, fmt.Errorf("network: count addresses: %w", err)
	}
	return n, nil
}

// count writes the books of all pools. Public addresses outside of the pool, which was another one then, stay what they are.
func (n *Network) count(tx *state.Tx) error {
	pools := map[string]pool{}
	for s := range n.Subnets.All(tx, "") {
		pools[s.ID] = subnetPool(s)
	}
	for i := range n.Interfaces.All(tx, "") {
		if p, ok := pools[i.SubnetID]; ok {
			n.claim(tx, p, i.PrivateIP)
		}
		if i.AllocationID == "" && i.PublicIP.IsValid() && n.public.contains(i.PublicIP) {
			n.claim(tx, n.public, i.PublicIP)
		}
	}
	for a := range n.Addresses.All(tx, "") {
		if n.public.contains(a.PublicIP) {
			n.claim(tx, n.public, a.PublicIP)
		}
	}
	return nil
}

// NamespacePath is the path of an interface's network namespace, whether it exists yet or not.
func (n *Network) NamespacePath(interfaceID string) string {
	return n.fabric.NamespacePath(interfaceID)
}
