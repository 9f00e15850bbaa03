package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/clock"
	"github.com/neargate/neargate/internal/deploy"
	"github.com/neargate/neargate/internal/event"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/state/sqlite"
	"github.com/neargate/neargate/internal/task"
	"github.com/neargate/neargate/internal/task/simulated"
)

const (
	account = "000000000000"
	region  = "us-east-1"
	// crowdScale makes the scheduler's own waits pass faster.
	crowdScale = 10
)

// simulation is the control plane's engines over a machine and a fabric that only remember.
type simulation struct {
	store    *state.Store
	tasks    *task.Tables
	deploy   *deploy.Tables
	services *deploy.Services
	network  *network.Network
	subnets  []string
	loops    []func(context.Context) error
	failed   chan error
}

func newSimulation(ctx context.Context, path string) (*simulation, error) {
	journal, err := sqlite.Open(path)
	if err != nil {
		return nil, err
	}
	schema := state.NewSchema()
	outbox := event.NewOutbox(schema, 0)
	networks := network.NewTables(schema)
	s := &simulation{tasks: task.NewTables(schema), deploy: deploy.NewTables(schema), failed: make(chan error, 1)}
	if s.store, err = state.Open(ctx, schema, journal); err != nil {
		return nil, joined(err, journal.Close())
	}
	log, now := slog.New(slog.DiscardHandler), clock.Clock{Scale: crowdScale}
	if s.network, err = network.New(ctx, network.Config{
		Store: s.store, Tables: networks, Fabric: fabricOfRecord{}, Clock: now, Log: log, PublicPool: netip.MustParsePrefix("198.18.0.0/20"),
	}); err != nil {
		return nil, joined(err, s.store.Close())
	}
	if err := s.makeSubnets(ctx); err != nil {
		return nil, joined(err, s.store.Close())
	}
	life := task.NewLifecycle(s.tasks, outbox, now)
	s.services = &deploy.Services{Tables: s.deploy, Facts: outbox}
	tasks := task.NewLoop(task.Config{Store: s.store, Lifecycle: life, Engine: simulated.New(), Network: crowdNetwork{s.network}, Log: log})
	deployments := &deploy.Loop{
		Scheduler: &deploy.Scheduler{Tables: s.deploy, TaskTable: s.tasks.Tasks, Tasks: life, Zones: crowdNetwork{s.network}, Facts: outbox, Clock: now},
		Store:     s.store, Log: log,
	}
	s.loops = []func(context.Context) error{s.network.Run, tasks.Run, deployments.Run}
	return s, nil
}

// run runs the engines until ctx is done.
func (s *simulation) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, loop := range s.loops {
		g.Go(func() error { return loop(ctx) })
	}
	err := g.Wait()
	s.failed <- err
	return err
}

// makeSubnets makes a VPC with subnets that have room for everybody twice.
func (s *simulation) makeSubnets(ctx context.Context) error {
	return s.store.Update(ctx, func(tx *state.Tx) error {
		scope := network.Scope{Account: account, Region: region}
		for n := range 4 {
			v, err := s.network.CreateVPC(tx, scope, netip.MustParsePrefix(fmt.Sprintf("10.%d.0.0/16", n)))
			if err != nil {
				return err
			}
			subnet, err := s.network.CreateSubnet(tx, scope, network.SubnetSpec{VPCID: v.ID, CIDR: v.CIDR(), Zone: region + string(rune('a'+n%2))})
			if err != nil {
				return err
			}
			s.subnets = append(s.subnets, subnet.ID)
		}
		return nil
	})
}

// crowdNetwork gives tasks interfaces as the control plane does.
type crowdNetwork struct{ *network.Network }

func (n crowdNetwork) CreateInterface(tx *state.Tx, s task.InterfaceSpec) (task.Interface, error) {
	i, err := n.Network.CreateInterface(tx, network.InterfaceSpec{
		Account: s.Account, Region: s.Region, SubnetID: s.SubnetID, GroupIDs: s.GroupIDs, Description: s.Description,
		Type: "interface", RequesterID: "ecs-fargate", RequesterManaged: true,
	})
	if err != nil {
		return task.Interface{}, err
	}
	return task.Interface{ID: i.ID, MAC: i.MAC, PrivateIP: i.PrivateIP.String(), AvailabilityZone: i.Zone}, nil
}

func (n crowdNetwork) DeleteInterface(tx *state.Tx, id string) error {
	return n.Network.DeleteInterface(tx, id)
}

func (n crowdNetwork) Realise(ctx context.Context, id string) (task.Place, error) {
	path, err := n.Network.Realise(ctx, id)
	return task.Place{NetNS: path}, err
}

// Zone is deploy.Zones.
func (n crowdNetwork) Zone(tx *state.Tx, subnetID string) (string, bool) {
	s, ok := n.Subnets.Get(tx, subnetID)
	if !ok {
		return "", false
	}
	return s.Zone, true
}

// fabricOfRecord takes every order and does nothing.
type fabricOfRecord struct{}

func (fabricOfRecord) EnsureVPC(context.Context, network.VPCConfig) error             { return nil }
func (fabricOfRecord) DeleteVPC(context.Context, string) error                        { return nil }
func (fabricOfRecord) EnsureInterface(context.Context, network.InterfaceConfig) error { return nil }
func (fabricOfRecord) DeleteInterface(context.Context, string, string) error          { return nil }
func (fabricOfRecord) EnsureGroup(context.Context, network.GroupConfig) error         { return nil }
func (fabricOfRecord) DeleteGroup(context.Context, string, string) error              { return nil }
func (fabricOfRecord) NamespacePath(id string) string                                 { return "/run/netns/" + id }
func (fabricOfRecord) Adopt(context.Context, []string, []string) error                { return nil }
func (fabricOfRecord) ChangeMembers(context.Context, string, string, []netip.Addr, []netip.Addr) error {
	return nil
}
