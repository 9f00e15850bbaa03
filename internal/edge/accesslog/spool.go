package accesslog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

const (
	openExtension = ".open"
	flushEvery    = time.Second

	// Interval is how often Elastic Load Balancing publishes log files.
	Interval = 5 * time.Minute
	// MaxDisk is what the files of a spool take at most before they are delivered.
	MaxDisk = 1 << 30
)

// Config says where a spool keeps its files.
type Config struct {
	Dir      string
	Interval time.Duration // after which a file is closed; 0 means Interval
	MaxDisk  int64         // 0 means MaxDisk
	Log      *slog.Logger  // nil: slog.Default
}

// Spool keeps the log files of an edge.
type Spool struct {
	dir      string
	interval time.Duration
	limit    int64
	log      *slog.Logger
	wake     chan struct{}

	used atomic.Int64 // octets in dir

	mu   sync.Mutex
	logs map[edgeapi.LogFile]*Log
	mute time.Time // of complaints, until then
}

// Open makes a spool of the files in a directory. Files that an edge before this one left open are closed.
func Open(c Config) (*Spool, error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, err
	}
	left, err := filepath.Glob(filepath.Join(c.Dir, "*"+openExtension))
	for _, path := range left {
		err = errors.Join(err, recoverFile(path))
	}
	if err != nil {
		return nil, fmt.Errorf("log files of %s: %w", c.Dir, err)
	}
	s := &Spool{
		dir: c.Dir, interval: cmp.Or(c.Interval, Interval), limit: cmp.Or(c.MaxDisk, MaxDisk), log: cmp.Or(c.Log, slog.Default()),
		wake: make(chan struct{}, 1), logs: map[edgeapi.LogFile]*Log{},
	}
	return s, s.measure()
}

// Log returns the log of one node of a load balancer, the same one for the same arguments. A nil Spool has none. kind is
// edgeapi.LogAccess or edgeapi.LogConnection.
func (s *Spool) Log(kind, arn string, node netip.Addr) (*Log, error) {
	if s == nil {
		return nil, nil
	}
	file, err := edgeapi.NewLogFile(kind, arn, node)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.logs[file]
	if l == nil {
		l = &Log{spool: s, file: file}
		s.logs[file] = l
	}
	return l, nil
}

// Dropped is the number of lines that were lost.
func (s *Spool) Dropped() (n uint64) {
	for _, l := range s.all() {
		l.mu.Lock()
		n += l.dropped
		l.mu.Unlock()
	}
	return n
}

// Run writes lines to their files until ctx is done, then closes all files. Call it once.
func (s *Spool) Run(ctx context.Context) error {
	tick := time.NewTicker(min(flushEvery, s.interval))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return s.end()
		case <-s.wake:
		case <-tick.C:
		}
		s.write(time.Now())
	}
}

func (s *Spool) write(now time.Time) {
	if s.used.Load() > s.limit/2 { // only then does it matter what was delivered meanwhile
		if err := s.measure(); err != nil {
			s.complain(nil, err)
		}
	}
	for _, l := range s.all() {
		if l.due(now) {
			if err := l.close(); err != nil {
				s.complain(l, err)
			}
		}
		l.flush(now)
	}
}

func (s *Spool) end() (err error) {
	now := time.Now()
	for _, l := range s.all() {
		l.flush(now)
		err = errors.Join(err, l.close())
	}
	return err
}

func (s *Spool) all() []*Log {
	s.mu.Lock()
	defer s.mu.Unlock()
	logs := make([]*Log, 0, len(s.logs))
	for _, l := range s.logs {
		logs = append(logs, l)
	}
	return logs
}

// take counts octets that are about to be written; false when there is no room for them.
func (s *Spool) take(n int64) bool {
	if s.used.Load()+n > s.limit {
		return false
	}
	s.used.Add(n)
	return true
}

// measure looks what is in the directory: delivered files are gone from it.
func (s *Spool) measure() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	var n int64
	for _, e := range entries {
		if info, err := e.Info(); err == nil { // else it was delivered just now
			n += info.Size()
		}
	}
	s.used.Store(n)
	return nil
}

// complain reports lost lines, once in an interval.
func (s *Spool) complain(l *Log, err error) {
	now := time.Now()
	s.mu.Lock()
	quiet := now.Before(s.mute)
	if !quiet {
		s.mute = now.Add(s.interval)
	}
	s.mu.Unlock()
	if quiet {
		return
	}
	name := ""
	if l != nil {
		name = l.file.ARN()
	}
	s.log.Warn("lines of load balancer logs are lost", "load_balancer", name, "dropped", s.Dropped(), "err", err)
}
