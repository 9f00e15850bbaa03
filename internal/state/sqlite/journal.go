package sqlite

import (
	"context"
	"fmt"
	"os"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/state/private"
)

// application marks the file as ours ("ngst") in its header, where file(1) and
// Open look for it.
const application = 0x6e677374

// walPages is how many 4 KiB pages the write-ahead log may hold before a
// commit folds them into the file. More pages fold less often but replay
// longer at start.
const walPages = 2000

// synchronous FULL syncs the log in every commit, which makes an acknowledged
// write survive the machine, not only the process; commits are batched, so the
// rate of writes is not the rate of syncs.
var settings = []string{
	"PRAGMA locking_mode = EXCLUSIVE", // keeps the log's index out of shared memory
	"PRAGMA journal_mode = WAL",
	"PRAGMA synchronous = FULL",
	fmt.Sprintf("PRAGMA wal_autocheckpoint = %d", walPages),
	fmt.Sprintf("PRAGMA journal_size_limit = %d", walPages*4096),
}

const tables = `
CREATE TABLE IF NOT EXISTS rows (
	tbl   TEXT NOT NULL,
	key   TEXT NOT NULL,
	value BLOB NOT NULL,
	PRIMARY KEY (tbl, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seq (
	id    INTEGER PRIMARY KEY CHECK (id = 0),
	value INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO seq (id, value) VALUES (0, 0);
`

// Journal is a state.Journal in one SQLite file.
type Journal struct {
	path string
	conn *sqlite.Conn
	lock *os.File
}

// Open opens or creates the journal at path and takes it for this process. It
// fails, naming the owner, while another process has it, and refuses a file of
// a newer format.
func Open(path string) (*Journal, error) {
	lock, err := own(path + ".lock")
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", path, err)
	}
	conn, err := open(path)
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("journal %s: %w", path, err)
	}
	return &Journal{path: path, conn: conn, lock: lock}, nil
}

func open(path string) (*sqlite.Conn, error) {
	if err := private.Database(path); err != nil { // private keys are among the rows
		return nil, err
	}
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite, sqlite.OpenCreate)
	if err != nil {
		return nil, err
	}
	if err := prepare(conn); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func prepare(conn *sqlite.Conn) error {
	for _, pragma := range settings {
		if err := sqlitex.ExecuteTransient(conn, pragma, nil); err != nil {
			return err
		}
	}
	if err := checkFormat(conn); err != nil {
		return err
	}
	return sqlitex.ExecuteScript(conn, tables, nil)
}

// checkFormat accepts an empty file, which it marks, and ours up to this
// version.
func checkFormat(conn *sqlite.Conn) error {
	app, err := number(conn, "PRAGMA application_id")
	if err != nil {
		return err
	}
	version, err := number(conn, "PRAGMA user_version")
	if err != nil {
		return err
	}
	objects, err := number(conn, "SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return err
	}
	switch {
	case app == 0 && objects == 0:
		mark := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;", application, state.FormatVersion)
		return sqlitex.ExecuteScript(conn, mark, nil)
	case app != application:
		return fmt.Errorf("is another program's database (application id %#x)", app)
	case version > state.FormatVersion:
		return fmt.Errorf("was written by a newer version (format %d, this program reads up to %d)", version, state.FormatVersion)
	}
	return nil
}

func number(conn *sqlite.Conn, query string) (n int64, err error) {
	err = sqlitex.ExecuteTransient(conn, query, &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error {
			n = stmt.ColumnInt64(0)
			return nil
		},
	})
	return n, err
}

// Load implements state.Journal.
func (j *Journal) Load(_ context.Context, fn func(state.Record) error) (uint64, error) {
	err := sqlitex.ExecuteTransient(j.conn, "SELECT tbl, key, value FROM rows", &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error {
			value := make([]byte, stmt.ColumnLen(2))
			stmt.ColumnBytes(2, value)
			return fn(state.Record{Table: stmt.ColumnText(0), Key: stmt.ColumnText(1), Value: value})
		},
	})
	if err != nil {
		return 0, fmt.Errorf("journal %s: %w", j.path, err)
	}
	seq, err := number(j.conn, "SELECT value FROM seq")
	if err != nil {
		return 0, fmt.Errorf("journal %s: sequence: %w", j.path, err)
	}
	return uint64(seq), nil
}

// Commit implements state.Journal.
func (j *Journal) Commit(_ context.Context, b state.Batch) (err error) {
	if err := j.commit(b); err != nil {
		return fmt.Errorf("journal %s: %w", j.path, err)
	}
	return nil
}

// commit leaves no transaction open whatever happens: ImmediateTransaction's
// end rolls back on error, and the sequence number tells the next commit if a
// failed one had taken effect after all.
func (j *Journal) commit(b state.Batch) (err error) {
	end, err := sqlitex.ImmediateTransaction(j.conn)
	if err != nil {
		return err
	}
	defer end(&err)
	if err := j.advance(b.Seq); err != nil {
		return err
	}
	for i := range b.Records {
		if err := j.write(&b.Records[i]); err != nil {
			return err
		}
	}
	return nil
}

// advance names the row by its id: so found, it is updated without a statement
// journal.
func (j *Journal) advance(seq uint64) error {
	stmt, err := j.conn.Prepare("UPDATE seq SET value = ?1 WHERE id = 0 AND value = ?1 - 1")
	if err != nil {
		return err
	}
	stmt.BindInt64(1, int64(seq))
	if err := run(stmt); err != nil {
		return err
	}
	if j.conn.Changes() != 1 {
		return fmt.Errorf("batch %d does not follow the last one: %w", seq, state.ErrLost)
	}
	return nil
}

// write replaces a row whole. An upsert would say the same, but SQLite keeps a
// statement journal for it, which costs as much as the write.
func (j *Journal) write(r *state.Record) error {
	query := "REPLACE INTO rows (tbl, key, value) VALUES (?1, ?2, ?3)"
	if r.Value == nil {
		query = "DELETE FROM rows WHERE tbl = ?1 AND key = ?2"
	}
	stmt, err := j.conn.Prepare(query) // cached by the connection
	if err != nil {
		return err
	}
	stmt.BindText(1, r.Table)
	stmt.BindText(2, r.Key)
	if r.Value != nil {
		stmt.BindBytes(3, r.Value)
	}
	if err := run(stmt); err != nil {
		return fmt.Errorf("table %s: row %q: %w", r.Table, r.Key, err)
	}
	return nil
}

// run steps a statement that returns no rows and makes it ready for the next
// use, also after an error.
func run(stmt *sqlite.Stmt) error {
	_, err := stmt.Step()
	if resetErr := stmt.Reset(); err == nil {
		err = resetErr
	}
	return err
}

// Close implements state.Journal. It folds the write-ahead log into the file.
func (j *Journal) Close() error {
	err := j.conn.Close()
	if lockErr := j.lock.Close(); err == nil {
		err = lockErr
	}
	if err != nil {
		return fmt.Errorf("journal %s: close: %w", j.path, err)
	}
	return nil
}
