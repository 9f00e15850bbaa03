package http1

import "bytes"

// connectionOptions is what a Connection field says.
type connectionOptions struct{ close, keepAlive, upgrade, extra bool }

func options(v []byte) (o connectionOptions) {
	// Most values are one word.
	switch {
	case EqualFold(v, "keep-alive"):
		o.keepAlive = true
		return o
	case EqualFold(v, "close"):
		o.close = true
		return o
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
	return o
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
