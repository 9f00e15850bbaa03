package proxy

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Going through syscall.RawConn costs a lock and the runtime's preparations for waiting each time, and an ordinary system call
// those for blocking. Sockets here never block, and most of the time a read finds something and a write finds room: then the
// system call itself is all there is to do. Without the lock nothing keeps the socket from being closed meanwhile, hence
// socket.alone.

// readAtOnce does what receive waits for if that can be done without waiting. It reports whether it is done.
func (s *socket) readAtOnce() bool {
	if !s.eager || !s.alone || s.interrupt.Load() != 0 {
		return false
	}
	s.eager = s.tryRead(uintptr(s.fd))
	return s.eager
}

// writeAtOnce writes as much of s.out as there is room for. It reports whether that was all, or the writing has failed.
func (s *socket) writeAtOnce() bool {
	return s.alone && s.interrupt.Load() == 0 && s.tryWrite(uintptr(s.fd))
}

func read(fd int, p []byte) (int, unix.Errno) {
	n, _, err := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	return int(n), err
}

func write(fd int, p []byte) (int, unix.Errno) {
	n, _, err := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
	return int(n), err
}
