package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/state/sqlite"
)

// Durable writes: acknowledged ones survive a kill -9.
const (
	writesBar = 2000 // per second
	writers   = 16
)

func measureWrites(ctx context.Context, r *run) (f findings, err error) {
	p, _, err := r.platform(ctx)
	if err != nil {
		return f, err
	}
	defer func() { err = joined(err, p.end(ctx)) }()
	var made struct{ Cluster struct{ ClusterArn string } }
	if err := p.ecs(ctx, "CreateCluster", fields{"clusterName": cluster}, &made); err != nil {
		return f, err
	}
	register, err := json.Marshal(definition("writes", "v1"))
	if err != nil {
		return f, err
	}
	tag, err := json.Marshal(fields{"resourceArn": made.Cluster.ClusterArn, "tags": []fields{{"key": "stage", "value": "bench"}}})
	if err != nil {
		return f, err
	}
	for _, q := range []request{{"TagResource", tag}, {"RegisterTaskDefinition", register}} {
		var rates []float64
		for range r.rounds() {
			rate, err := q.rate(ctx, p.client, writers, r.during(3*time.Second))
			if err != nil {
				return f, err
			}
			rates = append(rates, rate)
		}
		f.add(atLeast(fmt.Sprintf("%s through HTTP, %d clients", q.op, writers), "/s", middle(rates), writesBar))
	}
	rate, err := storeWrites(ctx, r)
	if err != nil {
		return f, err
	}
	f.add(atLeast(fmt.Sprintf("the store alone, %d writers of rows of 1 KB", writers), "/s", rate, writesBar))
	f.note("Every write is acknowledged after the journal has committed it; clients that write at the same time share a commit.")
	return f, nil
}

// blob is a row of the size of a small resource.
type blob struct {
	Key  string
	Text string
}

// storeWrites is the rate of transactions on a store over the journal on disk.
func storeWrites(ctx context.Context, r *run) (float64, error) {
	journal, err := sqlite.Open(filepath.Join(r.dir, "store.db"))
	if err != nil {
		return 0, err
	}
	schema := state.NewSchema()
	table := state.AddTable(schema, "bench.blob", func(b *blob) string { return b.Key })
	store, err := state.Open(ctx, schema, journal)
	if err != nil {
		return 0, joined(err, journal.Close())
	}
	text := string(make([]byte, 0, 1024))
	for len(text) < 1024 {
		text += "neargate"
	}
	var number atomic.Int64
	var rates []float64
	for range r.rounds() {
		rate, err := rateOf(ctx, writers, r.during(3*time.Second), func(ctx context.Context) func() error {
			return func() error {
				key := fmt.Sprintf("%06d", number.Add(1)%100_000)
				return store.Update(ctx, func(tx *state.Tx) error {
					table.Put(tx, &blob{key, text})
					return nil
				})
			}
		})
		if err != nil {
			return 0, joined(err, store.Close())
		}
		rates = append(rates, rate)
	}
	return middle(rates), store.Close()
}
