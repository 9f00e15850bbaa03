package proxy

import (
	"errors"
	"sync/atomic"

	"github.com/neargate/neargate/internal/edge/http1"
	"github.com/neargate/neargate/internal/edge/http2"
)

// streamUpload carries the rest of a stream's body to the target while the stream already waits for the answer.
type streamUpload struct {
	stream  *stream
	chunked bool

	done     chan struct{} // nil until it starts
	err      error         // of the client's side; read after done is closed
	waiting  atomic.Bool   // for the client
	complete atomic.Bool   // the target was sent the whole body
}

func (u *streamUpload) start() {
	u.done = make(chan struct{})
	up := u.stream.up
	go func() {
		defer close(u.done)
		b := bodies.Get().(*[bodyRoom]byte)
		defer bodies.Put(b)
		u.carry(up, b)
	}()
}

// finished reports whether the target was sent the whole body.
func (u *streamUpload) finished() bool {
	if !u.complete.Load() {
		return false
	}
	<-u.done
	return true
}

// stop ends the upload, whatever it is at. The stream has been answered, or has ended.
func (u *streamUpload) stop() {
	if u.done == nil || u.finished() {
		return
	}
	if up := u.stream.up; up != nil {
		up.breakOff(shutdown)
	}
	u.stream.in.Reset(http2.NoError)
	<-u.done
}

// status answers a request whose body did not arrive.
func (u *streamUpload) status() int {
	<-u.done
	if errors.Is(u.err, http2.ErrTimeout) {
		return 408
	}
	return 460
}

func (u *streamUpload) carry(up *upstream, b *[bodyRoom]byte) {
	x := u.stream
	start := 0
	if u.chunked {
		start = http1.ChunkRoom
	}
	for {
		u.waiting.Store(true)
		n, err := x.in.Read(b[start : start+streamed])
		u.waiting.Store(false)
		if isEOF(err) {
			if u.chunked {
				if _, err := up.Write([]byte(lastChunk)); err != nil {
					return
				}
			}
			u.complete.Store(true)
			return
		}
		if err != nil {
			u.err = err
			up.breakOff(failedUpload)
			return
		}
		x.received(n)
		piece := b[start : start+n]
		if u.chunked {
			piece = frame(b[:], n, "")
		}
		if _, err := up.Write(piece); err != nil {
			return
		}
		x.touch()
		x.target.counters.bytesOut.Add(uint64(n))
	}
}
