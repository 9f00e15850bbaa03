package http2

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// word is a number as payload.
func word(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }

// blocked waits until the stream ends before its time.
func blocked(s *Stream) {
	gone := make(chan struct{})
	s.WhenGone(func() { close(gone) })
	<-gone
}

// TestFloods sends what costs the server more than the client. Each must end with ENHANCE_YOUR_CALM, or refused streams, while
// memory stays bounded.
func TestFloods(t *testing.T) {
	const calm = "goaway 11"
	for _, test := range []struct {
		name  string
		frame func(w *wire, i int) []byte
		serve func(*Stream)
	}{
		{"rapid reset", func(w *wire, i int) []byte {
			id := uint32(2*i + 1)
			return append(frameOf(frameHeaders, flagEndHeaders|flagEndStream, id, w.get()), frameOf(frameReset, 0, id, word(8))...)
		}, blocked},
		{"made you reset by window update", func(w *wire, i int) []byte {
			id := uint32(2*i + 1)
			return append(frameOf(frameHeaders, flagEndHeaders|flagEndStream, id, w.get()), frameOf(frameWindowUpdate, 0, id, word(0))...)
		}, blocked},
		{"made you reset by data", func(w *wire, i int) []byte {
			id := uint32(2*i + 1)
			return append(frameOf(frameHeaders, flagEndHeaders|flagEndStream, id, w.get()), frameOf(frameData, 0, id, "x")...)
		}, blocked},
		{"malformed requests", func(w *wire, i int) []byte {
			return frameOf(frameHeaders, flagEndHeaders|flagEndStream, uint32(2*i+1), w.get("connection", "close"))
		}, echo},
		{"pings", func(*wire, int) []byte { return frameOf(framePing, 0, 0, "12345678") }, echo},
		{"ping answers", func(*wire, int) []byte { return frameOf(framePing, flagAck, 0, "12345678") }, echo},
		{"settings", func(*wire, int) []byte { return frameOf(frameSettings, 0, 0, "") }, echo},
		{"settings answers", func(*wire, int) []byte { return frameOf(frameSettings, flagAck, 0, "") }, echo},
		{"priorities", func(_ *wire, i int) []byte { return frameOf(framePriority, 0, uint32(2*i+3), word(1)+"x") }, echo},
		{"unknown frames", func(*wire, int) []byte { return frameOf(0x77, 0, 0, "") }, echo},
		{"windows", func(*wire, int) []byte { return frameOf(frameWindowUpdate, 0, 0, word(1)) }, echo},
		{"empty data", func(w *wire, i int) []byte {
			if i == 0 {
				return frameOf(frameHeaders, flagEndHeaders, 1, w.post())
			}
			return frameOf(frameData, 0, 1, "")
		}, blocked},
		{"empty continuations", func(w *wire, i int) []byte {
			if i == 0 {
				return frameOf(frameHeaders, 0, 1, w.get())
			}
			return frameOf(frameContinuation, 0, 1, "")
		}, echo},
		{"endless continuations", func(w *wire, i int) []byte {
			if i == 0 {
				return frameOf(frameHeaders, 0, 1, w.get())
			}
			return frameOf(frameContinuation, 0, 1, strings.Repeat("\x82", 10_000))
		}, echo},
		{"one long field", func(w *wire, i int) []byte {
			return frameOf(frameHeaders, flagEndHeaders|flagEndStream, 1, "\x00\x01x\x7f\xff\xff\x03")
		}, echo},
		{"data for a reset stream", func(w *wire, i int) []byte {
			if i == 0 {
				return append(frameOf(frameHeaders, flagEndHeaders, 1, w.post()), frameOf(frameReset, 0, 1, word(8))...)
			}
			return frameOf(frameData, 0, 1, "x")
		}, blocked},
	} {
		t.Run(test.name, func(t *testing.T) {
			var running, most atomic.Int64
			w := open(t, func(s *Stream) {
				if n := running.Add(1); n > most.Load() {
					most.Store(n)
				}
				defer running.Add(-1)
				test.serve(s)
			})
			go func() {
				for i := range 10_000 {
					if _, err := w.conn.Write(test.frame(w, i)); err != nil {
						return
					}
				}
			}()
			for got := ""; got != calm; {
				switch got = w.verdict(); got {
				case "closed":
					t.Fatal("closed without a reason")
				case "goaway 1", "goaway 5", "goaway 9":
					t.Fatal(got)
				}
			}
			if most.Load() > 2*MaxStreams {
				t.Errorf("%d streams were served at a time", most.Load())
			}
		})
	}
}

