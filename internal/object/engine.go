package object

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"zombiezen.com/go/sqlite"

	"github.com/neargate/neargate/internal/aws/checksum"
	"github.com/neargate/neargate/internal/clock"
	"github.com/neargate/neargate/internal/state"
)

// Engine holds buckets and objects.
type Engine struct {
	store   *state.Store
	tables  *Tables
	catalog *catalog
	blobs   *blobs
	clock   clock.Clock
	log     *slog.Logger

	// held for reading while an object is put into a bucket, for writing while buckets are deleted
	living sync.RWMutex

	mu      sync.Mutex
	settled []string // blobs that were moved, and not yet synced in their place
}

// Config is what an engine needs.
type Config struct {
	Store  *state.Store
	Tables *Tables
	Path   string // of the SQLite file
	Dir    string // of content
	Clock  clock.Clock
	Log    *slog.Logger
}

// Open opens or creates the objects' file and puts right what a crash left.
func Open(c Config) (*Engine, error) {
	b, err := openBlobs(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("objects %s: %w", c.Dir, err)
	}
	rows, err := openCatalog(c.Path)
	if err != nil {
		return nil, fmt.Errorf("objects %s: %w", c.Path, err)
	}
	e := &Engine{store: c.Store, tables: c.Tables, catalog: rows, blobs: b, clock: c.Clock, log: c.Log}
	if err := e.recover(); err != nil {
		return nil, fmt.Errorf("objects %s: %w", c.Path, errors.Join(err, rows.close()))
	}
	return e, nil
}

// Close closes the objects' file; call it when every loop and request has ended.
func (e *Engine) Close() error { return e.catalog.close() }

// recover ends what was under way when the process before this one was killed.
func (e *Engine) recover() error {
	unsettled, err := e.ids("SELECT blob FROM unsettled")
	if err != nil {
		return err
	}
	owned := map[string]bool{}
	for _, id := range unsettled {
		owned[id] = true
	}
	drafts, err := os.ReadDir(filepath.Join(e.blobs.dir, "tmp"))
	if err != nil {
		return err
	}
	for _, d := range drafts {
		if owned[d.Name()] {
			err = e.blobs.settle(d.Name())
		} else {
			err = unlink(e.blobs.draft(d.Name()))
		}
		if err != nil {
			return err
		}
	}
	if err := e.blobs.syncPlaces(unsettled); err != nil {
		return err
	}
	garbage, err := e.ids("SELECT blob FROM garbage")
	if err != nil {
		return err
	}
	if _, err := e.blobs.remove(garbage); err != nil {
		return err
	}
	_, err = e.catalog.update(func(t *tx) error {
		return errors.Join(t.exec("DELETE FROM unsettled"), t.exec("DELETE FROM garbage"))
	})
	return errors.Join(err, e.dropOrphans())
}

