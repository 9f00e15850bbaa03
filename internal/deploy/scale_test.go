package deploy_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/deploy"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

// fleet is many services of many tasks that run and are steady, written straight into the tables.
func fleet(b *testing.B, services, tasks int) *platform {
	b.Helper()
	p := newPlatform(b)
	long := time.Now().Add(-time.Hour)
	r := revision("v1")
	r.LoadBalancers = nil
	for i := range services {
		arn := fmt.Sprintf("arn:aws:ecs:us-east-1:000000000000:service/main/s%04d", i)
		p.update(func(tx *state.Tx) error {
			s, err := p.services.Create(tx, deploy.Service{
				ARN: arn, Name: fmt.Sprintf("s%04d", i), Account: "000000000000", Region: "us-east-1",
				ClusterARN: "arn:aws:ecs:us-east-1:000000000000:cluster/main", ClusterName: "main", Desired: tasks, MinimumHealthyPercent: 100, MaximumPercent: 200,
			}, r, long)
			if err != nil {
				return err
			}
			for j := range tasks {
				row, err := p.lifecycle.Run(tx, task.RunSpec{
					Account: s.Account, Region: s.Region, ClusterARN: s.ClusterARN, ClusterName: "main", Definition: r.Definition,
					ServiceARN: arn, DeploymentID: s.Primary, SubnetID: "subnet-a", AvailabilityZone: fmt.Sprintf("us-east-1%c", 'a'+j%2),
				})
				if err != nil {
					return err
				}
				up := *row
				up.Status, up.StartedAt = task.Running, long
				p.tasks.Tasks.Put(tx, &up)
				p.tables.Placements.Put(tx, &deploy.Placement{ServiceARN: arn, TaskARN: row.ARN, Deployment: s.Primary, Registered: true, Proven: true})
			}
			return nil
		})
	}
	return p
}

// settled is whether every service has been found steady.
func (p *platform) settled() bool {
	for s := range p.tables.Services.All(p.store.View(), "") {
		if !s.Observed.Steady {
			return false
		}
	}
	return true
}

// BenchmarkChangedService is what one changed service costs among a thousand, with 100,000 tasks in all: a task falls over and is
// replaced.
func BenchmarkChangedService(b *testing.B) {
	for _, size := range []struct{ services, tasks int }{{10, 100}, {1000, 100}} {
		b.Run(fmt.Sprintf("services=%d", size.services), func(b *testing.B) {
			p := fleet(b, size.services, size.tasks)
			ctx, cancel := context.WithCancel(b.Context())
			done := make(chan error, 1)
			loop := &deploy.Loop{Scheduler: p.scheduler, Store: p.store, Log: slog.New(slog.DiscardHandler)}
			go func() { done <- loop.Run(ctx) }()
			for !p.settled() {
				time.Sleep(time.Millisecond)
			}
			arn := "arn:aws:ecs:us-east-1:000000000000:service/main/s0007"
			placements := p.store.Watch(p.tables.Placements)
			defer placements.Close()
			runtime.GC()
			before := cpu()
			for b.Loop() {
				var victim string
				for row := range p.tasks.Tasks.By(p.store.View(), task.ByService, arn) {
					if row.Status == task.Running {
						victim = row.ARN
						break
					}
				}
				p.update(func(tx *state.Tx) error {
					row, _ := p.tasks.Tasks.Get(tx, victim)
					down := *row
					down.Desired, down.Status, down.StopCode = task.Stopped, task.Stopped, task.EssentialContainerExited
					p.tasks.Tasks.Put(tx, &down)
					return nil
				})
				successor := ""
				for successor == "" {
					if _, err := placements.Next(ctx); err != nil {
						b.Fatal(err)
					}
					for row := range p.tasks.Tasks.By(p.store.View(), task.ByService, arn) {
						if row.Status == task.Provisioning {
							successor = row.ARN
						}
					}
				}
				p.update(func(tx *state.Tx) error {
					p.tasks.Tasks.Delete(tx, victim)
					row, _ := p.tasks.Tasks.Get(tx, successor)
					up := *row
					up.Status, up.StartedAt = task.Running, time.Now().Add(-time.Hour)
					p.tasks.Tasks.Put(tx, &up)
					return nil
				})
				for !p.settled1(arn) {
					if _, err := placements.Next(ctx); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64((cpu()-before).Microseconds())/float64(b.N), "cpu-µs/op")
			cancel()
			<-done
		})
	}
}

// cpu is the processor time this process has used: the machine may be busy with other things.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// settled1 is whether all of a service's tasks have been found healthy.
func (p *platform) settled1(arn string) bool {
	for n := range p.tables.Placements.All(p.store.View(), arn+"|") {
		if !n.Proven {
			return false
		}
	}
	return true
}

// BenchmarkStart is the first look at everything after a restart: a thousand steady services with 100,000 tasks.
func BenchmarkStart(b *testing.B) {
	p := fleet(b, 1000, 100)
	ctx := b.Context()
	arns := []string{}
	for s := range p.tables.Services.All(p.store.View(), "") {
		arns = append(arns, s.ARN)
	}
	for _, arn := range arns { // the steady state is said once
		if _, err := p.scheduler.Step(ctx, p.store, arn); err != nil {
			b.Fatal(err)
		}
	}
	runtime.GC()
	before := cpu()
	for b.Loop() {
		for _, arn := range arns {
			if _, err := p.scheduler.Step(ctx, p.store, arn); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64((cpu()-before).Microseconds())/float64(b.N), "cpu-µs/op")
}
