package proxy

import (
	"regexp"
	"testing"

	"github.com/neargate/neargate/internal/edge/http1"
)

func TestTrace(t *testing.T) {
	const id = `1-0000abcd-[0-9a-f]{24}`
	for value, want := range map[string]string{
		"":                          "Root=" + id,
		"Root=1-2-3":                "Self=" + id + ";Root=1-2-3",
		"Self=1-9-9;Root=1-2-3;A=b": "Self=" + id + ";Root=1-2-3;A=b",
		"Root=1-2-3; Self=1-9-9":    "Self=" + id + ";Root=1-2-3",
		"CalledFrom=app":            "Root=" + id + ";CalledFrom=app",
	} {
		raw := "GET / HTTP/1.1\r\nHost: x\r\n"
		if value != "" {
			raw += "X-Amzn-Trace-Id: " + value + "\r\n"
		}
		var r http1.Request
		if _, err := r.Parse([]byte(raw + "\r\n")); err != nil {
			t.Fatal(err)
		}
		got := string(appendTrace(nil, &r, 0xabcd))
		if !regexp.MustCompile("^X-Amzn-Trace-Id: " + want + "\r\n$").MatchString(got) {
			t.Errorf("%q: %q", value, got)
		}
	}
}

func BenchmarkTrace(b *testing.B) {
	var r http1.Request
	if _, err := r.Parse([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		b.Fatal(err)
	}
	out := make([]byte, 0, 128)
	for b.Loop() {
		appendTrace(out, &r, 0xabcd)
	}
}

func BenchmarkParse(b *testing.B) {
	raw := []byte("GET /some/path?with=query HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n" +
		"Accept: text/html,application/xhtml+xml\r\nAccept-Language: en-US,en;q=0.5\r\nCookie: a=b; c=d\r\n\r\n")
	var r http1.Request
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		r.Reset()
		if _, err := r.Parse(raw); err != nil {
			b.Fatal(err)
		}
	}
}
