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
		m, _, err := syscall.RawSyscall6(unix.SYS_SPLICE, uintptr(from), 0, uintptr(to), 0, uintptr(n), unix.SPLICE_F_NONBLOCK|unix.SPLICE_F_MOVE)
		switch err {
		case 0:
			return int(m), nil
		case unix.EINTR:
		default:
			return 0, err
		}
	}
}

func closeSocket(fd int) { _, _, _ = syscall.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// endWriting passes on that nothing more will come.
func endWriting(fd int) {
	_, _, _ = syscall.RawSyscall(unix.SYS_SHUTDOWN, uintptr(fd), unix.SHUT_WR, 0)
}

// option switches an option of a socket on.
func option(fd, level, name int) error {
	on := int32(1)
	_, _, err := syscall.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name), uintptr(unsafe.Pointer(&on)), 4, 0)
	if err != 0 {
		return os.NewSyscallError("setsockopt", err)
	}
	return nil
}

func epollControl(epoll int, what uintptr, fd int, ev *unix.EpollEvent) error {
	_, _, err := syscall.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(epoll), what, uintptr(fd), uintptr(unsafe.Pointer(ev)), 0, 0)
	if err != 0 {
		return os.NewSyscallError("epoll_ctl", err)
	}
	return nil
}

// forget closes a connection without a word to the other side, which gets a reset should it send anything further: the end of flows that
// were silent for too long. Without the privilege it is reset.
func forget(fd int) {
	if option(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR) != nil {
		reset(fd)
		return
	}
	closeSocket(fd)
}

// reset closes a connection with a reset.
func reset(fd int) {
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	closeSocket(fd)
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
