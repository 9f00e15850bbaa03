// Package netnstest makes network namespaces for tests.
package netnstest

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// New makes a network namespace whose loopback is up and returns its path. It is gone when the test ends. Without the right
// to make one the test is skipped.
func New(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "netns")
	At(t, path)
	return path
}

// At makes one at a path that does not exist.
func At(t testing.TB, path string) {
	t.Helper()
	if err := create(path); err != nil {
		if os.Getuid() != 0 {
			t.Skip("needs root:", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(path, unix.MNT_DETACH) })
}

func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	f.Close()
	var made errgroup.Group
	made.Go(func() error {
		runtime.LockOSThread() // the thread ends with the goroutine
		return unshare(path)
	})
	if err := made.Wait(); err != nil {
		return err
	}
	h, err := netns.GetFromPath(path)
	if err != nil {
		return err
	}
	defer h.Close()
	in, err := netlink.NewHandleAt(h)
	if err != nil {
		return err
	}
	defer in.Close()
	lo, err := in.LinkByName("lo")
	if err != nil {
		return err
	}
	return in.LinkSetUp(lo)
}

func unshare(path string) error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	own := fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid())
	return unix.Mount(own, path, "", unix.MS_BIND, "")
}
