package control

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/state/sqlite"
)

// TestDownRefuses: what a running platform has made is not pulled away from under it, and other folders are nobody's platform.
func TestDownRefuses(t *testing.T) {
	p := running(t)
	down := func(dir string) error {
		return Down(t.Context(), Config{DataDir: dir, Log: slog.New(slog.DiscardHandler)})
	}
	if err := down(p.config.DataDir); !errors.Is(err, sqlite.ErrInUse) {
		t.Errorf("of a running platform: %v", err)
	}
	if err := down(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is not the data directory of a platform") {
		t.Errorf("of some folder: %v", err)
	}
}

// TestFailures: the first one ends the platform, and none waits for it to be heard of.
func TestFailures(t *testing.T) {
	p := &Platform{fail: make(chan error, 1)}
	first := errors.New("first")
	p.failed(first)
	p.failed(errors.New("second"))
	if err := <-p.fail; err != first {
		t.Error(err)
	}
}
