package proto

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds how deep values nest in a request, in every protocol.
const maxDepth = 64

// syntaxError is a body that is not what its protocol calls well formed.
type syntaxError struct {
	at     int
	reason string
}

func (e *syntaxError) Error() string { return e.reason + " at byte " + strconv.Itoa(e.at) }

// scanner reads JSON text token by token.
type scanner struct {
	b     []byte
	i     int
	depth int
	buf   []byte // for strings with escapes
}

func (s *scanner) fail(reason string) error { return &syntaxError{s.i, reason} }

// peek is the next byte that is not white space, 0 at the end.
func (s *scanner) peek() byte {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return c
		}
	}
	return 0
}

// open enters an object or array.
func (s *scanner) open() error {
	s.i++
	if s.depth++; s.depth > maxDepth {
		return s.fail("nested too deeply")
	}
	return nil
}

// next steps to the next element of an object or array that closes with end; more is false when it has closed.
func (s *scanner) next(first bool, end byte) (more bool, err error) {
	switch c := s.peek(); {
	case c == end:
		s.i++
		s.depth--
		return false, nil
	case first:
		return true, nil
	case c == ',':
		s.i++
		if s.peek() == end {
			return false, s.fail("trailing comma")
		}
		return true, nil
	case c == 0:
		return false, s.fail("unexpected end of input")
	}
	return false, s.fail("expected comma or " + string(end))
}

// key reads an object's key and the colon. The bytes are valid until the next call.
func (s *scanner) key() ([]byte, error) {
	if s.peek() != '"' {
		return nil, s.fail("expected a key")
	}
	k, err := s.str()
	if err != nil {
		return nil, err
	}
	if s.peek() != ':' {
		return nil, s.fail("expected a colon")
	}
	s.i++
	return k, nil
}

// str reads a string. The bytes are valid until the next call.
func (s *scanner) str() ([]byte, error) {
	s.i++
	start := s.i
	ascii := true
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			out := s.b[start:s.i]
			if !ascii && !utf8.Valid(out) {
				return nil, s.fail("invalid UTF-8")
			}
			s.i++
			return out, nil
		case c == '\\':
			return s.escaped(start)
		case c < ' ':
			return nil, s.fail("control character in string")
		case c >= utf8.RuneSelf:
			ascii = false
		}
		s.i++
	}
	return nil, s.fail("unterminated string")
}

func (s *scanner) escaped(start int) ([]byte, error) {
	s.buf = append(s.buf[:0], s.b[start:s.i]...)
	for s.i < len(s.b) {
		c := s.b[s.i]
		switch {
		case c == '"':
			s.i++
			if !utf8.Valid(s.buf) {
				return nil, s.fail("invalid UTF-8")
			}
			return s.buf, nil
		case c < ' ':
			return nil, s.fail("control character in string")
		case c != '\\':
			s.buf = append(s.buf, c)
			s.i++
		default:
			if err := s.escape(); err != nil {
				return nil, err
			}
		}
	}
	return nil, s.fail("unterminated string")
}

// escape reads one escape sequence, its backslash at s.i, onto buf.
func (s *scanner) escape() error {
	if s.i+1 >= len(s.b) {
		return s.fail("unterminated string")
	}
	c := s.b[s.i+1]
	s.i += 2
	switch c {
	case '"', '\\', '/':
		s.buf = append(s.buf, c)
	case 'b':
		s.buf = append(s.buf, '\b')
	case 'f':
		s.buf = append(s.buf, '\f')
	case 'n':
		s.buf = append(s.buf, '\n')
	case 'r':
		s.buf = append(s.buf, '\r')
	case 't':
		s.buf = append(s.buf, '\t')
	case 'u':
		r, ok := s.hex4()
		if !ok {
			return s.fail("invalid escape")
		}
		if utf16.IsSurrogate(r) {
			r = s.lowSurrogate(r)
		}
		s.buf = utf8.AppendRune(s.buf, r)
	default:
		return s.fail("invalid escape")
	}
	return nil
}

