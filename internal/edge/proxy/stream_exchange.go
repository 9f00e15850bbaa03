package proxy

import (
	"bytes"
	"io"

	"github.com/neargate/neargate/internal/edge/http1"
	"github.com/neargate/neargate/internal/edge/http2"
)

// What follows is the counterpart of exchange for streams: the request is carried to a target by HTTP/1.1, and the answer
// carried back.

// exchange has the target answer the request. See exchange.run for when a request is repeated.
func (x *stream) exchange() {
	if x.group.version != http1.ProtocolHTTP1 {
		x.exchangeHTTP2()
		return
	}
	x.endpoint = x.listener.node.endpoint(x.target)
	x.out = x.listener.composeRequest(x.out[:0], &x.request, &x.peer, x.sweeper.unix.Load())
	if x.entry != nil {
		x.entry.Target = x.target.address
		x.entry.composed(x.out)
	}
	whole := x.attachBody()
	x.target.counters.requests.Add(1)
	repeatable := whole && x.request.Idempotent
	for again := false; ; again = true {
		if err := x.connect(again, repeatable); err != nil {
			x.target.counters.unreachable(err)
			x.page(x.listener, dialStatus(err))
			return
		}
		x.touch()
		x.in.WhenGone(x.gone)
		err := x.send(whole)
		if err != errTimeout {
			err = x.receiveHead() // an answer may be there even though the target took no more of the request
		}
		if err == nil {
			x.relay()
			return
		}
		if !x.answered && x.up.uses > 0 && repeatable && x.up.interrupt.Load() == 0 && err != errTimeout {
			x.release(false)
			continue
		}
		x.failed(err)
		return
	}
}

// connect takes an idle connection or opens one.
func (x *stream) connect(fresh, repeatable bool) (err error) {
	x.up = nil
	if !fresh {
		x.up = x.endpoint.take(!repeatable)
	}
	if x.up == nil {
		if x.up, err = x.endpoint.open(); err != nil {
			return err
		}
	}
	x.up.alone = x.upload == nil
	return nil
}

// release gives up the target's connection, to be used again or not.
func (x *stream) release(reusable bool) {
	x.in.WhenGone(nil)
	if reusable {
		x.endpoint.put(x.up, x.idle)
	} else {
		x.endpoint.discard(x.up)
	}
	x.up = nil
}

// abandoned is called when the client gives up the stream, or its connection ends.
func (x *stream) abandoned() { x.up.breakOff(goneClient) }

// touch moves the deadlines on both sides.
func (x *stream) touch() {
	at := x.sweeper.after(x.idle)
	x.in.SetDeadline(at)
	x.up.deadline.Store(at)
}

// attachBody adds to the composed head what has arrived of the body. It reports whether that is all.
func (x *stream) attachBody() (whole bool) {
	if x.request.Framing == http1.NoBody {
		return true
	}
	n, last := x.in.Buffered()
	if x.request.Framing == http1.Chunked {
		x.upload = &streamUpload{stream: x, chunked: true}
		return false
	}
	at := len(x.out)
	x.out = append(x.out, make([]byte, n)...)
	for got := at; got < at+n; {
		m, err := x.in.Read(x.out[got : at+n])
		if err != nil {
			break // which the upload or the wait for an answer will find out
		}
		got += m
	}
	x.received(n)
	if last {
		return true
	}
	x.upload = &streamUpload{stream: x}
	return false
}

// send writes what has been composed and starts the upload of the rest of the body.
func (x *stream) send(whole bool) error {
	x.target.counters.bytesOut.Add(uint64(len(x.out)))
	_, err := x.up.Write(x.out)
	x.began = x.engine.clock()
	if x.entry != nil {
		x.entry.sent = x.began
	}
	if err != nil || whole {
		x.engine.giveWay(x.up.eager, x.began)
		return err
	}
	if x.request.Continue {
		if x.in.Send(http2.AppendStatus(x.block[:0], 100), nil, false) != nil {
			x.up.breakOff(goneClient)
			return errTimeout
		}
	}
	x.upload.start()
	return nil
}

// receiveHead reads until the head of the final answer is there, passing interim ones on.
func (x *stream) receiveHead() error {
	r := &x.response
	isHead := string(x.request.Method) == "HEAD"
	r.Reset()
	x.got = 0
	for {
		if x.got == len(x.room) {
			x.room = append(x.room, make([]byte, len(x.room))...)
		}
		n, err := x.up.Read(x.room[x.got:])
		if err != nil {
			return err
		}
		x.got += n
		x.answered = true
		for x.got > 0 {
			used, err := r.Parse(x.room[:x.got], isHead)
			if err != nil {
				return err
			}
			if used == 0 {
				break
			}
			if r.Status >= 200 {
				x.answeredWith(r.Status)
				return nil
			}
			if err := x.interim(); err != nil {
				return err
			}
			x.got = copy(x.room, x.room[used:x.got])
			r.Reset()
		}
	}
}

// interim passes a 1xx answer on, as exchange.interim does.
func (x *stream) interim() error {
	switch x.response.Status {
	case 100:
		return nil
	case 101:
		return io.ErrUnexpectedEOF
	}
	x.touch()
	x.block = x.composeBlock(x.block[:0])
	err := x.in.Send(x.block, nil, false)
	if err != nil {
		x.up.breakOff(goneClient)
	}
	return err
}

