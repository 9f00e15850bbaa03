package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/accesslog"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/gateway"
	"github.com/neargate/neargate/internal/aws/idem"
	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/cert"
	"github.com/neargate/neargate/internal/clock"
	"github.com/neargate/neargate/internal/deploy"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/event"
	"github.com/neargate/neargate/internal/logs"
	"github.com/neargate/neargate/internal/machine/containers"
	"github.com/neargate/neargate/internal/machine/fabric"
	"github.com/neargate/neargate/internal/measure"
	"github.com/neargate/neargate/internal/metric"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/object"
	"github.com/neargate/neargate/internal/policy"
	"github.com/neargate/neargate/internal/publish"
	"github.com/neargate/neargate/internal/registry"
	"github.com/neargate/neargate/internal/services/acm"
	"github.com/neargate/neargate/internal/services/cloudwatch"
	"github.com/neargate/neargate/internal/services/ec2"
	"github.com/neargate/neargate/internal/services/ecr"
	"github.com/neargate/neargate/internal/services/ecs"
	"github.com/neargate/neargate/internal/services/elbv2"
	"github.com/neargate/neargate/internal/services/iam"
	logsfront "github.com/neargate/neargate/internal/services/logs"
	"github.com/neargate/neargate/internal/services/s3"
	"github.com/neargate/neargate/internal/services/sts"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/state/sqlite"
	"github.com/neargate/neargate/internal/task"
)

// keepFacts is how many events the outbox holds for consumers that are behind.
const keepFacts = 10_000

// core is everything over one store. Its loops stand in one list (loops), its
// fronts in another (fronts).
type core struct {
	config Config
	log    *slog.Logger

	store    *state.Store
	tables   tables
	fabric   *fabric.Fabric
	machine  *containers.Engine
	network  *network.Network
	balance  *balance.Balance
	publish  *publish.Publisher
	certs    *cert.Engine
	life     *task.Lifecycle
	logs     *logs.Engine
	metrics  *metric.Engine
	objects  *object.Engine
	registry *registry.Registry
	place    registry.Place
	edge     *edgeapi.Client
	edgeLogs string // directory of the log files that edge has closed

	gateway  *gateway.Gateway
	clock    clock.Clock
	services *deploy.Services

	closers []func() error
}

// tables are the tables of every package that has some.
type tables struct {
	settings *state.Table[setting]
	outbox   *event.Outbox
	tokens   *idem.Tables
	network  *network.Tables
	balance  *balance.Tables
	certs    *cert.Tables
	tasks    *task.Tables
	deploy   *deploy.Tables
	ecs      *ecs.Tables
	logs     *logs.Tables
	policy   *policy.Tables
	objects  *object.Tables
	lbLogs   *accesslog.Tables
	registry *registry.Tables
}

// setting is a choice the platform made once and keeps.
type setting struct{ Name, Value string }

const publicPool = "public-pool"

func newTables(s *state.Schema) tables {
	return tables{
		settings: state.AddTable(s, "control.setting", func(s *setting) string { return s.Name }),
		outbox:   event.NewOutbox(s, keepFacts),
		tokens:   idem.NewTables(s),
		network:  network.NewTables(s),
		balance:  balance.NewTables(s),
		certs:    cert.NewTables(s),
		tasks:    task.NewTables(s),
		deploy:   deploy.NewTables(s),
		ecs:      ecs.NewTables(s),
		logs:     logs.NewTables(s),
		policy:   policy.NewTables(s),
		objects:  object.NewTables(s),
		lbLogs:   accesslog.NewTables(s),
		registry: registry.NewTables(s),
	}
}

// open builds the core. After an error nothing stays open.
func open(ctx context.Context, config Config, at place) (_ *core, err error) {
	c := &core{config: config, log: config.Log, clock: clock.Clock{Scale: config.TimeScale}}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	if err := c.openStore(ctx); err != nil {
		return nil, err
	}
	if err := c.openMachine(ctx, at); err != nil {
		return nil, err
	}
	if err := c.openEngines(ctx, at); err != nil {
		return nil, err
	}
	if err := c.bootstrapOwner(ctx); err != nil {
		return nil, err
	}
	c.gateway = gateway.Handler(gateway.Config{
		Account: config.Account, Region: config.Region, Enforce: config.Enforce,
		Keys: accessKeys{c.store, c.tables.policy}, Log: c.log, Version: config.Version,
	}, c.fronts()...)
	return c, nil
}

