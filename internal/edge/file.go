package edge

import (
	"os"
	"path/filepath"
)

// writeFile replaces a file by way of a temporary one beside it, so that a reader, or a restart, finds the old content or the new. It does not
// wait for the disk.
func writeFile(path string, content []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), temporary(path))
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(content); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// temporary is the pattern of names a file has while it is written.
func temporary(path string) string { return "." + filepath.Base(path) + ".*" }

// sweep removes what a process left behind that was killed while writing path.
func sweep(path string) {
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), temporary(path))) // fails only for a bad pattern
	for _, f := range left {
		os.Remove(f)
	}
}
