package http2

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
)

// Stream is a request and the answer to it. One goroutine may read while another one writes.
//
//	          request ends              answer ends
//	open ───────────────────▶ half-closed ─────────▶ closed
//	  └── answer ends: closed, after RST_STREAM(NO_ERROR) ──┘
//
// Whatever else ends it sets err.
type Stream struct {
	Head    []byte // the request as an HTTP/1.1 head, without a word about framing that HTTP/2 does not have
	Whole   bool   // no body follows
	Length  int64  // Content-Length; -1: none
	GRPC    bool   // by its content type
	Trails  bool   // TE: trailers
	Connect bool   // CONNECT, which has no head
	TooLong bool   // the head was, and is incomplete

	conn *Connection
	id   uint32

	deadline atomic.Int64 // tick; 0: none

	// Guarded by conn.mu.
	changed               sync.Cond
	in                    []byte // of the body, from used on
	used                  int
	received              int64
	receivable            int // what the client may still send
	consumed              int // and what it has not been given back yet
	window                int64
	remoteDone, localDone bool
	deaf                  bool // nobody reads any more
	err                   error
	gone                  func()
}

// ErrTimeout tells that the deadline has passed.
var ErrTimeout = errors.New("http2 stream timeout")

var streams = sync.Pool{New: func() any { return &Stream{} }}

func newStream(c *Connection) *Stream {
	s := streams.Get().(*Stream)
	s.conn, s.changed.L = c, &c.mu
	return s
}

// take makes the stream's request of a head, exchanging buffers with it.
func (s *Stream) take(h *head, id uint32, whole bool) {
	s.id = id
	s.Head, h.text = h.text, s.Head
	s.Whole, s.remoteDone = whole, whole
	s.Length, s.GRPC, s.Trails, s.Connect, s.TooLong = h.length, h.grpc, h.mayTrail, h.connect, h.tooLong
	s.receivable = streamWindow
}

// maxSpare is how large a buffer may have grown to be kept.
const maxSpare = 16 << 10

func (s *Stream) serve() {
	c := s.conn
	defer s.finish(c)
	c.config.Serve(s)
}

// finish closes the stream and forgets it.
func (s *Stream) finish(c *Connection) {
	c.mu.Lock()
	switch {
	case s.err != nil || c.err != nil:
	case !s.localDone:
		s.reset(InternalError)
	case !s.remoteDone:
		s.reset(NoError) // "a server MAY request that the client abort transmission of a request without error"
	}
	c.giveBack(len(s.in) - s.used) // what was read has been given back
	delete(c.streams, s.id)
	if len(c.streams) == 0 {
		c.idle.Broadcast()
		c.interruptIfFinished()
	}
	c.mu.Unlock()
	spare := &Stream{Head: s.Head[:0], in: s.in[:0]}
	if cap(spare.Head)+cap(spare.in) <= maxSpare {
		streams.Put(spare)
	}
}

// abort ends the stream for a reason from outside, without a word to the client. mu is held.
func (s *Stream) abort(err error) {
	if s.err != nil {
		return
	}
	if !s.remoteDone || !s.localDone {
		s.conn.open.Add(-1)
	}
	s.err = err
	s.changed.Broadcast()
	if s.gone != nil {
		s.gone()
	}
}

// reset ends the stream and tells the client. mu is held.
func (s *Stream) reset(code Code) {
	if s.err != nil {
		return
	}
	c := s.conn
	s.abort(&StreamError{Code: code})
	c.recent.add(s.id)
	c.out = appendReset(c.takeOut(), s.id, code)
	c.kick()
}

func (s *Stream) endRemote() {
	if s.remoteDone = true; s.localDone {
		s.conn.open.Add(-1)
	}
}

func (s *Stream) endLocal() {
	if s.localDone = true; s.remoteDone {
		s.conn.open.Add(-1)
	}
}

// CloseRead makes reading fail, now and later. What else the client sends is dropped, and it is asked to stop once the answer has ended.
func (s *Stream) CloseRead() {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	s.deaf = true
	s.changed.Broadcast()
}

// Reset ends the stream with an error, unless it has ended. NoError is for a stream that has been answered.
func (s *Stream) Reset(code Code) {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	if code == NoError && !s.localDone {
		code = InternalError
	}
	if !s.remoteDone || !s.localDone {
		s.reset(code)
	}
}

// Err is why the stream has ended before its time, nil if it has not.
func (s *Stream) Err() error {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	return s.err
}

// WhenGone has f called when the stream ends before its time, or at once if it has. f must return at once and not use the
// stream. Once WhenGone has returned, what it was called with before is not called any more. nil: nothing.
func (s *Stream) WhenGone(f func()) {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	if s.gone = f; f != nil && s.err != nil {
		f()
	}
}

// SetDeadline has operations that wait fail with ErrTimeout from tick on.
func (s *Stream) SetDeadline(tick int64) { s.deadline.Store(tick) }