// TestSettingsInOneFrame shows that settings cost by number: each may concern every stream.
func TestSettingsInOneFrame(t *testing.T) {
	w := open(t, echo)
	many := strings.Repeat("\x00\x04\x00\x00\xff\xff", budgetSize/2+1)
	w.send(frameOf(frameSettings, 0, 0, many), frameOf(frameSettings, 0, 0, many))
	if got := w.verdict(); got != "goaway 11" {
		t.Error(got)
	}
}

// TestBreachAfterLeave breaks the protocol after GOAWAY: the second GOAWAY names no stream that the first has not named.
func TestBreachAfterLeave(t *testing.T) {
	w := open(t, blocked)
	w.send(frameOf(frameHeaders, flagEndHeaders|flagEndStream, 1, w.get()))
	for w.server.Streams() == 0 {
		runtime.Gosched()
	}
	w.server.Leave()
	w.send(frameOf(frameHeaders, flagEndHeaders|flagEndStream, 3, w.get()), frameOf(framePing, 0, 5, "12345678"))
	for _, code := range []Code{NoError, ProtocolError} {
		if f := w.want(frameGoAway, 0); f.word(0) != 1 || Code(f.word(4)) != code {
			t.Errorf("%+v", f)
		}
	}
}

// ended is a connection that can be waited for without a buffer, and has nothing more to say.
type ended struct{ net.Conn }

func (ended) ReadLazily(func() []byte, func()) (int, error) { return 0, io.EOF }

// TestLargeHeadIsForgotten shows that an idle connection does not keep the space of the largest head it has seen.
func TestLargeHeadIsForgotten(t *testing.T) {
	c := NewConnection(ended{}, Config{Serve: echo, Crew: crew, Last: never, Now: ticks, Interrupt: func() {}})
	c.head.cookies = make([]byte, 0, maxSpare+1)
	if _ = c.fill(); c.head.cookies != nil {
		t.Errorf("%d octets kept", cap(c.head.cookies))
	}
}

// TestAnswersNotRead has a client ask without reading: what is kept for it is bounded, and its streams wait.
func TestAnswersNotRead(t *testing.T) {
	const asked = 50
	w := open(t, func(s *Stream) { s.Send(answer(200), make([]byte, 1<<20), true) })
	w.send(frameOf(frameSettings, 0, 0, "\x00\x04"+word(maxWindow)), frameOf(frameWindowUpdate, 0, 0, word(1<<30)))
	for i := range uint32(asked) {
		w.send(frameOf(frameHeaders, flagEndHeaders|flagEndStream, 2*i+1, w.get()))
	}
	c := w.server
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.lastID < 2*asked-1 || len(c.queue) < len(c.streams) || len(c.out) < maxPending { // some may have ended before the others came
		c.mu.Unlock()
		runtime.Gosched()
		c.mu.Lock()
	}
	if pending := len(c.out); pending > maxPending+maxFrame {
		t.Errorf("%d octets pending", pending)
	}
}

