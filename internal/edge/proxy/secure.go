package proxy

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// secure is the TLS of a socket. A plain socket has none and pays a comparison with nil for it.
//
//	Read ─▶ tls.Conn ─▶ wire ─▶ the socket's own octets
//
// crypto/tls reads through wire, which hands it one record at a time out of a buffer that is borrowed only while there is something in it: an idle
// connection holds none, and what has arrived beyond what was read is known.
type secure struct {
	tls   *tls.Conn
	more  bool // the last read took as much as it had room for: there may be more of the record
	early bool // there was: its first octet is in first
	first [1]byte
	wire  wire
}

// wire is the socket as crypto/tls sees it.
type wire struct {
	socket   *socket
	buffer   *[wireRoom]byte // octets received, nil when there are none
	from, to int
	head     int  // octets of the current record's head that were handed over
	size     int  // length of the record, as far as it was handed over
	left     int  // octets of the record that were not
	dry      bool // nobody waits for what is not there

	// A reader may have something to write too: the answer to a key update. crypto/tls puts records in order, mu keeps them so.
	mu       sync.Mutex
	held     *[heldRoom]byte // where writes are gathered; nil while they are not
	gathered int
	closing  bool // nobody waits for what is written now
}

const (
	recordHead = 5
	record     = 16 << 10
	wireRoom   = record + 1<<10      // a record of full size with its head and what encryption adds
	heldRoom   = 2 * (record + 1<<8) // two
	farewell   = 2 + 1 + 16          // what a close_notify takes encrypted: nothing else that short is sent by clients
	kindAlert  = 21                  // types of records
	kindData   = 23
)

var (
	wires   = sync.Pool{New: func() any { return new([wireRoom]byte) }}
	gathers = sync.Pool{New: func() any { return new([heldRoom]byte) }}
)

// encrypt makes the socket one of TLS. What is read and written goes through conn, which was made of the wire given to handshake, from then on.
func (s *socket) encrypt(handshake func(net.Conn) (*tls.Conn, error)) error {
	x := &secure{}
	x.wire.socket = s
	s.lazy, s.borrow, s.lend = true, x.wire.borrow, x.wire.lend
	conn, err := handshake(&x.wire)
	if err != nil {
		s.lazy, s.borrow, s.lend = false, nil, nil
		return err
	}
	x.tls, s.secure = conn, x
	return nil
}

func (x *secure) read(p []byte) (n int, err error) {
	if !x.early {
		n, err = x.tls.Read(p)
		x.more = n == len(p)
		return n, err
	}
	p[0], x.early = x.first[0], false
	if n, err = x.glance(p[1:]); err != nil {
		return 1, nil
	}
	x.more = n == len(p)-1
	return 1 + n, nil
}

// glance reads without waiting. What crypto/tls has decrypted is not to be seen from outside.
func (x *secure) glance(p []byte) (int, error) {
	x.wire.dry = true
	defer func() { x.wire.dry = false }()
	return x.tls.Read(p)
}

// pending reports whether something has arrived that was not read. The rest of a record, which might be an incomplete one, counts.
func (x *secure) pending() bool {
	if x.more && !x.early {
		n, _ := x.glance(x.first[:])
		x.more, x.early = false, n == 1
	}
	w := &x.wire
	return x.early || w.from < w.to || w.head > 0 || w.left > 0
}

// await waits for something to read.
func (x *secure) await() error {
	if x.pending() {
		return nil
	}
	return x.wire.fill()
}

// write writes all of p. Several records go out in one system call.
func (x *secure) write(p []byte) (n int, err error) {
	if len(p) <= record {
		n, err = x.tls.Write(p)
		return n, reason(err)
	}
	w := &x.wire
	w.hold()
	n, err = x.tls.Write(p)
	if flushed := w.release(); err == nil {
		err = flushed
	}
	return n, reason(err)
}

// reason is the socket's error where crypto/tls has wrapped it.
func reason(err error) error {
	if err != nil && errors.Is(err, errTimeout) {
		return errTimeout
	}
	return err
}

// close says goodbye, if that can be done at once.
func (x *secure) close() {
	if !x.wire.mu.TryLock() {
		return // somebody is writing still, and would have to be waited for
	}
	x.wire.closing = true
	x.wire.mu.Unlock()
	x.tls.Close()
}

func (w *wire) borrow() []byte {
	w.buffer = wires.Get().(*[wireRoom]byte)
	return w.buffer[:]
}

func (w *wire) lend() {
	wires.Put(w.buffer)
	w.buffer, w.from, w.to = nil, 0, 0
}

// fill waits for octets, of which there are none, and takes what there is.
func (w *wire) fill() error {
	n, err := w.socket.receive()
	if err != nil {
		if w.buffer != nil {
			w.lend()
		}
		return err
	}
	w.to = n
	return nil
}

// Read hands over what has been received, but nothing beyond the current record or the head of the next.
func (w *wire) Read(p []byte) (int, error) {
	if w.from == w.to {
		if w.dry {
			return 0, errTimeout
		}
		if err := w.fill(); err != nil {
			return 0, err
		}
	}
	n := min(len(p), w.to-w.from)
	if w.left == 0 {
		n = min(n, recordHead-w.head)
		for _, o := range w.buffer[w.from : w.from+n] {
			if w.head++; w.head > 3 {
				w.size = w.size<<8 | int(o)
			}
		}
		if w.head == recordHead {
			w.left, w.head, w.size = w.size, 0, 0
		}
	} else {
		n = min(n, w.left)
		w.left -= n
	}
	copy(p, w.buffer[w.from:w.from+n])
	if w.from += n; w.from == w.to {
		w.lend()
	}
	return n, nil
}

// hold gathers what is written until release, which sends it.
func (w *wire) hold() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = gathers.Get().(*[heldRoom]byte)
}

func (w *wire) release() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.flush()
	gathers.Put(w.held)
	w.held = nil
	return err
}

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closing:
		return len(p), w.tryWrite(p)
	case w.held == nil:
		return w.socket.send(p)
	}
	if w.gathered+len(p) > len(w.held) {
		if err := w.flush(); err != nil {
			return 0, err
		}
		if len(p) > len(w.held) {
			return w.socket.send(p)
		}
	}
	w.gathered += copy(w.held[w.gathered:], p)
	return len(p), nil
}

func (w *wire) flush() error {
	if w.gathered == 0 {
		return nil
	}
	_, err := w.socket.send(w.held[:w.gathered])
	w.gathered = 0
	return err
}

// tryWrite writes what can be written without waiting, whatever the deadline.
func (w *wire) tryWrite(p []byte) (err error) {
	controlErr := w.socket.raw.Control(func(fd uintptr) {
		_, err = unix.SendmsgN(int(fd), p, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	})
	return errors.Join(controlErr, err)
}

// The rest of net.Conn. Closing and deadlines are the socket's business.

func (w *wire) Close() error                     { return nil }
func (w *wire) LocalAddr() net.Addr              { return &net.TCPAddr{} } // nobody asks
func (w *wire) RemoteAddr() net.Addr             { return net.TCPAddrFromAddrPort(w.socket.far) }
func (w *wire) SetDeadline(time.Time) error      { return nil }
func (w *wire) SetReadDeadline(time.Time) error  { return nil }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// isFarewell reports whether what begins with these octets is the other side's close_notify.
func isFarewell(b []byte) bool {
	return len(b) > 0 && b[0] == kindAlert || len(b) == recordHead && b[0] == kindData && b[3] == 0 && b[4] == farewell
}
