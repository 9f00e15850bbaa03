package netns

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/edge/netns/netnstest"
)

// TestMount has a namespace that comes late, goes, and comes again.
func TestMount(t *testing.T) {
	o := NewOpener()
	defer o.Close()
	path := filepath.Join(t.TempDir(), "netns")
	m := o.Mount(path)
	defer m.Close()
	losses := 0
	ensure := func(what string, open, changed bool, lost int) {
		t.Helper()
		losses = 0
		isOpen, hasChanged := m.Ensure(func() {
			losses++
			if _, err := m.Namespace(); !errors.Is(err, ErrAbsent) {
				t.Errorf("%s: the lost namespace can still be had", what)
			}
		})
		if isOpen != open || hasChanged != changed || losses != lost {
			t.Errorf("%s: open %v, changed %v, %d losses", what, isOpen, hasChanged, losses)
		}
		if _, err := m.Namespace(); (err == nil) != open || err != nil && !errors.Is(err, ErrAbsent) {
			t.Errorf("%s: %v", what, err)
		}
		if (m.Problem() == nil) != open {
			t.Errorf("%s: %v", what, m.Problem())
		}
	}
	ensure("before it comes", false, true, 0)
	ensure("nothing new", false, false, 0)
	netnstest.At(t, path)
	ensure("it comes", true, true, 0)
	ensure("it stays", true, false, 0)
	if err := errors.Join(unix.Unmount(path, unix.MNT_DETACH), os.Remove(path)); err != nil {
		t.Fatal(err)
	}
	ensure("it goes", false, true, 1)
	netnstest.At(t, path)
	ensure("it comes again", true, true, 0)
	if err := errors.Join(unix.Unmount(path, unix.MNT_DETACH), os.Remove(path)); err != nil {
		t.Fatal(err)
	}
	netnstest.At(t, path)
	ensure("another takes its place", true, true, 1)
}
