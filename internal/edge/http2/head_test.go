package http2

import (
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// write makes a head of names and values in turn.
func write(whole bool, pairs ...string) *head {
	h := &head{}
	h.reset(false)
	for i := 0; i < len(pairs); i += 2 {
		h.field(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	h.end(whole)
	return h
}

func TestHeads(t *testing.T) {
	get := []string{":method", "GET", ":scheme", "https", ":path", "/p?q", ":authority", "a.example:1"}
	begin := "GET /p?q HTTP/1.1\r\nHost: a.example:1\r\n"
	for _, test := range []struct {
		name  string
		pairs []string
		want  string
	}{
		{"plain", get, begin + "\r\n"},
		{"order of pseudo-header fields", []string{":path", "/", ":authority", "h", ":scheme", "http", ":method", "X"}, "X / HTTP/1.1\r\nHost: h\r\n\r\n"},
		{"fields", append(get, "x-a", "1", "x-b", "", "x-a", "2 \t3"), begin + "x-a: 1\r\nx-b: \r\nx-a: 2 \t3\r\n\r\n"},
		{"cookies", append(get, "cookie", "a=1", "x", "y", "cookie", "b=2"), begin + "x: y\r\ncookie: a=1; b=2\r\n\r\n"},
		{"te", append(get, "te", "trailers"), begin + "te: trailers\r\n\r\n"},
		{"host alone", []string{":method", "GET", ":scheme", "https", ":path", "/", "host", "b"}, "GET / HTTP/1.1\r\nHost: b\r\n\r\n"},
		{"host twice the same", append(get, "host", "a.example:1"), begin + "\r\n"},
		{"no host", []string{":method", "GET", ":scheme", "https", ":path", "/"}, "GET / HTTP/1.1\r\n\r\n"},
		{"asterisk", []string{":method", "OPTIONS", ":scheme", "https", ":path", "*", ":authority", "b"}, "OPTIONS * HTTP/1.1\r\nHost: b\r\n\r\n"},
		{"obs-text", append(get, "x", "\xff\xfe"), begin + "x: \xff\xfe\r\n\r\n"},
		{"length of nothing", append(get, "content-length", "0"), begin + "content-length: 0\r\n\r\n"},
		{"length twice the same", append(get, "content-length", "0", "content-length", "0"), begin + "content-length: 0\r\n\r\n"},
		{"forwarded", append(get, "x-forwarded-for", "192.0.2.1"), begin + "X-Forwarded-For: 192.0.2.1\r\n\r\n"},
	} {
		if h := write(true, test.pairs...); h.fault != "" || string(h.text) != test.want {
			t.Errorf("%s: %q %q", test.name, h.fault, h.text)
		}
	}
}

func TestMalformedHeads(t *testing.T) {
	get := []string{":method", "GET", ":scheme", "https", ":path", "/", ":authority", "a.example"}
	with := func(pairs ...string) []string { return append(get[:len(get):len(get)], pairs...) }
	put := func(i int, v string) []string {
		out := append([]string{}, get...)
		out[i] = v
		return out
	}
	for _, test := range []struct {
		name  string
		pairs []string
	}{
		{"nothing", nil},
		{"no method", get[2:]},
		{"no scheme", append(get[:2:2], get[4:]...)},
		{"no path", append(get[:4:4], get[6:]...)},
		{"method twice", with(":method", "GET")},
		{"path twice", with(":path", "/other")},
		{"authority twice", with(":authority", "a.example")},
		{"scheme twice", with(":scheme", "https")},
		{"pseudo-header field late", append([]string{"x", "y"}, get...)},
		{"unknown pseudo-header field", with(":protocol", "websocket")},
		{"pseudo-header field of answers", with(":status", "200")},
		{"bare colon", with(":", "x")},
		{"upper case", with("X-Upper", "1")},
		{"empty name", with("", "1")},
		{"name with space", with("x y", "1")},
		{"name with colon", with("x:y", "1")},
		{"name with line", with("x\r\ny", "1")},
		{"name with NUL", with("x\x00", "1")},
		{"name beyond ASCII", with("x\xe9", "1")},
		{"value with CR", with("x", "a\rb")},
		{"value with LF", with("x", "a\nb")},
		{"value with head", with("x", "a\r\n\r\nGET /evil HTTP/1.1\r\nHost: x")},
		{"value with NUL", with("x", "a\x00b")},
		{"value with DEL", with("x", "a\x7fb")},
		{"value begins with space", with("x", " a")},
		{"value ends with tab", with("x", "a\t")},
		{"connection", with("connection", "close")},
		{"keep-alive", with("keep-alive", "5")},
		{"proxy-connection", with("proxy-connection", "close")},
		{"transfer-encoding", with("transfer-encoding", "chunked")},
		{"transfer-encoding identity", with("transfer-encoding", "identity")},
		{"upgrade", with("upgrade", "h2c")},
		{"te", with("te", "gzip")},
		{"te and more", with("te", "trailers, gzip")},
		{"method with space", put(1, "GET /evil HTTP/1.1\r\nX:")},
		{"method empty", put(1, "")},
		{"scheme other", put(3, "ftp")},
		{"scheme with line", put(3, "https\r\nx: y")},
		{"path empty", put(5, "")},
		{"path with space", put(5, "/ HTTP/1.1")},
		{"path with line", put(5, "/\r\nx: y")},
		{"path absolute", put(5, "http://evil/")},
		{"path relative", put(5, "evil")},
		{"path asterisk", put(5, "*")},
		{"authority with space", put(7, "a b")},
		{"authority with line", put(7, "a\r\nx: y")},
		{"host differs", with("host", "evil.example")},
		{"host twice", []string{":method", "GET", ":scheme", "https", ":path", "/", "host", "a", "host", "a"}},
		{"length without body", with("content-length", "5")},
		{"lengths differ", with("content-length", "0", "content-length", "1")},
		{"length with sign", with("content-length", "+0")},
		{"length empty", with("content-length", "")},
		{"length in list", with("content-length", "0, 0")},
		{"length beyond", with("content-length", "99999999999999999999")},
		{"connect with path", put(1, "CONNECT")[:6]},
	} {
		if h := write(true, test.pairs...); h.fault == "" {
			t.Errorf("%s: accepted: %q", test.name, h.text)
		}
	}
}

func TestLongHead(t *testing.T) {
	get := []string{":method", "GET", ":scheme", "https", ":path", "/", ":authority", "a.example"}
	for range 100 {
		get = append(get, "x", strings.Repeat("y", 1000))
	}
	if h := write(true, get...); !h.tooLong || len(h.text) > MaxHead+2000 {
		t.Errorf("%t %d", h.tooLong, len(h.text))
	}
}

func TestGRPCContentTypes(t *testing.T) {
	for v, want := range map[string]bool{
		"application/grpc": true, "application/grpc+proto": true, "application/grpc;x=y": true, "application/grpc-web": false,
		"application/grp": false, "text/plain": false, "": false,
	} {
		if got := isGRPC(v); got != want {
			t.Errorf("%q: %t", v, got)
		}
	}
}
