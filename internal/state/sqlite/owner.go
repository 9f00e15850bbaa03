package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// own locks the file at path for this process and writes its id there. The
// kernel lets go of the lock when the process dies, so a stale file never
// stands in the way. Children do not inherit it: Go opens files close-on-exec.
func own(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := take(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Claim keeps every other process off the journal at path, without opening it,
// until the returned file is closed. The error is fs.ErrNotExist where no
// journal ever was, ErrInUse while a process has it.
func Claim(path string) (io.Closer, error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if err := take(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func take(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("in use by process %s: %w", owner(f), ErrInUse)
	}
	if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%d\n", os.Getpid())
	return err
}

func owner(f *os.File) string {
	b, _ := io.ReadAll(io.LimitReader(f, 32))
	if pid := strings.TrimSpace(string(b)); pid != "" {
		return pid
	}
	return "unknown"
}

// ErrInUse is the class of Open's error while another process has the journal.
var ErrInUse = errors.New("only one process may own a data directory")
