package l4

import (
	"os"

	"golang.org/x/sys/unix"
)

const (
	pipeRoom   = 1 << 20
	sparePipes = 16
)

// pipe is what octets pass through on their way from one socket to another without being copied into this process.
type pipe struct{ out, in int }

// takePipe returns a pipe that is empty.
func (l *loop) takePipe() (pipe, error) {
	if n := len(l.pipes); n > 0 {
		p := l.pipes[n-1]
		l.pipes = l.pipes[:n-1]
		return p, nil
	}
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return pipe{}, os.NewSyscallError("pipe2", err)
	}
	// Without the larger room, which the kernel may deny, it only takes more turns.
	_, _ = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, pipeRoom)
	return pipe{fds[0], fds[1]}, nil
}

// putPipe keeps a pipe that is empty for the next one who needs it.
func (l *loop) putPipe(p pipe) {
	if len(l.pipes) == sparePipes {
		p.close()
		return
	}
	l.pipes = append(l.pipes, p)
}

func (p pipe) close() {
	unix.Close(p.out)
	unix.Close(p.in)
}
