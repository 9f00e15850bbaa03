package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/neargate/neargate/internal/edge/http1"
)

// witness is a target that notes every request net/http finds on its connections.
type witness struct {
	mu   sync.Mutex
	seen []string
}

func (w *witness) serve(_ int, c net.Conn, r *bufio.Reader) {
	var raw bytes.Buffer
	defer func() {
		if err := normal(raw.Bytes()); err != nil {
			w.note(fmt.Sprintf("not in normal form: %v: %q", err, raw.Bytes()))
		}
	}()
	r = bufio.NewReader(io.TeeReader(r, &raw))
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			if err != io.EOF {
				w.note("unreadable: " + err.Error())
			}
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			w.note("unreadable body: " + err.Error())
			return
		}
		path, _, _ := strings.Cut(req.RequestURI, "?")
		w.note(req.Method + " " + path + " " + string(body))
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	}
}

// normal checks the octets a target was sent on one connection: requests one after the other with nothing between them, each with
// one statement of its length and no field that could be taken for another one. The last one may be cut off.
func normal(raw []byte) error {
	for len(raw) > 0 {
		var r http1.Request
		n, err := r.Parse(raw)
		if err != nil || n == 0 {
			return err
		}
		switch r.Reason {
		case "", http1.NonCompliantHeader, http1.AmbiguousURI, http1.ZeroContentLength, http1.UndefinedContentLength, http1.UndefinedTransferEncoding:
		default:
			return fmt.Errorf("%s", r.Reason)
		}
		if !bytes.HasPrefix(raw, r.Method) || r.Minor != 1 || r.AbsoluteForm || !r.HasHost {
			return fmt.Errorf("request line or host")
		}
		raw = raw[n:]
		switch r.Framing {
		case http1.Sized:
			raw = raw[min(r.Length, int64(len(raw))):]
		case http1.Chunked:
			var c http1.ChunkReader
			_, used, err := c.Decode(bytes.Clone(raw))
			if err != nil {
				return err
			}
			if c.AppendTrailers(nil) != nil {
				return fmt.Errorf("trailers")
			}
			raw = raw[used:]
		}
	}
	return nil
}

func (w *witness) note(s string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, s)
}

func (w *witness) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.seen
	w.seen = nil
	return s
}

