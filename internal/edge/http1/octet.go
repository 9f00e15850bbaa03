package http1

import "encoding/binary"

// Classes of octets, one table lookup each.
const (
	isToken  = 1 << iota // tchar of RFC 9110
	isValue              // in a field value: visible, space, tab, obs-text
	isTarget             // in a request target: visible ASCII without "#", obs-text
	isPlain              // in a field name Elastic Load Balancing calls valid: [-A-Za-z0-9]
	isHost               // in a Host value or the authority of a URI, without userinfo
	isObs                // 0x80 and above
)

var octets = func() (t [256]uint8) {
	for c := range 256 {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if letter || c == '-' {
			t[c] |= isPlain
		}
		if letter {
			t[c] |= isToken | isHost
		}
		if c >= 0x80 {
			t[c] |= isObs
		}
		if c == '\t' || c >= ' ' && c != 0x7f {
			t[c] |= isValue
		}
		if c > ' ' && c != 0x7f && c != '#' {
			t[c] |= isTarget
		}
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] |= isToken
	}
	for _, c := range "-._~%!$&'()*+,;=:[]" {
		t[c] |= isHost
	}
	return t
}()

// skipVisible passes over octets from at on that are visible ASCII or space, eight at a time. It may stop before the last.
func skipVisible(b []byte, at int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for at+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[at:])
		control := (x - 0x20*ones) &^ x
		del := x ^ 0x7f*ones
		if (control|(del-ones)&^del|x)&tops != 0 {
			break
		}
		at += 8
	}
	return at
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// EqualFold reports whether b is s in any ASCII case. s must be lower case.
func EqualFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range b {
		if lower(b[i]) != s[i] {
			return false
		}
	}
	return true
}
