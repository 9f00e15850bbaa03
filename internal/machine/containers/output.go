package containers

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// The output of a container that is gone can still be read for keepSpools, while there is not more of it than spoolRoom: a service
// whose tasks crash all the time fills no disk.
const (
	keepSpools = time.Hour
	spoolRoom  = 2 << 30
	tidyEvery  = time.Minute
)

// Spool is the path of a container's spool (see package spool). It is there once the container has been created, unless its log
// driver is "none", and for some time after it was removed: whoever stores its output elsewhere may be behind.
func (e *Engine) Spool(id string) string { return e.cfg.spool(id) }

// tidySpools removes output of containers that are gone; it looks for some at most every minute.
func (e *Engine) tidySpools(now time.Time) {
	last := time.Unix(e.tidied.Load(), 0)
	if now.Sub(last) < tidyEvery || !e.tidied.CompareAndSwap(last.Unix(), now.Unix()) {
		return
	}
	entries, err := os.ReadDir(e.cfg.spoolDir())
	if err != nil {
		return
	}
	var left []leftSpool
	for _, d := range entries {
		id, ok := strings.CutSuffix(d.Name(), ".log")
		if !ok || e.find(id) != nil {
			continue
		}
		if fi, err := d.Info(); err == nil {
			left = append(left, leftSpool{d.Name(), fi.ModTime(), onDisk(fi)})
		}
	}
	for _, name := range superfluous(left, now, spoolRoom) {
		_ = os.Remove(filepath.Join(e.cfg.spoolDir(), name))
	}
}

// leftSpool is the output of a container that is gone.
type leftSpool struct {
	name    string
	written time.Time
	size    int64
}

// onDisk is what a file takes: of what has been stored elsewhere only the length is left.
func onDisk(fi os.FileInfo) int64 {
	if s, ok := fi.Sys().(*syscall.Stat_t); ok {
		return s.Blocks * 512
	}
	return fi.Size()
}

// superfluous are the spools that are too old, and the oldest of the others beyond what there is room for.
func superfluous(left []leftSpool, now time.Time, room int64) (names []string) {
	slices.SortFunc(left, func(a, b leftSpool) int { return b.written.Compare(a.written) })
	for _, s := range left {
		room -= s.size
		if room < 0 || now.Sub(s.written) > keepSpools {
			names = append(names, s.name)
		}
	}
	return names
}
