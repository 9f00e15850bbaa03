package measure

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/clock"
	"github.com/neargate/neargate/internal/metric"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

const (
	namespaceECS = "AWS/ECS"

	dimensionCluster = "ClusterName"
	dimensionService = "ServiceName"

	percent = "Percent"

	unitsOfProcessor = 1024 // CPU units
	mebibyte         = 1 << 20
)

// Usage is what a task has used.
type Usage struct {
	CPU    time.Duration // processor time since it began
	Memory int64         // bytes now
}

// Machine tells what tasks use, by task id.
type Machine interface {
	Usage(ctx context.Context, taskID string) (Usage, error)
}

// Putter keeps metrics. metric.Engine is it.
type Putter interface {
	Put(ctx context.Context, data []metric.Datum) error
}

// Services records the utilisation of services: "Amazon ECS CloudWatch metrics". Every task is a sample, so that Average is the
// service's and Minimum and Maximum are single tasks'.
type Services struct {
	Store   *state.Store
	Tasks   *state.Table[task.Task]
	Machine Machine
	Putter  Putter
	Clock   clock.Clock
	Log     *slog.Logger

	last map[string]sample // by task id, of the minute before
}

// sample is a task's processor time at a moment.
type sample struct {
	at  time.Time
	cpu time.Duration
}

// Run records until ctx is done: once a scaled minute, when it is over.
func (s *Services) Run(ctx context.Context) error {
	every := metric.Scaled(s.Clock, time.Minute)
	for {
		if err := s.Clock.Sleep(ctx, s.Clock.Now().Truncate(every).Add(every)); err != nil {
			return nil
		}
		err := s.Putter.Put(ctx, s.take(ctx, every))
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, metric.ErrTooManyMetrics):
			s.Log.Warn("metrics of services are not recorded", "error", err)
		case err != nil:
			return err
		}
	}
}

// take samples every running task of a service.
func (s *Services) take(ctx context.Context, every time.Duration) []metric.Datum {
	now := map[string]sample{}
	var data []metric.Datum
	for t := range s.Tasks.All(s.Store.View(), "") {
		if t.ServiceARN == "" || t.Status != task.Running || t.CPU == 0 || t.Memory == 0 {
			continue
		}
		u, err := s.Machine.Usage(ctx, t.ID)
		if err != nil {
			continue // it has just ended
		}
		at := s.Clock.Now()
		now[t.ID] = sample{at, u.CPU}
		to := sink{account: t.Account, region: t.Region, namespace: namespaceECS, at: at.Add(-every)}
		service := []metric.Dimension{{Name: dimensionCluster, Value: lastPart(t.ClusterARN)}, {Name: dimensionService, Value: lastPart(t.ServiceARN)}}
		to.put("MemoryUtilization", percent, 100*float64(u.Memory)/float64(t.Memory*mebibyte), service...)
		if was, ok := s.last[t.ID]; ok && at.After(was.at) && u.CPU >= was.cpu {
			used := (u.CPU - was.cpu).Seconds() / at.Sub(was.at).Seconds()
			to.put("CPUUtilization", percent, 100*used*unitsOfProcessor/float64(t.CPU), service...)
		}
		data = append(data, to.data...)
	}
	s.last = now
	return data
}

// lastPart is the name at the end of an ARN.
func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }
