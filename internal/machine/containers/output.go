package containers

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// keepSpools is for how long the output of a container that is gone can still be read.
const keepSpools = time.Hour

// Spool is the path of a container's spool (see package spool). It is there once the container has been created, unless its log
// driver is "none", and for an hour after it was removed: whoever stores its output elsewhere may be behind.
func (e *Engine) Spool(id string) string { return e.cfg.spool(id) }

// tidySpools removes the output of containers that are long gone; it looks for some at most every ten minutes.
func (e *Engine) tidySpools(now time.Time) {
	last := e.tidied.Load()
	if now.Unix()-last < 600 || !e.tidied.CompareAndSwap(last, now.Unix()) {
		return
	}
	entries, err := os.ReadDir(e.cfg.spoolDir())
	if err != nil {
		return
	}
	for _, d := range entries {
		id, ok := strings.CutSuffix(d.Name(), ".log")
		if !ok || e.find(id) != nil {
			continue
		}
		if fi, err := d.Info(); err == nil && now.Sub(fi.ModTime()) > keepSpools {
			_ = os.Remove(filepath.Join(e.cfg.spoolDir(), d.Name()))
		}
	}
}
