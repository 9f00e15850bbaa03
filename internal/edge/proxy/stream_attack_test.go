package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// framer is a client that sends the frames it likes.
type framer struct {
	t testing.TB
	*http2.Framer
	conn    net.Conn
	encoder *hpack.Encoder
	block   bytes.Buffer
}

func newFramer(t testing.TB, address string) *framer {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	f := &framer{t: t, conn: conn, Framer: http2.NewFramer(conn, conn)}
	f.encoder = hpack.NewEncoder(&f.block)
	f.AllowIllegalWrites = true
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	io.WriteString(conn, http2.ClientPreface)
	f.WriteSettings()
	return f
}

// head sends a head of names and values in turn.
func (f *framer) head(stream uint32, end bool, pairs ...string) {
	f.t.Helper()
	f.block.Reset()
	for i := 0; i < len(pairs); i += 2 {
		f.encoder.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: f.block.Bytes(), EndHeaders: true, EndStream: end})
}

// ask sends a head, and the body if it is not nil.
func (f *framer) ask(stream uint32, body []byte, pairs ...string) {
	f.t.Helper()
	f.head(stream, body == nil, pairs...)
	if body != nil {
		f.WriteData(stream, true, body)
	}
}

// verdict is what comes of the stream: a status, a reset or the end of the connection.
func (f *framer) verdict(stream uint32) string {
	f.t.Helper()
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return "closed"
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			if frame.StreamID == stream {
				return frame.PseudoValue("status")
			}
		case *http2.RSTStreamFrame:
			if frame.StreamID == stream {
				return "reset " + frame.ErrCode.String()
			}
		case *http2.GoAwayFrame:
			return "goaway " + frame.ErrCode.String()
		}
	}
}

// hoard is a target that keeps every octet it is sent and answers each head.
type hoard struct {
	mu   sync.Mutex
	sent []string // by connection
}

func (h *hoard) serve(n int, c net.Conn, r *bufio.Reader) {
	for {
		head, err := readHead(r)
		if err != nil {
			return
		}
		h.mu.Lock()
		h.sent = append(h.sent, head)
		h.mu.Unlock()
		length := 0
		for line := range strings.SplitSeq(head, "\r\n") {
			fmt.Sscanf(strings.ToLower(line), "content-length: %d", &length)
		}
		if strings.Contains(head, "Transfer-Encoding: chunked") {
			io.Copy(io.Discard, httputil.NewChunkedReader(r))
			r.ReadString('\n')
		}
		io.CopyN(io.Discard, r, int64(length))
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	}
}

func (h *hoard) take() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.sent
	h.sent = nil
	return out
}

