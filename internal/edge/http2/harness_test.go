package http2

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2/hpack"
)

// plain is a connection without any timeouts.
type plain struct{ net.Conn }

// serveOn serves one connection and returns what Serve returned once it has.
func serveOn(conn net.Conn, serve func(*Stream), last func() bool) (*Connection, chan error) {
	c := NewConnection(plain{conn}, Config{
		Serve: serve, Crew: crew, Last: last, Now: ticks,
		Interrupt: func() { conn.SetReadDeadline(time.Unix(1, 0)) },
	})
	done := make(chan error, 1)
	go func() {
		err := c.Serve()
		conn.Close()
		done <- err
	}()
	return c, done
}

var (
	clock atomic.Int64
	crew  = NewCrew(nil)
)

func ticks() int64 { return clock.Load() + 1 }

func never() bool { return false }

// echo answers with the head it was asked with, or with the body if there is one.
func echo(s *Stream) {
	if s.Whole {
		s.Send(answer(200), s.Head, true)
		return
	}
	s.Send(answer(200), nil, false)
	b := make([]byte, 4096)
	for {
		n, err := s.Read(b)
		if errors.Is(err, io.EOF) {
			s.Send(nil, nil, true)
			return
		}
		if err != nil || s.Send(nil, b[:n], false) != nil {
			return
		}
	}
}

func answer(status int) []byte {
	return AppendField(AppendStatus(nil, status), []byte("Server"), "test")
}

// wire is a client that says what it likes.
type wire struct {
	t       testing.TB
	conn    net.Conn
	server  *Connection
	done    chan error
	encoder *hpack.Encoder
	decoder *hpack.Decoder
	block   []byte
}

func (w *wire) Write(b []byte) (int, error) {
	w.block = append(w.block, b...)
	return len(b), nil
}

// dial connects a client that has said nothing yet.
func dial(t testing.TB, serve func(*Stream), last func() bool) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, conn: near, decoder: hpack.NewDecoder(4096, nil)}
	w.encoder = hpack.NewEncoder(w)
	w.server, w.done = serveOn(far, serve, last)
	near.SetDeadline(time.Now().Add(time.Minute))
	t.Cleanup(func() {
		near.Close()
		<-w.done
	})
	return w
}

// open is dial and the exchange of settings.
func open(t testing.TB, serve func(*Stream)) *wire {
	t.Helper()
	w := dial(t, serve, never)
	w.send([]byte(Preface), frameOf(frameSettings, 0, 0, ""))
	w.want(frameSettings, 0)
	w.want(frameWindowUpdate, 0)
	w.want(frameSettings, flagAck)
	return w
}

func (w *wire) send(parts ...[]byte) {
	w.t.Helper()
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	if _, err := w.conn.Write(b); err != nil {
		w.t.Fatal(err)
	}
}

func frameOf(kind, flags uint8, stream uint32, payload string) []byte {
	return append(appendFrameHead(nil, len(payload), kind, flags, stream), payload...)
}

// fields encodes names and values in turn.
func (w *wire) fields(pairs ...string) string {
	w.block = w.block[:0]
	for i := 0; i < len(pairs); i += 2 {
		w.encoder.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return string(w.block)
}

// get is the header block of a request, with further fields.
func (w *wire) get(pairs ...string) string {
	return w.fields(append([]string{":method", "GET", ":scheme", "https", ":path", "/", ":authority", "a.example"}, pairs...)...)
}

func (w *wire) post(pairs ...string) string {
	return w.fields(append([]string{":method", "POST", ":scheme", "https", ":path", "/", ":authority", "a.example"}, pairs...)...)
}

// read reads one frame; ok is false when the connection has ended.
func (w *wire) read() (f frame, ok bool) {
	w.t.Helper()
	head := make([]byte, frameHead)
	if _, err := io.ReadFull(w.conn, head); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			w.t.Fatal("no answer")
		}
		return f, false
	}
	payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	if _, err := io.ReadFull(w.conn, payload); err != nil {
		return f, false
	}
	return frame{head[3], head[4], binary.BigEndian.Uint32(head[5:]), payload}, true
}

// want reads the next frame, which must be of the kind and have the flags.
func (w *wire) want(kind, flags uint8) frame {
	w.t.Helper()
	f, ok := w.read()
	if !ok || f.kind != kind || f.flags&flags != flags {
		w.t.Fatalf("frame %d with flags %#x wanted, got %+v (%t)", kind, flags, f, ok)
	}
	return f
}

// answer reads one whole answer on a stream, skipping other frames.
func (w *wire) answer(stream uint32) (fields map[string]string, body string) {
	w.t.Helper()
	fields = map[string]string{}
	for {
		f, ok := w.read()
		switch {
		case !ok:
			w.t.Fatal("connection ended")
		case f.kind == frameReset && f.stream == stream:
			fields["reset"] = strconv.Itoa(int(f.word(0)))
			return fields, body
		case f.kind == frameGoAway:
			fields["goaway"] = strconv.Itoa(int(f.word(4)))
			return fields, body
		case f.kind == frameHeaders:
			fs, err := w.decoder.DecodeFull(f.payload)
			if err != nil {
				w.t.Fatal(err)
			}
			for _, h := range fs {
				fields[h.Name] = h.Value
			}
		case f.kind == frameData && f.stream == stream:
			body += string(f.payload)
		}
		if f.stream == stream && (f.kind == frameHeaders || f.kind == frameData) && f.has(flagEndStream) {
			return fields, body
		}
	}
}

// verdict is the first GOAWAY or RST_STREAM that comes, or "served" if an answer comes.
func (w *wire) verdict() string {
	w.t.Helper()
	for {
		f, ok := w.read()
		switch {
		case !ok:
			return "closed"
		case f.kind == frameGoAway:
			return "goaway " + strconv.Itoa(int(f.word(4)))
		case f.kind == frameReset:
			return "reset " + strconv.Itoa(int(f.word(0)))
		case f.kind == frameHeaders:
			return "served"
		}
	}
}