// TestHeaderBomb refers to one long entry of the table again and again: the head is cut off, and memory stays bounded.
func TestHeaderBomb(t *testing.T) {
	served := make(chan *Stream, 1)
	w := open(t, func(s *Stream) {
		served <- &Stream{TooLong: s.TooLong, Head: make([]byte, 0, cap(s.Head))}
		s.Send(answer(400), nil, true)
	})
	block := w.get("x-bomb", strings.Repeat("y", 3900)) // goes into the table at index 62
	w.send(frameOf(frameHeaders, flagEndStream, 1, block+strings.Repeat("\xbe", 10_000)), frameOf(frameContinuation, flagEndHeaders, 1, ""))
	if s := <-served; !s.TooLong || cap(s.Head) > 4*MaxHead {
		t.Errorf("%t, head of %d octets", s.TooLong, cap(s.Head))
	}
	if fields, _ := w.answer(1); fields[":status"] != "400" {
		t.Errorf("%v", fields)
	}
	// The tables still agree.
	w.send(frameOf(frameHeaders, flagEndHeaders|flagEndStream, 3, w.get("x", "y")))
	<-served
	if fields, _ := w.answer(3); fields[":status"] != "400" {
		t.Errorf("%v", fields)
	}
}

func TestTooManyStreams(t *testing.T) {
	w := open(t, blocked)
	for i := range uint32(MaxStreams + 1) {
		w.send(frameOf(frameHeaders, flagEndHeaders|flagEndStream, 2*i+1, w.get()))
	}
	if f := w.want(frameReset, 0); f.stream != 2*MaxStreams+1 || f.word(0) != uint32(RefusedStream) {
		t.Errorf("%+v", f)
	}
}

// TestMaxRequests has the connection end after its last request, which is answered.
func TestMaxRequests(t *testing.T) {
	n := 0
	w := dial(t, echo, func() bool { n++; return n == 3 })
	w.send([]byte(Preface), frameOf(frameSettings, 0, 0, ""))
	w.want(frameSettings, 0)
	w.want(frameWindowUpdate, 0)
	w.want(frameSettings, flagAck)
	for i := range uint32(4) {
		w.send(frameOf(frameHeaders, flagEndHeaders|flagEndStream, 2*i+1, w.get()))
	}
	var last uint32
	answered := 0
	for {
		f, ok := w.read()
		if !ok {
			break
		}
		switch f.kind {
		case frameGoAway:
			last = f.word(0)
		case frameData:
			answered++
		}
	}
	if last != 5 || answered != 3 {
		t.Errorf("goaway %d, %d answers", last, answered)
	}
	if err := <-w.done; err != nil {
		t.Error(err)
	}
	w.done <- nil
}

// TestFlowControl has a window of an octet, and then enough.
func TestFlowControl(t *testing.T) {
	w := open(t, echo)
	w.send(frameOf(frameSettings, 0, 0, "\x00\x04"+word(1)))
	w.want(frameSettings, flagAck)
	w.send(frameOf(frameHeaders, flagEndHeaders|flagEndStream, 1, w.get()))
	w.want(frameHeaders, flagEndHeaders)
	if f := w.want(frameData, 0); string(f.payload) != "G" {
		t.Errorf("%q", f.payload)
	}
	w.send(frameOf(frameWindowUpdate, 0, 1, word(2)))
	if f := w.want(frameData, 0); string(f.payload) != "ET" {
		t.Errorf("%q", f.payload)
	}
	w.send(frameOf(frameSettings, 0, 0, "\x00\x04"+word(1000)))
	w.want(frameSettings, flagAck)
	if f := w.want(frameData, flagEndStream); string(f.payload) != " / HTTP/1.1\r\nHost: a.example\r\n\r\n" {
		t.Errorf("%q", f.payload)
	}
}

// TestUploadWindow sends more than the window while nobody reads.
func TestUploadWindow(t *testing.T) {
	w := open(t, blocked)
	w.send(frameOf(frameHeaders, flagEndHeaders, 1, w.post()))
	for range 5 {
		w.send(frameOf(frameData, 0, 1, strings.Repeat("x", maxFrame)))
	}
	if got := w.verdict(); got != "reset 3" {
		t.Error(got)
	}
}

