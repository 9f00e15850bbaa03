package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/machine/containers"
	"github.com/neargate/neargate/internal/machine/fabric"
)

// TestMain lets the test's binary be a shim, too.
func TestMain(m *testing.M) {
	containers.MaybeShim()
	os.Exit(m.Run())
}

// TestInterruptedWhileItOpens: Ctrl-C takes down what a platform has made by then.
func TestInterruptedWhileItOpens(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: namespaces and nftables")
	}
	dir := t.TempDir()
	instance, err := fabric.Instance(dir)
	if err != nil {
		t.Fatal(err)
	}
	// The image store is the last thing that opens the machine, and waits for who holds its lock.
	images := filepath.Join(dir, "images")
	if err := os.Mkdir(images, 0o711); err != nil {
		t.Fatal(err)
	}
	lock, err := os.Create(filepath.Join(images, "meta.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	run := "/run/neargate-" + instance
	var g errgroup.Group
	g.Go(func() error {
		return runServe(t.Context(), []string{"--data-dir", dir, "--listen", "127.0.0.1:0", "--log-level", "error"})
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(run); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the platform does not open")
		}
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	t.Log(g.Wait()) // that the store is in use
	if _, err := os.Stat(run); err == nil {
		t.Errorf("%s is left", run)
	}
}