func (c *core) openStore(ctx context.Context) error {
	journal, err := sqlite.Open(c.config.path("state.db"))
	if err != nil {
		return err
	}
	schema := state.NewSchema()
	c.tables = newTables(schema)
	c.store, err = state.Open(ctx, schema, journal)
	if err != nil {
		return err // and the journal is closed
	}
	c.closers = append(c.closers, c.store.Close)
	return nil
}

func (c *core) openMachine(ctx context.Context, at place) error {
	cfg := at.fabric
	if s, ok := c.tables.settings.Get(c.store.View(), publicPool); ok {
		pool, err := netip.ParsePrefix(s.Value)
		if err != nil {
			return fmt.Errorf("setting %s: %w", publicPool, err)
		}
		cfg.PublicPool = pool
	}
	var err error
	if c.fabric, err = fabric.New(cfg); err != nil {
		return err
	}
	c.closers = append(c.closers, func() error { c.fabric.Close(); return nil })
	if !cfg.PublicPool.IsValid() {
		if err := c.store.Update(ctx, func(tx *state.Tx) error {
			c.tables.settings.Put(tx, &setting{publicPool, c.fabric.PublicPool().String()})
			return nil
		}); err != nil {
			return err
		}
	}
	c.place = registry.Place{Endpoint: c.config.Listen, Account: c.config.Account, Region: c.config.Region}
	box := at.containers
	box.Binary = c.config.Binary
	box.Registry = c.locate
	if c.machine, err = containers.Open(ctx, box); err != nil {
		return err
	}
	c.closers = append(c.closers, c.machine.Close)
	return nil
}

// locate sends pulls of the platform's own images to itself.
func (c *core) locate(host string) *url.URL {
	if c.place.Serves(host) {
		return &url.URL{Scheme: "http", Host: c.config.Listen}
	}
	return nil
}

func (c *core) openEngines(ctx context.Context, at place) error {
	var err error
	c.network, err = network.New(ctx, network.Config{
		Store: c.store, Tables: c.tables.network, Fabric: c.fabric, Clock: c.clock, Log: c.log, PublicPool: c.fabric.PublicPool(),
	})
	if err != nil {
		return err
	}
	c.balance = balance.New(c.tables.balance, c.network, c.clock)
	authority, err := cert.OpenAuthority(c.config.authority(), c.clock.Now())
	if err != nil {
		return err
	}
	c.certs = cert.New(cert.Config{
		Store: c.store, Tables: c.tables.certs, Authority: authority, Users: c.balance, Clock: c.clock, Log: c.log,
	})
	c.life = task.NewLifecycle(c.tables.tasks, c.tables.outbox, c.clock)
	c.services = &deploy.Services{Tables: c.tables.deploy, Facts: c.tables.outbox}
	c.logs, err = logs.Open(logs.Config{Store: c.store, Tables: c.tables.logs, Path: c.config.path("logs.db"), Clock: c.clock, Log: c.log})
	if err != nil {
		return err
	}
	c.closers = append(c.closers, c.logs.Close)
	if c.metrics, err = metric.Open(ctx, metric.Config{Path: c.config.path("metrics.db"), Clock: c.clock, Log: c.log}); err != nil {
		return err
	}
	c.closers = append(c.closers, c.metrics.Close)
	c.objects, err = object.Open(object.Config{
		Store: c.store, Tables: c.tables.objects, Path: c.config.path("objects.db"), Dir: c.config.path("objects"), Clock: c.clock, Log: c.log,
	})
	if err != nil {
		return err
	}
	c.closers = append(c.closers, c.objects.Close)
	if c.registry, err = registry.Open(c.store, c.tables.registry, c.config.path("registry")); err != nil {
		return err
	}
	c.edge, c.edgeLogs = edgeapi.NewClient(at.edge.socket()), at.edge.logs
	c.closers = append(c.closers, func() error { c.edge.Close(); return nil })
	c.publish = &publish.Publisher{Store: c.store, Balance: c.balance, Network: c.network, Certificates: c.tables.certs, Edge: c.edge, Log: c.log}
	return nil
}

