package http1

import "bytes"

// connectionOptions is what the Connection fields of a message say.
type connectionOptions struct{ close, keepAlive, upgrade, extra bool }

// persists reports whether the connection is to be used again (RFC 9112, section 9.3), minor being that of HTTP/1.x.
func (o *connectionOptions) persists(minor uint8) bool {
	return !o.close && (minor == 1 || o.keepAlive)
}

// add reads the value of one field.
func (o *connectionOptions) add(v []byte) {
	// Most values are one word.
	switch {
	case EqualFold(v, "keep-alive"):
		o.keepAlive = true
		return
	case EqualFold(v, "close"):
		o.close = true
		return
	}
	for len(v) > 0 {
		var word []byte
		word, v = nextOption(v)
		switch {
		case len(word) == 0:
		case EqualFold(word, "close"):
			o.close = true
		case EqualFold(word, "keep-alive"):
			o.keepAlive = true
		case EqualFold(word, "upgrade"):
			o.upgrade = true
		default:
			o.extra = true
		}
	}
}

// nextOption cuts the first element off a comma-separated list.
func nextOption(v []byte) (word, rest []byte) {
	word, rest, _ = bytes.Cut(v, comma)
	return bytes.Trim(word, " \t"), rest
}

var comma = []byte{','}

func hasOption(v, name []byte) bool {
	for len(v) > 0 {
		var word []byte
		if word, v = nextOption(v); len(word) == len(name) && bytes.EqualFold(word, name) {
			return true
		}
	}
	return false
}

func countOption(v []byte, name string) (n int) {
	for len(v) > 0 {
		var word []byte
		if word, v = nextOption(v); EqualFold(word, name) {
			n++
		}
	}
	return n
}
