package pattern

import "strings"

// terms is an unstructured pattern. All of required must occur, none of
// excluded; of optional (?term) one, where there are no required terms: beside
// those AWS ignores them.
type terms struct{ required, optional, excluded []matcher }

func (t *terms) matches(message string) bool {
	for _, m := range t.excluded {
		if m.matches(message) {
			return false
		}
	}
	for _, m := range t.required {
		if !m.matches(message) {
			return false
		}
	}
	if len(t.required) > 0 || len(t.optional) == 0 {
		return true
	}
	for _, m := range t.optional {
		if m.matches(message) {
			return true
		}
	}
	return false
}

// phrase is a case-sensitive run of characters anywhere in the message.
type phrase string

func (p phrase) matches(message string) bool { return strings.Contains(message, string(p)) }

func parseTerms(text string) (matcher, error) {
	t := &terms{}
	s := &scanner{text: text}
	for s.space(); !s.done(); s.space() {
		into := &t.required
		switch s.peek() {
		case '?':
			into = &t.optional
			s.at++
		case '-':
			into = &t.excluded
			s.at++
		}
		m, err := s.term()
		if err != nil {
			return nil, err
		}
		*into = append(*into, m)
	}
	return t, nil
}

// term is a word, a "phrase" or a %regex%.
func (s *scanner) term() (matcher, error) {
	switch s.peek() {
	case '"':
		text, err := s.quoted()
		return phrase(text), err
	case '%':
		return s.regex()
	}
	start := s.at
	for !s.done() && s.peek() != ' ' && s.peek() != '\t' {
		if !wordByte(s.peek()) {
			return nil, syntax("%q must be in double quotes", s.text[start:])
		}
		s.at++
	}
	if s.at == start {
		return nil, syntax("a term is missing at character %d", start+1)
	}
	return phrase(s.text[start:s.at]), nil
}

// wordByte: what a term may hold without quotes. Everything beyond ASCII counts as a letter.
func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-' || c >= 0x80
}
