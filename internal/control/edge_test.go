package control

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/internal/edge/edgeapi"
	"github.com/neargate/neargate/internal/machine/process"
)

// answers waits until a place's edge does.
func answers(t *testing.T, place edgePlace) {
	t.Helper()
	c := edgeapi.NewClient(place.socket())
	defer c.Close()
	for deadline := time.Now().Add(edgeWait); ; time.Sleep(10 * time.Millisecond) {
		_, err := c.Status(t.Context(), 0, 0)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// edgeWait is how long a process is waited for.
const edgeWait = 30 * time.Second

// TestOneEdge: an edge that was started by a control plane which then died is taken for what it is, also before it serves, and ended
// with the platform.
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
	answers(t, place)
	if _, err := e.start(); !errors.Is(err, errEdgeRuns) {
		t.Errorf("a second one beside one that serves: %v", err)
	}
	if err := place.stop(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
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
	answers(t, place)
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
	for deadline := time.Now().Add(edgeWait); ; time.Sleep(10 * time.Millisecond) {
		if now, err := os.ReadFile(place.pid); err == nil && len(now) > 0 && !bytes.Equal(now, first) {
			if same, err := process.Parse(string(now)).Runs(os.Args[0]); err == nil {
				if !same {
					t.Error("replaced by the same")
				}
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("not replaced")
		}
	}
}

// TestEdgeLogIsBounded: a log that an edge goes on writing to begins anew once it is large, and the one before it is kept.
func TestEdgeLogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		place := edgePlace{log: filepath.Join(t.TempDir(), "log")}
		log, err := os.OpenFile(place.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600) // as edge has it
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- (&edgeProcess{edgePlace: place, logger: slog.New(slog.DiscardHandler)}).keepLogShort(ctx)
		}()
		after := func(write string) (now, older string) {
			if _, err := log.WriteString(write); err != nil {
				t.Fatal(err)
			}
			time.Sleep(edgeLogEvery + time.Second)
			synctest.Wait()
			a, errA := os.ReadFile(place.log)
			b, errB := os.ReadFile(place.log + ".1")
			if errA != nil || errB != nil && !errors.Is(errB, os.ErrNotExist) {
				t.Fatal(errA, errB)
			}
			return string(a), string(b)
		}
		large := strings.Repeat("x", edgeLog)
		if now, older := after(large); now != large || older != "" {
			t.Errorf("%d octets and %d before them, of one log that is not too large", len(now), len(older))
		}
		if now, older := after("y"); now != "" || older != large+"y" {
			t.Errorf("%d octets and %d before them, of a log that became too large", len(now), len(older))
		}
		if now, older := after("z"); now != "z" || older != large+"y" {
			t.Errorf("%d octets and %d before them, of a new log", len(now), len(older))
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// heard passes on what is logged, line by line.
type heard chan string

func (h heard) Write(line []byte) (int, error) {
	h <- string(line)
	return len(line), nil
}

// TestHowEdgeEnded: what ended an edge is said of one that this control plane started, and of another that nobody knows.
func TestHowEdgeEnded(t *testing.T) {
	dir := t.TempDir()
	place := edgePlace{run: filepath.Join(dir, "run"), snapshot: filepath.Join(dir, "snapshot"), log: filepath.Join(dir, "log"), pid: filepath.Join(dir, "pid"), logs: filepath.Join(dir, "logs")}
	if _, err := (&edgeProcess{edgePlace: place, binary: os.Args[0], logger: slog.New(slog.DiscardHandler)}).start(); err != nil {
		t.Fatal(err)
	}
	answers(t, place)
	log := make(heard, 16)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- (&edgeProcess{edgePlace: place, binary: os.Args[0], logger: slog.New(slog.NewTextHandler(log, nil))}).run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-done, place.stop()); err != nil {
			t.Error(err)
		}
	})
	expect := func(want string) {
		t.Helper()
		select {
		case line := <-log:
			if !strings.Contains(line, want) {
				t.Errorf("no %q in %q", want, line)
			}
		case <-time.After(edgeWait):
			t.Fatalf("nobody says %q", want)
		}
	}
	expect("edge is running already")
	last := ""
	kill := func() {
		t.Helper()
		for deadline := time.Now().Add(edgeWait); ; time.Sleep(10 * time.Millisecond) {
			now, err := os.ReadFile(place.pid)
			if id := process.Parse(string(now)); err == nil && string(now) != last && id.Alive() {
				last = string(now)
				if err := id.Signal(syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				return
			}
			if time.Now().After(deadline) {
				t.Fatal("no edge")
			}
		}
	}
	kill()
	expect(`how="unknown: an earlier control plane started it"`)
	kill()
	expect(`how="signal: killed"`)
}