// TestSmuggling sends the published classes of request smuggling. Whatever happens, the target must see no request but those
// listed, and must be able to read everything it sees.
func TestSmuggling(t *testing.T) {
	w := &witness{}
	b := newBench(t, rawTarget(t, w.serve))
	const evil = "GET /evil HTTP/1.1\r\nHost: x\r\n\r\n"
	const post = "POST /a HTTP/1.1\r\nHost: x\r\n"
	for _, c := range []struct {
		name, raw string
		want      []string // seen by the target
		answers   int      // answers the client gets
	}{
		{"CL.TE", post + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + evil, []string{"POST /a "}, 1},
		{"TE.CL", post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n1f\r\n" + evil + "\r\n0\r\n\r\n", []string{"POST /a " + evil}, 1},
		{"TE.TE, unknown", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + evil, nil, 1},
		{"TE.TE, space", post + "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + evil, nil, 1},
		{"TE.TE, tab", post + "Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n" + evil, []string{"POST /a ", "GET /evil "}, 2}, // two requests to everybody
		{"TE.TE, vertical tab", post + "Transfer-Encoding: \x0bchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + evil, nil, 1},
		{"TE.TE, folded", post + "Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + evil, nil, 1},
		{"TE.TE, xchunked", post + "Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + evil, nil, 1},
		{"TE.TE, lookalike", post + "Transfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + evil, []string{"POST /a 0\r\n\r\n"}, 1},
		{"TE.TE, in another line", post + "X: y\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + evil, nil, 1},
		{"CL.CL", post + "Content-Length: 0\r\nContent-Length: 31\r\n\r\n" + evil, nil, 1},
		{"CL list", post + "Content-Length: 0, 31\r\n\r\n" + evil, nil, 1},
		{"CL with sign", post + "Content-Length: +31\r\n\r\n" + evil, nil, 1},
		{"CL with space before colon", post + "Content-Length : 31\r\n\r\n" + evil, nil, 1},
		{"CL with nul", post + "Content-Length\x00: 31\r\n\r\n" + evil, nil, 1},
		{"CL lookalike", post + "Content_Length: 31\r\nContent-Length: 0\r\n\r\n" + evil, []string{"POST /a "}, 1},
		{"CL.0", "GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 31\r\n\r\n" + evil, []string{"GET /a " + evil}, 1},
		{"GET with chunks", "GET /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1f\r\n" + evil + "\r\n0\r\n\r\n" + evil, []string{"GET /a " + evil}, 1},
		{"chunk size with sign", post + "Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n" + evil, nil, 1},
		{"chunk size too long", post + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n" + evil, nil, 1},
		{"chunk with line feed", post + "Transfer-Encoding: chunked\r\n\r\n0\n\n" + evil, nil, 1},
		{"chunk extension with line feed", post + "Transfer-Encoding: chunked\r\n\r\n2;\nxx\r\n1f\r\n" + evil + "\r\n0\r\n\r\n", nil, 1},
		{"chunk data too long", post + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n" + evil, nil, 1},
		{"trailer lookalike", post + "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 31\r\n\r\n" + evil, []string{"POST /a ", "GET /evil "}, 2},
		{"HTTP/1.0 with chunks", "POST /a HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + evil, nil, 1},
		{"line feeds only", "POST /a HTTP/1.1\nHost: x\nContent-Length: 31\n\n" + evil, nil, 1},
		{"first line folded", "GET /a HTTP/1.1\r\n Transfer-Encoding: chunked\r\nHost: x\r\n\r\n0\r\n\r\n" + evil, nil, 1},
		{"obs-fold", "GET /a HTTP/1.1\r\nHost: x\r\nX: y\r\n z\r\n\r\n" + evil, nil, 1},
		{"obs-fold before a length", post + "X: y\r\n\tContent-Length: 31\r\n\r\n" + evil, nil, 1},
		{"bare CR in a value", post + "X: y\rContent-Length: 31\r\n\r\n" + evil, nil, 1},
		{"bare CR in the request line", "GET /a\r HTTP/1.1\r\nHost: x\r\n\r\n" + evil, nil, 1},
		{"NUL in a value", post + "X: \x00\r\nContent-Length: 0\r\n\r\n" + evil, nil, 1},
		{"NUL in the target", "GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n" + evil, nil, 1},
		{"no name", "GET /a HTTP/1.1\r\nHost: x\r\n: Content-Length: 31\r\n\r\n" + evil, nil, 1},
		{"no colon", "GET /a HTTP/1.1\r\nHost: x\r\nContent-Length 31\r\n\r\n" + evil, nil, 1},
		{"two hosts", "GET /a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + evil, nil, 1},
		{"host with a path", "GET /a HTTP/1.1\r\nHost: x/evil\r\n\r\n" + evil, nil, 1},
		{"host with user", "GET /a HTTP/1.1\r\nHost: x@y\r\n\r\n" + evil, nil, 1},
		{"absolute form and another host", "GET http://y/a HTTP/1.1\r\nHost: x\r\n\r\n" + evil, []string{"GET /a ", "GET /evil "}, 2},
		{"absolute form with user", "GET http://y@z/a HTTP/1.1\r\nHost: x\r\n\r\n" + evil, nil, 1},
		{"spaces in the request line", "GET  /a HTTP/1.1\r\nHost: x\r\n\r\n" + evil, nil, 1},
		{"target with a space", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n" + evil, nil, 1},
		{"space after the version", "GET /a HTTP/1.1 \r\nHost: x\r\n\r\n" + evil, nil, 1},
		{"HTTP/0.9", "GET /a\r\n\r\n" + evil, nil, 1},
		{"length hex", post + "Content-Length: 0x1f\r\n\r\n" + evil, nil, 1},
		{"length too large", post + "Content-Length: 18446744073709551647\r\n\r\n" + evil, nil, 1},
		{"length empty", post + "Content-Length:\r\n\r\n" + evil, nil, 1},
		{"length the same twice", post + "Content-Length: 31\r\nContent-Length: 31\r\n\r\n" + evil, []string{"POST /a " + evil}, 1},
		{"chunked twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + evil, nil, 1},
		{"chunked, identity", post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + evil, nil, 1},
		{"chunked quoted", post + "Transfer-Encoding: \"chunked\"\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + evil, nil, 1},
		{"chunked with a parameter", post + "Transfer-Encoding: chunked;a=b\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + evil, nil, 1},
		{"hop-by-hop length", post + "Connection: Content-Length\r\nContent-Length: 31\r\n\r\n" + evil, []string{"POST /a " + evil}, 1},
		{"hop-by-hop host", "GET /a HTTP/1.1\r\nHost: x\r\nConnection: Host, close\r\n\r\n" + evil, []string{"GET /a "}, 1},
		{"chunk size 0x", post + "Transfer-Encoding: chunked\r\n\r\n0x1f\r\n" + evil + "\r\n0\r\n\r\n", nil, 1},
		{"chunk size empty", post + "Transfer-Encoding: chunked\r\n\r\n\r\n0\r\n\r\n" + evil, nil, 1},
		{"chunk size with space", post + "Transfer-Encoding: chunked\r\n\r\n0 \r\n\r\n" + evil, nil, 1},
		{"chunk extension with CR", post + "Transfer-Encoding: chunked\r\n\r\n0;a\rb\r\n\r\n" + evil, nil, 1},
		{"chunk data too short", post + "Transfer-Encoding: chunked\r\n\r\n3\r\nab\r\n0\r\n\r\n" + evil, nil, 1},
		{"chunk end without CR", post + "Transfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n" + evil, nil, 1},
		{"chunk size overflow", post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffe\r\n" + evil, nil, 1},
		{"trailer folded", post + "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n c\r\n\r\n" + evil, nil, 1},
		{"Expect", post + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nab" + evil, []string{"POST /a ab", "GET /evil "}, 2},
		{"Upgrade with a body", post + "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nab" + evil, []string{"POST /a ab", "GET /evil "}, 2},
		{"left over after a fixed length", post + "Content-Length: 2\r\n\r\nab" + evil, []string{"POST /a ab", "GET /evil "}, 2}, // pipelined
		{"tunnel over h2c", "GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n", []string{"GET /a "}, 1},
	} {
		conn := b.dial()
		io.WriteString(conn, c.raw)
		conn.(*net.TCPConn).CloseWrite()
		r := bufio.NewReader(conn)
		answers := 0
		for {
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				break
			}
			io.Copy(io.Discard, resp.Body)
			answers++
		}
		if answers != c.answers {
			t.Errorf("%s: %d answers", c.name, answers)
		}
		if got := w.take(); strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s: the target saw %q", c.name, got)
		}
	}
}

// TestAmbiguousCloses shows that after an ambiguous request neither connection is used again.
func TestAmbiguousCloses(t *testing.T) {
	connections := make(chan int, 8)
	b := newBench(t, rawTarget(t, func(n int, c net.Conn, r *bufio.Reader) {
		for {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			io.Copy(io.Discard, req.Body)
			connections <- n
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	}))
	head, _ := readHead(b.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"))
	if !strings.Contains(head, "\r\nConnection: close\r\n") {
		t.Errorf("%q", head)
	}
	get(t, b.url())
	if a, b := <-connections, <-connections; a == b {
		t.Error("the target's connection was used again")
	}
}
