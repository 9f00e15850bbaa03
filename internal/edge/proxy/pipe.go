package proxy

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

const (
	// pipeFrom is how much of a body must be left for moving it inside the kernel to pay.
	pipeFrom = 16 << 10
	pipeRoom = 256 << 10
	// sparePipes is how many pipes are kept for the next body.
	sparePipes = 32
)

// pipe is what octets pass through on their way from one socket to another without being copied into this process.
type pipe struct{ out, in int }

// pipes are those not in use.
type pipes chan pipe

func (p pipes) take() (pipe, error) {
	select {
	case one := <-p:
		return one, nil
	default:
	}
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return pipe{}, os.NewSyscallError("pipe2", err)
	}
	// Without the larger room, which the kernel may deny, it only takes more turns.
	_, _ = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, pipeRoom)
	return pipe{fds[0], fds[1]}, nil
}

// put keeps a pipe that is empty.
func (p pipes) put(one pipe) {
	select {
	case p <- one:
	default:
		one.close()
	}
}

func (one pipe) close() {
	unix.Close(one.out)
	unix.Close(one.in)
}

// drop closes all pipes not in use.
func (p pipes) drop() {
	for {
		select {
		case one := <-p:
			one.close()
		default:
			return
		}
	}
}

// spliceable reports whether the octets of a body are the same on both sides, so that they can be moved inside the kernel.
func (x *exchange) spliceable() bool { return x.client.secure == nil && x.up.secure == nil }

// pump moves left octets from one socket to another, calling moved for each part. It tells the failure of the one, which
// includes ending too soon, from that of the other. It has a pipe only while there is something in it: pipes are files, and
// whoever sends slowly shall not use them up.
func (x *exchange) pump(from, to *socket, left int64, moved func(n int)) (source, sink error) {
	spare := x.client.engine.pipes
	for left > 0 {
		through, n, err := from.spliceTo(spare, int(min(left, pipeRoom)))
		if err != nil {
			return err, nil
		}
		x.touch()
		if err := to.spliceFrom(through.out, n); err != nil {
			through.close() // there may be something in it
			return nil, err
		}
		spare.put(through)
		x.touch()
		moved(n)
		left -= int64(n)
	}
	return nil, nil
}

// spliceTo moves up to n octets, at least one, into a pipe, which it returns.
func (s *socket) spliceTo(spare pipes, n int) (through pipe, moved int, err error) {
	var failed error
	err = s.whenReadable(func(fd uintptr) bool {
		if through, failed = spare.take(); failed != nil {
			return true
		}
		for {
			k, err := unix.Splice(int(fd), nil, through.in, nil, n, unix.SPLICE_F_NONBLOCK|unix.SPLICE_F_MOVE)
			switch {
			case err == unix.EINTR:
				continue
			case err == nil && k > 0:
				moved, failed = int(k), nil
				return true
			case err == nil:
				failed = io.ErrUnexpectedEOF
			case err != unix.EAGAIN:
				failed = os.NewSyscallError("splice", err)
			}
			spare.put(through)
			return err != unix.EAGAIN
		}
	})
	if err == nil {
		err = failed
	}
	return through, moved, err
}

// spliceFrom moves all of the n octets in a pipe to the socket.
func (s *socket) spliceFrom(out, n int) error {
	var failed error
	err := s.whenWritable(func(fd uintptr) bool {
		for n > 0 {
			k, err := unix.Splice(out, nil, int(fd), nil, n, unix.SPLICE_F_NONBLOCK|unix.SPLICE_F_MOVE)
			switch err {
			case nil:
				n -= int(k)
			case unix.EINTR:
			case unix.EAGAIN:
				return false
			default:
				failed = os.NewSyscallError("splice", err)
				return true
			}
		}
		return true
	})
	if err == nil {
		err = failed
	}
	return err
}
