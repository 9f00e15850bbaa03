package pattern

import (
	"regexp"
	"strings"
)

type scanner struct {
	text string
	at   int
}

func (s *scanner) done() bool { return s.at >= len(s.text) }

// peek is the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.done() {
		return 0
	}
	return s.text[s.at]
}

func (s *scanner) space() {
	for !s.done() && strings.IndexByte(" \t\r\n", s.text[s.at]) >= 0 {
		s.at++
	}
}

// take consumes the token if it comes next.
func (s *scanner) take(token string) bool {
	if !strings.HasPrefix(s.text[s.at:], token) {
		return false
	}
	s.at += len(token)
	return true
}

// keyword consumes a word in any case if it comes next and ends there.
func (s *scanner) keyword(word string) bool {
	end := s.at + len(word)
	if end > len(s.text) || !strings.EqualFold(s.text[s.at:end], word) || end < len(s.text) && wordByte(s.text[end]) {
		return false
	}
	s.at = end
	return true
}

// quoted reads "…" with \" and \\ inside.
func (s *scanner) quoted() (string, error) {
	start := s.at
	var b strings.Builder
	for s.at++; !s.done(); s.at++ {
		switch c := s.peek(); c {
		case '"':
			s.at++
			return b.String(), nil
		case '\\':
			if s.at+1 < len(s.text) && (s.text[s.at+1] == '"' || s.text[s.at+1] == '\\') {
				s.at++
			}
			b.WriteByte(s.peek())
		default:
			b.WriteByte(c)
		}
	}
	return "", syntax("the quote at character %d is never closed", start+1)
}

type regex struct{ *regexp.Regexp }

func (r regex) matches(message string) bool { return r.MatchString(message) }

// regex reads %…% in the subset AWS takes: no groups, ASCII only.
func (s *scanner) regex() (matcher, error) {
	end := strings.IndexByte(s.text[s.at+1:], '%')
	if end < 0 {
		return nil, syntax("the regular expression at character %d is never closed", s.at+1)
	}
	expr := s.text[s.at+1 : s.at+1+end]
	s.at += end + 2
	for i := range len(expr) {
		c := expr[i]
		if !(wordByte(c) && c < 0x80) && !strings.ContainsRune(`:_#=@/;,-^$?[]{}|\*+. `, rune(c)) {
			return nil, syntax("a regular expression may not hold %q", c)
		}
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, syntax("%v", err)
	}
	return regex{re}, nil
}
