package http2

import (
	"runtime"
	"sync"
)

// Everything to be written is gathered in Connection.out, and written by a goroutine that exists as long as there is something.
// It first lets the others that are ready to run have their say, so that the answers of streams that end together leave
// together.

var outputs = sync.Pool{New: func() any { return new([maxPending + 2*maxFrame]byte) }}

// takeOut returns the buffer to append to. mu is held.
func (c *Connection) takeOut() []byte {
	if c.out == nil {
		c.out = outputs.Get().(*[maxPending + 2*maxFrame]byte)[:0]
	}
	return c.out
}

// giveBackOut keeps a buffer, unless it had to grow.
func giveBackOut(b []byte) {
	if cap(b) == maxPending+2*maxFrame {
		outputs.Put((*[maxPending + 2*maxFrame]byte)(b[:cap(b)]))
	}
}

// reply takes over what has been appended to out in answer to a frame. mu is held.
func (c *Connection) reply(b []byte) error {
	if c.out = b; len(b) > maxPending+maxFrame {
		return breach(EnhanceYourCalm, "answers are not read")
	}
	c.kick()
	return nil
}

// kick has out written. mu is held.
func (c *Connection) kick() {
	if !c.flushing {
		c.flushing = true
		go c.flush()
	}
}

func (c *Connection) flush() {
	runtime.Gosched()
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.out) > 0 {
		b := c.out
		c.out = nil
		c.callNext()
		c.mu.Unlock()
		_, err := c.conn.Write(b)
		giveBackOut(b)
		c.mu.Lock()
		if err != nil {
			c.out = nil
			c.fail(err)
			c.config.Interrupt()
		}
	}
	c.flushing = false
	c.idle.Broadcast()
	c.interruptIfFinished()
}

func (c *Connection) interruptIfFinished() {
	if c.leaving && c.finished() && c.err == nil {
		c.config.Interrupt()
	}
}

// leave tells the client that no stream but those opened so far is going to be served. mu is held.
func (c *Connection) leave() {
	if !c.leaving {
		c.leaving, c.finalID = true, c.lastID
		c.out = appendGoAway(c.takeOut(), c.lastID, NoError)
		c.kick()
	}
}

// Leave ends the connection as soon as the requests under way are answered.
func (c *Connection) Leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leave()
}

// Sweep wakes the streams that have passed their deadline. It reports whether the connection is to be cut off because a frame
// or header block that has begun does not end.
func (c *Connection) Sweep(now int64) (stuck bool) {
	if since := c.incomplete.Load(); since != 0 && now-since > incompleteTicks {
		return true
	}
	if c.open.Load() == 0 {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.streams {
		if s.overdue(now) {
			s.changed.Broadcast()
		}
	}
	return false
}

// giveBack counts n octets as consumed, and tells the client once it is worth a frame. mu is held.
func (c *Connection) giveBack(n int) {
	if c.consumed += n; c.consumed >= connectionWindow/4 && c.err == nil {
		c.out = appendWindowUpdate(c.takeOut(), 0, c.consumed)
		c.receivable += c.consumed
		c.consumed = 0
		c.kick()
	}
}
