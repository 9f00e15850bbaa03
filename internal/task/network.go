package task

import (
	"context"
	"net/netip"

	"github.com/neargate/neargate/internal/state"
)

// Network gives tasks their interfaces.
type Network interface {
	// CreateInterface takes an address of the subnet. It is called once in the transaction that makes the task remember the id.
	CreateInterface(tx *state.Tx, s InterfaceSpec) (Interface, error)
	// DeleteInterface gives it back. Deleting what is gone is no error.
	DeleteInterface(tx *state.Tx, id string) error
	// Realise makes the interface real and returns when packets can pass. It is repeated freely.
	Realise(ctx context.Context, id string) (Place, error)
}

// InterfaceSpec is the interface a task needs.
type InterfaceSpec struct {
	Account, Region string
	SubnetID        string
	GroupIDs        []string
	AssignPublicIP  bool
	Description     string
	TaskARN         string
}

// Interface is an interface as DescribeTasks shows it.
type Interface struct {
	ID               string
	MAC              string
	PrivateIP        string
	PrivateDNSName   string
	AvailabilityZone string
}

// Place is where containers join the network.
type Place struct {
	NetNS string       // path of the namespace
	DNS   []netip.Addr // nameservers
}

// Traffic connects running tasks to load balancers. It is only asked about tasks that have Targets.
type Traffic interface {
	// Attach registers the task's targets, as its service wishes. It is repeated freely.
	Attach(tx *state.Tx, t *Task) error
	// Detach deregisters them, whereupon they drain. It is repeated freely.
	Detach(tx *state.Tx, t *Task) error
	// Detached tells that nothing is in flight to the task any more, or that the time for it is over.
	Detached(tx *state.Tx, t *Task) bool
}
