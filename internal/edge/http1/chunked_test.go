package http1

import (
	"bytes"
	"io"
	"net/http/httputil"
	"strings"
	"testing"
)

// decode runs a body through a ChunkReader in pieces of size octets.
func decode(body string, size int) (data string, rest string, err error) {
	var c ChunkReader
	var out strings.Builder
	for len(body) > 0 && !c.Done() {
		piece := []byte(body[:min(size, len(body))])
		d, used, err := c.Decode(piece)
		if err != nil {
			return out.String(), body, err
		}
		out.Write(d)
		body = body[used:]
	}
	if !c.Done() {
		return out.String(), body, io.ErrUnexpectedEOF
	}
	return out.String(), body, nil
}

func TestChunks(t *testing.T) {
	for _, c := range []struct{ body, data, rest string }{
		{"0\r\n\r\n", "", ""},
		{"5\r\nhello\r\n0\r\n\r\nGET", "hello", "GET"},
		{"5;a=b\r\nhello\r\n1 ;c\r\n!\r\n0\r\n\r\n", "hello!", ""},
		{"00a\r\n0123456789\r\n000\r\n\r\n", "0123456789", ""},
		{"A\r\n0123456789\r\n0\r\nX: y\r\nZ: \r\n\r\nrest", "0123456789", "rest"},
	} {
		for size := 1; size <= len(c.body); size++ {
			data, rest, err := decode(c.body, size)
			if err != nil || data != c.data || rest != c.rest {
				t.Errorf("%q by %d: %q %q %v", c.body, size, data, rest, err)
			}
		}
	}
}

func TestChunksRefused(t *testing.T) {
	for name, body := range map[string]string{
		"no size":               "\r\nhello",
		"bad digit":             "g\r\n",
		"sign":                  "+5\r\nhello\r\n0\r\n\r\n",
		"prefix":                "0x5\r\nhello\r\n0\r\n\r\n",
		"underscore":            "1_0\r\n",
		"too many digits":       "0000000000000005\r\n",
		"space before":          " 5\r\nhello\r\n",
		"space after":           "5 \r\nhello\r\n",
		"line feed only":        "5\nhello\r\n0\r\n\r\n",
		"line feed in ext":      "5;a\nhello\r\n0\r\n\r\n",
		"nul in ext":            "5;a\x00\r\nhello\r\n0\r\n\r\n",
		"endless ext":           "5;" + strings.Repeat("a", MaxLine+1) + "\r\n",
		"data too long":         "5\r\nhello!\r\n0\r\n\r\n",
		"no line after data":    "5\r\nhello0\r\n\r\n",
		"half a line after":     "5\r\nhello\r0\r\n\r\n",
		"bad trailer":           "0\r\nX y\r\n\r\n",
		"folded trailer":        "0\r\nX: y\r\n z\r\n\r\n",
		"space before trailer":  "0\r\n X: y\r\n\r\n",
		"endless trailers":      "0\r\nX: " + strings.Repeat("a", maxTrailers) + "\r\n\r\n",
		"return without a feed": "0\r\n\rX",
	} {
		for _, size := range []int{1, 3, len(body)} {
			if data, _, err := decode(body, size); err == nil {
				t.Errorf("%s by %d: %q", name, size, data)
			}
		}
	}
}

func TestTrailers(t *testing.T) {
	var c ChunkReader
	const body = "0\r\nX-Sum: 1\r\nContent-Length: 5\r\nHost: a\r\nWWW-Authenticate: b\r\nContent-Encoding: gzip\r\nY: z\r\n\r\n"
	if _, n, err := c.Decode([]byte(body)); err != nil || n != len(body) {
		t.Fatal(n, err)
	}
	if got := string(c.AppendTrailers(nil)); got != "X-Sum: 1\r\nY: z\r\n" {
		t.Errorf("%q", got)
	}
}

func TestChunkHead(t *testing.T) {
	for n, want := range map[int]string{1: "1\r\n", 15: "f\r\n", 16: "10\r\n", 32 << 10: "8000\r\n"} {
		if got := string(AppendChunkHead(nil, n)); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}

// FuzzChunks compares with net/http: what we decode, it decodes to the same, and how the body is cut makes no difference.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\n\r\n"), 1)
	f.Add([]byte("5;a\r\nhello\r\n0\r\nX: y\r\n\r\n"), 3)
	f.Fuzz(func(t *testing.T, body []byte, size int) {
		data, rest, err := decode(string(body), len(body))
		again, restAgain, errAgain := decode(string(body), max(1, size%64))
		if (err == nil) != (errAgain == nil) || err == nil && (data != again || rest != restAgain) {
			t.Fatalf("%q: %q %v in one piece, %q %v by %d", body, data, err, again, errAgain, size)
		}
		if err != nil {
			return
		}
		theirs, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(body)))
		if err != nil {
			t.Fatalf("%q: net/http: %v", body, err)
		}
		if string(theirs) != data {
			t.Fatalf("%q: %q, net/http %q", body, data, theirs)
		}
	})
}
