package control

import (
	"context"
	"errors"
	"net/netip"

	"github.com/neargate/neargate/internal/aws/gateway"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/logs"
	"github.com/neargate/neargate/internal/machine/containers"
	"github.com/neargate/neargate/internal/measure"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/policy"
	"github.com/neargate/neargate/internal/registry"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

// The engines do not know each other more than they must: what one declares of
// another is fitted here.

// taskNetwork is the task.Network of a platform: an interface per task.
type taskNetwork struct {
	*network.Network
	store *state.Store
}

// How AWS shows the interfaces of Fargate tasks.
const (
	taskRequester = "ecs-fargate"
)

func (n taskNetwork) CreateInterface(tx *state.Tx, s task.InterfaceSpec) (task.Interface, error) {
	i, err := n.Network.CreateInterface(tx, network.InterfaceSpec{
		Account: s.Account, Region: s.Region, SubnetID: s.SubnetID, GroupIDs: s.GroupIDs,
		AssignPublicIP: s.AssignPublicIP, Description: s.Description,
		Type: "interface", RequesterID: taskRequester, RequesterManaged: true,
	})
	if err != nil {
		return task.Interface{}, err
	}
	return task.Interface{
		ID: i.ID, MAC: i.MAC, PrivateIP: i.PrivateIP.String(), AvailabilityZone: i.Zone,
		PrivateDNSName: network.PrivateDNSName(s.Region, i.PrivateIP),
	}, nil
}

func (n taskNetwork) DeleteInterface(tx *state.Tx, id string) error {
	err := n.Network.DeleteInterface(tx, id)
	if errors.Is(err, network.ErrInterfaceNotFound) {
		return nil
	}
	return err
}

func (n taskNetwork) Realise(ctx context.Context, id string) (task.Place, error) {
	path, err := n.Network.Realise(ctx, id)
	if err != nil {
		return task.Place{}, err
	}
	place := task.Place{NetNS: path}
	tx := n.store.View()
	if i, ok := n.Network.Interface(tx, id); ok {
		if v, ok := n.VPCs.Get(tx, i.VPCID); ok && v.DNSSupport {
			place.DNS = []netip.Addr{v.Resolver()}
		}
	}
	return place, nil
}

// taskLogs is the task.Logs of a platform: a stream per container.
type taskLogs struct{ *logs.Engine }

func (l taskLogs) Open(ctx context.Context, s task.LogSpec) error {
	_, _, err := l.Ensure(ctx, s.Account, s.Region, s.Group, s.Stream, s.CreateGroup)
	return err
}

// ecsNetwork answers the ECS front's questions about subnets and groups.
type ecsNetwork struct{ *network.Tables }

func (n ecsNetwork) Subnet(tx *state.Tx, account, region, id string) (vpc, zone string, ok bool) {
	s, err := n.Tables.Subnet(tx, network.Scope{Account: account, Region: region}, id)
	if err != nil {
		return "", "", false
	}
	return s.VPCID, s.Zone, true
}

func (n ecsNetwork) SecurityGroup(tx *state.Tx, account, region, id string) (vpc string, ok bool) {
	g, err := n.Tables.SecurityGroup(tx, network.Scope{Account: account, Region: region}, id)
	if err != nil {
		return "", false
	}
	return g.VPCID, true
}

// Zone is deploy.Zones: a subnet's id is enough, it is unique.
func (n ecsNetwork) Zone(tx *state.Tx, subnetID string) (string, bool) {
	s, ok := n.Subnets.Get(tx, subnetID)
	if !ok {
		return "", false
	}
	return s.Zone, true
}

// ecsBalance answers the ECS front's questions about target groups.
type ecsBalance struct{ *balance.Balance }

func (b ecsBalance) TargetGroup(tx *state.Tx, account, region, arn string) (targetType, vpc string, used, ok bool) {
	g, err := b.Balance.TargetGroup(tx, network.Scope{Account: account, Region: region}, arn)
	if err != nil {
		return "", "", false, false
	}
	_, used = b.LoadBalancerOf(tx, arn)
	return g.Type, g.VPCID, used, true
}

// taskUsage is the measure.Machine of a platform.
type taskUsage struct{ *containers.Engine }

func (m taskUsage) Usage(ctx context.Context, taskID string) (measure.Usage, error) {
	u, err := m.Stats(ctx, taskID)
	return measure.Usage{CPU: u.CPU, Memory: u.Memory}, err
}

// nodeAddresses knows the addresses of load balancers' nodes.
type nodeAddresses struct {
	tables  *balance.Tables
	network *network.Network
}

// outside is the address that a node is known by to clients: its public one, if it has one.
func (n nodeAddresses) outside(tx *state.Tx, loadBalancerARN string, node netip.Addr) netip.Addr {
	lb, ok := n.tables.LoadBalancers.Get(tx, loadBalancerARN)
	if !ok {
		return node
	}
	for _, at := range lb.Nodes {
		if i, ok := n.network.Interface(tx, at.InterfaceID); ok && i.PrivateIP == node && i.PublicIP.IsValid() {
			return i.PublicIP
		}
	}
	return node
}

// accessKeys is the gateway's view of the keys that IAM and STS issued.
type accessKeys struct {
	store  *state.Store
	tables *policy.Tables
}

func (k accessKeys) Lookup(id string) (gateway.Key, bool) {
	row, ok := k.tables.Keys.Get(k.store.View(), id)
	if !ok {
		return gateway.Key{}, false
	}
	return gateway.Key{
		Secret: row.Secret, Account: row.Account, Principal: row.Principal,
		Token: row.Token, Expires: row.Expires, Inactive: !row.Active,
	}, true
}

// pullEngine is the task engine with passwords for the platform's own registry.
type pullEngine struct {
	task.Engine
	registry *registry.Registry
	place    registry.Place
}

func (e pullEngine) Pull(ctx context.Context, r task.PullRequest) (task.Image, error) {
	if account, ok := e.place.Owner(r.Ref); ok && r.Username == "" {
		password, _, err := e.registry.Password(ctx, account)
		if err != nil {
			return task.Image{}, err
		}
		r.Username, r.Password = registry.User, password
	}
	return e.Engine.Pull(ctx, r)
}
