package proxy

// tunnel carries octets both ways after a switch to WebSocket, until either side has been closed or idle for too long. The
// ticket is held all the while: a draining target waits for its tunnels until the deregistration delay is over.
func (x *exchange) tunnel() {
	w, c := x.work, x.client
	defer x.endpoint.discard(x.up)
	w.out = x.composeResponse(w.out[:0], false, true)
	w.out = append(w.out, w.up.room()[len(w.response.Head):x.got]...)
	x.touch()
	if !x.deliver(w.out) {
		return
	}
	if early := w.unread(); len(early) > 0 {
		if _, err := x.up.Write(early); err != nil {
			return
		}
		x.uploaded(len(early))
		w.from = w.to
	}
	// From here on there are two goroutines, and nothing is held but what is on its way.
	c.w.giveBack()
	c.w, x.work = nil, nil
	c.alone, x.up.alone = false, false
	done := make(chan struct{})
	go func() {
		defer close(done)
		x.pour(c.socket, x.up.socket, x.uploaded)
	}()
	x.pour(x.up.socket, c.socket, x.delivered)
	<-done
}

// uploaded counts octets that went from the client to the target.
func (x *exchange) uploaded(n int) {
	x.listener.counters.bytesIn.Add(uint64(n))
	x.target.counters.bytesOut.Add(uint64(n))
	x.client.received(n)
}

// pour copies until from ends, which is passed on to the other side, or until something breaks, which breaks both. It calls
// moved for what it has copied.
func (x *exchange) pour(from, to *socket, moved func(n int)) {
	var b loan
	b.begin()
	defer b.giveBack()
	for {
		n, err := b.read(from, streamed)
		if isEOF(err) {
			to.closeWrite()
			return
		}
		if err == nil {
			x.touch()
			n, err = to.Write(b.room()[:n])
			moved(n)
		}
		if err != nil {
			from.breakOff(shutdown)
			to.breakOff(shutdown)
			return
		}
		b.giveBack()
	}
}
