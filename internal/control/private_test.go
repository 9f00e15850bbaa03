package control

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestDataIsPrivate: keys of certificates and of accounts are among what a platform keeps, and what it keeps is its owner's alone, also
// in a directory that is not.
func TestDataIsPrivate(t *testing.T) {
	t.Cleanup(func(before int) func() { return func() { unix.Umask(before) } }(unix.Umask(0o022)))
	p := running(t)
	answers(t, p.at.edge)
	seen := map[string]bool{}
	err := filepath.WalkDir(p.config.DataDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == p.config.DataDir {
			return err
		}
		fi, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a temporary one
		} else if err != nil {
			return err
		}
		name, _ := filepath.Rel(p.config.DataDir, path)
		if name == "bin" {
			return fs.SkipDir // the shim's program is no secret
		}
		seen[name] = true
		switch others := fi.Mode().Perm() & 0o077; {
		case d.IsDir() && others&^0o011 == 0: // whoever can't list it has to know what is in it; containers' users pass
		case d.Type().IsRegular() && others == 0:
		default:
			t.Errorf("%s: %v", name, fi.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"state.db", "state.db-wal", "objects.db", "logs.db", "metrics.db", "ca", "edge/snapshot.0", "edge/edge.log"} {
		if !seen[name] {
			t.Errorf("there is no %s among %v", name, seen)
		}
	}
}
