package netns

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// DialTCP connects from inside the namespace to an IPv4 address, with a socket that prepare, unless it is nil, has done something to. Errors
// wrap the errno, or os.ErrDeadlineExceeded when ctx ended first.
func (n *Namespace) DialTCP(ctx context.Context, to netip.AddrPort, prepare func(fd int) error) (*net.TCPConn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	fd := -1
	err := n.opener.in(n.file, func() (err error) {
		fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("dial %s: socket: %w", to, err)
	}
	if prepare != nil {
		if err := prepare(fd); err != nil {
			unix.Close(fd)
			return nil, fmt.Errorf("dial %s: %w", to, err)
		}
	}
	// The poller is told of the socket only after connect: an unconnected one reports hang-up.
	err = unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()})
	if err != nil && err != unix.EINPROGRESS {
		unix.Close(fd)
		return nil, fmt.Errorf("dial %s: %w", to, err)
	}
	file := os.NewFile(uintptr(fd), "tcp")
	conn, ferr := net.FileConn(file)
	file.Close()
	if ferr != nil {
		return nil, fmt.Errorf("dial %s: %w", to, ferr)
	}
	tcp := conn.(*net.TCPConn)
	if err == unix.EINPROGRESS {
		if err := connected(ctx, tcp); err != nil {
			tcp.Close()
			return nil, fmt.Errorf("dial %s: %w", to, err)
		}
	}
	return tcp, nil
}

// connected waits until a connection under way is established or has failed.
func connected(ctx context.Context, c *net.TCPConn) error {
	stop := context.AfterFunc(ctx, func() { c.SetWriteDeadline(time.Unix(1, 0)) })
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var failure error
	err = raw.Write(func(fd uintptr) bool {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		if n, err := unix.Poll(poll, 0); n == 0 || err != nil {
			return false
		}
		code, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		if err != nil {
			failure = err
		} else if code != 0 {
			failure = unix.Errno(code)
		}
		return true
	})
	if failure != nil {
		err = failure
	}
	if !stop() && err == nil {
		err = os.ErrDeadlineExceeded
	}
	return err
}
