package proxy

import "sync/atomic"

// crew is the goroutines that serve connections. Some stay on for the next connection: their stacks have grown to what
// serving takes, which for short connections costs more than everything else about a new goroutine.
type crew struct {
	work   func(*client)
	next   chan *client
	vacant atomic.Int32
}

// maxVacant is how many goroutines wait for a next connection at most.
const maxVacant = 128

func (w *crew) begin(work func(*client)) { w.work, w.next = work, make(chan *client) }

// employ has c served, by someone who is there already if possible.
func (w *crew) employ(c *client) {
	select {
	case w.next <- c:
	default:
		go w.labour(c)
	}
}

// dismiss lets those go who wait for a next connection. There must be none.
func (w *crew) dismiss() { close(w.next) }

func (w *crew) labour(c *client) {
	for more := true; more; {
		w.work(c)
		if w.vacant.Add(1) > maxVacant {
			w.vacant.Add(-1)
			return
		}
		c, more = <-w.next
		w.vacant.Add(-1)
	}
}
