package logs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/neargate/neargate/internal/state/private"
)

// Event is one log event.
type Event struct {
	Seq       int64 // order of arrival, unique
	Stream    int64 // Stream.ID
	Timestamp int64 // Unix milliseconds
	Ingested  int64
	Message   string
}

// Place is a position between events in the order of their timestamps.
type Place struct{ Timestamp, Seq int64 }

// After says whether p comes after o.
func (p Place) After(o Place) bool {
	return p.Timestamp > o.Timestamp || p.Timestamp == o.Timestamp && p.Seq > o.Seq
}

// Place is where the event stands.
func (e *Event) Place() Place { return Place{e.Timestamp, e.Seq} }

// Span are the outermost events of a stream, all zero for an empty one.
type Span struct{ First, Last, Ingested, Bytes int64 }

const eventSchema = `
CREATE TABLE IF NOT EXISTS event (
	seq     INTEGER PRIMARY KEY AUTOINCREMENT,
	grp     INTEGER NOT NULL,
	stream  INTEGER NOT NULL,
	ts      INTEGER NOT NULL,
	ingest  INTEGER NOT NULL,
	message TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS by_group ON event (grp, ts, seq);
CREATE INDEX IF NOT EXISTS by_stream ON event (stream, ts, seq);
CREATE TABLE IF NOT EXISTS source (
	id     TEXT PRIMARY KEY,
	offset INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`

// busyWait is how long a writer waits for another one.
const busyWait = 10 * time.Second

// readers is how many queries run side by side.
const readers = 4

// events keeps events in one SQLite file: one writer, several readers.
type events struct {
	pool *sqlitex.Pool
}

