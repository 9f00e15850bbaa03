package wildcard

import (
	"strings"
	"unicode/utf8"
)

// Stars matches a pattern in which * is any run of characters.
func Stars(pattern, s string) bool { return match(pattern, s, false, false) }

// Match matches a pattern in which ? is one character as well.
func Match(pattern, s string) bool { return match(pattern, s, true, false) }

// Escaped matches a pattern in which a backslash also takes the next character as it is.
func Escaped(pattern, s string) bool { return match(pattern, s, true, true) }

// match needs no more than len(pattern)·len(s) steps: only the last star ever needs to take more.
func match(pattern, s string, one, escapes bool) bool {
	star, mark := -1, 0
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
			continue
		case one && p < len(pattern) && pattern[p] == '?':
			p++
			i += width(s[i:])
			continue
		case p < len(pattern):
			literal := p
			if escapes && pattern[p] == '\\' && p+1 < len(pattern) {
				literal++
			}
			if pattern[literal] == s[i] {
				p = literal + 1
				i++
				continue
			}
		}
		if star < 0 {
			return false
		}
		mark += width(s[mark:])
		p, i = star+1, mark
	}
	return strings.Trim(pattern[p:], "*") == ""
}

func width(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}
