package balance

import "github.com/neargate/neargate/internal/state"

// Progress is how far the rows have come on their way to edge: a generation number of the snapshot.
//
// Whoever writes rows and wants to know when they are served takes a Ticket in the same transaction and waits, watching Acknowledged,
// until Served.
type Progress struct{ Generation uint64 }

// Ticket is the first generation that is sure to hold what this transaction writes. The number is assigned before the rows
// are read, so whatever is written after the assignment may be in that generation and is in the next.
func (t *Tables) Ticket(tx *state.Tx) uint64 { return generation(tx, t.Edge) + 1 }

// Served is whether edge serves a generation at least as new as the ticket's.
func (t *Tables) Served(tx *state.Tx, ticket uint64) bool { return generation(tx, t.acked) >= ticket }

// Acknowledged is the table that changes when edge serves a newer generation.
func (t *Tables) Acknowledged() state.AnyTable { return t.acked }

// Assign takes the number of the next snapshot: greater than any before, and than the one edge serves.
func (t *Tables) Assign(tx *state.Tx, served uint64) uint64 {
	next := max(generation(tx, t.Edge), served) + 1
	t.Edge.Put(tx, &Progress{Generation: next})
	return next
}

// Acknowledge notes the generation that edge serves.
func (t *Tables) Acknowledge(tx *state.Tx, served uint64) {
	if generation(tx, t.acked) != served {
		t.acked.Put(tx, &Progress{Generation: served})
	}
}

func generation(tx *state.Tx, table *state.Table[Progress]) uint64 {
	if p, ok := table.Get(tx, "edge"); ok {
		return p.Generation
	}
	return 0
}

// Reached is whether a generation is at least as new as the one edge has acknowledged last.
func (t *Tables) Reached(tx *state.Tx, served uint64) bool { return served >= generation(tx, t.acked) }
