package main

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/neargate/neargate/internal/deploy"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

// The crowd: services of a hundred tasks, and the bar of what they cost while nothing happens.
const (
	crowdServices = 1000
	crowdTasks    = 100
	crowdCPUBar   = 5 // % of a core
	// crowdGrowthBar is how much more CPU time one changed service may take among all of them than among a hundredth: it is to
	// cost what its own tasks do.
	crowdGrowthBar = 1.5
)

func measureCrowd(ctx context.Context, r *run) (f findings, err error) {
	services := r.times(crowdServices, crowdServices/10)
	few, err := r.crowd(ctx, services/100)
	if err != nil {
		return f, err
	}
	many, err := r.crowd(ctx, services)
	if err != nil {
		return f, err
	}
	f.add(atMost(fmt.Sprintf("CPU while nothing happens, %d services with %d tasks", services, services*crowdTasks), "% of a core", many.rest, crowdCPUBar))
	grown := beside(fmt.Sprintf("CPU time of one service's new deployment, among %d and (as the peer) %d services", services, services/100), "ms", ms(many.change), ms(few.change))
	grown.bar, grown.verdict = "≤ "+short(crowdGrowthBar)+" ×", judged(ms(many.change)/ms(few.change) <= crowdGrowthBar)
	f.add(grown,
		told("that deployment from update to steady", "s", many.took.Seconds()),
		told("from nothing to all services steady", "s", many.fill.Seconds()),
		told("tasks started meanwhile", "/s", float64(services*crowdTasks)/many.fill.Seconds()),
		told("memory in use", "MB", many.heap))
	f.note("The network, task and deployment engines over the journal on disk, with a machine and a fabric that only remember. The deployment replaces %d tasks; "+
		"of the time it takes, %s is the wait until tasks without health checks count as healthy (on AWS 40 s), run %d times faster here. CPU time is the median of %d deployments, "+
		"all engines and the garbage collector together.", crowdTasks, (40 * time.Second / crowdScale).String(), crowdScale, r.changes())
	return f, nil
}

func (r *run) changes() int { return r.times(5, 3) }

// crowdCosts is what a crowd costs.
type crowdCosts struct {
	rest   float64       // % of a core while nothing happens
	change time.Duration // CPU time of one service's deployment
	took   time.Duration // of that deployment
	fill   time.Duration // until all were steady
	heap   float64       // MB
}

func (r *run) crowd(ctx context.Context, services int) (out crowdCosts, err error) {
	ctx, cancel := context.WithCancel(ctx)
	s, err := newSimulation(ctx, filepath.Join(r.dir, fmt.Sprintf("crowd-%d.db", services)))
	if err != nil {
		cancel()
		return out, err
	}
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	defer func() {
		cancel()
		<-ended // cancelled
		err = joined(err, s.store.Close())
	}()

	began := time.Now()
	for i := range services {
		if err := s.create(ctx, i, crowdTasks); err != nil {
			return out, err
		}
	}
	if err := s.settle(ctx, func() bool { return s.steady() == services }); err != nil {
		return out, err
	}
	out.fill = time.Since(began)
	r.say("%d tasks in %d services are steady after %.0f s", services*crowdTasks, services, out.fill.Seconds())

	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	out.heap = float64(m.HeapAlloc) / 1e6
	before := cpuOfSelf()
	began = time.Now()
	time.Sleep(r.during(30 * time.Second))
	out.rest = 100 * (cpuOfSelf() - before).Seconds() / time.Since(began).Seconds()

	var change, took sample
	for i := range r.changes() {
		before, began := cpuOfSelf(), time.Now()
		if err := s.change(ctx, services/2, fmt.Sprintf("v%d", i+2)); err != nil {
			return out, err
		}
		if err := s.settle(ctx, func() bool { return s.complete(services / 2) }); err != nil {
			return out, err
		}
		change, took = append(change, cpuOfSelf()-before), append(took, time.Since(began))
	}
	out.change, out.took = change.median(), took.median()
	return out, nil
}

// cpuOfSelf is the processor time of this process.
func cpuOfSelf() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func crowdARN(i int) string {
	return fmt.Sprintf("arn:aws:ecs:us-east-1:000000000000:service/bench/s%04d", i)
}

// create makes service i.
func (s *simulation) create(ctx context.Context, i, tasks int) error {
	return s.store.Update(ctx, func(tx *state.Tx) error {
		_, err := s.services.Create(tx, deploy.Service{
			ARN: crowdARN(i), Name: fmt.Sprintf("s%04d", i), Account: account, Region: region,
			ClusterARN: "arn:aws:ecs:us-east-1:000000000000:cluster/bench", ClusterName: "bench",
			Desired: tasks, MinimumHealthyPercent: 100, MaximumPercent: 200,
		}, s.revision(i, "v1"), time.Now())
		return err
	})
}

// change begins a new deployment of service i.
func (s *simulation) change(ctx context.Context, i int, version string) error {
	return s.store.Update(ctx, func(tx *state.Tx) error {
		row, ok := s.deploy.Services.Get(tx, crowdARN(i))
		if !ok {
			return fmt.Errorf("no service %d", i)
		}
		r := s.revision(i, version)
		_, err := s.services.Update(tx, *row, &r, time.Now())
		return err
	})
}

func (s *simulation) revision(i int, version string) deploy.Revision {
	d := &task.Definition{
		ARN: "arn:aws:ecs:us-east-1:000000000000:task-definition/crowd-" + version + ":1", Family: "crowd", Revision: 1,
		Compatibilities: []string{"FARGATE"}, NetworkMode: "awsvpc", CPU: 256, Memory: 512,
		Containers: []task.ContainerDefinition{{Name: "web", Image: imageName, Essential: true, Environment: []task.KeyValue{{Name: "VERSION", Value: version}}}},
	}
	return deploy.Revision{
		DefinitionARN: d.ARN, Definition: d, LaunchType: "FARGATE", PlatformVersion: "LATEST", PlatformFamily: "Linux",
		Network: deploy.Network{Subnets: []string{s.subnets[i%len(s.subnets)]}},
	}
}

// steady counts the services that are.
func (s *simulation) steady() (n int) {
	for row := range s.deploy.Services.All(s.store.View(), "") {
		if row.Observed.Steady {
			n++
		}
	}
	return n
}

// complete tells whether the newest deployment of service i is, with nothing of older ones left.
func (s *simulation) complete(i int) bool {
	tx := s.store.View()
	row, ok := s.deploy.Services.Get(tx, crowdARN(i))
	if !ok || !row.Observed.Steady {
		return false
	}
	for t := range s.tasks.Tasks.By(tx, task.ByService, row.ARN) {
		if t.DeploymentID != row.Primary && t.Status != task.Stopped {
			return false
		}
	}
	return true
}

// crowdLimit bounds waiting for the crowd.
const crowdLimit = 30 * time.Minute

// settle waits until something holds. It looks seldom: looking costs CPU time as well.
func (s *simulation) settle(ctx context.Context, holds func() bool) error {
	for began := time.Now(); !holds(); {
		if time.Since(began) > crowdLimit {
			return fmt.Errorf("the crowd does not come to rest: %d services are steady", s.steady())
		}
		select {
		case err := <-s.failed:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}