// TestWindowOfTheConnection has bodies that are read and bodies that are not: neither may widen or narrow what the client may send.
func TestWindowOfTheConnection(t *testing.T) {
	w := open(t, func(s *Stream) {
		if s.id%4 == 1 {
			io.ReadFull(s, make([]byte, 1000))
		} else {
			for _, last := s.Buffered(); !last; _, last = s.Buffered() {
				runtime.Gosched()
			}
		}
		s.Send(answer(200), nil, true)
	})
	for id := uint32(1); id < 20; id += 2 {
		w.send(frameOf(frameHeaders, flagEndHeaders, id, w.post()), frameOf(frameData, flagEndStream, id, strings.Repeat("x", 1000)))
		w.answer(id)
	}
	c := w.server
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.streams) > 0 {
		c.idle.Wait()
	}
	if room := c.receivable + c.consumed; room != connectionWindow {
		t.Errorf("%d octets of %d", room, connectionWindow)
	}
}

// TestTrickle has a header block that does not end.
func TestTrickle(t *testing.T) {
	w := open(t, echo)
	w.send(frameOf(frameHeaders, 0, 1, w.get()))
	for w.server.incomplete.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if now := ticks(); w.server.Sweep(now+incompleteTicks-1) || !w.server.Sweep(now+incompleteTicks+1) {
		t.Error("not cut off in time")
	}
}

// TestContentLength sends bodies that are not as long as announced.
func TestContentLength(t *testing.T) {
	for _, test := range []struct {
		announced string
		frames    func(id uint32) []byte
		want      string
	}{
		{"3", func(id uint32) []byte { return frameOf(frameData, flagEndStream, id, "abc") }, "served"},
		{"3", func(id uint32) []byte { return frameOf(frameData, flagEndStream, id, "ab") }, "reset 1"},
		{"3", func(id uint32) []byte { return frameOf(frameData, flagEndStream, id, "abcd") }, "reset 1"},
		{"3", func(id uint32) []byte { return frameOf(frameData, 0, id, "abcd") }, "reset 1"},
		{"0", func(id uint32) []byte { return frameOf(frameData, flagEndStream, id, "GET /evil HTTP/1.1\r\n\r\n") }, "reset 1"},
		{"3", func(id uint32) []byte {
			return frameOf(frameHeaders, flagEndHeaders|flagEndStream, id, "\x00\x01x\x01y")
		}, "reset 1"},
	} {
		read := make(chan error, 1)
		w := open(t, func(s *Stream) {
			_, err := io.Copy(io.Discard, s)
			if read <- err; err == nil {
				s.Send(answer(200), nil, true)
			}
		})
		w.send(frameOf(frameHeaders, flagEndHeaders, 1, w.post("content-length", test.announced)), test.frames(1))
		if got := w.verdict(); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
		if err := <-read; (err == nil) != (test.want == "served") {
			t.Errorf("%+v: the body read as %v", test, err)
		}
	}
}

// TestEarlyAnswer ends the answer before the request: the client is asked to stop, and what it still sends is let pass.
func TestEarlyAnswer(t *testing.T) {
	w := open(t, func(s *Stream) { s.Send(answer(413), nil, true) })
	w.send(frameOf(frameHeaders, flagEndHeaders, 1, w.post()))
	w.want(frameHeaders, flagEndStream)
	if f := w.want(frameReset, 0); f.word(0) != uint32(NoError) {
		t.Errorf("%+v", f)
	}
	w.send(frameOf(frameData, 0, 1, "late"), frameOf(frameHeaders, flagEndHeaders|flagEndStream, 1, w.fields("x", "y")))
	w.send(frameOf(frameHeaders, flagEndHeaders|flagEndStream, 3, w.get()))
	if fields, _ := w.answer(3); fields[":status"] != "413" {
		t.Errorf("%v", fields)
	}
}

