package measure

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/internal/metric"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/task"
)

// hog is a machine on which task a uses half a processor and b an eighth, and c has gone.
type hog struct{ begin time.Time }

func (h hog) Usage(_ context.Context, id string) (Usage, error) {
	up := time.Since(h.begin)
	switch id {
	case "a":
		return Usage{CPU: up / 2, Memory: 256 << 20}, nil
	case "b":
		return Usage{CPU: up / 8, Memory: 128 << 20}, nil
	}
	return Usage{}, errors.New("there is no such task")
}

type points map[string]metric.Point

func (p points) Put(_ context.Context, data []metric.Datum) error {
	for _, d := range data {
		key := d.Metric.Name + " " + d.Metric.Dimensions[0].Value + "/" + d.Metric.Dimensions[1].Value + " " + d.At.UTC().Format("04")
		x := p[key]
		x.Add(d.Point)
		p[key] = x
	}
	return nil
}

// TestServices: utilisation is of what tasks reserved; processor time needs two looks.
func TestServices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		schema := state.NewSchema()
		tables := task.NewTables(schema)
		store, err := state.Open(t.Context(), schema, state.Memory())
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		if err := store.Update(t.Context(), func(tx *state.Tx) error {
			for _, id := range []string{"a", "b", "c", "pending", "alone"} {
				x := &task.Task{
					ARN: "arn:aws:ecs:us-east-1:000000000000:task/main/" + id, ID: id, ClusterARN: "arn:aws:ecs:us-east-1:000000000000:cluster/main",
					ServiceARN: "arn:aws:ecs:us-east-1:000000000000:service/main/web", Status: task.Running, CPU: 512, Memory: 1024,
				}
				switch id {
				case "pending":
					x.Status = task.Pending
				case "alone":
					x.ServiceARN = ""
				}
				tables.Tasks.Put(tx, x)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		got := points{}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		s := &Services{Store: store, Tasks: tables.Tasks, Machine: hog{time.Now()}, Putter: got, Log: slog.New(slog.DiscardHandler)}
		go func() { done <- s.Run(ctx) }()
		time.Sleep(2*time.Minute + time.Second)
		synctest.Wait()
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string][4]float64{ // count, average, least, most
			"MemoryUtilization main/web 00": {2, 18.75, 12.5, 25},
			"MemoryUtilization main/web 01": {2, 18.75, 12.5, 25},
			"CPUUtilization main/web 01":    {2, 62.5, 25, 100},
		} {
			p := got[key]
			if p.Count != want[0] || p.Sum/p.Count != want[1] || p.Min != want[2] || p.Max != want[3] {
				t.Errorf("%s: %+v, want %v", key, p, want)
			}
			delete(got, key)
		}
		for key := range got {
			t.Errorf("%s is there", key)
		}
	})
}
