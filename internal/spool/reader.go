package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// ErrEmpty is Read's answer when the spool has no further record at the moment, though its writer may still live.
var ErrEmpty = errors.New("no further record yet")

// Reader reads a spool, also while it is being written. It is not safe for concurrent use.
type Reader struct {
	f     *os.File
	at    int64  // of the next frame
	buf   []byte // what the file held from bufAt on; bytes without a whole frame may have changed since
	bufAt int64

	notice chan struct{} // receives when the file has been written to; nil before the first wait
	most   time.Duration // to wait between two looks
	stop   func()
}

// Open opens the spool at path for reading from offset on; 0 is the oldest record kept. Records are dated and read-only: their
// lines are valid until the next read.
func Open(path string, offset int64) (*Reader, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("spool %s: %w", path, err)
	}
	r := &Reader{f: f}
	if err := r.seek(offset); err != nil {
		f.Close()
		return nil, fmt.Errorf("spool %s: %w", path, err)
	}
	return r, nil
}

func (r *Reader) seek(offset int64) error {
	start, err := startOf(r.f)
	if errors.Is(err, io.EOF) { // the writer has not written the header yet
		start = headerSize
	} else if err != nil {
		return err
	}
	r.at = max(start, offset)
	r.buf = r.buf[:0]
	return nil
}

// Offset is the position after the last record read: what to give to Open or Release.
func (r *Reader) Offset() int64 { return r.at }

// Read returns the next record: ErrEmpty if there is none yet, io.EOF if the container's output is over.
func (r *Reader) Read() (Record, error) {
	rec, err := r.read()
	if err == nil && rec.Stream == end {
		r.at -= frameHead // stay in front of the mark: a writer that comes back replaces it
		r.buf = r.buf[:0]
		return Record{}, io.EOF
	}
	return rec, err
}

// Next is Read that waits for a record until ctx is done.
func (r *Reader) Next(ctx context.Context) (Record, error) {
	for wait := least; ; wait = min(2*wait, r.most) {
		rec, err := r.Read()
		if !errors.Is(err, ErrEmpty) {
			return rec, err
		}
		if r.notice == nil {
			r.listen()
			continue // what was written meanwhile has not been noticed
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return Record{}, ctx.Err()
		case <-r.notice:
			t.Stop()
		case <-t.C:
		}
	}
}

const least = 5 * time.Millisecond

// listen asks to be told of writes. Where that is refused (a limit of the kernel), looking often has to do.
func (r *Reader) listen() {
	r.notice, r.most, r.stop = make(chan struct{}, 1), 250*time.Millisecond, func() {}
	n, err := shared()
	if err != nil {
		return
	}
	if wd, err := n.subscribe(r.f.Name(), r.notice); err == nil {
		r.most = time.Minute
		r.stop = func() { n.unsubscribe(wd, r.notice) }
	}
}

func (r *Reader) read() (Record, error) {
	for {
		have := r.window()
		rec, size, v := parseFrame(have)
		switch v {
		case whole:
			r.at += int64(size)
			return rec, nil
		case short:
			more, err := r.fill(len(have))
			if err != nil {
				return Record{}, err
			}
			if !more {
				r.buf = r.buf[:0]
				return Record{}, ErrEmpty
			}
		case wrong:
			if err := r.resync(); err != nil {
				return Record{}, err
			}
		}
	}
}

// window is what the buffer holds from r.at on.
func (r *Reader) window() []byte {
	skip := r.at - r.bufAt
	if skip < 0 || skip > int64(len(r.buf)) {
		return nil
	}
	return r.buf[skip:]
}

// fill reads on behind the have bytes that the window holds.
func (r *Reader) fill(have int) (bool, error) {
	const chunk = 32 << 10
	win := r.window()
	if cap(r.buf)-have < chunk || len(win) != len(r.buf) {
		b := r.buf[:0]
		if cap(b)-have < chunk {
			b = make([]byte, 0, have+chunk)
		}
		b = b[:copy(b[:have], win)]
		r.buf, r.bufAt = b, r.at
	}
	n, err := r.f.ReadAt(r.buf[len(r.buf):len(r.buf)+chunk], r.bufAt+int64(len(r.buf)))
	r.buf = r.buf[:len(r.buf)+n]
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	return n > 0, nil
}

// resync finds the next frame after bytes that are none: the spool's start has moved on past us (we stand in a hole), or the disk
// has lost something.
func (r *Reader) resync() error {
	start, err := startOf(r.f)
	if err != nil {
		return err
	}
	if r.at < start {
		r.at = start
		return nil
	}
	fi, err := r.f.Stat()
	if err != nil {
		return err
	}
	r.buf = r.buf[:0]
	from := r.at
	for ; r.at < fi.Size(); r.at++ {
		have := r.window()
		for len(have) < frameHead+MaxLine {
			more, err := r.fill(len(have))
			if err != nil {
				return err
			}
			if have = r.window(); !more {
				break
			}
		}
		if _, _, v := parseFrame(have); v == whole {
			return nil
		}
	}
	r.at = from // a torn tail: the next writer puts its frames there
	r.buf = r.buf[:0]
	return ErrEmpty
}

// Release gives back the disk space of everything before offset, which the caller has stored elsewhere for good.
func (r *Reader) Release(offset int64) error {
	start, err := startOf(r.f)
	if err != nil {
		return err
	}
	if offset <= start {
		return nil
	}
	if err := mark(r.f, releasedAt, offset); err != nil {
		return err
	}
	punch(r.f, start, offset)
	return nil
}

// Close closes the reader, not the spool.
func (r *Reader) Close() error {
	if r.stop != nil {
		r.stop()
	}
	return r.f.Close()
}
