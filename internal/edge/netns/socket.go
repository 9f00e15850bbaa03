package netns

import (
	"errors"
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

// Bound makes a socket as Sockets does, prepares it, and binds it to an address.
func (n *Namespace) Bound(kind int, addr netip.AddrPort, prepare func(fd int) error) (int, error) {
	fds, err := n.Sockets(kind, 1)
	if err != nil {
		return -1, err
	}
	fd := fds[0]
	if err = prepare(fd); err == nil {
		err = os.NewSyscallError("bind", unix.Bind(fd, &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().As4()}))
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("%s: %w", addr, err)
	}
	return fd, nil
}

// backlog is how many connections may wait to be accepted.
const backlog = 4096

// Listening makes a socket of which connections can be accepted without what net does for each: asking for both addresses, and
// switching Nagle's algorithm off, which they inherit here.
func (n *Namespace) Listening(addr netip.AddrPort) (int, error) {
	fd, err := n.Bound(unix.SOCK_STREAM, addr, func(fd int) error {
		return errors.Join(
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1),
			unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
	})
	if err != nil {
		return -1, err
	}
	if err := unix.Listen(fd, backlog); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("%s: %w", addr, os.NewSyscallError("listen", err))
	}
	return fd, nil
}