func openEvents(path string) (*events, error) {
	if err := private.Database(path); err != nil {
		return nil, fmt.Errorf("log events: %w", err)
	}
	pool, err := sqlitex.NewPool(path, sqlitex.PoolOptions{
		PoolSize: readers,
		PrepareConn: func(c *sqlite.Conn) error {
			c.SetBusyTimeout(busyWait)
			return sqlitex.ExecuteTransient(c, "PRAGMA synchronous = NORMAL", nil)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("log events %s: %w", path, err)
	}
	e := &events{pool: pool}
	if err := e.with(context.Background(), func(c *sqlite.Conn) error {
		return sqlitex.ExecuteScript(c, eventSchema, nil)
	}); err != nil {
		return nil, errors.Join(fmt.Errorf("log events %s: %w", path, err), pool.Close())
	}
	return e, nil
}

func (e *events) close() error { return e.pool.Close() }

func (e *events) with(ctx context.Context, fn func(*sqlite.Conn) error) error {
	c, err := e.pool.Take(ctx)
	if err != nil {
		return err
	}
	defer e.pool.Put(c)
	return fn(c)
}

// append stores events, and with them how far a source was read: both or neither. It fills in Seq.
func (e *events) append(ctx context.Context, group, stream int64, batch []Event, source string, offset int64) error {
	return e.with(ctx, func(c *sqlite.Conn) (err error) {
		end, err := sqlitex.ImmediateTransaction(c)
		if err != nil {
			return err
		}
		defer end(&err)
		insert := c.Prep("INSERT INTO event (grp, stream, ts, ingest, message) VALUES ($g, $s, $t, $i, $m)")
		for i := range batch {
			insert.SetInt64("$g", group)
			insert.SetInt64("$s", stream)
			insert.SetInt64("$t", batch[i].Timestamp)
			insert.SetInt64("$i", batch[i].Ingested)
			insert.SetText("$m", batch[i].Message)
			if _, err := insert.Step(); err != nil {
				return err
			}
			batch[i].Seq, batch[i].Stream = c.LastInsertRowID(), stream
			if err := insert.Reset(); err != nil {
				return err
			}
		}
		if source == "" {
			return nil
		}
		return sqlitex.Execute(c, "INSERT INTO source (id, offset) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET offset = excluded.offset",
			&sqlitex.ExecOptions{Args: []any{source, offset}})
	})
}

// offset is how far a source was read.
func (e *events) offset(ctx context.Context, source string) (at int64, err error) {
	err = e.each(ctx, "SELECT offset FROM source WHERE id = ?", []any{source}, func(s *sqlite.Stmt) error {
		at = s.ColumnInt64(0)
		return nil
	})
	return at, err
}

func (e *events) forget(ctx context.Context, source string) error {
	return e.each(ctx, "DELETE FROM source WHERE id = ?", []any{source}, nil)
}

func (e *events) each(ctx context.Context, query string, args []any, row func(*sqlite.Stmt) error) error {
	return e.with(ctx, func(c *sqlite.Conn) error {
		return sqlitex.Execute(c, query, &sqlitex.ExecOptions{Args: args, ResultFunc: row})
	})
}

// window is a range of a stream's or group's events: from and to are
// timestamps, to exclusive; after is exclusive; backward walks from the end.
type window struct {
	group, stream int64 // one of them
	from, to      int64
	after         *Place
	backward      bool
}

var errEnough = errors.New("enough")

// scan calls fn for the window's events in order until it returns false.
func (e *events) scan(ctx context.Context, w window, fn func(Event) bool) error {
	column, id := "stream", w.stream
	if w.stream == 0 {
		column, id = "grp", w.group
	}
	query := "SELECT seq, stream, ts, ingest, message FROM event WHERE " + column + " = ? AND ts >= ? AND ts < ?"
	args := []any{id, w.from, w.to}
	order, compare := "ASC", ">"
	if w.backward {
		order, compare = "DESC", "<"
	}
	if w.after != nil {
		query += " AND (ts, seq) " + compare + " (?, ?)"
		args = append(args, w.after.Timestamp, w.after.Seq)
	}
	query += " ORDER BY ts " + order + ", seq " + order
	err := e.each(ctx, query, args, func(s *sqlite.Stmt) error {
		if !fn(Event{Seq: s.ColumnInt64(0), Stream: s.ColumnInt64(1), Timestamp: s.ColumnInt64(2), Ingested: s.ColumnInt64(3), Message: s.ColumnText(4)}) {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// span is the extent of a stream.
func (e *events) span(ctx context.Context, stream int64) (sp Span, err error) {
	err = e.each(ctx, "SELECT min(ts), max(ts), max(ingest), total(length(message) + 26) FROM event WHERE stream = ?", []any{stream}, func(s *sqlite.Stmt) error {
		sp = Span{First: s.ColumnInt64(0), Last: s.ColumnInt64(1), Ingested: s.ColumnInt64(2), Bytes: int64(s.ColumnFloat(3))}
		return nil
	})
	return sp, err
}

// bytes is what a group stores.
func (e *events) bytes(ctx context.Context, group int64) (n int64, err error) {
	err = e.each(ctx, "SELECT total(length(message) + 26) FROM event WHERE grp = ?", []any{group}, func(s *sqlite.Stmt) error {
		n = int64(s.ColumnFloat(0))
		return nil
	})
	return n, err
}

// expire deletes a group's events before a timestamp.
func (e *events) expire(ctx context.Context, group, before int64) error {
	return e.each(ctx, "DELETE FROM event WHERE grp = ? AND ts < ?", []any{group, before}, nil)
}

func (e *events) dropGroup(ctx context.Context, group int64) error {
	return e.each(ctx, "DELETE FROM event WHERE grp = ?", []any{group}, nil)
}

func (e *events) dropStream(ctx context.Context, stream int64) error {
	return e.each(ctx, "DELETE FROM event WHERE stream = ?", []any{stream}, nil)
}

// keep drops the events of all other streams. It goes from one stream's end to the next one's start, since there may be millions of
// events.
func (e *events) keep(ctx context.Context, known map[int64]bool) error {
	var gone []int64
	err := e.each(ctx, `WITH RECURSIVE s (id) AS (
	SELECT min(stream) FROM event
	UNION ALL
	SELECT (SELECT min(stream) FROM event WHERE stream > s.id) FROM s WHERE s.id IS NOT NULL
) SELECT id FROM s WHERE id IS NOT NULL`, nil, func(s *sqlite.Stmt) error {
		if id := s.ColumnInt64(0); !known[id] {
			gone = append(gone, id)
		}
		return nil
	})
	for _, id := range gone {
		err = errors.Join(err, e.dropStream(ctx, id))
	}
	return err
}

func (e *events) clear(ctx context.Context) error {
	return e.with(ctx, func(c *sqlite.Conn) error {
		return sqlitex.ExecuteScript(c, "DELETE FROM event; DELETE FROM source;", nil)
	})
}