// dropOrphans drops the objects of buckets that are gone: their deletion was not finished.
func (e *Engine) dropOrphans() error {
	alive := map[int64]bool{}
	for b := range e.tables.Buckets.All(e.store.View(), "") {
		alive[b.ID] = true
	}
	var orphans []int64
	if err := e.catalog.read(context.Background(), "SELECT DISTINCT bucket FROM version UNION SELECT DISTINCT bucket FROM upload", nil, func(s *sqlite.Stmt) error {
		if id := s.ColumnInt64(0); !alive[id] {
			orphans = append(orphans, id)
		}
		return nil
	}); err != nil {
		return err
	}
	for _, id := range orphans {
		if err := e.drop(id); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) ids(query string) (ids []string, err error) {
	err = e.catalog.read(context.Background(), query, nil, func(s *sqlite.Stmt) error {
		ids = append(ids, s.ColumnText(0))
		return nil
	})
	return ids, err
}

// update changes rows, and removes the files of those that went.
func (e *Engine) update(fn func(*tx) error) error {
	garbage, err := e.catalog.update(fn)
	e.sweep(garbage)
	return err
}

func (e *Engine) sweep(ids []string) {
	if len(ids) == 0 {
		return
	}
	gone, err := e.blobs.remove(ids)
	if err != nil {
		e.log.Warn("removing the content of deleted objects; the next start tries again", "error", err)
	}
	chores := make([]chore, 0, len(gone))
	for _, id := range gone {
		chores = append(chores, chore{"garbage", id})
	}
	e.catalog.later(chores)
}

// settleLimit is how many moved files are synced at a time.
const settleLimit = 1024

// settle moves contents that have rows to their places.
func (e *Engine) settle(content []blob) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, b := range content {
		if err := e.blobs.settle(b.ID); err != nil && !errors.Is(err, os.ErrNotExist) { // deleted already
			e.log.Warn("moving content to its place; the next start tries again", "error", err)
			continue
		}
		e.settled = append(e.settled, b.ID)
	}
	if len(e.settled) < settleLimit {
		return
	}
	if err := e.blobs.syncPlaces(e.settled); err != nil {
		e.log.Warn("syncing content in its place", "error", err)
		return
	}
	chores := make([]chore, 0, len(e.settled))
	for _, id := range e.settled {
		chores = append(chores, chore{"unsettled", id})
	}
	e.settled = nil
	e.catalog.later(chores)
}

// syncPlaces makes the names of moved files durable.
func (b *blobs) syncPlaces(ids []string) error {
	dirs := map[string]bool{filepath.Join(b.dir, "blob"): true}
	for _, id := range ids {
		dirs[filepath.Dir(b.place(id))] = true
	}
	for dir := range dirs {
		if err := flush(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Draft is content that is on the disk and belongs to no object yet.
type Draft struct {
	Size    int64
	MD5     []byte
	Sums    map[checksum.Algorithm][]byte
	content []blob
	engine  *Engine
}

// Receive writes content to the disk; it is durable when Receive returns. Errors of body are among those returned, for errors.Is
// and errors.As. The draft is to be put somewhere or discarded.
func (e *Engine) Receive(body io.Reader, algorithms ...checksum.Algorithm) (_ *Draft, err error) {
	id := newBlobID()
	f, err := os.OpenFile(e.blobs.draft(id), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), unlink(e.blobs.draft(id)))
		}
	}()
	sums := newSummer(algorithms)
	size, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(f, sums)}, struct{ io.Reader }{body}, make([]byte, copyBuffer))
	if err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	if err := e.blobs.syncDrafts(); err != nil {
		return nil, err
	}
	d := &Draft{Size: size, engine: e, content: []blob{{id, size}}}
	d.MD5, d.Sums = sums.results()
	return d, nil
}

const copyBuffer = 128 << 10

// Discard removes a draft that was put nowhere. After a put it does nothing.
func (d *Draft) Discard() {
	for _, b := range d.content {
		if err := unlink(d.engine.blobs.draft(b.ID)); err != nil {
			d.engine.log.Warn("removing a draft; the next start tries again", "error", err)
		}
	}
	d.content = nil
}

// taken says that the draft's content has a row now.
func (d *Draft) taken() {
	d.engine.settle(d.content)
	d.content = nil
}

// Clone is a draft of content that an object has already. Nothing is copied: files of content never change.
func (e *Engine) Clone(c *Content) (_ *Draft, err error) {
	d := &Draft{engine: e}
	defer func() {
		if err != nil {
			d.Discard()
		}
	}()
	for _, b := range c.pinned {
		id, err := e.blobs.link(b.ID)
		if err != nil {
			return nil, err
		}
		d.content = append(d.content, blob{id, b.Size})
		d.Size += b.Size
	}
	return d, e.blobs.syncDrafts()
}

// Close lets go of the content.
func (c *Content) Close() error {
	if c.closed {
		return nil
	}
	c.closed = true
	var err error
	if c.at != nil {
		err = c.at.Close()
	}
	c.engine.sweep(c.engine.blobs.unpin(c.pinned))
	return err
}
