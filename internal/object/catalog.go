package object

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/neargate/neargate/internal/state/private"
)

// seq falls with every version of a key, so that the newest comes first in the order of the primary key. Keys are octets:
// that is how S3 sorts them.
const schema = `
CREATE TABLE IF NOT EXISTS version (
	bucket   INTEGER NOT NULL,
	key      BLOB NOT NULL,
	seq      INTEGER NOT NULL,
	id       TEXT NOT NULL,
	current  INTEGER NOT NULL,
	marker   INTEGER NOT NULL,
	size     INTEGER NOT NULL,
	etag     TEXT NOT NULL,
	modified INTEGER NOT NULL,
	meta     TEXT NOT NULL,
	content  TEXT NOT NULL,
	PRIMARY KEY (bucket, key, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS by_id ON version (bucket, key, id);
CREATE INDEX IF NOT EXISTS live ON version (bucket, key) WHERE current = 1 AND marker = 0;
CREATE TABLE IF NOT EXISTS upload (
	bucket  INTEGER NOT NULL,
	key     BLOB NOT NULL,
	id      TEXT NOT NULL,
	created INTEGER NOT NULL,
	meta    TEXT NOT NULL,
	PRIMARY KEY (bucket, key, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS part (
	upload   TEXT NOT NULL,
	number   INTEGER NOT NULL,
	size     INTEGER NOT NULL,
	etag     TEXT NOT NULL,
	modified INTEGER NOT NULL,
	sums     TEXT NOT NULL,
	content  TEXT NOT NULL,
	PRIMARY KEY (upload, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS garbage (
	blob TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unsettled (
	blob TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
`

const (
	readers  = 4
	busyWait = 10 * time.Second
)

// catalog is the rows of objects in one SQLite file: one writer, several readers.
type catalog struct {
	pool  *sqlitex.Pool
	write *sqlite.Conn

	writing sync.Mutex // held by whoever writes the batch
	mu      sync.Mutex
	queue   []*change
	chores  []chore // rows that are over, to be forgotten with the next batch
}

// chore is a row of the tables garbage or unsettled.
type chore struct{ table, blob string }

// change is an update in the queue.
type change struct {
	fn   func(*tx) error
	tx   tx
	done chan error
}

// tx is a transaction that writes.
type tx struct {
	*sqlite.Conn
	garbage []string // blobs that lost their row
}

func openCatalog(path string) (*catalog, error) {
	prepare := func(c *sqlite.Conn) error {
		c.SetBusyTimeout(busyWait)
		// FULL: what was acknowledged survives the machine, not only the process.
		return sqlitex.ExecuteTransient(c, "PRAGMA synchronous = FULL", nil)
	}
	if err := private.Database(path); err != nil {
		return nil, err
	}
	write, err := sqlite.OpenConn(path, sqlite.OpenReadWrite, sqlite.OpenCreate, sqlite.OpenWAL)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(prepare(write), sqlitex.ExecuteScript(write, schema, nil)); err != nil {
		return nil, errors.Join(err, write.Close())
	}
	pool, err := sqlitex.NewPool(path, sqlitex.PoolOptions{PoolSize: readers, PrepareConn: prepare})
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	return &catalog{pool: pool, write: write}, nil
}

func (c *catalog) close() error { return errors.Join(c.pool.Close(), c.write.Close()) }

// read runs a query.
func (c *catalog) read(ctx context.Context, query string, args []any, row func(*sqlite.Stmt) error) error {
	conn, err := c.pool.Take(ctx)
	if err != nil {
		return err
	}
	defer c.pool.Put(conn)
	return sqlitex.Execute(conn, query, &sqlitex.ExecOptions{Args: args, ResultFunc: row})
}

// update runs fn in a transaction, and returns once that is durable. Whoever comes while one is being written is part of the
// next: a sync costs the same for many. It returns the blobs that lost their rows.
func (c *catalog) update(fn func(*tx) error) (garbage []string, err error) {
	own := &change{fn: fn, done: make(chan error, 1)}
	c.mu.Lock()
	c.queue = append(c.queue, own)
	c.mu.Unlock()
	c.writing.Lock()
	defer c.writing.Unlock()
	c.mu.Lock()
	batch, chores := c.queue, c.chores
	c.queue, c.chores = nil, nil
	c.mu.Unlock()
	if len(batch) > 0 {
		c.commit(batch, chores)
	}
	err = <-own.done
	return own.tx.garbage, err
}

// commit writes a batch: each change whole or not at all, and all that succeeded together.
func (c *catalog) commit(batch []*change, chores []chore) {
	results := make([]error, len(batch))
	err := func() (err error) {
		defer recovered(&err)
		end, err := sqlitex.ImmediateTransaction(c.write)
		if err != nil {
			return err
		}
		defer end(&err)
		for _, ch := range chores {
			if err := exec(c.write, "DELETE FROM "+ch.table+" WHERE blob = ?", ch.blob); err != nil {
				return err
			}
		}
		for i, ch := range batch {
			results[i] = ch.run(c.write)
		}
		return nil
	}()
	if err != nil {
		c.later(chores)
	}
	for i, ch := range batch {
		if err != nil || results[i] != nil {
			ch.tx.garbage = nil
		}
		ch.done <- firstOf(results[i], err)
	}
}

