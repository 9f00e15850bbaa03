package control

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

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

// TestEdgeOfAnotherBuild: after an upgrade the edge that was left is replaced by one of the new program.
func TestEdgeOfAnotherBuild(t *testing.T) {
	dir := t.TempDir()
	place := edgePlace{run: filepath.Join(dir, "run"), snapshot: filepath.Join(dir, "snapshot"), log: filepath.Join(dir, "log"), pid: filepath.Join(dir, "pid")}
	program, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	older := filepath.Join(dir, "older")
	if err := os.WriteFile(older, append(program, 0), 0o700); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	if _, err := (&edgeProcess{edgePlace: place, binary: older, logger: log}).start(); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(place.pid)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- (&edgeProcess{edgePlace: place, binary: os.Args[0], logger: log}).run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-done, place.stop()); err != nil {
			t.Error(err)
		}
	})
	for {
		if now, err := os.ReadFile(place.pid); err == nil && len(now) > 0 && !bytes.Equal(now, first) {
			if same, err := process.Parse(string(now)).Runs(os.Args[0]); err == nil {
				if !same {
					t.Error("replaced by the same")
				}
				return
			}
		}
		select {
		case <-t.Context().Done():
			t.Fatal("not replaced")
		case <-time.After(10 * time.Millisecond):
		}
	}
}
