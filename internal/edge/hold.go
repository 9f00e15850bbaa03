package edge

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// ErrRunning is returned when another edge holds the socket.
var ErrRunning = errors.New("another edge serves this socket")

// hold listens on a unix socket that no other living process holds. The lock, not the socket file, decides: the file of a
// killed process is replaced, its lock has gone with it. A lock taken for us may be handed over. release lets another process
// hold it.
func hold(path string, lock *os.File) (l net.Listener, release func(), err error) {
	if lock == nil {
		if lock, err = os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600); err != nil {
			return nil, nil, fmt.Errorf("socket %s: %w", path, err)
		}
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrRunning
		}
		return nil, nil, fmt.Errorf("socket %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		lock.Close()
		return nil, nil, fmt.Errorf("socket %s: %w", path, err)
	}
	l, err = net.Listen("unix", path)
	if err != nil {
		lock.Close()
		return nil, nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		lock.Close()
		return nil, nil, err
	}
	// The file stays open for as long as we live, so that we are found by it.
	return l, func() { unix.Flock(int(lock.Fd()), unix.LOCK_UN) }, nil
}
