package proxy

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/neargate/neargate/internal/edge/http1"
)

// upload carries the rest of a request body to the target while the exchange already waits for the answer, which may come
// before the body is through.
type upload struct {
	exchange  *exchange
	chunked   bool
	remaining int64
	chunks    http1.ChunkReader
	buffer    loan

	started  bool
	ending   atomic.Bool // what is being sent may be the end
	done     chan struct{}
	err      error // of the client's side; read after done is closed
	waiting  bool  // it ended while waiting for the client
	complete bool  // the target was sent the whole body
	rest     []byte
}

func (u *upload) start() {
	u.started, u.done = true, make(chan struct{})
	u.exchange.client.alone, u.exchange.up.alone = false, false
	go func() {
		defer close(u.done)
		u.buffer.begin()
		defer u.buffer.giveBack()
		if u.chunked {
			u.carryChunks()
		} else {
			u.carry()
		}
	}()
}

// finished reports whether the upload has ended by itself and completely. A target may answer the last octets before whoever
// sent them can say so, which is waited for: otherwise connections would be closed that could go on.
func (u *upload) finished() bool {
	if !u.started {
		return false
	}
	select {
	case <-u.done:
		return u.complete
	default:
	}
	if !u.ending.Load() {
		return false
	}
	late := time.NewTimer(tick)
	defer late.Stop()
	select {
	case <-u.done:
		return u.complete
	case <-late.C:
		return false
	}
}

// stop ends the upload, whatever it is at. Nothing more can be read from the client in an orderly way then.
func (u *upload) stop() {
	if !u.started {
		return
	}
	select {
	case <-u.done:
		return
	default:
	}
	x := u.exchange
	x.up.breakOff(shutdown)
	x.client.breakOff(shutdown)
	<-u.done
	x.client.resume()
}

// status answers a request whose body did not arrive.
func (u *upload) status() int {
	var malformed *http1.Refusal
	switch {
	case errors.As(u.err, &malformed):
		return statusOf(u.err)
	case u.err == errTimeout:
		return 408
	}
	return 460
}

// read reads up to limit octets from the client; its failure ends the exchange.
func (u *upload) read(limit int) (int, error) {
	x := u.exchange
	n, err := u.buffer.read(x.client.socket, limit)
	if err != nil {
		u.waiting = true
		u.fail(err)
		return 0, err
	}
	x.touch()
	x.listener.counters.bytesIn.Add(uint64(n))
	x.client.received(n)
	return n, nil
}

func (u *upload) fail(err error) {
	u.err = err
	u.exchange.up.breakOff(failedUpload)
}

// write writes to the target. If it fails the upload ends quietly: the target may have answered all the same.
func (u *upload) write(b []byte) error {
	x := u.exchange
	_, err := x.up.Write(b)
	if err == nil {
		x.touch()
		x.target.counters.bytesOut.Add(uint64(len(b)))
	}
	return err
}

func (u *upload) carry() {
	if u.remaining >= pipeFrom && u.exchange.spliceable() {
		u.pump()
		return
	}
	u.ending.Store(true)
	for u.remaining > 0 {
		n, err := u.read(int(min(streamed, u.remaining)))
		if err != nil || u.write(u.buffer.room()[:n]) != nil {
			return
		}
		u.buffer.giveBack()
		u.remaining -= int64(n)
	}
	u.complete = true
}

// pump carries a large body; failures are those of read and write.
func (u *upload) pump() {
	x := u.exchange
	u.ending.Store(u.remaining <= pipeRoom)
	source, sink := x.pump(x.client.socket, x.up.socket, u.remaining, func(n int) {
		u.remaining -= int64(n)
		u.ending.Store(u.remaining <= pipeRoom)
		x.uploaded(n)
	})
	if source != nil {
		u.waiting = true
		u.fail(source)
	}
	u.complete = source == nil && sink == nil
}

func (u *upload) carryChunks() {
	for !u.chunks.Done() {
		n, err := u.read(streamed)
		if err != nil {
			return
		}
		room := u.buffer.room()
		data, used, err := u.chunks.Decode(room[:n])
		if err != nil {
			u.fail(err)
			return
		}
		u.rest = append(u.rest, room[used:n]...)
		last := ""
		if u.chunks.Done() {
			last = lastChunk
			u.ending.Store(true)
		}
		if framed := frame(u.buffer.buffer[:], len(data), last); len(framed) > 0 && u.write(framed) != nil {
			return
		}
		u.buffer.giveBack()
	}
	u.complete = true
}

// frame makes a chunk of the n octets at b[http1.ChunkRoom:], using the space around them, and adds last.
func frame(b []byte, n int, last string) []byte {
	end := http1.ChunkRoom + n
	start := end
	if n > 0 {
		var head [http1.ChunkRoom]byte
		h := http1.AppendChunkHead(head[:0], n)
		start = http1.ChunkRoom - len(h)
		copy(b[start:], h)
		end += copy(b[end:], "\r\n")
	}
	end += copy(b[end:], last)
	return b[start:end]
}
