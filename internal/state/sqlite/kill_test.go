package sqlite_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/state/sqlite"
)

// writerPath, when set in the environment, makes the test binary a process that
// writes to that journal until it is killed.
const writerPath = "NEARGATE_TEST_WRITER"

func TestMain(m *testing.M) {
	if path := os.Getenv(writerPath); path != "" {
		writeForever(path)
	}
	os.Exit(m.Run())
}

type note struct {
	Key  string
	Body string
}

func open(path string) (*state.Store, *state.Table[note], error) {
	j, err := sqlite.Open(path)
	if err != nil {
		return nil, nil, err
	}
	schema := state.NewSchema()
	notes := state.AddTable(schema, "test.note", func(n *note) string { return n.Key })
	s, err := state.Open(context.Background(), schema, j)
	return s, notes, err
}

// writeForever prints a key once its write is acknowledged, and never before.
func writeForever(path string) {
	s, notes, err := open(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var out sync.Mutex
	for w := range 8 {
		go func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)
				err := s.Update(context.Background(), func(tx *state.Tx) error {
					notes.Put(tx, &note{Key: key, Body: key})
					return nil
				})
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				out.Lock()
				fmt.Println(key)
				out.Unlock()
			}
		}()
	}
	time.Sleep(time.Minute) // an orphan's end, should the parent die first
	os.Exit(1)
}

// Every acknowledged write is there after kill -9, and the file opens at once.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	acknowledged := map[string]bool{}
	for _, life := range []int{1, 40, 400} {
		for _, key := range killAfter(t, path, life) {
			acknowledged[key] = true
		}
		s, notes, err := open(path)
		if err != nil {
			t.Fatalf("after kill: %v", err)
		}
		for key := range acknowledged {
			if n, ok := notes.Get(s.View(), key); !ok || n.Body != key {
				t.Errorf("acknowledged write %s is lost", key)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killAfter runs a writer, kills it once it acknowledged so many writes, and
// returns all it acknowledged.
func killAfter(t *testing.T, path string, writes int) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writerPath+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		keys = append(keys, lines.Text())
		if len(keys) == writes {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait()
	if len(keys) < writes {
		t.Fatalf("writer ended after %d writes", len(keys))
	}
	return keys
}