func TestTimeout(t *testing.T) {
	result := make(chan error, 1)
	started := make(chan struct{})
	w := open(t, func(s *Stream) {
		s.SetDeadline(ticks() + 10)
		close(started)
		_, err := s.Read(make([]byte, 1))
		result <- err
		s.SetDeadline(0)
		s.Send(answer(408), nil, true)
	})
	w.send(frameOf(frameHeaders, flagEndHeaders, 1, w.post()))
	<-started
	clock.Add(20)
	for done := false; !done; {
		w.server.Sweep(ticks())
		select {
		case err := <-result:
			if done = true; !errors.Is(err, ErrTimeout) {
				t.Error(err)
			}
		case <-time.After(time.Millisecond):
		}
	}
	if fields, _ := w.answer(1); fields[":status"] != "408" {
		t.Errorf("%v", fields)
	}
}

// TestBusyClients have clients do what busy ones do, which is not to be taken for a flood.
func TestBusyClients(t *testing.T) {
	const size = 32 << 20
	w := open(t, func(s *Stream) {
		if s.Whole {
			s.Send(answer(200), make([]byte, size), true)
			return
		}
		s.Send(answer(200), nil, false)
		for range 5000 { // small messages
			if s.Send(nil, make([]byte, 20), false) != nil {
				return
			}
		}
		s.Send(nil, nil, true)
	})
	w.send(frameOf(frameHeaders, flagEndHeaders|flagEndStream, 1, w.get()))
	w.want(frameHeaders, 0)
	for got, ended := 0, false; !ended; { // updates of 4 KB for both windows
		f, ok := w.read()
		if !ok || f.kind == frameGoAway {
			t.Fatalf("cut off after %d octets: %+v", got, f)
		}
		got += len(f.payload)
		ended = f.has(flagEndStream)
		for n := len(f.payload); n > 0 && !ended; n -= 4096 {
			part := word(uint32(min(n, 4096)))
			w.send(frameOf(frameWindowUpdate, 0, 0, part), frameOf(frameWindowUpdate, 0, 1, part))
		}
	}
	w.send(frameOf(frameWindowUpdate, 0, 0, word(1<<20)), frameOf(frameHeaders, flagEndHeaders, 3, w.post()))
	w.want(frameHeaders, 0)
	for pings := 0; ; { // a ping for each message, as gRPC measures the bandwidth
		f, ok := w.read()
		switch {
		case !ok || f.kind == frameGoAway:
			t.Fatalf("cut off after %d pings: %+v", pings, f)
		case f.has(flagEndStream) && f.kind == frameData:
			return
		case f.kind == frameData:
			w.send(frameOf(framePing, 0, 0, "12345678"))
			pings++
		}
		if f.kind == frameData && pings%1000 == 0 {
			w.send(frameOf(frameWindowUpdate, 0, 3, word(20*1000)))
		}
	}
}

// TestUploadMemory has a reader that never catches up with what arrives.
func TestUploadMemory(t *testing.T) {
	largest := make(chan int, 1)
	w := open(t, func(s *Stream) {
		most := 0
		for b := make([]byte, 1000); ; {
			if _, err := s.Read(b); err != nil {
				break
			}
			s.conn.mu.Lock()
			most = max(most, cap(s.in))
			s.conn.mu.Unlock()
		}
		s.Send(answer(200), nil, true)
		largest <- most
	})
	w.send(frameOf(frameHeaders, flagEndHeaders, 1, w.post()))
	go func() {
		for {
			if _, ok := w.read(); !ok {
				return
			}
		}
	}()
	for sent, total := 0, 8<<20; sent < total; {
		w.server.mu.Lock()
		room := w.server.receivable
		if s := w.server.streams[1]; s != nil {
			room = min(room, s.receivable)
		}
		w.server.mu.Unlock()
		if room < 2000 {
			runtime.Gosched()
			continue
		}
		w.send(frameOf(frameData, 0, 1, strings.Repeat("x", 2000)))
		sent += 2000
		for delivered := false; !delivered; { // or the room would be counted twice
			w.server.mu.Lock()
			s := w.server.streams[1]
			delivered = s != nil && s.received == int64(sent)
			w.server.mu.Unlock()
		}
	}
	w.send(frameOf(frameData, flagEndStream, 1, ""))
	if n := <-largest; n > 3*streamWindow {
		t.Errorf("%d octets of a body kept", n)
	}
}
