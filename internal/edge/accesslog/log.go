package accesslog

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// Bounds of one log.
const (
	wakeAt     = 256 << 10 // octets pending from which on they are written at once
	maxPending = 4 << 20
	maxFile    = 64 << 20 // a file this large is closed before its time
	maxScratch = 64 << 10
)

var scratch = sync.Pool{New: func() any { return new(make([]byte, 0, 1<<10)) }}

// Log takes the lines of one node of a load balancer. A nil Log takes none.
type Log struct {
	spool *Spool
	file  edgeapi.LogFile // without times

	mu      sync.Mutex
	pending []byte
	lines   uint64 // pending
	dropped uint64

	// Of the flusher alone.
	spare  []byte
	open   *os.File
	path   string
	size   int64
	opened edgeapi.LogFile
}

// Write takes a line. It never waits for a disk.
func (l *Log) Write(line Line) {
	if l == nil {
		return
	}
	buf := scratch.Get().(*[]byte)
	text := append(line.AppendLine((*buf)[:0]), '\n')
	l.mu.Lock()
	before := len(l.pending)
	if before+len(text) > maxPending {
		l.dropped++
	} else {
		l.pending = append(l.pending, text...)
		l.lines++
	}
	after := len(l.pending)
	l.mu.Unlock()
	if before < wakeAt && after >= wakeAt {
		select {
		case l.spool.wake <- struct{}{}:
		default: // it is awake already
		}
	}
	if cap(text) <= maxScratch {
		*buf = text
		scratch.Put(buf)
	}
}

// flush writes what is pending. Lines that cannot be written are dropped.
func (l *Log) flush(now time.Time) {
	l.mu.Lock()
	text, lines := l.pending, l.lines
	l.pending, l.lines = l.spare[:0], 0
	l.mu.Unlock()
	l.spare = text[:0]
	if cap(l.spare) > 2*wakeAt && len(text) < wakeAt {
		l.spare = nil // a burst is over
	}
	if len(text) == 0 {
		l.spare = nil // the log of a load balancer that is idle, or gone, holds nothing
		return
	}
	if err := l.write(text, now); err != nil {
		l.drop(lines)
		l.spool.complain(l, err)
	}
}

func (l *Log) drop(lines uint64) {
	l.mu.Lock()
	l.dropped += lines
	l.mu.Unlock()
}

var errFull = errors.New("directory of logs is full")

// write appends whole lines or nothing.
func (l *Log) write(text []byte, now time.Time) error {
	if !l.spool.take(int64(len(text))) {
		return errFull
	}
	if l.open == nil {
		if err := l.create(now); err != nil {
			return err
		}
	}
	if _, err := l.open.Write(text); err != nil {
		return errors.Join(err, l.open.Truncate(l.size))
	}
	if l.size += int64(len(text)); l.size >= maxFile {
		return l.close()
	}
	return nil
}

func (l *Log) create(now time.Time) error {
	f := l.file
	f.Start, f.End = now, now.Truncate(l.spool.interval).Add(l.spool.interval)
	for {
		path := filepath.Join(l.spool.dir, f.Name()+openExtension)
		file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
		if errors.Is(err, os.ErrExist) || err == nil && exists(closed(path)) {
			if err == nil {
				err = errors.Join(file.Close(), os.Remove(path))
			}
			if f.Start = f.Start.Add(time.Millisecond); err == nil || errors.Is(err, os.ErrExist) {
				continue
			}
		}
		if err != nil {
			return err
		}
		l.open, l.path, l.size, l.opened = file, path, 0, f
		return nil
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// due says whether the open file's interval is over.
func (l *Log) due(now time.Time) bool { return l.open != nil && !now.Before(l.opened.End) }

// close hands the open file over to whoever delivers it.
func (l *Log) close() error {
	if l.open == nil {
		return nil
	}
	err := errors.Join(l.open.Sync(), l.open.Close())
	l.open = nil
	return errors.Join(err, os.Rename(l.path, closed(l.path)))
}

// closed is the name of an open file once it is closed.
func closed(path string) string {
	return path[:len(path)-len(openExtension)] + edgeapi.LogExtension
}

// recoverFile closes a file that a killed edge left open, without the line it did not finish.
func recoverFile(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	if whole == 0 {
		return os.Remove(path)
	}
	if err := os.Truncate(path, int64(whole)); err != nil {
		return err
	}
	return os.Rename(path, closed(path))
}
