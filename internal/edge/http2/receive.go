package http2

import (
	"encoding/binary"
	"errors"

	"golang.org/x/net/http2/hpack"
)

// block is a header block while it arrives.
type block struct {
	open     bool // CONTINUATION must come
	stream   uint32
	whole    bool // END_STREAM
	size     int
	frames   int
	discard  bool  // decoded for the sake of the compression state only
	fault    error // what is wrong with the frame that began it
	trailers bool
}

// handle does what a frame says. Errors that concern one stream end it.
func (c *Connection) handle(f *frame) error {
	if c.block.open && (f.kind != frameContinuation || f.stream != c.block.stream) {
		return breach(ProtocolError, "header block interrupted")
	}
	if !c.settled && f.kind != frameSettings {
		return breach(ProtocolError, "first frame is not settings")
	}
	var err error
	switch f.kind {
	case frameData:
		err = c.data(f)
	case frameHeaders:
		err = c.headers(f)
	case frameContinuation:
		err = c.continuation(f)
	default:
		if err = c.spend(costFrame); err == nil {
			err = c.control(f)
		}
	}
	var fault *streamFault
	if errors.As(err, &fault) {
		if err = c.spend(costReset); err == nil {
			err = c.reset(fault)
		}
	}
	return err
}

func (c *Connection) control(f *frame) error {
	switch f.kind {
	case framePriority: // obsolete, but checked
		switch {
		case f.stream == 0:
			return breach(ProtocolError, "priority of no stream")
		case len(f.payload) != 5:
			return &streamFault{f.stream, FrameSizeError, "priority of wrong length"}
		case f.word(0) == f.stream:
			return &streamFault{f.stream, ProtocolError, "stream depends on itself"}
		}
	case frameReset:
		return c.remoteReset(f)
	case frameSettings:
		return c.settings(f)
	case framePushPromise:
		return breach(ProtocolError, "push by a client")
	case framePing:
		switch {
		case f.stream != 0:
			return breach(ProtocolError, "ping on a stream")
		case len(f.payload) != 8:
			return breach(FrameSizeError, "ping of wrong length")
		case !f.has(flagAck):
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.reply(append(appendFrameHead(c.takeOut(), 8, framePing, flagAck, 0), f.payload...))
		}
	case frameGoAway:
		switch {
		case f.stream != 0:
			return breach(ProtocolError, "goaway on a stream")
		case len(f.payload) < 8:
			return breach(FrameSizeError, "goaway too short")
		}
	case frameWindowUpdate:
		return c.windowUpdate(f)
	}
	return nil
}

// isIdle reports whether a stream has never been opened. mu is held.
func (c *Connection) isIdle(id uint32) bool { return id == 0 || id%2 == 0 || id > c.lastID }

func (c *Connection) data(f *frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isIdle(f.stream) {
		return breach(ProtocolError, "data on an idle stream")
	}
	size := len(f.payload)
	if err := f.unpad(); err != nil {
		return err
	}
	end := f.has(flagEndStream)
	if len(f.payload) == 0 && !end {
		if err := c.spend(costFrame); err != nil {
			return err
		}
	}
	if c.receivable -= size; c.receivable < 0 {
		return breach(FlowControlError, "more data than the connection's window")
	}
	s := c.streams[f.stream]
	if s == nil || s.err != nil || s.remoteDone {
		c.giveBack(size)
		if f.stream > c.finalID || c.recent.has(f.stream) {
			return c.spend(costFrame) // it was on its way when we reset the stream
		}
		return &streamFault{f.stream, StreamClosed, "data on a closed stream"}
	}
	if s.receivable -= size; s.receivable < 0 {
		c.giveBack(size)
		return &streamFault{f.stream, FlowControlError, "more data than the stream's window"}
	}
	s.received += int64(len(f.payload))
	if s.Length >= 0 && (s.received > s.Length || end && s.received < s.Length) {
		c.giveBack(size)
		return &streamFault{f.stream, ProtocolError, "data does not add up to content-length"}
	}
	s.keep(f.payload)
	s.giveBack(size - len(f.payload))
	if end {
		s.endRemote()
	}
	s.changed.Broadcast()
	return nil
}

// headers begins a header block: a request, or the trailers of one.
func (c *Connection) headers(f *frame) error {
	if f.stream%2 == 0 {
		return breach(ProtocolError, "headers on a stream that is not the client's")
	}
	if err := f.unpad(); err != nil {
		return err
	}
	b := block{stream: f.stream, whole: f.has(flagEndStream)}
	if err := f.priority(); err != nil {
		if !errors.As(err, new(*streamFault)) {
			return err
		}
		b.fault = err
	}
	c.mu.Lock()
	s := c.streams[f.stream]
	switch {
	case f.stream > c.lastID:
		c.lastID = f.stream
		b.discard = f.stream > c.finalID
	case s != nil && s.err == nil && s.remoteDone:
		b.fault = &streamFault{f.stream, StreamClosed, "headers after the end"}
	case s != nil && s.err == nil:
		b.trailers = true
		if !b.whole {
			b.fault = &streamFault{f.stream, ProtocolError, "trailers that do not end the stream"}
		}
	case c.recent.has(f.stream) || f.stream > c.finalID:
		b.discard = true
	default:
		c.mu.Unlock()
		return breach(StreamClosed, "headers on a closed stream")
	}
	c.mu.Unlock()
	if b.discard {
		if err := c.spend(costFrame); err != nil {
			return err
		}
	}
	c.block = b
	c.head.reset(b.trailers)
	c.decoder.SetEmitEnabled(!b.discard)
	return c.fragment(f)
}

