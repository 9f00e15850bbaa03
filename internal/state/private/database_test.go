package private_test

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/neargate/neargate/internal/state/private"
)

// TestDatabase: new files and those of an earlier version are their owner's alone, also the ones that SQLite makes.
func TestDatabase(t *testing.T) {
	defer unix.Umask(unix.Umask(0o022))
	for name, before := range map[string]func(path string) error{
		"new": private.Database,
		"old": func(path string) error { return write(t, path, private.Database) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rows.db")
			if err := before(path); err != nil {
				t.Fatal(err)
			}
			if err := write(t, path, func(path string) error {
				for _, file := range []string{path, path + "-wal", path + "-shm"} {
					if fi, err := os.Stat(file); err != nil || fi.Mode().Perm() != 0o600 {
						t.Errorf("%v %v", fi, err)
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		})
	}
	if err := private.Database(filepath.Join(t.TempDir(), "none", "rows.db")); err == nil {
		t.Error("a database in a directory that does not exist")
	}
}

// write opens a database and writes to it, and calls then while it is open.
func write(t *testing.T, path string, then func(path string) error) error {
	t.Helper()
	c, err := sqlite.OpenConn(path, sqlite.OpenReadWrite, sqlite.OpenCreate, sqlite.OpenWAL)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := sqlitex.ExecuteScript(c, "CREATE TABLE IF NOT EXISTS a (b); INSERT INTO a VALUES (1);", nil); err != nil {
		return err
	}
	return then(path)
}
