package http1

import (
	"errors"
	"testing"
)

// TestReasons has the table of "Classification reasons", as far as such requests are not refused for being no HTTP at all.
func TestReasons(t *testing.T) {
	const get, post = "GET / HTTP/1.1\r\nHost: x\r\n", "POST / HTTP/1.1\r\nHost: x\r\n"
	for _, c := range []struct {
		raw  string
		tier string // Severe for what is refused
		want Reason
	}{
		{get + "\r\n", "Compliant", ""},
		{"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", "Ambiguous", AmbiguousURI},
		{post + "Content-Length: x\r\n\r\n", "Severe", BadContentLength},
		{post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", "Severe", MultipleContentLength},
		{post + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", "Ambiguous", DuplicateContentLength},
		{post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "Ambiguous", BothLengths},
		{post + "Transfer-Encoding: chunked, chunked\r\n\r\n", "Severe", BadTransferEncoding},
		{post + "Transfer-Encoding: x\r\n\r\n", "Severe", BadTransferEncoding},
		{post + "X: \x00\r\n\r\n", "Severe", BadHeader},
		{post + "X: \r\r\n\r\n", "Severe", BadHeader},
		{post + "X: \xff\r\n\r\n", "Acceptable", NonCompliantHeader},
		{"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n", "Severe", BadURI},
		{"G(T / HTTP/1.1\r\nHost: x\r\n\r\n", "Severe", BadMethod},
		{"GET / HTTP/1.x\r\nHost: x\r\n\r\n", "Severe", BadVersion},
		{"GET / HTTP/1.3\r\nHost: x\r\n\r\n", "Acceptable", NonCompliantVersion},
		{get + "Content-Length: 0\r\n\r\n", "Acceptable", ZeroContentLength},
		{get + "Content-Length: 1\r\n\r\n", "Ambiguous", UndefinedContentLength},
		{get + "Transfer-Encoding: chunked\r\n\r\n", "Ambiguous", UndefinedTransferEncoding},
		{post + "Content_Length: 1\r\n\r\n", "Ambiguous", SuspiciousHeader},
	} {
		var r Request
		_, err := r.Parse([]byte(c.raw))
		tier, reason := r.Tier.String(), r.Reason
		var refusal *Refusal
		if errors.As(err, &refusal) {
			tier, reason = "Severe", refusal.Severe
		}
		if tier != c.tier || reason != c.want {
			t.Errorf("%q: %s %s, want %s %s", c.raw, tier, reason, c.tier, c.want)
		}
	}
}
