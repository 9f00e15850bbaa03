package http2

// Classes of octets.
const (
	isName   = 1 << iota // in a field name: tchar of RFC 9110 without upper case
	isMethod             // tchar
	isValue              // in a field value: visible, space, tab, obs-text
	isPath               // in :path and :authority: visible and obs-text
)

var octets = func() (t [256]uint8) {
	for c := range 256 {
		lower := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		if lower {
			t[c] |= isName
		}
		if lower || 'A' <= c && c <= 'Z' {
			t[c] |= isMethod
		}
		if c == '\t' || c >= ' ' && c != 0x7f {
			t[c] |= isValue
		}
		if c > ' ' && c != 0x7f {
			t[c] |= isPath
		}
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] |= isName | isMethod
	}
	return t
}()

// all reports whether s is made of octets of one class.
func all(s string, class uint8) bool {
	for i := range len(s) {
		if octets[s[i]]&class == 0 {
			return false
		}
	}
	return true
}
