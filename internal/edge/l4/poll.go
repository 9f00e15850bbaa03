package l4

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls of loops. Those made for every flow are made here and not by x/sys, which makes an object of each address; they never block,
// so the scheduler need not be told.

func epollWait(epoll int, events []unix.EpollEvent) int {
	n, _, err := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	if err != 0 {
		return 0
	}
	return int(n)
}

// accept takes a connection from a listening socket and fills in who has connected.
func accept(fd int, from *unix.RawSockaddrInet4) (int, error) {
	for {
		size := uint32(unix.SizeofSockaddrInet4)
		n, _, err := syscall.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd), uintptr(unsafe.Pointer(from)), uintptr(unsafe.Pointer(&size)),
			unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
		switch err {
		case 0:
			return int(n), nil
		case unix.EINTR, unix.ECONNABORTED:
		default:
			return -1, err
		}
	}
}

func connect(fd int, to *unix.RawSockaddrInet4) error { return address(unix.SYS_CONNECT, fd, to) }

func bind(fd int, to *unix.RawSockaddrInet4) error { return address(unix.SYS_BIND, fd, to) }

func address(call uintptr, fd int, to *unix.RawSockaddrInet4) error {
	for {
		_, _, err := syscall.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(to)), unix.SizeofSockaddrInet4)
		switch err {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return err
		}
	}
}

// read and write move what can be moved at once. Their errors are plain errnos.
func read(fd int, p []byte) (int, error) { return move(unix.SYS_READ, fd, p) }

func write(fd int, p []byte) (int, error) { return move(unix.SYS_WRITE, fd, p) }

func move(call uintptr, fd int, p []byte) (int, error) {
	for {
		n, _, err := syscall.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
		switch err {
		case 0:
			return int(n), nil
		case unix.EINTR:
		default:
			return 0, err
		}
	}
}

// splice moves up to n octets between a socket and a pipe.
func splice(from, to, n int) (int, error) {
	for {
		m, err := unix.Splice(from, nil, to, nil, n, unix.SPLICE_F_NONBLOCK|unix.SPLICE_F_MOVE)
		if err != unix.EINTR {
			return int(m), err
		}
	}
}

// forget closes a connection without a word to the other side, which gets a reset should it send anything further: the end of flows that
// were silent for too long. Without the privilege it is reset.
func forget(fd int) {
	if unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, 1) != nil {
		reset(fd)
		return
	}
	unix.Close(fd)
}

// reset closes a connection with a reset.
func reset(fd int) {
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	unix.Close(fd)
}

// pollable makes a file the runtime's poller watches. It takes the descriptor over.
func pollable(fd int, name string) (*os.File, error) {
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// portOf is the port of an address, in network byte order.
func portOf(a *unix.RawSockaddrInet4) *[2]byte { return (*[2]byte)(unsafe.Pointer(&a.Port)) }