func firstOf(own, all error) error {
	if all != nil {
		return fmt.Errorf("objects: %w", all)
	}
	return own
}

func (ch *change) run(conn *sqlite.Conn) (err error) {
	defer recovered(&err) // behind the savepoint, which is rolled back before
	defer sqlitex.Save(conn)(&err)
	ch.tx = tx{Conn: conn}
	return ch.fn(&ch.tx)
}

// recovered makes an error of a panic: it may be another one's change that panics, and the rest of the batch waits for its results.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	}
}

func (c *catalog) later(chores []chore) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chores = append(c.chores, chores...)
}

func exec(c *sqlite.Conn, query string, args ...any) error {
	return sqlitex.Execute(c, query, &sqlitex.ExecOptions{Args: args})
}

func (t *tx) exec(query string, args ...any) error { return exec(t.Conn, query, args...) }

func (t *tx) each(query string, args []any, row func(*sqlite.Stmt) error) error {
	return sqlitex.Execute(t.Conn, query, &sqlitex.ExecOptions{Args: args, ResultFunc: row})
}

// adopt says that files which are still drafts have a row now.
func (t *tx) adopt(blobs []blob) error {
	for _, b := range blobs {
		if err := t.exec("INSERT OR IGNORE INTO unsettled (blob) VALUES (?)", b.ID); err != nil {
			return err
		}
	}
	return nil
}

// discard marks blobs as garbage.
func (t *tx) discard(blobs []blob) error {
	for _, b := range blobs {
		if err := t.exec("INSERT OR IGNORE INTO garbage (blob) VALUES (?)", b.ID); err != nil {
			return err
		}
		t.garbage = append(t.garbage, b.ID)
	}
	return nil
}

const versionColumns = "key, seq, id, current, marker, size, etag, modified, meta, content"

func scanVersion(s *sqlite.Stmt) (*Version, error) {
	v := &Version{
		Key: blobText(s, 0), seq: s.ColumnInt64(1), ID: s.ColumnText(2), Current: s.ColumnBool(3), Marker: s.ColumnBool(4),
		Size: s.ColumnInt64(5), ETag: s.ColumnText(6), Modified: time.Unix(s.ColumnInt64(7), 0).UTC(),
	}
	if err := json.Unmarshal([]byte(s.ColumnText(8)), &v.Attributes); err != nil {
		return nil, fmt.Errorf("object %q: %w", v.Key, err)
	}
	if err := json.Unmarshal([]byte(s.ColumnText(9)), &v.content); err != nil {
		return nil, fmt.Errorf("object %q: %w", v.Key, err)
	}
	return v, nil
}

func blobText(s *sqlite.Stmt, column int) string {
	b := make([]byte, s.ColumnLen(column))
	s.ColumnBytes(column, b)
	return string(b)
}

// insert makes v the newest version of its key.
func (t *tx) insert(bucket int64, v *Version) error {
	if err := t.exec("UPDATE version SET current = 0 WHERE bucket = ? AND key = ? AND current = 1", bucket, []byte(v.Key)); err != nil {
		return err
	}
	if err := t.each("SELECT coalesce(min(seq), 0) - 1 FROM version WHERE bucket = ? AND key = ?", []any{bucket, []byte(v.Key)}, func(s *sqlite.Stmt) error {
		v.seq = s.ColumnInt64(0)
		return nil
	}); err != nil {
		return err
	}
	v.Current = true
	return t.exec("INSERT INTO version (bucket, "+versionColumns+") VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?)",
		bucket, []byte(v.Key), v.seq, v.ID, v.Marker, v.Size, v.ETag, v.Modified.Unix(), text(v.Attributes), text(v.content))
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain data
	}
	return string(b)
}

// find returns one version of a key, nil if there is none. Without an id it is the current one.
func (t *tx) find(bucket int64, key, id string) (v *Version, err error) {
	query, args := findQuery(bucket, key, id)
	err = t.each(query, args, func(s *sqlite.Stmt) (err error) {
		v, err = scanVersion(s)
		return err
	})
	return v, err
}

func findQuery(bucket int64, key, id string) (query string, args []any) {
	query, args = "SELECT "+versionColumns+" FROM version WHERE bucket = ? AND key = ? AND ", []any{bucket, []byte(key)}
	if id == "" {
		return query + "current = 1", args
	}
	return query + "id = ?", append(args, id)
}

// remove deletes one version; the next older one becomes current.
func (t *tx) remove(bucket int64, v *Version) error {
	if err := t.exec("DELETE FROM version WHERE bucket = ? AND key = ? AND seq = ?", bucket, []byte(v.Key), v.seq); err != nil {
		return err
	}
	if v.Current {
		if err := t.exec("UPDATE version SET current = 1 WHERE bucket = ?1 AND key = ?2 AND seq = (SELECT min(seq) FROM version WHERE bucket = ?1 AND key = ?2)",
			bucket, []byte(v.Key)); err != nil {
			return err
		}
	}
	return t.discard(v.content)
}
