package metric

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/neargate/neargate/internal/state/private"
)

const fileSchema = `
CREATE TABLE IF NOT EXISTS series (
	id         INTEGER PRIMARY KEY,
	account    TEXT NOT NULL,
	region     TEXT NOT NULL,
	namespace  TEXT NOT NULL,
	name       TEXT NOT NULL,
	dimensions TEXT NOT NULL,
	unit       TEXT NOT NULL,
	newest     INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS point (
	series     INTEGER NOT NULL,
	resolution INTEGER NOT NULL,
	at         INTEGER NOT NULL,
	content    BLOB NOT NULL,
	PRIMARY KEY (series, resolution, at)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mark (
	name    TEXT PRIMARY KEY,
	content BLOB NOT NULL
) STRICT, WITHOUT ROWID;
`

// busyWait is how long a writer waits for another one.
const busyWait = 10 * time.Second

// connections is how many reads run side by side, or beside a write.
const connections = 4

// file keeps points. A commit is with the operating system when it returns: it survives the death of this process, and what a
// power failure takes is at most what SQLite had not yet checkpointed.
type file struct{ pool *sqlitex.Pool }

func openFile(path string) (*file, error) {
	if err := private.Database(path); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	pool, err := sqlitex.NewPool(path, sqlitex.PoolOptions{
		PoolSize: connections,
		PrepareConn: func(c *sqlite.Conn) error {
			c.SetBusyTimeout(busyWait)
			return sqlitex.ExecuteTransient(c, "PRAGMA synchronous = NORMAL", nil)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("metrics %s: %w", path, err)
	}
	f := &file{pool: pool}
	if err := f.with(context.Background(), func(c *sqlite.Conn) error { return sqlitex.ExecuteScript(c, fileSchema, nil) }); err != nil {
		return nil, errors.Join(fmt.Errorf("metrics %s: %w", path, err), pool.Close())
	}
	return f, nil
}

func (f *file) close() error { return f.pool.Close() }

func (f *file) with(ctx context.Context, fn func(*sqlite.Conn) error) error {
	c, err := f.pool.Take(ctx)
	if err != nil {
		return err
	}
	defer f.pool.Put(c)
	if err = fn(c); err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ctx.Err(), err) // SQLite says no more than that it was interrupted
	}
	return err
}

// update runs fn in one transaction.
func (f *file) update(ctx context.Context, fn func(w writer) error) error {
	return f.with(ctx, func(c *sqlite.Conn) (err error) {
		end, err := sqlitex.ImmediateTransaction(c)
		if err != nil {
			return err
		}
		defer end(&err)
		return fn(writer{c})
	})
}

func (f *file) each(ctx context.Context, query string, args []any, row func(*sqlite.Stmt) error) error {
	return f.with(ctx, func(c *sqlite.Conn) error { return each(c, query, args, row) })
}

func each(c *sqlite.Conn, query string, args []any, row func(*sqlite.Stmt) error) error {
	return sqlitex.Execute(c, query, &sqlitex.ExecOptions{Args: args, ResultFunc: row})
}

// load fills the catalogue.
func (f *file) load(ctx context.Context, c *catalogue) error {
	return f.each(ctx, "SELECT id, account, region, namespace, name, dimensions, unit, newest FROM series", nil, func(s *sqlite.Stmt) error {
		newest := s.ColumnInt64(7)
		c.add(Metric{
			Account: s.ColumnText(1), Region: s.ColumnText(2), Namespace: s.ColumnText(3), Name: s.ColumnText(4),
			Dimensions: parseDimensions(s.ColumnText(5)),
		}, &series{id: s.ColumnInt64(0), unit: s.ColumnText(6), newest: newest, stored: newest})
		return nil
	})
}

// scan calls fn for a series' points of one resolution in order.
func (f *file) scan(ctx context.Context, id, resolution, from, to int64, fn func(at int64, p Point) error) error {
	return f.with(ctx, func(c *sqlite.Conn) error { return scan(c, id, resolution, from, to, fn) })
}

func scan(c *sqlite.Conn, id, resolution, from, to int64, fn func(at int64, p Point) error) error {
	return each(c, "SELECT at, content FROM point WHERE series = ? AND resolution = ? AND at >= ? AND at < ? ORDER BY at",
		[]any{id, resolution, from, to}, func(s *sqlite.Stmt) error {
			p, err := columnPoint(s, 1)
			if err != nil {
				return err
			}
			return fn(s.ColumnInt64(0), p)
		})
}

func columnPoint(s *sqlite.Stmt, column int) (Point, error) {
	content := make([]byte, s.ColumnLen(column))
	s.ColumnBytes(column, content)
	return parsePoint(content)
}

// mark reads what was stored under a name, nil where there is nothing.
func (f *file) mark(ctx context.Context, name string) (content []byte, err error) {
	err = f.each(ctx, "SELECT content FROM mark WHERE name = ?", []any{name}, func(s *sqlite.Stmt) error {
		content = make([]byte, s.ColumnLen(0))
		s.ColumnBytes(0, content)
		return nil
	})
	return content, err
}

// bytes is the size of what the file holds.
func (f *file) bytes(ctx context.Context) (n int64, err error) {
	err = f.each(ctx, "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size", nil,
		func(s *sqlite.Stmt) error {
			n = s.ColumnInt64(0)
			return nil
		})
	return n, err
}

// writer writes within a transaction.
type writer struct{ c *sqlite.Conn }

func (w writer) createSeries(m Metric, unit string, newest int64) (int64, error) {
	err := each(w.c, "INSERT INTO series (account, region, namespace, name, dimensions, unit, newest) VALUES (?, ?, ?, ?, ?, ?, ?)",
		[]any{m.Account, m.Region, m.Namespace, m.Name, dimensionText(m.Dimensions), unit, newest}, nil)
	return w.c.LastInsertRowID(), err
}

func (w writer) touchSeries(id, newest int64) error {
	return each(w.c, "UPDATE series SET newest = ? WHERE id = ?", []any{newest, id}, nil)
}

func (w writer) deleteSeries(id int64) error {
	return errors.Join(each(w.c, "DELETE FROM point WHERE series = ?", []any{id}, nil), each(w.c, "DELETE FROM series WHERE id = ?", []any{id}, nil))
}

// add merges p into the point that is there.
func (w writer) add(id, resolution, at int64, p Point) error {
	key := []any{id, resolution, at}
	var have Point
	if err := each(w.c, "SELECT content FROM point WHERE series = ? AND resolution = ? AND at = ?", key, func(s *sqlite.Stmt) (err error) {
		have, err = columnPoint(s, 0)
		return err
	}); err != nil {
		return err
	}
	have.Add(p)
	return each(w.c, "INSERT INTO point (series, resolution, at, content) VALUES (?, ?, ?, ?) "+
		"ON CONFLICT (series, resolution, at) DO UPDATE SET content = excluded.content", append(key, appendPoint(nil, &have)), nil)
}

func (w writer) deletePoints(id, resolution, before int64) error {
	return each(w.c, "DELETE FROM point WHERE series = ? AND resolution = ? AND at < ?", []any{id, resolution, before}, nil)
}

func (w writer) setMark(name string, content []byte) error {
	return each(w.c, "INSERT INTO mark (name, content) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET content = excluded.content",
		[]any{name, content}, nil)
}