func (c *Connection) continuation(f *frame) error {
	if !c.block.open {
		return breach(ProtocolError, "continuation of nothing")
	}
	return c.fragment(f)
}

// fragment takes one frame's part of the header block.
func (c *Connection) fragment(f *frame) error {
	b := &c.block
	b.open = !f.has(flagEndHeaders)
	b.frames++
	if b.size += len(f.payload); b.size > maxBlock || b.frames > maxContinuations {
		return breach(EnhanceYourCalm, "header block too long")
	}
	if _, err := c.decoder.Write(f.payload); err != nil {
		return decodingError(err)
	}
	if c.head.tooLong {
		c.decoder.SetEmitEnabled(false)
	}
	if b.open {
		return nil
	}
	if err := c.decoder.Close(); err != nil {
		return decodingError(err)
	}
	return c.endBlock()
}

func decodingError(err error) error {
	if errors.Is(err, hpack.ErrStringLength) {
		return breach(EnhanceYourCalm, "field too long")
	}
	return breach(CompressionError, err.Error())
}

// endBlock acts on a header block that is complete.
func (c *Connection) endBlock() error {
	b := &c.block
	if b.discard {
		return nil
	}
	c.head.end(b.whole)
	if b.fault == nil && c.head.fault != "" {
		b.fault = &streamFault{b.stream, ProtocolError, c.head.fault}
	}
	switch {
	case b.fault != nil:
		return b.fault
	case b.trailers:
		return c.endTrailers()
	}
	return c.request()
}

// endTrailers ends a request with its trailers, which are dropped: see docs/edge.md.
func (c *Connection) endTrailers() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.streams[c.block.stream]
	if s == nil || s.err != nil {
		return nil
	}
	if s.Length >= 0 && s.received < s.Length {
		return &streamFault{s.id, ProtocolError, "data does not add up to content-length"}
	}
	s.endRemote()
	s.changed.Broadcast()
	return nil
}

// request has a request served.
func (c *Connection) request() error {
	c.budget.earn(requestEarns)
	// Streams that were reset count until whoever serves them has noticed.
	c.mu.Lock()
	busy := len(c.streams)
	c.mu.Unlock()
	if c.open.Load() >= MaxStreams || busy >= 2*MaxStreams {
		return &streamFault{c.block.stream, RefusedStream, "too many streams"}
	}
	c.requests++
	last := c.requests >= MaxRequests || c.config.Last()
	s := newStream(c)
	s.take(c.head, c.block.stream, c.block.whole)
	c.mu.Lock()
	s.window = int64(c.initialWindow)
	c.streams[s.id] = s
	c.open.Add(1)
	if last {
		c.leave()
	}
	c.mu.Unlock()
	c.config.Crew.employ(s)
	return nil
}

// remoteReset is the client giving up a stream.
func (c *Connection) remoteReset(f *frame) error {
	if len(f.payload) != 4 {
		return breach(FrameSizeError, "reset of wrong length")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isIdle(f.stream) {
		return breach(ProtocolError, "reset of an idle stream")
	}
	s := c.streams[f.stream]
	if s == nil || s.err != nil || s.remoteDone && s.localDone {
		return nil
	}
	s.abort(&StreamError{Code: Code(binary.BigEndian.Uint32(f.payload)), Remote: true})
	return c.spend(costReset - costFrame)
}

// reset resets a stream in which the client has broken the protocol.
func (c *Connection) reset(f *streamFault) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.streams[f.stream]; s != nil {
		s.abort(&StreamError{Code: f.code})
	}
	c.recent.add(f.stream)
	return c.reply(appendReset(c.takeOut(), f.stream, f.code))
}

func (c *Connection) windowUpdate(f *frame) error {
	if len(f.payload) != 4 {
		return breach(FrameSizeError, "window update of wrong length")
	}
	n := int64(f.word(0))
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.stream == 0 {
		if n == 0 {
			return breach(ProtocolError, "window update of nothing")
		}
		if c.window += n; c.window > maxWindow {
			return breach(FlowControlError, "window too large")
		}
		c.callNext()
		return nil
	}
	if c.isIdle(f.stream) {
		return breach(ProtocolError, "window update of an idle stream")
	}
	if n == 0 {
		return &streamFault{f.stream, ProtocolError, "window update of nothing"}
	}
	if s := c.streams[f.stream]; s != nil && s.err == nil {
		if s.window += n; s.window > maxWindow {
			return &streamFault{f.stream, FlowControlError, "window too large"}
		}
		s.changed.Broadcast()
	}
	return nil
}
