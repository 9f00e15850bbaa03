package http2

import "slices"

// Streams that have something to send and cannot yet stand in a queue: for room in out, or in the windows the client has opened. Whoever is
// first of those that can go on sends one frame, calls the next one, and queues again: streams share a connection frame by frame.

// turn is a stream that waits to send a frame of at least so many octets of data; 0 is for one that takes nothing of the windows.
type turn struct {
	stream *Stream
	least  int64
}

// awaitTurn waits until s may append such a frame to out. mu is held. Once it has returned without an error the caller appends, and calls sent.
func (s *Stream) awaitTurn(least int64) error {
	c, t := s.conn, turn{s, least}
	c.queue = append(c.queue, t)
	err := s.awaitFirst(t)
	i := slices.Index(c.queue, t)
	c.queue = slices.Delete(c.queue, i, i+1)
	if err != nil {
		c.callNext() // it may have been its turn
	}
	return err
}

func (s *Stream) awaitFirst(t turn) error {
	for {
		switch c := s.conn; {
		case s.err != nil:
			return s.err
		case c.err != nil:
			return c.err
		case c.first() == t:
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

// allowed reports whether the windows are open wide enough for the frame. mu is held.
func (t turn) allowed() bool {
	return t.least == 0 || min(t.stream.window, t.stream.conn.window) >= t.least
}

// first is whose turn it is; none's if none can go on. mu is held.
func (c *Connection) first() turn {
	if len(c.out) < maxPending {
		for _, t := range c.queue {
			if t.allowed() {
				return t
			}
		}
	}
	return turn{}
}

// callNext wakes the stream whose turn it is. mu is held.
func (c *Connection) callNext() {
	if t := c.first(); t.stream != nil {
		t.stream.changed.Broadcast()
	}
}