// composeBlock appends the answer's head as the client is to see it.
func (x *stream) composeBlock(b []byte) []byte {
	v, r := x.listener, &x.response
	b = http2.AppendStatus(b, r.Status)
	drop := uint32(neverReturned)
	if !r.HasLength || r.Status < 200 || r.Status == 204 {
		drop |= 1 << http1.ContentLength
	}
	for _, f := range r.Fields {
		if drop>>f.Kind&1 != 0 || len(v.setFields) > 0 && v.sets(r.Name(f)) ||
			r.ExtraOptions && f.Kind.Ordinary() && r.NamedByConnection(r.Name(f)) {
			continue
		}
		if f.Kind == http1.ContentLength {
			drop |= 1 << http1.ContentLength // repeated ones, which say the same
		}
		b = http2.AppendField(b, r.Name(f), r.Value(f))
	}
	b = appendHeaders(b, v.attributes.ResponseHeaders)
	if r.Status < 200 {
		return b
	}
	if x.bonds != [2]*issue{} {
		for _, i := range x.due(r) {
			if i != nil {
				b = appendLines(b, i.lines)
			}
		}
	}
	if !r.HasDate {
		b = http2.AppendField(b, fieldDate, *x.sweeper.date.Load())
	}
	return b
}

// appendLines appends field lines that were written for HTTP/1.1.
func appendLines[T string | []byte](b []byte, lines T) []byte {
	for rest := []byte(lines); len(rest) > 0; {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, value, _ := bytes.Cut(line, []byte{':'})
		b = http2.AppendField(b, name, bytes.Trim(value, " \t"))
	}
	return b
}

// relay passes the answer on, whose head has been received.
func (x *stream) relay() {
	r := &x.response
	x.block = x.composeBlock(x.block[:0])
	body := x.room[len(r.Head):x.got]
	x.touch()
	var ok, reusable bool
	switch r.Framing {
	case http1.NoBody:
		reusable = len(body) == 0
		ok = x.deliver(x.block, nil, true, reusable)
	case http1.Sized:
		ok, reusable = x.relaySized(body)
	default:
		ok, reusable = x.relayStream(body)
	}
	if !ok {
		x.in.Reset(http2.InternalError)
	}
	if x.upload != nil {
		x.upload.stop()
	}
	if x.up != nil {
		x.release(reusable && x.persists())
	}
}

// persists reports whether the target's connection can be used again after an answer that ended as it should.
func (x *stream) persists() bool {
	return (x.upload == nil || x.upload.finished()) && x.response.KeepAlive && x.request.Tier != http1.Ambiguous
}

// deliver sends to the client. Before the last part it gives back the target's connection, which a request that the client
// sends in answer to it may use.
func (x *stream) deliver(block, data []byte, end, reusable bool) bool {
	x.target.counters.bytesIn.Add(uint64(len(data)))
	if end && (x.upload == nil || x.upload.finished()) {
		x.release(reusable && x.persists())
	}
	x.sent(len(block) + len(data))
	return x.in.Send(block, data, end) == nil
}

// more reads more of the answer's body.
func (x *stream) more(b []byte) (int, error) {
	n, err := x.up.Read(b)
	if err == nil {
		x.touch()
	}
	return n, err
}

// relaySized passes on as many octets as the target announced. reusable is false when it sent more.
func (x *stream) relaySized(body []byte) (ok, reusable bool) {
	left := x.response.Length
	n := int(min(int64(len(body)), left))
	reusable = n == len(body)
	block := x.block
	for data := body[:n]; ; data = x.room[:n] {
		left -= int64(len(data))
		if !x.deliver(block, data, left == 0, reusable) {
			return false, false
		}
		if left == 0 {
			return true, reusable
		}
		var err error
		if n, err = x.more(x.room[:min(int64(len(x.room)), left)]); err != nil {
			return false, false
		}
		block = nil
	}
}

// relayStream passes on a body whose length only its end tells: a chunked one, or one that ends with the connection.
func (x *stream) relayStream(body []byte) (ok, reusable bool) {
	var chunks http1.ChunkReader
	chunked := x.response.Framing == http1.Chunked
	n, ended := len(body), false
	data := body
	for block := x.block; ; block = nil {
		used, done := n, ended
		if chunked {
			if ended {
				return false, false // before the last chunk
			}
			var err error
			if data, used, err = chunks.Decode(data); err != nil {
				return false, false
			}
			done = chunks.Done()
		}
		var trailers []byte
		if done && chunked {
			if lines := chunks.AppendTrailers(nil); lines != nil {
				trailers = appendLines(nil, lines)
			}
		}
		if reusable = done && used == n && !ended; trailers != nil {
			if !x.deliver(block, data, false, false) {
				return false, false
			}
			return x.deliver(trailers, nil, true, reusable), reusable
		}
		if len(data) > 0 || block != nil || done {
			if !x.deliver(block, data, done, reusable) {
				return false, false
			}
		}
		if done {
			return true, reusable
		}
		var err error
		if n, err = x.more(x.room); isEOF(err) {
			n, ended = 0, true
		} else if err != nil {
			return false, false
		}
		data = x.room[:n]
	}
}

// failed answers a request whose target did not.
func (x *stream) failed(err error) {
	status := 502
	reason := x.up.interrupt.Load()
	x.in.WhenGone(nil)
	x.up.breakOff(shutdown)
	switch {
	case reason == goneClient:
		status = 460
	case reason == failedUpload:
		status = x.upload.status()
	case reason == 0 && err == errTimeout:
		if status = 504; x.upload != nil && x.upload.waiting.Load() {
			status = 408
		}
	}
	if status == 460 { // there is nobody to answer
		x.gaveUp()
	} else {
		x.page(x.listener, status)
	}
	if x.upload != nil {
		x.upload.stop()
	}
	x.release(false)
}