// fronts are the AWS APIs served.
func (c *core) fronts() []aws.Front {
	return []aws.Front{
		acm.New(c.store, c.certs, c.tables.tokens),
		cloudwatch.New(c.metrics),
		ec2.New(c.store, c.network, c.tables.tokens),
		ecr.New(c.store, c.tables.registry, c.registry, c.place),
		ecs.New(ecs.Config{
			Store: c.store, Tables: c.tables.ecs, Tasks: c.tables.tasks, Lifecycle: c.life, Deploy: c.tables.deploy, Services: c.services,
			Tokens: c.tables.tokens, Network: ecsNetwork{c.tables.network}, LoadBalancers: ecsBalance{c.balance},
		}),
		elbv2.New(elbv2.Config{
			Store: c.store, Balance: c.balance, Edge: c.publish, Certificates: c.tables.certs,
			Objects: trustFiles{c.store, c.objects, c.tables.policy, c.clock, c.config.Listen},
			Buckets: accesslog.Permission{Buckets: c.tables.objects.Buckets},
		}),
		iam.New(c.store, c.tables.policy, c.certs),
		logsfront.New(c.store, c.tables.logs, c.logs),
		s3.New(c.store, c.tables.objects, c.objects, c.log),
		sts.New(c.store, c.tables.policy),
	}
}

// loop is something that works until its context is done.
type loop struct {
	name string
	run  func(ctx context.Context) error
}

// loops are the control loops, in no order: they meet in the store alone.
func (c *core) loops() []loop {
	return []loop{
		{"network", c.network.Run},
		{"host firewall", c.fabric.Run},
		{"balance", (&balance.Loop{Balance: c.balance, Store: c.store, Log: c.log}).Run},
		{"certificates", c.certs.Run},
		{"publish", c.publish.Run},
		{"task", task.NewLoop(task.Config{
			Store: c.store, Lifecycle: c.life, Engine: pullEngine{c.machine, c.registry, c.place}, Network: taskNetwork{c.network, c.store},
			Traffic: balance.Traffic{Balance: c.balance}, Draining: []state.AnyTable{c.tables.balance.Targets, c.tables.balance.Healths}, Logs: taskLogs{c.logs}, Log: c.log,
		}).Run},
		{"deploy", (&deploy.Loop{
			Scheduler: &deploy.Scheduler{
				Tables: c.tables.deploy, TaskTable: c.tables.tasks.Tasks, Tasks: c.life, Targets: c.balance,
				Zones: ecsNetwork{c.tables.network}, Facts: c.tables.outbox, Clock: c.clock,
			},
			Store: c.store, Log: c.log,
		}).Run},
		{"log ingest", (&logs.Ingest{Engine: c.logs, Store: c.store, Tasks: c.tables.tasks.Tasks, Spool: c.machine.Spool, Log: c.log}).Run},
		{"log retention", c.logs.Retain},
		{"object lifecycles", c.objects.Expire},
		{"load balancer logs", (&accesslog.Delivery{
			Store: c.store, Tables: c.tables.lbLogs, LoadBalancers: c.tables.balance.LoadBalancers, Objects: c.objects,
			Address: nodeAddresses{c.tables.balance, c.network}.outside, Dir: c.edgeLogs, Clock: c.clock, Log: c.log,
		}).Run},
		{"metric retention", c.metrics.Retain},
		{"load balancer metrics", (&measure.Loop{
			Store: c.store, Balance: c.tables.balance, Edge: c.edge, Recorder: c.metrics, Clock: c.clock, Log: c.log,
		}).Run},
		{"service metrics", (&measure.Services{
			Store: c.store, Tasks: c.tables.tasks.Tasks, Machine: taskUsage{c.machine}, Putter: c.metrics, Clock: c.clock, Log: c.log,
		}).Run},
		{"images", c.collectImages},
	}
}

// run runs every loop until ctx is done. A loop that ends before that ends them all.
func (c *core) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range c.loops() {
		g.Go(func() error {
			err := l.run(ctx)
			switch {
			case ctx.Err() != nil:
				return nil
			case err == nil:
				err = errors.New("ended by itself")
			}
			return fmt.Errorf("%s loop: %w", l.name, err)
		})
	}
	return g.Wait()
}

// imagesEvery is the time between two looks for images that nothing uses.
const imagesEvery = time.Hour

func (c *core) collectImages(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(imagesEvery):
		}
		if err := c.machine.CollectImages(ctx); err != nil && ctx.Err() == nil {
			c.log.Warn("collecting unused images", "error", err)
		}
	}
}

// close closes what was opened, last first.
func (c *core) close() error {
	var err error
	for i := len(c.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, c.closers[i]())
	}
	c.closers = nil
	return err
}
