package proxy

import (
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// guest is an accepted connection. The runtime's poller is told of it only when somebody has to wait for it: with a request that is there when
// the connection is accepted, and room for its answer, nobody ever does, and three system calls are saved.
type guest struct {
	fd int

	mu       sync.Mutex
	file     *os.File // nil until somebody has to wait
	raw      syscall.RawConn
	deadline time.Time // for when somebody will
	closed   bool
}

// Close must not be called while the descriptor is in use otherwise than through the guest, see socket.alone.
func (g *guest) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return os.ErrClosed
	}
	g.closed = true
	if g.file != nil {
		return g.file.Close()
	}
	return unix.Close(g.fd)
}

func (g *guest) SetDeadline(t time.Time) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.file != nil {
		return g.file.SetDeadline(t)
	}
	g.deadline = t
	return nil
}

// SyscallConn returns the guest itself.
func (g *guest) SyscallConn() (syscall.RawConn, error) { return g, nil }

// Control calls f, which must not wait, with the descriptor.
func (g *guest) Control(f func(fd uintptr)) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return os.ErrClosed
	}
	f(uintptr(g.fd))
	return nil
}

func (g *guest) Read(f func(fd uintptr) bool) error {
	raw, err := g.settle()
	if err != nil {
		return err
	}
	return raw.Read(f)
}

func (g *guest) Write(f func(fd uintptr) bool) error {
	raw, err := g.settle()
	if err != nil {
		return err
	}
	return raw.Write(f)
}

// settle tells the poller of the connection.
func (g *guest) settle() (syscall.RawConn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, os.ErrClosed
	}
	if g.file != nil {
		return g.raw, nil
	}
	g.file = os.NewFile(uintptr(g.fd), "client")
	var err error
	if g.raw, err = g.file.SyscallConn(); err == nil && !g.deadline.IsZero() {
		err = g.file.SetDeadline(g.deadline)
	}
	return g.raw, err
}
