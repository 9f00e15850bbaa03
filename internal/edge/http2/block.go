package http2

// Header blocks of answers refer to the static table of HPACK (RFC 7541) and add nothing to the dynamic one: what a stream
// says then does not depend on what others say at the same time, and a client's table size is of no concern.

// tableSizeZero tells the client that the dynamic table is not used.
const tableSizeZero = 0x20

// AppendStatus begins the header block of an answer.
func AppendStatus(b []byte, status int) []byte {
	switch status {
	case 200:
		return append(b, 0x80|8)
	case 204:
		return append(b, 0x80|9)
	case 206:
		return append(b, 0x80|10)
	case 304:
		return append(b, 0x80|11)
	case 400:
		return append(b, 0x80|12)
	case 404:
		return append(b, 0x80|13)
	case 500:
		return append(b, 0x80|14)
	}
	return append(b, 8, 3, byte('0'+status/100%10), byte('0'+status/10%10), byte('0'+status%10))
}

// AppendField appends a field, its name in lower case.
func AppendField[V string | []byte](b, name []byte, value V) []byte {
	var room [64]byte
	lowered := append(room[:0], name...)
	for i, c := range lowered {
		if 'A' <= c && c <= 'Z' {
			lowered[i] = c + 'a' - 'A'
		}
	}
	if i := staticNames[string(lowered)]; i > 0 {
		b = appendInteger(b, literalFlags(i), 4, int(i))
	} else {
		b = appendInteger(append(b, 0), 0, 7, len(lowered))
		b = append(b, lowered...)
	}
	b = appendInteger(b, 0, 7, len(value))
	return append(b, value...)
}

// literalFlags marks the fields that others on the way must not compress either.
func literalFlags(name uint8) byte {
	if name == staticSetCookie {
		return 0x10
	}
	return 0
}

// appendInteger appends n with a prefix of some bits, after flags.
func appendInteger(b []byte, flags byte, bits uint, n int) []byte {
	limit := 1<<bits - 1
	if n < limit {
		return append(b, flags|byte(n))
	}
	b = append(b, flags|byte(limit))
	for n -= limit; n >= 128; n >>= 7 {
		b = append(b, byte(n)|128)
	}
	return append(b, byte(n))
}

const staticSetCookie = 55

// staticNames are those of the static table that answers have, with the first index of each.
var staticNames = map[string]uint8{
	"accept-ranges": 18, "access-control-allow-origin": 20, "age": 21, "allow": 22, "cache-control": 24,
	"content-disposition": 25, "content-encoding": 26, "content-language": 27, "content-length": 28, "content-location": 29,
	"content-range": 30, "content-type": 31, "date": 33, "etag": 34, "expires": 36, "last-modified": 44, "link": 45,
	"location": 46, "proxy-authenticate": 48, "refresh": 52, "retry-after": 53, "server": 54, "set-cookie": staticSetCookie,
	"strict-transport-security": 56, "vary": 59, "via": 60, "www-authenticate": 61,
}
