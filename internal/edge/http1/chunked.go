package http1

import "bytes"

// ChunkReader decodes a chunked body that arrives in pieces. Chunk extensions are checked and dropped; trailers are checked
// and kept.
type ChunkReader struct {
	state     chunkState
	remaining uint64 // octets of the chunk still to come
	digits    int
	extension int
	trailers  []byte // the trailer section so far
}

type chunkState uint8

const (
	chunkSize chunkState = iota
	chunkSizeSpace
	chunkExtension
	chunkSizeLF
	chunkData
	chunkDataCR
	chunkDataLF
	chunkTrailers
	chunkDone
)

// Done reports whether the whole body and its trailers have been read.
func (c *ChunkReader) Done() bool { return c.state == chunkDone }

// Decode consumes octets of b and moves the data among them to the front of b. It returns the data and how much of b was
// consumed: all of it, unless the body ended before.
func (c *ChunkReader) Decode(b []byte) (data []byte, consumed int, err error) {
	out, at := 0, 0
	for at < len(b) && c.state != chunkDone {
		switch c.state {
		case chunkData:
			n := int(min(uint64(len(b)-at), c.remaining))
			copy(b[out:], b[at:at+n])
			out += n
			at += n
			if c.remaining -= uint64(n); c.remaining == 0 {
				c.state = chunkDataCR
			}
		case chunkTrailers:
			n, err := c.trailer(b[at:])
			at += n
			if err != nil {
				return nil, at, err
			}
		default:
			if err := c.step(b[at]); err != nil {
				return nil, at, err
			}
			at++
		}
	}
	return b[:out], at, nil
}

// step takes one octet outside of data and trailers.
func (c *ChunkReader) step(o byte) error {
	switch c.state {
	case chunkSize:
		if d, ok := hexDigit(o); ok {
			if c.digits++; c.digits > 15 {
				return errChunk
			}
			c.remaining = c.remaining<<4 | d
			return nil
		}
		if c.digits == 0 {
			return errChunk
		}
		return c.afterSize(o)
	case chunkSizeSpace:
		if o == '\r' {
			return errChunk
		}
		return c.afterSize(o)
	case chunkExtension:
		if c.extension++; o == '\r' {
			c.state = chunkSizeLF
		} else if octets[o]&isValue == 0 || c.extension > MaxLine {
			return errChunk
		}
		return nil
	case chunkSizeLF:
		if o != '\n' {
			return errChunk
		}
		c.digits = 0
		if c.state = chunkData; c.remaining == 0 {
			c.state = chunkTrailers
		}
		return nil
	case chunkDataCR:
		if c.state = chunkDataLF; o != '\r' {
			return errChunk
		}
		return nil
	default: // chunkDataLF
		if c.state = chunkSize; o != '\n' {
			return errChunk
		}
		return nil
	}
}

func (c *ChunkReader) afterSize(o byte) error {
	switch o {
	case '\r':
		c.state = chunkSizeLF
	case ';':
		c.state = chunkExtension
	case ' ', '\t': // "bad" whitespace, allowed before an extension only
		if c.extension++; c.extension > MaxLine {
			return errChunk
		}
		c.state = chunkSizeSpace
	default:
		return errChunk
	}
	return nil
}

// trailer takes octets of the trailer section, up to its empty line.
func (c *ChunkReader) trailer(b []byte) (int, error) {
	if len(c.trailers) == 0 && len(b) >= 2 && b[0] == '\r' && b[1] == '\n' {
		c.state = chunkDone
		return 2, nil
	}
	had := len(c.trailers)
	room := min(len(b), maxTrailers-had)
	c.trailers = append(c.trailers, b[:room]...)
	var end int
	if bytes.HasPrefix(c.trailers, crlf2[:2]) {
		end = 2
	} else if i := bytes.Index(c.trailers[max(had-3, 0):], crlf2); i >= 0 {
		end = max(had-3, 0) + i + 4
	} else if len(c.trailers) == maxTrailers || len(c.trailers) > 1 && c.trailers[0] == '\r' {
		return room, errTrailer
	} else {
		return room, nil
	}
	c.trailers, c.state = c.trailers[:end], chunkDone
	if _, err := fields(nil, c.trailers[:end-2], 0); err != nil {
		return end - had, errTrailer
	}
	return end - had, nil
}

// beforeBody are fields of responses that must be known before the body, and are not Kinds of their own: how to authenticate, and
// what the body is.
var beforeBody = [...]string{
	"www-authenticate", "proxy-authenticate", "authentication-info", "proxy-authentication-info",
	"content-encoding", "content-type", "content-range",
}

func mayTrail(name []byte) bool {
	if kindOf(name) != Other {
		return false
	}
	for _, s := range beforeBody {
		if EqualFold(name, s) {
			return false
		}
	}
	return true
}

// AppendTrailers appends the trailer fields of a response's body that is Done to b, without the empty line. Fields that a trailer must
// not carry because they would frame, authenticate or describe the message (RFC 9110, section 6.5.1) are left out.
func (c *ChunkReader) AppendTrailers(b []byte) []byte {
	if len(c.trailers) <= 2 {
		return b
	}
	section := c.trailers[:len(c.trailers)-2]
	lines, _ := fields(nil, section, 0) // checked when they arrived
	for i, f := range lines {
		end := len(section)
		if i+1 < len(lines) {
			end = int(lines[i+1].Line)
		}
		if mayTrail(section[f.Line:f.nameEnd]) {
			b = append(b, section[f.Line:end]...)
		}
	}
	return b
}

func hexDigit(o byte) (uint64, bool) {
	switch {
	case '0' <= o && o <= '9':
		return uint64(o - '0'), true
	case 'a' <= o && o <= 'f':
		return uint64(o-'a') + 10, true
	case 'A' <= o && o <= 'F':
		return uint64(o-'A') + 10, true
	}
	return 0, false
}

// ChunkRoom is how much space AppendChunkHead needs at most.
const ChunkRoom = 8 + 2

// AppendChunkHead appends the line that opens a chunk of n octets.
func AppendChunkHead(b []byte, n int) []byte {
	const digits = "0123456789abcdef"
	shift := 0
	for n>>shift > 15 {
		shift += 4
	}
	for ; shift >= 0; shift -= 4 {
		b = append(b, digits[n>>shift&15])
	}
	return append(b, '\r', '\n')
}