// TestStreamSmuggling sends what a server that turns HTTP/2 into HTTP/1.1 carelessly makes two requests, or another one, of.
func TestStreamSmuggling(t *testing.T) {
	var h hoard
	b := newBench(t, rawTarget(t, h.serve))
	address := b.multiplex()
	const evil = "GET /evil HTTP/1.1\r\nHost: evil\r\n\r\n"
	head := func(method, path string, more ...string) []string {
		return append([]string{":method", method, ":scheme", "https", ":path", path, ":authority", "a.example"}, more...)
	}
	const malformed = "reset PROTOCOL_ERROR"
	for _, test := range []struct {
		name string
		head []string
		body string // "-": none
		want string
	}{
		{"H2.CL short", head("POST", "/", "content-length", "0"), evil, malformed},
		{"H2.CL some", head("POST", "/", "content-length", "5"), "abcde" + evil, malformed},
		{"H2.CL long", head("POST", "/", "content-length", "100"), evil, malformed},
		{"H2.CL none", head("POST", "/", "content-length", "100"), "-", malformed},
		{"H2.CL twice", head("POST", "/", "content-length", "34", "content-length", "0"), evil, malformed},
		{"H2.CL list", head("POST", "/", "content-length", "34, 34"), evil, malformed},
		{"H2.CL lookalike", head("POST", "/", "content_length", "0"), evil, "200"},
		{"H2.TE", head("POST", "/", "transfer-encoding", "chunked"), "0\r\n\r\n" + evil, malformed},
		{"H2.TE identity", head("POST", "/", "transfer-encoding", "identity"), evil, malformed},
		{"H2.TE lookalike", head("POST", "/", "transfer_encoding", "chunked"), "0\r\n\r\n" + evil, "200"},
		{"H2.TE by value", head("POST", "/", "x", "y\r\nTransfer-Encoding: chunked"), "0\r\n\r\n" + evil, malformed},
		{"H2.TE by name", head("POST", "/", "x: y\r\ntransfer-encoding", "chunked"), "0\r\n\r\n" + evil, malformed},
		{"request by value", head("GET", "/", "x", "y\r\n\r\n"+evil), "-", malformed},
		{"bare line feed", head("GET", "/", "x", "y\nhost: evil"), "-", malformed},
		{"bare return", head("GET", "/", "x", "y\rhost: evil"), "-", malformed},
		{"NUL", head("GET", "/", "x", "y\x00z"), "-", malformed},
		{"request by path", head("GET", "/ HTTP/1.1\r\nHost: evil\r\n\r\n"+evil), "-", malformed},
		{"request by method", head("GET /evil HTTP/1.1\r\nX: y\r\n\r\nGET", "/"), "-", malformed},
		{"method with space", head("GET /evil", "/"), "-", malformed},
		{"path with space", head("GET", "/a HTTP/1.0"), "-", malformed},
		{"path with fragment", head("GET", "/a#b"), "-", "400"},
		{"absolute path", head("GET", "http://evil/"), "-", malformed},
		{"authority with line", []string{":method", "GET", ":scheme", "https", ":path", "/", ":authority", "a\r\nx: y"}, "-", malformed},
		{"authority with path", []string{":method", "GET", ":scheme", "https", ":path", "/", ":authority", "a/evil"}, "-", "400"},
		{"authority with user", []string{":method", "GET", ":scheme", "https", ":path", "/", ":authority", "a@evil"}, "-", "400"},
		{"no host at all", []string{":method", "GET", ":scheme", "https", ":path", "/"}, "-", "400"},
		{"host differs", head("GET", "/", "host", "evil"), "-", malformed},
		{"host the same", head("GET", "/", "host", "a.example"), "-", "200"},
		{"pseudo twice", head("GET", "/", ":path", "/evil"), "-", malformed},
		{"pseudo late", head("GET", "/", "x", "y", ":path", "/evil"), "-", malformed},
		{"upper case", head("GET", "/", "X-Upper", "y"), "-", malformed},
		{"connection", head("GET", "/", "connection", "x-forwarded-for"), "-", malformed},
		{"upgrade", head("GET", "/", "upgrade", "websocket"), "-", malformed},
		{"connect", []string{":method", "CONNECT", ":authority", "evil:22"}, "-", "405"},
		{"extended connect", head("CONNECT", "/", ":protocol", "websocket"), "-", malformed},
		{"trace", head("TRACE", "/"), "-", "405"},
		{"body with GET", head("GET", "/"), evil, "200"},
		{"too many forwarders", head("GET", "/", "x-forwarded-for", strings.Repeat("1,", 31)), "-", "463"},
		{"plain", head("POST", "/x", "content-length", "3"), "abc", "200"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFramer(t, address)
			var body []byte
			if test.body != "-" {
				body = []byte(test.body)
			}
			f.ask(1, body, test.head...)
			if got := f.verdict(1); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			// Whatever the next request on a connection to the target is, it arrives as itself.
			f = newFramer(t, address)
			f.ask(1, nil, head("GET", "/next")...)
			if got := f.verdict(1); got != "200" {
				t.Errorf("the next request: %s", got)
			}
			sent := h.take()
			want := 1
			if test.want == "200" {
				want = 2
			}
			if len(sent) != want && !(test.want == malformed && len(sent) == 2 && strings.HasPrefix(sent[0], "POST / ")) {
				t.Fatalf("%d requests reached the target: %q", len(sent), sent)
			}
			for _, s := range sent {
				if strings.Contains(s, "evil") || strings.Contains(s, "content_length") || strings.Contains(s, "transfer_encoding") {
					t.Errorf("reached the target: %q", s)
				}
			}
			if last := sent[len(sent)-1]; !strings.HasPrefix(last, "GET /next HTTP/1.1\r\n") {
				t.Errorf("the next request became %q", last)
			}
		})
	}
}
