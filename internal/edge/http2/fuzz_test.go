package http2

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"

	"github.com/neargate/neargate/internal/edge/http1"
)

// recording is a client that says what it has to say and then closes.
type recording struct {
	io.Reader
	said int
}

func (r *recording) Write(b []byte) (int, error) {
	r.said += len(b)
	return len(b), nil
}

// FuzzConnection has clients say anything. Whatever it is, the connection ends, with everything that served its requests, and
// what was handed on as a head is one.
func FuzzConnection(f *testing.F) {
	var w wire
	w.encoder = hpack.NewEncoder(&w)
	get := w.get("x", "y")
	for _, seed := range [][]byte{
		frameOf(frameHeaders, flagEndHeaders|flagEndStream, 1, get),
		append(frameOf(frameHeaders, flagEndHeaders, 1, get), frameOf(frameData, flagEndStream, 1, "body")...),
		append(frameOf(frameHeaders, 0, 1, get[:5]), frameOf(frameContinuation, flagEndHeaders, 1, get[5:])...),
		frameOf(frameHeaders, flagEndHeaders|flagPadded|flagPriority, 1, "\x02"+word(3)+"\x10"+get+"\x00\x00"),
		append(frameOf(frameHeaders, flagEndHeaders, 1, get), frameOf(frameReset, 0, 1, word(8))...),
		append(frameOf(frameSettings, 0, 0, "\x00\x04"+word(1)), frameOf(frameHeaders, flagEndHeaders|flagEndStream, 1, get)...),
		append(frameOf(framePing, 0, 0, "12345678"), frameOf(frameWindowUpdate, 0, 0, word(100))...),
		frameOf(frameGoAway, 0, 0, word(0)+word(0)), frameOf(framePriority, 0, 3, word(1)+"x"),
		frameOf(frameHeaders, flagEndHeaders|flagEndStream, 1, "\x82\x87\x84\x41\x8a\xa8\xeb\x10\x64\x9c\xbf\x4a\x88\x65\x00\x01a\x03b\r\n"),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		input := append([]byte(Preface), frameOf(frameSettings, 0, 0, "")...)
		conn := &recording{Reader: bytes.NewReader(append(input, said...))}
		c := NewConnection(conn, Config{
			Serve: func(s *Stream) {
				if !s.Connect && !s.TooLong {
					check(t, s.Head)
				}
				echo(s)
			},
			Crew: crew, Last: never, Now: ticks, Interrupt: func() {},
		})
		err := c.Serve()
		var broken *ConnectionError
		if !errors.Is(err, io.EOF) && !errors.As(err, &broken) {
			t.Errorf("ended with %v", err)
		}
		if len(c.streams) != 0 || c.flushing || c.open.Load() != 0 {
			t.Errorf("left behind: %d streams, %t, %d", len(c.streams), c.flushing, c.open.Load())
		}
	})
}

// check tells whether head is one HTTP/1.1 head and nothing else.
func check(t *testing.T, head []byte) {
	text := string(head)
	lines := strings.Split(text, "\r\n")
	if !strings.HasSuffix(text, "\r\n\r\n") || strings.Count(text, "\r\n\r\n") != 1 || strings.ContainsRune(text, 0) ||
		strings.Count(text, "\n") != len(lines)-1 || strings.Count(text, "\r") != len(lines)-1 {
		t.Errorf("not one head: %q", text)
	}
}

// FuzzHead compares what a client means with what the parser of HTTP/1.1 makes of it: what is accepted is the same.
func FuzzHead(f *testing.F) {
	f.Add("GET", "/", "a.example", "x", "y", "z", "")
	f.Add("POST", "/a?b=c", "a:1", "content-length", "0", "cookie", "a=b")
	f.Add("GET /", "/ HTTP/1.1", "a\r\n", "x", "a\r\nb: c", "host", "b")
	f.Add("GET", "/", "a", "transfer-encoding", "chunked", "content_length", "5")
	f.Fuzz(func(t *testing.T, method, path, authority, name, value, name2, value2 string) {
		h := write(true, ":method", method, ":scheme", "https", ":path", path, ":authority", authority, name, value, name2, value2)
		if h.fault != "" || h.tooLong || h.connect {
			return
		}
		check(t, h.text)
		var r http1.Request
		n, err := r.Parse(h.text)
		if err != nil {
			return // refused in the end
		}
		if n != len(h.text) || string(r.Method) != method || string(r.Target) != path || string(r.Host) != authority || r.Framing != http1.NoBody {
			t.Fatalf("%q: %+v", h.text, r)
		}
		want := map[string]string{}
		for _, p := range [][2]string{{name, value}, {name2, value2}} {
			switch {
			case p[0] == "host": // which says the same as :authority
			case p[0] == "cookie" && want["cookie"] != "":
				want["cookie"] += "; " + p[1]
			case p[0] == "content-length" || want[p[0]] == "":
				want[p[0]] = p[1]
			default:
				want[p[0]] += "|" + p[1]
			}
		}
		got := map[string]string{}
		for _, field := range r.Fields {
			k := strings.ToLower(string(r.Name(field)))
			if k == "host" {
				continue
			}
			if v, ok := got[k]; ok && v != "" {
				got[k] += "|" + string(r.Value(field))
			} else {
				got[k] = string(r.Value(field))
			}
		}
		for k, v := range want {
			if got[k] != v {
				t.Fatalf("%s: %q became %q in %q", k, v, got[k], h.text)
			}
		}
		for k := range got {
			if _, ok := want[k]; !ok {
				t.Fatalf("%s came from nowhere in %q", k, h.text)
			}
		}
	})
}