// lowSurrogate completes a pair; half of one becomes the replacement character.
func (s *scanner) lowSurrogate(high rune) rune {
	if s.i+1 < len(s.b) && s.b[s.i] == '\\' && s.b[s.i+1] == 'u' {
		back := s.i
		s.i += 2
		if low, ok := s.hex4(); ok {
			if r := utf16.DecodeRune(high, low); r != utf8.RuneError {
				return r
			}
		}
		s.i = back
	}
	return utf8.RuneError
}

func (s *scanner) hex4() (rune, bool) {
	if s.i+4 > len(s.b) {
		return 0, false
	}
	n, err := strconv.ParseUint(string(s.b[s.i:s.i+4]), 16, 16)
	if err != nil {
		return 0, false
	}
	s.i += 4
	return rune(n), true
}

// number reads a number by JSON's grammar.
func (s *scanner) number() ([]byte, error) {
	start := s.i
	if s.i < len(s.b) && s.b[s.i] == '-' {
		s.i++
	}
	switch {
	case s.i < len(s.b) && s.b[s.i] == '0':
		s.i++
	case !s.digits():
		return nil, s.fail("invalid number")
	}
	if s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		if !s.digits() {
			return nil, s.fail("invalid number")
		}
	}
	if s.i < len(s.b) && (s.b[s.i] == 'e' || s.b[s.i] == 'E') {
		s.i++
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		if !s.digits() {
			return nil, s.fail("invalid number")
		}
	}
	return s.b[start:s.i], nil
}

func (s *scanner) digits() bool {
	start := s.i
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
	return s.i > start
}

// word reads true, false or null.
func (s *scanner) word(w string) error {
	if len(s.b)-s.i < len(w) || string(s.b[s.i:s.i+len(w)]) != w {
		return s.fail("invalid literal")
	}
	s.i += len(w)
	return nil
}

// skip passes over one value of any kind.
func (s *scanner) skip() error {
	_, err := s.document(false)
	return err
}

// document reads one value of any kind. Whole numbers that fit become int64, others float64. Without keep it only checks.
func (s *scanner) document(keep bool) (any, error) {
	switch c := s.peek(); {
	case c == '{':
		return s.object(keep)
	case c == '[':
		return s.array(keep)
	case c == '"':
		text, err := s.str()
		if err != nil || !keep {
			return nil, err
		}
		return string(text), nil
	case c == 't':
		return true, s.word("true")
	case c == 'f':
		return false, s.word("false")
	case c == 'n':
		return nil, s.word("null")
	case c == '-' || c >= '0' && c <= '9':
		n, err := s.number()
		if err != nil || !keep {
			return nil, err
		}
		if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
			return i, nil
		}
		f, err := strconv.ParseFloat(string(n), 64)
		if err != nil {
			return nil, s.fail("number out of range")
		}
		return f, nil
	case c == 0:
		return nil, s.fail("unexpected end of input")
	}
	return nil, s.fail("unexpected character")
}

func (s *scanner) object(keep bool) (any, error) {
	if err := s.open(); err != nil {
		return nil, err
	}
	var out map[string]any
	if keep {
		out = map[string]any{}
	}
	for first := true; ; first = false {
		more, err := s.next(first, '}')
		if err != nil || !more {
			return out, err
		}
		k, err := s.key()
		if err != nil {
			return nil, err
		}
		name := ""
		if keep {
			name = string(k)
		}
		v, err := s.document(keep)
		if err != nil {
			return nil, err
		}
		if keep {
			out[name] = v
		}
	}
}

func (s *scanner) array(keep bool) (any, error) {
	if err := s.open(); err != nil {
		return nil, err
	}
	out := []any{}
	for first := true; ; first = false {
		more, err := s.next(first, ']')
		if err != nil || !more {
			return out, err
		}
		v, err := s.document(keep)
		if err != nil {
			return nil, err
		}
		if keep {
			out = append(out, v)
		}
	}
}
