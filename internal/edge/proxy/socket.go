package proxy

import (
	"errors"
	"io"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// socket is a TCP connection with one reader and one writer at a time and a coarse deadline.
//
// Setting a deadline of net.Conn costs a lock and a timer each time, several times per request. Here a deadline is one
// atomic store, and the sweeper interrupts those who have passed theirs. An interrupted operation fails with errTimeout, or
// goes on if its deadline was moved in the meantime.
type socket struct {
	conn   connection
	far    netip.AddrPort // whom it leads to
	raw    syscall.RawConn
	fd     int
	secure *secure // nil without TLS

	// alone is set while only the goroutine that will close the socket uses it. What can be done without waiting is then done
	// without the runtime's locks, see direct.go.
	alone bool
	eager bool // the last Read did not have to wait, so the next one is worth trying

	in, out        []byte
	received, sent int
	tries          int // of the current Read
	inErr, outErr  error
	read, write    func(fd uintptr) bool
	lazy           bool // borrow a buffer only once there is something to read
	borrow         func() []byte
	lend           func()

	deadline  atomic.Int64 // tick of the sweeper's clock, 0: none
	state     atomic.Uint32
	since     atomic.Int64  // tick at which the state became waiting
	interrupt atomic.Uint32 // why the sweeper or an owner broke off; sticky

	sweeper    *sweeper
	prev, next *socket // of the sweeper's list
	shard      int

	server *server         // of a client
	beat   func(now int64) // of one that is multiplexed: called with every tick
	idle   func()          // of an idle connection to a target: called when it can no longer be used

	mu   sync.Mutex
	peer *socket // of a client that waits for a target: the target's socket
}

// States the sweeper acts on.
const (
	busy uint32 = iota
	idleClient
	idleTarget
	waiting     // a client whose request is with the target
	multiplexed // a client that has any number of requests under way
)

// Reasons to break off for good.
const (
	goneClient uint32 = iota + 1 // the client closed while its request was with the target
	cutOff                       // the target's deregistration delay is over
	failedUpload
	shutdown
)

// errTimeout is temporary in net.Error's sense, so that crypto/tls does not hold it against the connection: an interrupted read can go on.
var errTimeout error = timeout{}

type timeout struct{}

func (timeout) Error() string   { return "timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

func newSocket(c connection, far netip.AddrPort, sw *sweeper) *socket {
	s := &socket{conn: c, far: far, sweeper: sw}
	s.raw, _ = c.SyscallConn() // fails only for a nil connection
	_ = s.raw.Control(func(fd uintptr) { s.fd = int(fd) })
	s.read, s.write = s.tryRead, s.tryWrite
	sw.add(s)
	return s
}

func (s *socket) Close() error {
	s.sweeper.remove(s)
	if s.secure != nil {
		s.secure.close()
	}
	return s.conn.Close()
}

// closeWrite ends what is written.
func (s *socket) closeWrite() error {
	if s.secure != nil {
		s.secure.tls.CloseWrite()
	}
	var err error
	controlErr := s.raw.Control(func(fd uintptr) { err = unix.Shutdown(int(fd), unix.SHUT_WR) })
	return errors.Join(controlErr, err)
}

// within sets the deadline of what is done next to d from now, rounded up to the sweeper's ticks.
func (s *socket) within(d time.Duration) { s.deadline.Store(s.sweeper.after(d)) }

// breakOff makes the operation under way and all later ones fail. The first reason stays.
func (s *socket) breakOff(reason uint32) {
	s.interrupt.CompareAndSwap(0, reason)
	s.conn.SetDeadline(past)
}

var past = time.Unix(1, 0)

// Read reads what there is, at least one octet.
func (s *socket) Read(p []byte) (int, error) {
	if s.secure != nil {
		return s.secure.read(p)
	}
	s.in = p
	return s.receive()
}

// receive waits for the socket to be readable and reads into s.in, or into a buffer borrowed at that moment.
func (s *socket) receive() (int, error) {
	if !s.readAtOnce() {
		s.tries = 0
		if err := s.whenReadable(s.read); err != nil {
			return 0, err
		}
		s.eager = s.tries == 1
	}
	if s.inErr == nil && s.received == 0 {
		return 0, io.EOF
	}
	return s.received, s.inErr
}

// readLazily is Read into a buffer that is borrowed only once there is something to read.
func (s *socket) readLazily(borrow func() []byte, lend func()) (int, error) {
	if s.secure != nil {
		if err := s.secure.await(); err != nil {
			return 0, err
		}
		return s.secure.read(borrow())
	}
	s.lazy, s.borrow, s.lend = true, borrow, lend
	n, err := s.receive()
	s.lazy = false
	return n, err
}

// whenReadable calls f whenever there may be something to read, until it returns true or time is over.
func (s *socket) whenReadable(f func(fd uintptr) bool) error {
	for {
		err := s.raw.Read(f)
		if err == nil {
			return nil
		}
		if !s.stillInTime(err) {
			return failure(err)
		}
	}
}

// whenWritable is the same for writing.
func (s *socket) whenWritable(f func(fd uintptr) bool) error {
	for {
		err := s.raw.Write(f)
		if err == nil {
			return nil
		}
		if !s.stillInTime(err) {
			return failure(err)
		}
	}
}

func (s *socket) tryRead(fd uintptr) bool {
	p := s.in
	if s.lazy {
		p = s.borrow()
	}
	s.tries++
	for {
		n, err := read(int(fd), p)
		switch err {
		case 0:
			s.received, s.inErr = n, nil
			return true
		case unix.EINTR:
		case unix.EAGAIN:
			if s.lazy {
				s.lend()
			}
			return false
		default:
			s.received, s.inErr = 0, err
			return true
		}
	}
}

// Write writes all of p.
func (s *socket) Write(p []byte) (int, error) {
	if s.secure != nil {
		return s.secure.write(p)
	}
	return s.send(p)
}

// send writes octets as they are.
func (s *socket) send(p []byte) (int, error) {
	s.out, s.sent, s.outErr = p, 0, nil
	var err error
	if !s.writeAtOnce() {
		err = s.whenWritable(s.write)
	}
	s.out = nil
	if err == nil {
		err = s.outErr
	}
	return s.sent, err
}

func (s *socket) tryWrite(fd uintptr) bool {
	for {
		n, err := write(int(fd), s.out[s.sent:])
		switch err {
		case 0:
			if s.sent += n; s.sent == len(s.out) {
				s.outErr = nil
				return true
			}
		case unix.EINTR:
		case unix.EAGAIN:
			return false
		default:
			s.outErr = err
			return true
		}
	}
}

// stillInTime reports whether an interrupted operation should go on because its deadline has been moved since the sweeper
// decided to interrupt it.
func (s *socket) stillInTime(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) || s.interrupt.Load() != 0 {
		return false
	}
	if d := s.deadline.Load(); d != 0 && d <= s.sweeper.now() {
		return false
	}
	s.conn.SetDeadline(time.Time{})
	return s.interrupt.Load() == 0
}

func failure(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errTimeout
	}
	return err
}

