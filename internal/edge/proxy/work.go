package proxy

import (
	"sync"

	"github.com/neargate/neargate/internal/edge/http1"
)

const (
	clientRoom = 8 << 10  // holds most request heads
	composed   = 16 << 10 // a head and what is sent in one write with it
	streamed   = 32 << 10 // read at a time from a target
)

// work is what one request needs and an idle connection does not: buffers and parsed heads. It is taken from a pool when
// the first octet of a request can be read, and given back after the last one of the answer was written.
type work struct {
	in       []byte // octets from the client
	from, to int    // those not used yet
	out      []byte // composed for either side
	up       loan   // octets from the target

	request  http1.Request
	response http1.Response
}

var works = sync.Pool{New: func() any {
	w := &work{in: make([]byte, clientRoom), out: make([]byte, 0, composed)}
	w.up.begin()
	return w
}}

func takeWork() *work { return works.Get().(*work) }

func (w *work) giveBack() {
	w.up.giveBack()
	if len(w.in) != clientRoom || cap(w.out) > 2*composed || cap(w.request.Fields) > 256 {
		return // grown for an unusual request: not worth keeping
	}
	w.from, w.to = 0, 0
	w.request.Reset()
	works.Put(w)
}

// slowRoom is what a head that is slow in coming gets at first.
const slowRoom = 1 << 10

// slow gives w back and returns what is unread in little space, for a head of which a part has arrived. Whoever opens many
// connections and never ends a head is to cost little more than he has sent.
func (w *work) slow() *work {
	s := &work{in: make([]byte, max(slowRoom, 2*len(w.unread())))}
	s.to = copy(s.in, w.unread())
	w.giveBack()
	return s
}

// complete makes a slow head, which has been read, ready for all that follows.
func (w *work) complete() *work {
	full := takeWork()
	full.in, full.from, full.to, full.request = w.in, w.from, w.to, w.request
	return full
}

// unread is what the client has sent and nobody has used.
func (w *work) unread() []byte { return w.in[w.from:w.to] }

// makeRoom makes space for more octets behind those unread. The space of a request head may not move while the head is in
// use, so it is called between requests or while a head is incomplete.
func (w *work) makeRoom() {
	if w.from > 0 {
		w.to = copy(w.in, w.in[w.from:w.to])
		w.from = 0
	}
	if w.to == len(w.in) {
		in := make([]byte, 2*len(w.in))
		copy(in, w.in)
		w.in = in
	}
}
