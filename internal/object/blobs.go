package object

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// blobs are the files of content. They are never changed once written.
type blobs struct {
	dir string

	// held for reading while rows are read and their blobs pinned, for writing while files are removed
	sweeping sync.RWMutex
	mu       sync.Mutex
	pins     map[string]int
	doomed   map[string]bool // to be removed when the last pin goes
}

func openBlobs(dir string) (*blobs, error) {
	for _, d := range []string{filepath.Join(dir, "tmp"), filepath.Join(dir, "blob")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	return &blobs{dir: dir, pins: map[string]int{}, doomed: map[string]bool{}}, nil
}

func newBlobID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand
	return hex.EncodeToString(b[:])
}

func (b *blobs) draft(id string) string { return filepath.Join(b.dir, "tmp", id) }

func (b *blobs) place(id string) string { return filepath.Join(b.dir, "blob", id[:2], id) }

// settle moves a file, which has a row now, to its place. Until then, and should it fail, it is found where it is.
func (b *blobs) settle(id string) error {
	to := b.place(id)
	err := os.Rename(b.draft(id), to)
	if errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		err = os.Rename(b.draft(id), to)
	}
	return err
}

// looks are where a file is, in the order in which to look: it may be moved between the first look and the second, but only forward.
func (b *blobs) looks(id string) []string { return []string{b.place(id), b.draft(id), b.place(id)} }

func (b *blobs) open(id string) (f *os.File, err error) {
	for _, path := range b.looks(id) {
		if f, err = os.Open(path); !errors.Is(err, os.ErrNotExist) {
			return f, err
		}
	}
	return nil, err
}

// link gives a content a second name, or makes a copy where a file can have no further name (ext4: 65,000).
func (b *blobs) link(id string) (copied string, err error) {
	copied = newBlobID()
	for _, path := range b.looks(id) {
		if err = os.Link(path, b.draft(copied)); errors.Is(err, unix.EMLINK) {
			err = duplicate(path, b.draft(copied))
		}
		if !errors.Is(err, os.ErrNotExist) {
			break
		}
	}
	return copied, err
}

func duplicate(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		os.Remove(to)
	}
	return err
}

// syncDrafts makes the names of drafts durable.
func (b *blobs) syncDrafts() error { return flush(filepath.Join(b.dir, "tmp")) }

// flush waits until a file's content, or a directory's names, are on the disk.
func flush(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (b *blobs) pin(content []blob) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range content {
		b.pins[c.ID]++
	}
}

// unpin returns the blobs that were waiting for that.
func (b *blobs) unpin(content []blob) (free []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range content {
		if b.pins[c.ID]--; b.pins[c.ID] > 0 {
			continue
		}
		delete(b.pins, c.ID)
		if b.doomed[c.ID] {
			delete(b.doomed, c.ID)
			free = append(free, c.ID)
		}
	}
	return free
}

// remove removes files that nobody reads, and returns which are gone. The others go when they are read no more.
func (b *blobs) remove(ids []string) (gone []string, err error) {
	b.sweeping.Lock()
	defer b.sweeping.Unlock()
	b.mu.Lock()
	var free []string
	for _, id := range ids {
		if b.pins[id] > 0 {
			b.doomed[id] = true
			continue
		}
		free = append(free, id)
	}
	b.mu.Unlock()
	for _, id := range free {
		// In the order in which settle moves: a file that it takes from the first name before we come is there when we look at the
		// second. The other way round it could pass us, and nobody would know of it any more.
		e := errors.Join(unlink(b.draft(id)), unlink(b.place(id)))
		if e == nil {
			gone = append(gone, id)
		}
		err = errors.Join(err, e)
	}
	return gone, err
}

func unlink(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Content reads a stretch of an object's content. Close it.
type Content struct {
	engine *Engine
	pinned []blob
	blobs  []blob // that are left
	start  int64  // within the blobs
	left   int64
	at     *os.File
	rest   int64 // of the file at hand
	closed bool
}

// Read reads on.
func (c *Content) Read(p []byte) (int, error) {
	for c.left > 0 && c.rest == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	if c.left == 0 {
		return 0, io.EOF
	}
	n, err := c.at.Read(p[:min(int64(len(p)), c.rest, c.left)])
	c.rest -= int64(n)
	c.left -= int64(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// WriteTo copies without a detour through memory where w can take a file.
func (c *Content) WriteTo(w io.Writer) (total int64, err error) {
	for c.left > 0 {
		for c.rest == 0 {
			if err := c.next(); err != nil {
				return total, err
			}
		}
		want := min(c.rest, c.left)
		n, err := io.Copy(w, io.LimitReader(c.at, want))
		total, c.rest, c.left = total+n, c.rest-n, c.left-n
		if err != nil {
			return total, err
		}
		if n < want {
			return total, io.ErrUnexpectedEOF
		}
	}
	return total, nil
}

// next opens the next file that has some of what is wanted.
func (c *Content) next() error {
	if c.at != nil {
		if err := c.at.Close(); err != nil {
			return err
		}
		c.at = nil
	}
	for len(c.blobs) > 0 && c.start >= c.blobs[0].Size {
		c.start -= c.blobs[0].Size
		c.blobs = c.blobs[1:]
	}
	if len(c.blobs) == 0 {
		return io.ErrUnexpectedEOF
	}
	b := c.blobs[0]
	f, err := c.engine.blobs.open(b.ID)
	if err != nil {
		return err
	}
	if _, err := f.Seek(c.start, io.SeekStart); err != nil {
		return errors.Join(err, f.Close())
	}
	c.at, c.rest, c.start, c.blobs = f, b.Size-c.start, 0, c.blobs[1:]
	return nil
}
