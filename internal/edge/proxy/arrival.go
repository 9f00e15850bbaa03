package proxy

import (
	"net/netip"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// connection owns a socket's descriptor: a *net.TCPConn that was dialled, or a *guest.
type connection interface {
	Close() error
	SetDeadline(time.Time) error
	SyscallConn() (syscall.RawConn, error)
}

// arrival is a connection that has been accepted.
type arrival struct {
	fd   int
	from netip.AddrPort
}

// atOnce is how many connections are accepted before the first of them is looked at.
const atOnce = 32

// arrivals waits for connections and appends those that are there, at least one, to into. If it fails there may be some too. Once the
// listener is closed the error is os.ErrClosed.
func arrivals(listener syscall.RawConn, into []arrival) ([]arrival, error) {
	var failed error
	err := listener.Read(func(fd uintptr) bool {
		for range atOnce {
			a, err := accept(int(fd))
			switch err {
			case 0:
				into = append(into, a)
			case unix.EAGAIN:
				return len(into) > 0
			case unix.EINTR, unix.ECONNABORTED:
			default:
				failed = os.NewSyscallError("accept4", err)
				return true
			}
		}
		return len(into) > 0
	})
	if err != nil { // the descriptor is gone, which a RawConn says with an error that is nobody's to compare with
		return into, os.ErrClosed
	}
	return into, failed
}

// accept accepts one connection of IPv4.
func accept(listener int) (arrival, unix.Errno) {
	var from unix.RawSockaddrInet4
	size := uint32(unsafe.Sizeof(from))
	fd, _, err := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(listener), uintptr(unsafe.Pointer(&from)),
		uintptr(unsafe.Pointer(&size)), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	if err != 0 {
		return arrival{}, err
	}
	port := (*[2]byte)(unsafe.Pointer(&from.Port)) // in the order of the network
	return arrival{int(fd), netip.AddrPortFrom(netip.AddrFrom4(from.Addr), uint16(port[0])<<8|uint16(port[1]))}, 0
}
