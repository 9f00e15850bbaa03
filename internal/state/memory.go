package state

import (
	"context"
	"fmt"
	"sync"
)

// Memory returns a journal that lives as long as the process: for tests, and
// for a platform nobody wants to keep. A closed one can be opened again and
// still holds its rows, which is how a test restarts a store.
func Memory() Journal {
	return &memory{rows: map[rowID][]byte{}}
}

type rowID struct{ table, key string }

type memory struct {
	mu   sync.Mutex
	rows map[rowID][]byte
	seq  uint64
}

func (m *memory) Load(_ context.Context, fn func(Record) error) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, v := range m.rows {
		if err := fn(Record{Table: id.table, Key: id.key, Value: v}); err != nil {
			return 0, err
		}
	}
	return m.seq, nil
}

func (m *memory) Commit(_ context.Context, b Batch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b.Seq != m.seq+1 {
		return fmt.Errorf("memory journal: batch %d after %d: %w", b.Seq, m.seq, ErrLost)
	}
	for _, r := range b.Records {
		if r.Value == nil {
			delete(m.rows, rowID{r.Table, r.Key})
		} else {
			m.rows[rowID{r.Table, r.Key}] = r.Value
		}
	}
	m.seq = b.Seq
	return nil
}

func (m *memory) Close() error { return nil }
