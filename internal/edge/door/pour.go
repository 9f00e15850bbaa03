package door

import (
	"net"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// bufferRoom holds the largest datagram there is.
const bufferRoom = 64 << 10

// buffers are what octets pass through. io.Copy would do without, but takes a pipe for each direction of each connection, also of those on
// which nothing is said: four files of which there are only so many.
var buffers = sync.Pool{New: func() any { return new([bufferRoom]byte) }}

// pour copies until from ends and passes the end on.
func pour(to, from *net.TCPConn) {
	if err := move(to, from); err != nil {
		to.Close()
		from.Close()
		return
	}
	to.CloseWrite()
}

func move(to, from *net.TCPConn) error {
	raw, err := from.SyscallConn()
	if err != nil {
		return err
	}
	r := reader{raw: raw}
	take := r.take
	for {
		if err := raw.Read(take); err != nil {
			return err
		}
		if r.n > 0 {
			_, r.err = to.Write(r.buffer[:r.n])
		}
		r.giveBack()
		if r.err != nil || r.n == 0 {
			return r.err
		}
	}
}

// reader reads when there is something to be read, and has a buffer only then.
type reader struct {
	raw    syscall.RawConn
	buffer *[bufferRoom]byte
	n      int
	err    error
}

// take is whether there was something: octets, the end or an error.
func (r *reader) take(fd uintptr) bool {
	r.buffer = buffers.Get().(*[bufferRoom]byte)
	for {
		if r.n, r.err = unix.Read(int(fd), r.buffer[:]); r.err != unix.EINTR {
			break
		}
	}
	if r.err == unix.EAGAIN {
		r.giveBack()
		return false
	}
	r.n = max(r.n, 0)
	return true
}

// giveBack leaves nothing behind that would keep the buffer from being forgotten.
func (r *reader) giveBack() {
	buffers.Put(r.buffer)
	r.buffer = nil
}
