package http2

import (
	"runtime"
	"sync"
	"testing"
)

// TestTurns has many streams with much to send on one connection: none gets far ahead of the others, and one that must wait for its own window
// holds no others up.
func TestTurns(t *testing.T) {
	const count, size, ahead = 20, 512 << 10, 3 * maxFrame
	var begun sync.WaitGroup
	begun.Add(count)
	w := open(t, func(s *Stream) {
		more := 0
		if s.id == 1 {
			more = size // than the stream's window
		}
		if s.Send(answer(200), nil, false) != nil {
			return
		}
		begun.Done()
		begun.Wait()
		s.Send(nil, make([]byte, size+more), true)
	})
	w.send(frameOf(frameSettings, 0, 0, "\x00\x04"+word(size)))
	w.want(frameSettings, flagAck)
	for i := range uint32(count) {
		w.send(frameOf(frameHeaders, flagEndHeaders|flagEndStream, 2*i+1, w.get()))
		w.want(frameHeaders, flagEndHeaders)
	}
	// The connection's window is the first one's, or of the first few; then all stand in the queue.
	got := map[uint32]int{}
	for all := 0; all < 64<<10-1; {
		f := w.want(frameData, 0)
		got[f.stream] += len(f.payload)
		all += len(f.payload)
	}
	for queued := 0; queued < count; runtime.Gosched() {
		w.server.mu.Lock()
		queued = len(w.server.queue)
		w.server.mu.Unlock()
	}
	w.send(frameOf(frameWindowUpdate, 0, 0, word(count*size)))
	since := map[uint32]int{}
	for ended := 0; ended < count-1 || got[1] <= size-leastFrame; {
		f := w.want(frameData, 0)
		got[f.stream] += len(f.payload)
		since[f.stream] += len(f.payload)
		if f.has(flagEndStream) {
			ended++
		}
		if ended > 0 {
			continue
		}
		least, most := size, 0
		for i := range uint32(count) {
			n := since[2*i+1]
			least, most = min(least, n), max(most, n)
		}
		if most-least > ahead {
			t.Fatalf("one stream has sent %d octets, another %d", most, least)
		}
	}
	for i := range uint32(count) {
		if n := got[2*i+1]; n != size && (i > 0 || n > size) {
			t.Errorf("stream %d: %d octets", 2*i+1, n)
		}
	}
}

// TestTwoSenders has two goroutines send on one stream: an interim answer may still wait for its turn when the final one comes.
func TestTwoSenders(t *testing.T) {
	const size = 100 << 10
	w := open(t, func(s *Stream) {
		if s.Send(answer(200), nil, false) != nil {
			return
		}
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				if err := s.Send(nil, make([]byte, size), false); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		s.Send(nil, nil, true)
	})
	w.send(frameOf(frameHeaders, flagEndHeaders|flagEndStream, 1, w.get()))
	w.want(frameHeaders, flagEndHeaders)
	got := len(w.want(frameData, 0).payload)
	for queued := 0; queued < 2; runtime.Gosched() { // both wait for the window
		w.server.mu.Lock()
		queued = len(w.server.queue)
		w.server.mu.Unlock()
	}
	w.send(frameOf(frameWindowUpdate, 0, 0, word(2*size)), frameOf(frameWindowUpdate, 0, 1, word(2*size)))
	for {
		f := w.want(frameData, 0)
		got += len(f.payload)
		if f.has(flagEndStream) {
			break
		}
	}
	if got != 2*size {
		t.Errorf("%d octets of %d", got, 2*size)
	}
}
