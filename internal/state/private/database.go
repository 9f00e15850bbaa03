package private

import (
	"errors"
	"fmt"
	"os"
)

// Database makes an empty SQLite file of mode 0600 where there is none; the files that SQLite puts beside it get its mode. Those
// that are there already get it now: an earlier version may have made them.
func Database(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("database: %w", err)
	}
	// Not through a file that is opened: closing that would take SQLite's locks from others in this process who have it open.
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Chmod(path+suffix, 0o600); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("database: %w", err)
		}
	}
	return nil
}
