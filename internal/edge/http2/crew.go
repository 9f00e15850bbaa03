package http2

import "sync/atomic"

// Crew is the goroutines that serve streams. Some stay on for the next stream: their stacks have grown to what serving takes,
// which a new goroutine's has to first.
type Crew struct {
	next   chan *Stream
	vacant atomic.Int32
	closed <-chan struct{}
}

// maxVacant is how many goroutines wait for a next stream at most.
const maxVacant = 256

// NewCrew makes a Crew whose members leave when closed is.
func NewCrew(closed <-chan struct{}) *Crew { return &Crew{next: make(chan *Stream), closed: closed} }

// employ has s served, by someone who is there already if possible.
func (w *Crew) employ(s *Stream) {
	select {
	case w.next <- s:
	default:
		go w.labour(s)
	}
}

func (w *Crew) labour(s *Stream) {
	for {
		s.serve()
		if w.vacant.Add(1) > maxVacant {
			w.vacant.Add(-1)
			return
		}
		select {
		case s = <-w.next:
			w.vacant.Add(-1)
		case <-w.closed:
			return
		}
	}
}
