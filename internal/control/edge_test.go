package control

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/neargate/neargate/internal/machine/process"
)

// TestOneEdge: an edge that has only just been started, by a control plane that then died, is taken for what it is, and ended with the
// platform.
func TestOneEdge(t *testing.T) {
	dir := t.TempDir()
	place := edgePlace{run: filepath.Join(dir, "run"), snapshot: filepath.Join(dir, "snapshot"), log: filepath.Join(dir, "log"), pid: filepath.Join(dir, "pid"), logs: filepath.Join(dir, "logs")}
	e := &edgeProcess{edgePlace: place, binary: os.Args[0], logger: slog.New(slog.DiscardHandler)}
	ended, err := e.start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { place.stop() })
	if _, err := e.start(); !errors.Is(err, errEdgeRuns) {
		t.Errorf("a second one: %v", err)
	}
	if err := place.stop(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil && err.Error() != "signal: terminated" { // before it listened for signals
		t.Error(err)
	}
	if left, err := process.Holding(place.lock()); err != nil || left != nil {
		t.Errorf("left: %v %v", left, err)
	}
}