func (s *Stream) overdue(now int64) bool {
	d := s.deadline.Load()
	return d != 0 && d <= now
}

// wait waits for a change. mu is held.
func (s *Stream) wait() error {
	if s.overdue(s.conn.config.Now()) {
		return ErrTimeout
	}
	s.changed.Wait()
	return nil
}

// Read reads of the body what there is, at least one octet, or io.EOF after the last one.
func (s *Stream) Read(p []byte) (int, error) {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	for s.used == len(s.in) {
		switch {
		case s.err != nil:
			return 0, s.err
		case s.deaf:
			return 0, errClosed
		case s.remoteDone:
			return 0, io.EOF
		}
		if err := s.wait(); err != nil {
			return 0, err
		}
	}
	if s.err != nil {
		return 0, s.err
	}
	return s.consume(p), nil
}

// Buffered is how many octets of the body can be read at once, and whether they are the last ones.
func (s *Stream) Buffered() (n int, last bool) {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	return len(s.in) - s.used, s.remoteDone && s.err == nil
}

// keep appends to what can be read, reusing the room of what has been. mu is held.
func (s *Stream) keep(p []byte) {
	if s.used > 0 && len(s.in)+len(p) > cap(s.in) {
		s.in, s.used = s.in[:copy(s.in, s.in[s.used:])], 0
	}
	s.in = append(s.in, p...)
}

func (s *Stream) consume(p []byte) int {
	n := copy(p, s.in[s.used:])
	if s.used += n; s.used == len(s.in) {
		s.in, s.used = s.in[:0], 0
	}
	s.giveBack(n)
	return n
}

// giveBack counts n octets as consumed. mu is held.
func (s *Stream) giveBack(n int) {
	s.conn.giveBack(n)
	if s.consumed += n; s.consumed >= streamWindow/2 && !s.remoteDone && s.err == nil {
		c := s.conn
		c.out = appendWindowUpdate(c.takeOut(), s.id, s.consumed)
		c.kick()
		s.receivable += s.consumed
		s.consumed = 0
	}
}

// Send sends a header block, unless it is nil, and then data; end ends the stream. It returns when everything is on its way, if
// not received.
func (s *Stream) Send(block, data []byte, end bool) error {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if block != nil {
		if err := s.awaitTurn(0); err != nil {
			return err
		}
		c.appendBlock(s.id, block, end && len(data) == 0)
		c.sent()
	}
	for len(data) > 0 {
		n, err := s.allowance(len(data))
		if err != nil {
			return err
		}
		flags := uint8(0)
		if end && n == len(data) {
			flags = flagEndStream
		}
		c.out = append(appendFrameHead(c.takeOut(), n, frameData, flags, s.id), data[:n]...)
		c.sent()
		data = data[n:]
		if end && len(data) == 0 {
			s.endLocal()
			return nil
		}
	}
	if end {
		if block == nil {
			if err := s.awaitTurn(0); err != nil {
				return err
			}
			c.out = appendFrameHead(c.takeOut(), 0, frameData, flagEndStream, s.id)
			c.sent()
		}
		s.endLocal()
	}
	return nil
}

// leastFrame is the data worth a frame of its own.
const leastFrame = 1 << 10

// allowance waits until some of n octets of data may be sent, and takes them out of the windows. mu is held.
func (s *Stream) allowance(n int) (int, error) {
	c := s.conn
	// Windows that open bit by bit would make ever smaller frames of the data. What is waited for is never more than half
	// of the client's window, so it has got enough to open it.
	least := int64(max(1, min(n, leastFrame, int(c.initialWindow)/2)))
	if err := s.awaitTurn(least); err != nil {
		return 0, err
	}
	allowed := int(min(int64(n), maxFrame, s.window, c.window))
	earned := allowed >> shiftEarns
	if allowed == min(n, maxFrame) {
		earned += frameEarns
	}
	if c.earned.Load() < maxEarned {
		c.earned.Add(int64(earned))
	}
	s.window -= int64(allowed)
	c.window -= int64(allowed)
	return allowed, nil
}

// appendBlock appends HEADERS and, if one frame does not hold the block, CONTINUATION. mu is held.
func (c *Connection) appendBlock(stream uint32, block []byte, end bool) {
	b := c.takeOut()
	kind, flags := uint8(frameHeaders), uint8(0)
	if end {
		flags = flagEndStream
	}
	resize := 0
	if c.resizeTable {
		c.resizeTable = false
		resize = 1
	}
	for {
		n := min(len(block), maxFrame-resize)
		if n == len(block) {
			flags |= flagEndHeaders
		}
		b = appendFrameHead(b, n+resize, kind, flags, stream)
		if resize > 0 {
			b = append(b, tableSizeZero)
		}
		b = append(b, block[:n]...)
		if block = block[n:]; len(block) == 0 {
			c.out = b
			return
		}
		kind, flags, resize = frameContinuation, 0, 0
	}
}
