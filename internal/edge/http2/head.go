package http2

import (
	"strconv"

	"golang.org/x/net/http2/hpack"
)

// MaxHead is how long a head may be as HTTP/1.1 ("Quotas for your Application Load Balancers: HTTP headers"). What is longer
// is cut off and marked, so that it can be answered.
const MaxHead = 64 << 10

// head makes an HTTP/1.1 request head of a header block. What RFC 9113, sections 8.2 and 8.3, calls malformed is not
// accepted; nothing that is accepted can change the shape of the head it is written into.
type head struct {
	text    []byte
	cookies []byte // values of Cookie fields, which HTTP/1.1 wants in one (section 8.2.3)
	fault   string // why the request is malformed

	method, scheme, path, authority string
	seen                            uint8 // pseudo-header fields
	regular                         bool  // there was a field that is none
	trailers                        bool  // of a request that has begun
	tooLong                         bool

	length    int64 // Content-Length, -1: none
	connect   bool
	grpc      bool
	hasHost   bool
	mayTrail  bool // TE: trailers
	fieldSize int
}

// Bits of head.seen.
const (
	seenMethod = 1 << iota
	seenScheme
	seenPath
	seenAuthority
)

func (h *head) reset(trailers bool) {
	*h = head{text: h.text[:0], cookies: h.cookies[:0], length: -1, trailers: trailers}
}

// slim gives up what one large head has left behind.
func (h *head) slim() {
	if cap(h.text)+cap(h.cookies) > maxSpare {
		h.text, h.cookies = nil, nil
	}
}

// field takes the next field of the block.
func (h *head) field(f hpack.HeaderField) {
	switch {
	case h.fault != "" || h.tooLong:
	case len(f.Name) > 0 && f.Name[0] == ':':
		h.pseudo(f.Name, f.Value)
	case f.Name == "" || !all(f.Name, isName):
		h.fault = "malformed field name"
	case !isFieldValue(f.Value):
		h.fault = "malformed field value"
	default:
		if !h.regular {
			h.regular = true
			h.begin()
		}
		h.ordinary(f.Name, f.Value)
	}
	// References to one long entry of the dynamic table cost an octet each.
	if h.fieldSize += len(f.Name) + len(f.Value); h.fieldSize > MaxHead {
		h.tooLong = true
	}
}

// isFieldValue reports whether s has only octets of field values and neither begins nor ends with white space.
func isFieldValue(s string) bool {
	if s == "" {
		return true
	}
	first, last := s[0], s[len(s)-1]
	return first != ' ' && first != '\t' && last != ' ' && last != '\t' && all(s, isValue)
}

func (h *head) pseudo(name, value string) {
	var bit uint8
	ok := false
	switch name {
	case ":method":
		bit, ok, h.method = seenMethod, value != "" && all(value, isMethod), value
	case ":scheme":
		bit, ok, h.scheme = seenScheme, value == "http" || value == "https", value
	case ":path":
		bit, ok, h.path = seenPath, value != "" && all(value, isPath), value
	case ":authority":
		bit, ok, h.authority = seenAuthority, all(value, isPath), value
	}
	switch {
	case h.trailers || h.regular || h.seen&bit != 0 || bit == 0:
		h.fault = "unknown, repeated or misplaced pseudo-header field"
	case !ok:
		h.fault = "malformed pseudo-header field"
	}
	h.seen |= bit
}

// begin writes what comes before the fields, all pseudo-header fields being known.
func (h *head) begin() {
	if h.trailers || h.fault != "" {
		return
	}
	if h.method == "CONNECT" {
		h.connect = h.seen == seenMethod|seenAuthority
	}
	switch {
	case h.connect:
	case h.method == "CONNECT":
		h.fault = "connect to something else than an authority"
	case h.seen&(seenMethod|seenScheme|seenPath) != seenMethod|seenScheme|seenPath:
		h.fault = "missing pseudo-header field"
	case h.path[0] != '/' && (h.path != "*" || h.method != "OPTIONS"):
		h.fault = "malformed path"
	}
	b := append(h.text, h.method...)
	b = append(b, ' ')
	b = append(b, h.path...)
	b = append(b, " HTTP/1.1\r\n"...)
	if h.seen&seenAuthority != 0 {
		b = append(b, "Host: "...)
		b = append(b, h.authority...)
		b = append(b, "\r\n"...)
		h.hasHost = true
	}
	h.text = b
}

func (h *head) ordinary(name, value string) {
	switch name {
	case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
		h.fault = "connection-specific field"
		return
	case "te":
		if h.mayTrail = value == "trailers"; !h.mayTrail {
			h.fault = "te other than trailers"
			return
		}
	case "host":
		if h.hasHost {
			// What :authority says is what is routed by and sent on.
			if h.seen&seenAuthority == 0 || value != h.authority {
				h.fault = "host differs from :authority"
			}
			return
		}
		h.hasHost = true
		name = "Host"
	case "content-length":
		n, err := strconv.ParseUint(value, 10, 62)
		if err != nil || h.length >= 0 && h.length != int64(n) {
			h.fault = "malformed or repeated content-length"
			return
		}
		repeated := h.length >= 0
		if h.length = int64(n); repeated {
			return
		}
	case "cookie":
		if len(h.cookies) > 0 {
			h.cookies = append(h.cookies, "; "...)
		}
		h.cookies = append(h.cookies, value...)
		return
	case "content-type":
		h.grpc = isGRPC(value)
	case "x-forwarded-for":
		name = "X-Forwarded-For"
	}
	if !h.trailers {
		h.line(name, value)
	}
}

func (h *head) line(name, value string) {
	b := append(h.text, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	h.text = append(b, "\r\n"...)
	if len(h.text) > MaxHead {
		h.tooLong = true
	}
}

// end completes the head. whole tells that no body follows.
func (h *head) end(whole bool) {
	if !h.regular {
		h.begin()
	}
	switch {
	case h.fault != "" || h.trailers:
		return
	case whole && h.length > 0:
		h.fault = "content-length without a body"
		return
	}
	if len(h.cookies) > 0 {
		h.line("cookie", string(h.cookies))
	}
	h.text = append(h.text, "\r\n"...)
}

// isGRPC reports whether a content type is gRPC's.
func isGRPC(contentType string) bool {
	const grpc = "application/grpc"
	if len(contentType) < len(grpc) || contentType[:len(grpc)] != grpc {
		return false
	}
	rest := contentType[len(grpc):]
	return rest == "" || rest[0] == '+' || rest[0] == ';'
}
