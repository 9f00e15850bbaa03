package proxy

import "sync/atomic"

// crew is the goroutines that serve connections. Some stay on for the next connection: their stacks have grown to what
// serving takes, which for short connections costs more than everything else about a new goroutine.
type crew struct {
	next   chan *client
	vacant atomic.Int32
}

// maxVacant is how many goroutines wait for a next connection at most.
const maxVacant = 128

// employ has c served, by someone who is there already if possible. Those who wait leave when closed is.
func (w *crew) employ(c *client, closed <-chan struct{}) {
	select {
	case w.next <- c:
	default:
		go w.labour(c, closed)
	}
}

func (w *crew) labour(c *client, closed <-chan struct{}) {
	for {
		c.attend()
		if w.vacant.Add(1) > maxVacant {
			w.vacant.Add(-1)
			return
		}
		select {
		case c = <-w.next:
			w.vacant.Add(-1)
		case <-closed:
			return
		}
	}
}
