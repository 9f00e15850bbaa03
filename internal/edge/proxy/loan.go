package proxy

import (
	"sync"

	"github.com/neargate/neargate/internal/edge/http1"
)

// bodyRoom is a buffer for bodies, with space around the data for chunk framing.
const bodyRoom = http1.ChunkRoom + streamed + 2 + len(lastChunk)

var bodies = sync.Pool{New: func() any { return new([bodyRoom]byte) }}

// loan is a buffer that is held only while there is something in it: who waits for octets, be it of a slow upload, a long poll
// or a silent WebSocket, has none.
type loan struct {
	buffer *[bodyRoom]byte
	limit  int
	take   func() []byte
	back   func()
}

func (l *loan) begin() { l.take, l.back = l.borrow, l.giveBack }

// room is the buffer without the space around it.
func (l *loan) room() []byte { return l.buffer[http1.ChunkRoom : http1.ChunkRoom+streamed] }

func (l *loan) borrow() []byte {
	if l.buffer == nil {
		l.buffer = bodies.Get().(*[bodyRoom]byte)
	}
	return l.room()[:l.limit]
}

func (l *loan) giveBack() {
	if l.buffer != nil {
		bodies.Put(l.buffer)
		l.buffer = nil
	}
}

// read waits for octets, at most limit, and then borrows the buffer for them. If there are none it has none.
func (l *loan) read(s *socket, limit int) (int, error) {
	l.limit = limit
	n, err := s.readLazily(l.take, l.back)
	if err != nil {
		l.giveBack()
	}
	return n, err
}
