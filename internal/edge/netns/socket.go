package netns

import (
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// Sockets makes n unconnected, non-blocking IPv4 sockets of a type (unix.SOCK_STREAM or SOCK_DGRAM) inside the namespace. Who dials often
// makes some ahead, because entering a namespace costs more than a socket. It may make fewer, but at least one or an error.
func (n *Namespace) Sockets(kind, count int) ([]int, error) {
	fds := make([]int, 0, count)
	err := n.opener.in(n.file, func() error {
		for range count {
			fd, err := unix.Socket(unix.AF_INET, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return os.NewSyscallError("socket", err)
			}
			fds = append(fds, fd)
		}
		return nil
	})
	if err != nil && len(fds) == 0 {
		return nil, err
	}
	return fds, nil
}

// Bound makes a socket as Sockets does, prepares it, and binds it to an address. With a backlog it listens.
func (n *Namespace) Bound(kind int, addr netip.AddrPort, backlog int, prepare func(fd int) error) (int, error) {
	fds, err := n.Sockets(kind, 1)
	if err != nil {
		return -1, err
	}
	fd := fds[0]
	if err = prepare(fd); err == nil {
		err = os.NewSyscallError("bind", unix.Bind(fd, &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}))
	}
	if err == nil && backlog > 0 {
		err = os.NewSyscallError("listen", unix.Listen(fd, backlog))
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("%s: %w", addr, err)
	}
	return fd, nil
}