// watch marks a client as waiting for peer, until unwatch. If the client closes meanwhile, peer is broken off.
func (s *socket) watch(peer *socket) {
	s.mu.Lock()
	s.peer = peer
	s.mu.Unlock()
	s.since.Store(s.sweeper.now())
	s.state.Store(waiting)
}

func (s *socket) unwatch() {
	s.state.Store(busy)
	s.mu.Lock()
	s.peer = nil
	s.mu.Unlock()
}

func (s *socket) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.peer != nil {
		s.peer.breakOff(goneClient)
	}
}

// peek looks whether the other side has closed: open is true if it has not, data if there is something to read.
func (s *socket) peek() (open, data bool) {
	var first [recordHead]byte
	open = true
	err := s.raw.Control(func(fd uintptr) {
		n, _, err := unix.Recvfrom(int(fd), first[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		switch {
		case err == unix.EAGAIN || err == unix.EINTR:
		case err != nil || n == 0 || s.secure != nil && isFarewell(first[:n]):
			open = false
		default:
			data = true
		}
	})
	return open && err == nil, data
}

// spent reports whether an idle connection to a target can no longer be used: it has been closed, or the target has spoken out of turn.
func (s *socket) spent() bool {
	open, data := s.peek()
	return !open || data
}

// resume undoes breakOff after those it was meant for have noticed.
func (s *socket) resume() {
	s.interrupt.Store(0)
	s.conn.SetDeadline(time.Time{})
}
