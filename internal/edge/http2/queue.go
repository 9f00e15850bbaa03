package http2

import "slices"

// Streams that have something to send and cannot yet stand in a queue: for room in out, or in the windows the client has opened. Whoever is
// first of those that can go on sends one frame, calls the next one, and queues again: streams share a connection frame by frame.

// awaitTurn waits until s may append a frame to out, of at least so many octets of data; 0 is for a frame that takes nothing of the windows. mu is
// held. Once it has returned without an error the caller appends, and calls sent.
func (s *Stream) awaitTurn(least int64) error {
	c := s.conn
	s.least = least
	c.queue = append(c.queue, s)
	err := s.awaitFirst()
	c.queue = slices.DeleteFunc(c.queue, func(other *Stream) bool { return other == s })
	if err != nil {
		c.callNext() // it may have been its turn
	}
	return err
}

func (s *Stream) awaitFirst() error {
	for {
		switch c := s.conn; {
		case s.err != nil:
			return s.err
		case c.err != nil:
			return c.err
		case c.first() == s:
			return nil
		}
		if err := s.wait(); err != nil {
			return err
		}
	}
}

// sent has what a stream has appended written, and the next one append. mu is held.
func (c *Connection) sent() {
	c.kick()
	c.callNext()
}

// maySend reports whether there is room for what s waits to send. mu is held.
func (s *Stream) maySend() bool {
	return len(s.conn.out) < maxPending && (s.least == 0 || min(s.window, s.conn.window) >= s.least)
}

// first is the stream whose turn it is; nil if none can go on. mu is held.
func (c *Connection) first() *Stream {
	if len(c.out) >= maxPending {
		return nil
	}
	for _, s := range c.queue {
		if s.maySend() {
			return s
		}
	}
	return nil
}

// callNext wakes the stream whose turn it is. mu is held.
func (c *Connection) callNext() {
	if s := c.first(); s != nil {
		s.changed.Broadcast()
	}
}
