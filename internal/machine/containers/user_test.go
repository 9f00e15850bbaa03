package containers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestResolveUser: an image's files of users are what anybody put there.
func TestResolveUser(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "passwd")
	if err := os.WriteFile(outside, []byte("alice:x:4242:4242::/:/bin/sh\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		passwd func(path string) error
		user   string
		uid    uint32
		err    string
	}{
		"a file":      {func(path string) error { return os.WriteFile(path, []byte("bob:x:7:8::/:/bin/sh\n"), 0o644) }, "bob", 7, ""},
		"none":        {func(string) error { return nil }, "1000:1000", 1000, ""},
		"a link out":  {func(path string) error { return os.Symlink(outside, path) }, "alice", 0, "unable to find user alice"},
		"a pipe":      {func(path string) error { return unix.Mkfifo(path, 0o644) }, "bob", 0, "/etc/passwd is not a regular file"},
		"a directory": {func(path string) error { return os.Mkdir(path, 0o755) }, "bob", 0, "/etc/passwd is not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := c.passwd(filepath.Join(root, "etc", "passwd")); err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				u, err := resolveUser(root, c.user, "")
				switch {
				case c.err == "" && (err != nil || u.UID != c.uid):
					t.Errorf("uid %d, %v", u.UID, err)
				case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
					t.Errorf("%v, want %q", err, c.err)
				}
			}()
			select {
			case <-done:
			case <-time.After(patience):
				t.Fatal("it waits")
			}
		})
	}
}
