package sqlite_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	zsqlite "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/state/journaltest"
	"github.com/neargate/neargate/internal/state/sqlite"
)

func TestJournal(t *testing.T) {
	journaltest.Run(t, func(t testing.TB) journaltest.Open {
		path := filepath.Join(t.TempDir(), "state.db")
		return func() (state.Journal, error) { return sqlite.Open(path) }
	})
}

func TestSecondOwnerIsRefusedByName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	j, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = sqlite.Open(path)
	if !errors.Is(err, sqlite.ErrInUse) || !strings.Contains(err.Error(), fmt.Sprintf("in use by process %d", os.Getpid())) {
		t.Errorf("got %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j, err = sqlite.Open(path)
	if err != nil {
		t.Fatalf("after the owner closed: %v", err)
	}
	j.Close()
}

func TestForeignFilesAreRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		setup string
		want  string
	}{
		{"newer format", fmt.Sprintf("PRAGMA application_id = 1852273524; PRAGMA user_version = %d; CREATE TABLE rows (x)", state.FormatVersion+1), "newer version"},
		{"other program", "PRAGMA application_id = 7; CREATE TABLE rows (x)", "another program's"},
		{"unmarked", "CREATE TABLE users (x)", "another program's"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			script(t, path, c.setup)
			_, err := sqlite.Open(path)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	t.Run("not a database", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state.db")
		if err := os.WriteFile(path, []byte(strings.Repeat("text\n", 100)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sqlite.Open(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v", err)
		}
	})
}

func script(t *testing.T, path, sql string) {
	t.Helper()
	conn, err := zsqlite.OpenConn(path, zsqlite.OpenReadWrite, zsqlite.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := sqlitex.ExecuteScript(conn, sql, nil); err != nil {
		t.Fatal(err)
	}
}

// The file stays as large as the state however often rows change.
func TestFileDoesNotGrowWithHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	j, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	value := []byte(strings.Repeat("x", 40_000))
	for seq := uint64(1); seq <= 80; seq++ {
		var b state.Batch
		b.Seq = seq
		for k := range 5 {
			b.Records = append(b.Records, state.Record{Table: "t", Key: fmt.Sprint(k), Value: value})
		}
		if err := j.Commit(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	var total int64
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(path + suffix); err == nil {
			total += info.Size()
		}
	}
	if total > 10<<20 {
		t.Errorf("200 KB of state occupy %d bytes after 16 MB of writes", total)
	}
}
