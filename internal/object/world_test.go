package object

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/checksum"
	"github.com/neargate/neargate/internal/clock"
	"github.com/neargate/neargate/internal/state"
)

// world is an engine over a directory, with one bucket.
type world struct {
	*Engine
	bucket *Bucket
	dir    string
}

func openAt(dir string, scale float64) (*Engine, error) {
	schema := state.NewSchema()
	tables := NewTables(schema)
	store, err := state.Open(context.Background(), schema, state.Memory())
	if err != nil {
		return nil, err
	}
	// The same bucket after every start: the journal of a real store is tested elsewhere.
	if err := store.Update(context.Background(), func(tx *state.Tx) error {
		tables.Buckets.Put(tx, &Bucket{Name: "bucket", Account: "000000000000", Region: "us-east-1", ID: 1})
		return nil
	}); err != nil {
		return nil, err
	}
	return Open(Config{
		Store: store, Tables: tables, Path: filepath.Join(dir, "objects.db"), Dir: filepath.Join(dir, "objects"),
		Clock: clock.Clock{Scale: scale}, Log: slog.New(slog.DiscardHandler),
	})
}

func open(t testing.TB) *world {
	t.Helper()
	dir := t.TempDir()
	e, err := openAt(dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	w := &world{Engine: e, dir: dir}
	w.change(t, func(*Bucket) {})
	return w
}

// change edits the bucket's row.
func (w *world) change(t testing.TB, edit func(*Bucket)) {
	t.Helper()
	if err := w.store.Update(context.Background(), func(tx *state.Tx) error {
		b, err := w.Bucket(tx, "bucket")
		if err != nil {
			return err
		}
		row := *b
		edit(&row)
		w.tables.Buckets.Put(tx, &row)
		w.bucket = &row
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) put(t testing.TB, key, content string) *Version {
	t.Helper()
	d, err := w.Receive(strings.NewReader(content), checksum.CRC32)
	if err != nil {
		t.Fatal(err)
	}
	v, err := w.Put(w.bucket, key, d, Attributes{}, Condition{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (w *world) read(t testing.TB, key, id string) string {
	t.Helper()
	_, c, err := w.Get(context.Background(), w.bucket, key, id)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var b bytes.Buffer
	if _, err := io.Copy(&b, c); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// files counts the files of content.
func (w *world) files(t testing.TB) (n int) {
	t.Helper()
	if err := filepath.WalkDir(filepath.Join(w.dir, "objects"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// age makes a version older.
func (w *world) age(t testing.TB, v *Version, by time.Duration) {
	t.Helper()
	if err := w.update(func(tx *tx) error {
		return tx.exec("UPDATE version SET modified = ? WHERE bucket = ? AND key = ? AND seq = ?", v.Modified.Add(-by).Unix(), w.bucket.ID, []byte(v.Key), v.seq)
	}); err != nil {
		t.Fatal(err)
	}
}
