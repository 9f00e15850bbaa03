package http1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// parse reads one head; every test message is complete.
func parse(t *testing.T, raw string) (*Request, error) {
	t.Helper()
	var r Request
	n, err := r.Parse([]byte(raw))
	if err == nil && n == 0 {
		t.Fatalf("%q: taken for incomplete", raw)
	}
	return &r, err
}

func TestRequest(t *testing.T) {
	for _, c := range []struct {
		name, raw string
		check     func(r *Request) bool
	}{
		{"plain", "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n", func(r *Request) bool {
			return string(r.Path) == "/a" && string(r.Query) == "b=c" && string(r.Host) == "x" && r.KeepAlive &&
				r.Framing == NoBody && r.Tier == Compliant && r.Idempotent
		}},
		{"empty lines before", "\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", func(r *Request) bool { return string(r.Head[:3]) == "GET" }},
		{"close", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", func(r *Request) bool { return !r.KeepAlive }},
		{"1.0", "GET / HTTP/1.0\r\n\r\n", func(r *Request) bool { return !r.KeepAlive && r.Minor == 0 }},
		{"1.0 keep-alive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", func(r *Request) bool { return r.KeepAlive }},
		{"1.0 close and keep-alive", "GET / HTTP/1.0\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n", func(r *Request) bool { return !r.KeepAlive }},
		{"1.2 is 1.1", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", func(r *Request) bool { return r.Minor == 1 && r.Tier == Acceptable }},
		{"sized", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n", func(r *Request) bool {
			return r.Framing == Sized && r.Length == 12 && r.Tier == Compliant && !r.Idempotent
		}},
		{"chunked", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n", func(r *Request) bool {
			return r.Framing == Chunked && r.Tier == Compliant
		}},
		{"length 0 with get", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", func(r *Request) bool {
			return r.Framing == NoBody && r.Tier == Acceptable && r.Announced()
		}},
		{"body with get", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n", func(r *Request) bool { return r.Tier == Ambiguous }},
		{"chunks with head", "HEAD / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", func(r *Request) bool { return r.Tier == Ambiguous }},
		{"both framings", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", func(r *Request) bool {
			return r.Framing == Chunked && r.Tier == Ambiguous
		}},
		{"same length twice", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", func(r *Request) bool {
			return r.Length == 5 && r.Tier == Ambiguous
		}},
		{"identity", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n", func(r *Request) bool {
			return r.Framing == Sized && r.Tier == Ambiguous
		}},
		{"lookalike", "POST / HTTP/1.1\r\nHost: x\r\nTransfer_Encoding: chunked\r\n\r\n", func(r *Request) bool {
			return r.Framing == NoBody && r.Tier == Ambiguous && r.Fields[1].Kind == Lookalike && r.InvalidNames
		}},
		{"lookalike of letters", "POST / HTTP/1.1\r\nHost: x\r\nContent--Length: 1\r\n\r\n", func(r *Request) bool { return r.Fields[1].Kind == Lookalike }},
		{"target beyond ASCII", "GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", func(r *Request) bool { return r.Tier == Ambiguous }},
		{"field beyond ASCII", "GET / HTTP/1.1\r\nHost: x\r\nX: \xff\r\n\r\n", func(r *Request) bool { return r.Tier == Acceptable }},
		{"absolute form", "GET HTTP://other:81/a?q HTTP/1.1\r\nHost: x\r\n\r\n", func(r *Request) bool {
			return string(r.Target) == "/a?q" && string(r.Host) == "other:81" && r.AbsoluteForm
		}},
		{"absolute form without path", "GET http://other HTTP/1.1\r\nHost: x\r\n\r\n", func(r *Request) bool { return string(r.Target) == "/" }},
		{"absolute form with query only", "GET http://other?q HTTP/1.1\r\nHost: x\r\n\r\n", func(r *Request) bool { return string(r.Target) == "/?q" }},
		{"asterisk", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", func(r *Request) bool { return string(r.Target) == "*" }},
		{"websocket", "GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n", func(r *Request) bool {
			return r.WebSocket && r.KeepAlive && !r.ExtraOptions
		}},
		{"h2c is no upgrade", "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n", func(r *Request) bool {
			return !r.WebSocket && r.ExtraOptions && r.NamedByConnection([]byte("http2-settings"))
		}},
		{"expect", "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n", func(r *Request) bool { return r.Continue }},
		{"expect without body", "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n", func(r *Request) bool { return !r.Continue }},
		{"spaces around a value", "GET / HTTP/1.1\r\nHost: \t x \t \r\nX:\r\n\r\n", func(r *Request) bool {
			return string(r.Host) == "x" && len(r.Value(r.Fields[1])) == 0
		}},
	} {
		r, err := parse(t, c.raw)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if !c.check(r) {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
}

// TestRefused has the classes of request smuggling that depend on the head, and everything else RFC 9112 forbids.
func TestRefused(t *testing.T) {
	long := strings.Repeat("a", MaxLine)
	const get = "GET / HTTP/1.1\r\nHost: x\r\n"
	const post = "POST / HTTP/1.1\r\nHost: x\r\n"
	for _, c := range []struct {
		name, raw string
		status    int
	}{
		{"line feeds only", "GET / HTTP/1.1\nHost: x\n\n", 400},
		{"one line feed only", get + "X: y\nZ: z\r\n\r\n", 400},
		{"carriage return only", get + "X: y\rZ: z\r\n\r\n", 400},
		{"folded line", get + "X: y\r\n z\r\n\r\n", 400},
		{"folded with tab", get + "X: y\r\n\tz\r\n\r\n", 400},
		{"first line folded", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400},
		{"space before colon", get + "Transfer-Encoding : chunked\r\n\r\n", 400},
		{"tab before colon", get + "Transfer-Encoding\t: chunked\r\n\r\n", 400},
		{"space before name", get + " Transfer-Encoding: chunked\r\n\r\n", 400},
		{"no colon", get + "Transfer-Encoding\r\n\r\n", 400},
		{"no name", get + ": chunked\r\n\r\n", 400},
		{"nul in name", get + "X\x00: y\r\n\r\n", 400},
		{"nul in value", get + "X: a\x00b\r\n\r\n", 400},
		{"control in value", get + "X: a\x01b\r\n\r\n", 400},
		{"delete in value", get + "X: a\x7fb\r\n\r\n", 400},
		{"nul in target", "GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"space in target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"tab in target", "GET /a\tb HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"fragment in target", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"relative target", "GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"other scheme", "GET ftp://a/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"user in target", "GET http://a@b/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"empty authority", "GET http:///a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"asterisk with get", "GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"no version", "GET /\r\nHost: x\r\n\r\n", 400},
		{"no target", "GET HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"two spaces", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"space at the end", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400},
		{"space at the beginning", " GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"lower case version", "GET / http/1.1\r\nHost: x\r\n\r\n", 400},
		{"long version", "GET / HTTP/1.10\r\nHost: x\r\n\r\n", 400},
		{"version 2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
		{"version 0.9", "GET / HTTP/0.9\r\nHost: x\r\n\r\n", 505},
		{"bad method", "G(T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"trace", "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", 405},
		{"connect", "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 405},
		{"no host", "GET / HTTP/1.1\r\n\r\n", 400},
		{"two hosts", get + "Host: y\r\n\r\n", 400},
		{"host with path", "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", 400},
		{"host with user", "GET / HTTP/1.1\r\nHost: x@y\r\n\r\n", 400},
		{"host with space", "GET / HTTP/1.1\r\nHost: x y\r\n\r\n", 400},
		{"different lengths", post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
		{"length list", post + "Content-Length: 1,1\r\n\r\n", 400},
		{"signed length", post + "Content-Length: +1\r\n\r\n", 400},
		{"negative length", post + "Content-Length: -1\r\n\r\n", 400},
		{"hex length", post + "Content-Length: 0x1\r\n\r\n", 400},
		{"empty length", post + "Content-Length:\r\n\r\n", 400},
		{"length beyond 64 bits", post + "Content-Length: 18446744073709551616\r\n\r\n", 400},
		{"unknown encoding", post + "Transfer-Encoding: xchunked\r\n\r\n", 501},
		{"gzip, chunked", post + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
		{"chunked twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"chunked, chunked", post + "Transfer-Encoding: chunked, chunked\r\n\r\n", 400},
		{"chunked, identity", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", 400},
		{"vertical tab in encoding", post + "Transfer-Encoding: \x0bchunked\r\n\r\n", 400},
		{"empty encoding", post + "Transfer-Encoding:\r\n\r\n", 400},
		{"quoted encoding", post + "Transfer-Encoding: \"chunked\"\r\n\r\n", 501},
		{"chunked with 1.0", "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"long line", get + "X: " + long + "\r\n\r\n", 400},
		{"long request line", "GET /" + long + " HTTP/1.1\r\nHost: x\r\n\r\n", 414},
		{"long head", get + strings.Repeat("X: "+long[:MaxLine/2]+"\r\n", 8) + "\r\n", 400},
		{"many fields", get + strings.Repeat("X: y\r\n", MaxFields) + "\r\n", 400},
	} {
		_, err := parse(t, c.raw)
		var r *Refusal
		if !errors.As(err, &r) {
			t.Errorf("%s: accepted", c.name)
		} else if r.Status != c.status {
			t.Errorf("%s: %d (%v), want %d", c.name, r.Status, r, c.status)
		}
	}
}

// TestRefusedEarly shows that what can only become worse is not waited for.
func TestRefusedEarly(t *testing.T) {
	for name, raw := range map[string]string{
		"line feeds only":   "GET / HTTP/1.1\nHost",
		"long request line": "GET /" + strings.Repeat("a", MaxLine+1),
		"long field line":   "GET / HTTP/1.1\r\nX: " + strings.Repeat("a", MaxLine+1),
		"empty lines":       strings.Repeat("\r\n", 9),
		"long head":         "GET / HTTP/1.1\r\n" + strings.Repeat("X: "+strings.Repeat("a", 1000)+"\r\n", 70),
	} {
		var r Request
		if n, err := r.Parse([]byte(raw)); err == nil {
			t.Errorf("%s: %d, nil", name, n)
		}
	}
}

// TestRequestInPieces shows that a head means the same however it is cut into reads.
func TestRequestInPieces(t *testing.T) {
	const raw = "\r\nPOST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nX: y\r\n\r\nabc"
	for first := range len(raw) {
		var r Request
		n, err := r.Parse([]byte(raw[:first]))
		if err != nil {
			t.Fatalf("%d: %v", first, err)
		}
		if n == 0 {
			if n, err = r.Parse([]byte(raw)); err != nil {
				t.Fatalf("%d: %v", first, err)
			}
		}
		if n != len(raw)-3 || r.Length != 3 || string(r.Value(r.Fields[2])) != "y" {
			t.Fatalf("%d: %d %+v", first, n, r)
		}
	}
}

// FuzzRequest compares with net/http: whatever we accept, it accepts too, and understands in the same way. It may accept
// more; we refuse more than it does on purpose.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /a?b=c HTTP/1.1\r\nHost: x:80\r\nContent-Length: 3\r\n\r\nabc",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		"GET http://a/b HTTP/1.1\r\nHost: x\r\nConnection: close, x\r\n\r\n",
		"OPTIONS * HTTP/1.0\r\nX: \t y\r\n\r\n",
		"PUT / HTTP/1.1\r\nHost: x\r\nContent_Length: 5\r\nExpect: 100-continue\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var r Request
		n, err := r.Parse(raw)
		if err != nil || n == 0 {
			return
		}
		theirs, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(bytes.TrimLeft(raw, "\r\n"))))
		if err != nil {
			if tolerated(&r, err) {
				return
			}
			t.Fatalf("%q: net/http: %v", raw, err)
		}
		if theirs.Method != string(r.Method) || theirs.ProtoMinor > 0 != (r.Minor == 1) {
			t.Fatalf("%q: %s 1.%d", raw, r.Method, r.Minor)
		}
		if r.HasHost || r.AbsoluteForm {
			if theirs.Host != string(r.Host) {
				t.Fatalf("%q: host %q, net/http %q", raw, r.Host, theirs.Host)
			}
		}
		chunked := len(theirs.TransferEncoding) > 0
		if chunked != (r.Framing == Chunked) {
			t.Fatalf("%q: framing %d, net/http %v", raw, r.Framing, theirs.TransferEncoding)
		}
		if !chunked && theirs.ContentLength != r.Length {
			t.Fatalf("%q: length %d, net/http %d", raw, r.Length, theirs.ContentLength)
		}
		if want := string(r.Target); !r.AbsoluteForm && theirs.RequestURI != want || r.AbsoluteForm && !strings.HasSuffix(theirs.RequestURI, strings.TrimPrefix(want, "/")) {
			t.Fatalf("%q: target %q, net/http %q", raw, want, theirs.RequestURI)
		}
		for _, field := range r.Fields {
			if !field.Kind.Ordinary() {
				continue
			}
			name, value := http.CanonicalHeaderKey(string(r.Name(field))), string(r.Value(field))
			found := false
			for _, v := range theirs.Header[name] {
				found = found || v == value
			}
			if !found {
				t.Fatalf("%q: field %q is %q in net/http", raw, name, theirs.Header[name])
			}
		}
		compareBodies(t, &r, raw, raw[n:], theirs)
	})
}

// compareBodies has both read a body. Ours may have been refused, or not be there entirely.
func compareBodies(t *testing.T, r *Request, raw, rest []byte, theirs *http.Request) {
	var ours []byte
	switch r.Framing {
	case Sized:
		if int64(len(rest)) < r.Length {
			return
		}
		ours = rest[:r.Length]
	case Chunked:
		var c ChunkReader
		data, _, err := c.Decode(bytes.Clone(rest))
		if err != nil || !c.Done() {
			return
		}
		ours = data
	}
	body, err := io.ReadAll(theirs.Body)
	if err != nil && !strings.Contains(err.Error(), "trailer") || !bytes.Equal(body, ours) {
		t.Fatalf("%q: body %q, net/http %q %v", raw, ours, body, err)
	}
}

// tolerated are the requests net/http refuses that we let through: those whose target or host it cannot parse as a URL, and
// transfer codings Elastic Load Balancing accepts.
func tolerated(r *Request, err error) bool {
	s := err.Error()
	for _, part := range []string{"parse \"", "invalid URI", "malformed Host", "invalid Host"} {
		if strings.Contains(s, part) {
			return true
		}
	}
	for _, f := range r.Fields {
		if f.Kind == TransferEncoding && EqualFold(r.Value(f), "identity") {
			return true
		}
	}
	return false
}
