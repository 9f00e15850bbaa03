package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// witness is a target that notes every request net/http finds on its connections.
type witness struct {
	mu   sync.Mutex
	seen []string
}

func (w *witness) serve(_ int, c net.Conn, r *bufio.Reader) {
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
