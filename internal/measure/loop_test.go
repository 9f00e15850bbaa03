package measure

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/internal/balance"
	"github.com/neargate/neargate/internal/clock"
	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/metric"
	"github.com/neargate/neargate/internal/state"
)

// source is an edge whose load balancer gets a request whenever a test says so.
type source struct {
	mu       sync.Mutex
	started  time.Time
	requests uint64
	down     bool
}

func (s *source) set(fn func(s *source)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn(s)
}

func (s *source) Counters(context.Context) (*edgeapi.Counters, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, errors.New("connection refused")
	}
	return &edgeapi.Counters{Started: s.started, LoadBalancers: []edgeapi.LoadBalancerCounters{{
		ARN: albARN, FrontCounters: edgeapi.FrontCounters{Requests: s.requests},
	}}}, nil
}

// memory keeps what is recorded.
type memory struct {
	marks map[string][]byte
	got   []float64 // requests of each recording
	at    []time.Time
}

func (m *memory) Mark(_ context.Context, name string) ([]byte, error) { return m.marks[name], nil }

func (m *memory) Record(_ context.Context, data []metric.Datum, mark string, content []byte) error {
	for _, d := range data {
		if d.Metric.Name == "RequestCount" {
			m.got, m.at = append(m.got, d.Point.Sum), append(m.at, d.At)
		}
	}
	m.marks[mark] = content
	return nil
}

// start runs a loop over a store with one load balancer; stop ends it.
func start(t *testing.T, s *source, m *memory, c clock.Clock) (stop func()) {
	t.Helper()
	schema := state.NewSchema()
	tables := balance.NewTables(schema)
	store, err := state.Open(t.Context(), schema, state.Memory())
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Update(t.Context(), func(tx *state.Tx) error {
		tables.LoadBalancers.Put(tx, &balance.LoadBalancer{ARN: albARN, Name: "web", Type: balance.TypeApplication})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	loop := &Loop{Store: store, Balance: tables, Edge: s, Recorder: m, Clock: c, Log: slog.New(slog.DiscardHandler)}
	go func() { done <- loop.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		store.Close()
	}
}

// TestLoop: every minute is recorded when it is over, under its own time; nothing is counted twice or forgotten while edge
// does not answer, while this process is dead, or when edge begins anew.
func TestLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		s, m := &source{started: begin}, &memory{marks: map[string][]byte{}}
		stop := start(t, s, m, clock.Clock{})
		minute := func(fn func(s *source)) {
			s.set(fn)
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		minute(func(s *source) { s.requests = 10 })
		minute(func(s *source) { s.requests = 15; s.down = true })
		minute(func(s *source) { s.requests = 20; s.down = false })
		stop()
		s.set(func(s *source) { s.requests = 100 })
		time.Sleep(time.Hour)
		stop = start(t, s, m, clock.Clock{})
		minute(func(*source) {})
		minute(func(s *source) { s.started, s.requests = s.started.Add(time.Hour), 7 })
		minute(func(*source) {})
		stop()
		want := []float64{10, 10, 80, 7, 0}
		if len(m.got) != len(want) {
			t.Fatalf("recorded %v, want %v", m.got, want)
		}
		for i := range want {
			if m.got[i] != want[i] {
				t.Errorf("recorded %v, want %v", m.got, want)
			}
		}
		if at := m.at[0].Sub(begin.Truncate(time.Minute)); at < 0 || at >= time.Minute {
			t.Errorf("the first minute is dated %v after it began", at)
		}
	})
}

// TestScaledLoop: at scale 60 a minute is over in a second.
func TestScaledLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &source{started: time.Now()}, &memory{marks: map[string][]byte{}}
		stop := start(t, s, m, clock.Clock{Scale: 60})
		time.Sleep(10*time.Second + 500*time.Millisecond)
		synctest.Wait()
		stop()
		if len(m.got) != 10 || m.at[9].Sub(m.at[8]) != time.Second {
			t.Errorf("%d recordings in ten seconds, at %v", len(m.got), m.at)
		}
	})
}
