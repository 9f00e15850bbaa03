package http1

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"
)

func TestResponse(t *testing.T) {
	for _, c := range []struct {
		name, raw string
		head      bool
		check     func(r *Response) bool
	}{
		{"sized", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, func(r *Response) bool {
			return r.Status == 200 && string(r.Reason) == "OK" && r.Framing == Sized && r.Length == 5 && r.KeepAlive
		}},
		{"no reason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", false, func(r *Response) bool { return r.Framing == NoBody && len(r.Reason) == 0 }},
		{"no space", "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", false, func(r *Response) bool { return r.Status == 404 }},
		{"until close", "HTTP/1.1 200 OK\r\n\r\n", false, func(r *Response) bool { return r.Framing == UntilClose && !r.KeepAlive }},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, func(r *Response) bool { return r.Framing == Chunked && r.KeepAlive }},
		{"both", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", false, func(r *Response) bool {
			return r.Framing == Chunked && !r.KeepAlive && !r.HasLength
		}},
		{"to head", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, func(r *Response) bool { return r.Framing == NoBody && r.HasLength }},
		{"204", "HTTP/1.1 204 No Content\r\n\r\n", false, func(r *Response) bool { return r.Framing == NoBody && r.KeepAlive }},
		{"304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, func(r *Response) bool { return r.Framing == NoBody }},
		{"100", "HTTP/1.1 100 Continue\r\n\r\n", false, func(r *Response) bool { return r.Framing == NoBody }},
		{"1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", false, func(r *Response) bool { return !r.KeepAlive }},
		{"1.0 keep-alive", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n", false, func(r *Response) bool { return r.KeepAlive }},
		{"same length twice", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", false, func(r *Response) bool { return r.Length == 1 }},
	} {
		var r Response
		n, err := r.Parse([]byte(c.raw), c.head)
		if err != nil || n != len(c.raw) || !c.check(&r) {
			t.Errorf("%s: %d %v %+v", c.name, n, err, r)
		}
	}
}

func TestResponseRefused(t *testing.T) {
	for name, raw := range map[string]string{
		"no version":        "200 OK\r\n\r\n",
		"other protocol":    "ICY 200 OK\r\nContent-Length: 0\r\n\r\n",
		"version 2":         "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
		"two digits":        "HTTP/1.1 20 OK\r\n\r\n",
		"four digits":       "HTTP/1.1 2000 OK\r\n\r\n",
		"status 600":        "HTTP/1.1 600 OK\r\n\r\n",
		"status 099":        "HTTP/1.1 099 OK\r\n\r\n",
		"control in reason": "HTTP/1.1 200 O\x00K\r\n\r\n",
		"folded":            "HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n",
		"different lengths": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		"bad length":        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
		"bad encoding":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"chunked with 1.0":  "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"bad name":          "HTTP/1.1 200 OK\r\nX Y: z\r\n\r\n",
		"too long":          "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 40) + "\r\n",
		"too long, partial": "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 40),
	} {
		var r Response
		if n, err := r.Parse([]byte(raw), false); err == nil {
			t.Errorf("%s: %d %+v", name, n, r)
		}
	}
}

func TestResponseInPieces(t *testing.T) {
	const raw = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: y\r\n\r\nabc"
	for first := range len(raw) {
		var r Response
		n, err := r.Parse([]byte(raw[:first]), false)
		if err == nil && n == 0 {
			n, err = r.Parse([]byte(raw), false)
		}
		if err != nil || n != len(raw)-3 || r.Length != 3 {
			t.Fatalf("%d: %d %v %+v", first, n, err, r)
		}
	}
}

// FuzzResponse compares with net/http, as FuzzRequest does.
func FuzzResponse(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.0 404 \r\nX: y\r\n\r\n",
		"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var r Response
		n, err := r.Parse(raw, false)
		if err != nil || n == 0 {
			return
		}
		theirs, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), nil)
		if err != nil {
			for _, f := range r.Fields {
				if f.Kind == TransferEncoding && EqualFold(r.Value(f), "identity") {
					return
				}
			}
			t.Fatalf("%q: net/http: %v", raw, err)
		}
		if theirs.StatusCode != r.Status {
			t.Fatalf("%q: status %d", raw, r.Status)
		}
		switch r.Framing {
		case Sized:
			if theirs.ContentLength != r.Length {
				t.Fatalf("%q: length %d, net/http %d", raw, r.Length, theirs.ContentLength)
			}
		case Chunked:
			if len(theirs.TransferEncoding) == 0 {
				t.Fatalf("%q: chunked", raw)
			}
		}
	})
}
