package proxy

import (
	"io"

	"github.com/neargate/neargate/internal/edge/http1"
)

// receiveHead reads until the head of the final answer is there, passing interim ones on.
func (x *exchange) receiveHead() error {
	w := x.work
	r := &w.response
	isHead := string(w.request.Method) == "HEAD"
	r.Reset()
	x.got = 0
	for {
		n, err := 0, error(nil)
		if x.got == 0 {
			n, err = w.up.read(x.up.socket, streamed)
		} else {
			n, err = x.up.Read(w.up.room()[x.got:])
		}
		if err != nil {
			return err
		}
		x.got += n
		x.answered = true
		for {
			used, err := r.Parse(w.up.room()[:x.got], isHead)
			if err != nil {
				return err
			}
			if used == 0 {
				break
			}
			if r.Status >= 200 || r.Status == 101 && w.request.WebSocket {
				answered := x.client.engine.clock()
				x.target.counters.answered(r.Status, answered-x.began)
				if entry := x.client.entry; entry != nil {
					entry.answered, entry.TargetStatus = answered, r.Status
				}
				return nil
			}
			if err := x.interim(); err != nil {
				return err
			}
			x.got = copy(w.up.room(), w.up.room()[used:x.got])
			r.Reset()
			if x.got == 0 {
				break
			}
		}
	}
}

// interim passes a 1xx answer on. 100 has been given by the load balancer itself; 101 without having been asked for is no
// answer at all.
func (x *exchange) interim() error {
	w := x.work
	switch {
	case w.response.Status == 101:
		return io.ErrUnexpectedEOF
	case w.response.Status == 100 || w.request.Minor == 0:
		return nil
	}
	// The composed request may still be needed, but not once an answer has begun.
	w.out = x.composeResponse(w.out[:0], false, true)
	x.touch()
	_, err := x.client.Write(w.out)
	if err != nil {
		x.up.breakOff(goneClient)
	}
	return err
}

// relay passes the answer on, whose head has been received. It reports whether the client's connection can go on.
func (x *exchange) relay() bool {
	w, c := x.work, x.client
	r := &w.response
	if c.entry != nil {
		c.entry.Status, c.entry.returned = r.Status, x.client.engine.clock()
	}
	if r.Status == 101 {
		x.tunnel()
		return false
	}
	uploaded := x.upload == nil || x.upload.finished()
	keep := uploaded && c.persists()
	chunked := false
	if r.Framing == http1.Chunked || r.Framing == http1.UntilClose {
		chunked = w.request.Minor == 1
		keep = keep && chunked
	}
	w.out = x.composeResponse(w.out[:0], chunked, keep)
	body := w.up.room()[len(r.Head):x.got]
	x.touch()
	var ok, reusable bool
	switch r.Framing {
	case http1.NoBody:
		ok = x.deliver(w.out)
		reusable = ok && len(body) == 0
	case http1.Sized:
		ok, reusable = x.relaySized(body)
	default:
		ok, reusable = x.relayStream(body, chunked)
	}
	if reusable && uploaded && r.KeepAlive && w.request.Tier != http1.Ambiguous {
		x.endpoint.put(x.up, x.idle)
		x.up = nil // somebody else's from now on
	} else {
		if x.upload != nil {
			x.upload.stop()
		}
		x.endpoint.discard(x.up)
	}
	if ok && !keep && !uploaded {
		c.linger()
	}
	if x.upload != nil && len(x.upload.rest) > 0 {
		x.restore(x.upload.rest)
	}
	return ok && keep
}

// restore gives octets of a pipelined request back that were read with the body before it.
func (x *exchange) restore(rest []byte) {
	w := x.work
	for len(w.in)-w.to < len(rest) {
		w.makeRoom()
	}
	w.to += copy(w.in[w.to:], rest)
}

// deliver writes to the client.
func (x *exchange) deliver(b []byte) bool {
	n, err := x.client.Write(b)
	x.delivered(n)
	return err == nil
}

func (x *exchange) delivered(n int) {
	x.listener.counters.bytesOut.Add(uint64(n))
	x.target.counters.bytesIn.Add(uint64(n))
	if x.client.entry != nil {
		x.client.entry.Sent += int64(n)
	}
}

// more reads more of the answer's body, up to limit octets, after what there was has been delivered.
func (x *exchange) more(limit int) (int, error) {
	x.work.up.giveBack()
	n, err := x.work.up.read(x.up.socket, limit)
	if err == nil {
		x.touch()
	}
	return n, err
}

// relaySized passes on as many octets as the target announced. reusable is false when it sent more.
func (x *exchange) relaySized(body []byte) (ok, reusable bool) {
	w := x.work
	left := w.response.Length
	n := int(min(int64(len(body)), left))
	reusable = n == len(body)
	if len(w.out)+n <= cap(w.out) {
		w.out = append(w.out, body[:n]...)
		if !x.deliver(w.out) {
			return false, false
		}
	} else if !x.deliver(w.out) || !x.deliver(body[:n]) {
		return false, false
	}
	for left -= int64(n); left > 0; left -= int64(n) {
		if left >= pipeFrom && x.spliceable() {
			source, sink := x.pump(x.up.socket, x.client.socket, left, x.delivered)
			ok = source == nil && sink == nil
			return ok, ok && reusable
		}
		var err error
		if n, err = x.more(int(min(streamed, left))); err != nil {
			return false, false
		}
		if !x.deliver(w.up.room()[:n]) {
			return false, false
		}
	}
	return true, reusable
}

// relayStream passes on a body whose length only its end tells: a chunked one, or one that ends with the connection.
// Clients that know chunks get chunks; others get the data and the end of the connection.
func (x *exchange) relayStream(body []byte, chunked bool) (ok, reusable bool) {
	w := x.work
	var chunks http1.ChunkReader
	n, ended := copy(w.up.room(), body), false // over the head, which has been composed anew
	for head := w.out; ; head = nil {
		data, used, done := []byte(nil), n, ended
		if n > 0 {
			data = w.up.room()[:n]
		}
		if w.response.Framing == http1.Chunked {
			if ended {
				return false, false // before the last chunk
			}
			var err error
			if data, used, err = chunks.Decode(data); err != nil {
				return false, false
			}
			done = chunks.Done()
		}
		if !x.deliverPiece(head, data, chunked, done, &chunks) {
			return false, false
		}
		if done {
			return true, used == n && !ended
		}
		var err error
		if n, err = x.more(streamed); isEOF(err) {
			n, ended = 0, true
		} else if err != nil {
			return false, false
		}
	}
}

// deliverPiece writes data, which lies at the beginning of work.up, after head, which is nil but for the first piece.
func (x *exchange) deliverPiece(head, data []byte, chunked, done bool, chunks *http1.ChunkReader) bool {
	piece := data
	if chunked {
		last := ""
		trailers := []byte(nil)
		if done {
			if trailers = chunks.AppendTrailers(nil); trailers == nil {
				last = lastChunk
			}
		}
		x.work.up.borrow() // at the end of the connection there is nothing in it
		piece = frame(x.work.up.buffer[:], len(data), last)
		if trailers != nil {
			end := append(append([]byte("0\r\n"), trailers...), "\r\n"...)
			piece = append(piece[:len(piece):len(piece)], end...)
		}
	}
	if head != nil && len(head)+len(piece) <= cap(head) {
		piece = append(head, piece...)
		head = nil
	}
	return (head == nil || x.deliver(head)) && (len(piece) == 0 || x.deliver(piece))
}
