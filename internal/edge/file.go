package edge

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/neargate/neargate/internal/edge/edgeapi"
)

// writeFile replaces a file by way of a temporary one beside it, so that a reader, or a restart after a crash, finds the old
// content or the new. With sync the new content has reached the disk when it returns.
func writeFile(path string, content []byte, sync bool) (err error) {
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
	if sync {
		if err = f.Sync(); err != nil {
			return err
		}
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil || !sync {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
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

// loadSnapshot reads the last accepted snapshot. It returns nil if there is none.
func loadSnapshot(path string) (*edgeapi.Snapshot, []byte, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	var s edgeapi.Snapshot
	if err := json.Unmarshal(content, &s); err != nil {
		return nil, nil, fmt.Errorf("snapshot %s: %w", path, err)
	}
	if err := s.Validate(); err != nil {
		return nil, nil, fmt.Errorf("snapshot %s: %w", path, err)
	}
	return &s, content, nil
}
