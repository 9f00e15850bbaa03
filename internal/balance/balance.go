package balance

import (
	"github.com/neargate/neargate/internal/clock"
	"github.com/neargate/neargate/internal/network"
)

// Balance is the engine. Its methods that take a transaction read and write rows in it; Loop works by itself.
type Balance struct {
	*Tables
	network *network.Network
	clock   clock.Clock
}

// New makes the engine. Load balancer nodes get their interfaces from the network, in the same transactions.
func New(tables *Tables, n *network.Network, c clock.Clock) *Balance {
	return &Balance{Tables: tables, network: n, clock: c}
}
