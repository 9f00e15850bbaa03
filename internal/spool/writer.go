package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// DefaultMaxBytes bounds what a spool holds for consumers that do not come.
const DefaultMaxBytes = 64 << 20

// Writer appends to a spool. It is safe for concurrent use; there is one writer per spool.
type Writer struct {
	mu     sync.Mutex
	f      *os.File
	max    int64
	at     int64 // where the next frame goes
	start  int64 // nothing before it is kept, as last seen
	buf    []byte
	closed bool
}

// Create opens the spool at path for appending, making it if it does not exist. max is the size in bytes from which on the oldest
// records are given up, 0 for DefaultMaxBytes.
func Create(path string, max int64) (*Writer, error) {
	if max <= 0 {
		max = DefaultMaxBytes
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("spool %s: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("spool %s: %w", path, err)
	}
	w := &Writer{f: f, max: max}
	if err := w.prepare(); err != nil {
		f.Close()
		return nil, fmt.Errorf("spool %s: %w", path, err)
	}
	return w, nil
}

// prepare writes the header of a new spool, or cuts the torn tail and the end mark off an old one.
func (w *Writer) prepare() error {
	var head [headerSize]byte
	n, err := w.f.ReadAt(head[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if n < headerSize {
		copy(head[:], magic)
		clear(head[len(magic):])
		if _, err := w.f.WriteAt(head[:], 0); err != nil {
			return err
		}
		w.at, w.start = headerSize, headerSize
		return w.f.Truncate(headerSize)
	}
	if string(head[:len(magic)]) != magic {
		return errors.New("not a spool")
	}
	r := &Reader{f: w.f}
	if err := r.seek(0); err != nil {
		return err
	}
	w.start = r.at
	for {
		rec, err := r.read()
		if err != nil || rec.Stream == end {
			break
		}
		w.at = r.at
	}
	w.at = max(w.at, w.start)
	return w.f.Truncate(w.at)
}

// Append writes the records in one go. After an error (a full disk) it tries again with the next records; what could not be
// written is lost, the container is not held up.
func (w *Writer) Append(records ...Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return os.ErrClosed
	}
	w.buf = w.buf[:0]
	for _, r := range records {
		for len(r.Line) > MaxLine {
			w.buf = appendFrame(w.buf, Record{Time: r.Time, Stream: r.Stream, Partial: true, Line: r.Line[:MaxLine]})
			r.Line = r.Line[MaxLine:]
		}
		w.buf = appendFrame(w.buf, r)
	}
	err := w.flush()
	if cap(w.buf) > 1<<20 {
		w.buf = nil
	}
	return err
}

// flush appends w.buf at w.at. A short write leaves a torn frame, which the next flush overwrites.
func (w *Writer) flush() error {
	n, err := w.f.WriteAt(w.buf, w.at)
	if err != nil {
		if n > 0 {
			err = errors.Join(err, w.f.Truncate(w.at))
		}
		return err
	}
	w.at += int64(n)
	if w.at-w.start > w.max {
		return w.drop()
	}
	return nil
}

// drop gives up the oldest quarter if nobody has released it.
func (w *Writer) drop() error {
	start, err := startOf(w.f)
	if err != nil {
		return err
	}
	w.start = start
	if w.at-w.start <= w.max {
		return nil
	}
	r := &Reader{f: w.f}
	if err := r.seek(w.start); err != nil {
		return err
	}
	for w.at-r.at > w.max*3/4 {
		if _, err := r.read(); err != nil {
			r.at = w.at
		}
	}
	if err := mark(w.f, droppedAt, r.at); err != nil {
		return err
	}
	punch(w.f, w.start, r.at)
	w.start = r.at
	return nil
}

// Close marks the output as over, so that readers that follow it stop.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.buf = appendFrame(w.buf[:0], Record{Time: time.Now(), Stream: end})
	err := w.flush()
	w.closed = true
	return errors.Join(err, w.f.Close())
}

func mark(f *os.File, at, offset int64) error {
	_, err := f.WriteAt(binary.LittleEndian.AppendUint64(nil, uint64(offset)), at)
	return err
}

// startOf is the offset of the oldest record that is kept.
func startOf(f *os.File) (int64, error) {
	var b [16]byte
	if _, err := f.ReadAt(b[:], releasedAt); err != nil {
		return 0, err
	}
	return max(headerSize, int64(binary.LittleEndian.Uint64(b[:])), int64(binary.LittleEndian.Uint64(b[8:]))), nil
}
