package proxy

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/edge/http1"
)

// expected is what a target is to see of a stream of requests, by the parser's reading of it.
func expected(raw string) (seen []string) {
	b := []byte(raw)
	for {
		var r http1.Request
		n, err := r.Parse(b)
		if err != nil || n == 0 || tooManyForwarders(&r) {
			return seen
		}
		b = b[n:]
		var body []byte
		switch r.Framing {
		case http1.Sized:
			if int64(len(b)) < r.Length {
				return append(seen, "incomplete")
			}
			body, b = b[:r.Length], b[r.Length:]
		case http1.Chunked:
			var c http1.ChunkReader
			data, used, err := c.Decode(b)
			if err != nil || !c.Done() {
				return append(seen, "incomplete")
			}
			body, b = data, b[used:]
		}
		seen = append(seen, fmt.Sprintf("%s %s %s", r.Method, r.Path, body))
		if !r.KeepAlive || r.Tier == http1.Ambiguous || r.WebSocket {
			return seen
		}
	}
}

// FuzzStream sends arbitrary octets through the whole proxy to a net/http server. What the server sees must be what the
// parser saw: no more requests, no fewer, no other bodies.
func FuzzStream(f *testing.F) {
	for _, s := range []string{
		"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.0\r\n\r\n",
		"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nT: u\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /b",
		"HEAD http://y/a?b HTTP/1.1\r\nHost: x\r\nConnection: x, close\r\nX: y\r\n\r\n",
	} {
		f.Add(s)
	}
	w := &witness{}
	b := newBench(f, rawTarget(f, w.serve))
	f.Fuzz(func(t *testing.T, raw string) {
		if len(raw) > 4096 {
			return
		}
		c, err := net.Dial("tcp", b.address())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(10 * time.Second))
		io.WriteString(c, raw)
		c.(*net.TCPConn).CloseWrite()
		answers, err := io.ReadAll(c) // which may be reset if there was more than the proxy cared to read
		want := slices.DeleteFunc(expected(raw), func(s string) bool { return s == "incomplete" })
		var seen []string
		for _, s := range w.take() {
			switch {
			case strings.HasPrefix(s, "unreadable body"), strings.HasPrefix(s, "unreadable: read tcp"): // cut off on purpose
			case strings.HasPrefix(s, "unreadable: parse"), strings.Contains(s, "malformed Host"):
				return // a target or host that is no URL to net/http, which is not what this is about
			default:
				seen = append(seen, s)
			}
		}
		if strings.Join(seen, "\n") != strings.Join(want, "\n") {
			t.Fatalf("%q: the target saw %q, want %q; the client saw %q, %v", raw, seen, want, answers, err)
		}
	})
}
