package pattern

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/wildcard"
)

// test is what stands right of a selector or field name.
type test interface{ holds(v any) bool }

type (
	is        struct{ value any } // true, false or nil
	exists    struct{}
	notExists struct{}
	text      struct {
		pattern string // * is any run of characters
		not     bool
	}
	number struct {
		op    string
		value float64
	}
	expression struct {
		regex matcher
		not   bool
	}
)

func (t is) holds(v any) bool    { return v == t.value }
func (exists) holds(any) bool    { return true }
func (notExists) holds(any) bool { return false } // decided by the selector, which found something
func (t text) holds(v any) bool {
	s, ok := textOf(v)
	return ok && wildcard.Stars(t.pattern, s) != t.not
}
func (t number) holds(v any) bool { f, ok := numberOf(v); return ok && compare(t.op, f, t.value) }
func (t expression) holds(v any) bool {
	s, ok := textOf(v)
	return ok && t.regex.matches(s) != t.not
}

func textOf(v any) (string, bool) {
	switch x := v.(type) {
	case string:
		return x, true
	case json.Number:
		return x.String(), true
	case bool:
		return strconv.FormatBool(x), true
	}
	return "", false
}

func numberOf(v any) (float64, bool) {
	var s string
	switch x := v.(type) {
	case json.Number:
		s = x.String()
	case field:
		s = string(x)
	default:
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

func compare(op string, a, b float64) bool {
	switch op {
	case "=":
		return a == b
	case "!=":
		return a != b
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	default:
		return a >= b
	}
}

var operators = []string{"!=", "<=", ">=", "=", "<", ">"} // longer ones first

// test reads an operator and its value.
func (s *scanner) test() (test, error) {
	s.space()
	switch {
	case s.keyword("IS"):
		s.space()
		for word, value := range map[string]any{"TRUE": true, "FALSE": false, "NULL": nil} {
			if s.keyword(word) {
				return is{value}, nil
			}
		}
		return nil, syntax("IS must be followed by TRUE, FALSE or NULL")
	case s.keyword("NOT"):
		if s.space(); s.keyword("EXISTS") {
			return notExists{}, nil
		}
		return nil, syntax("NOT must be followed by EXISTS")
	case s.keyword("EXISTS"):
		return exists{}, nil
	}
	for _, op := range operators {
		if s.take(op) {
			s.space()
			return s.value(op)
		}
	}
	return nil, syntax("an operator is missing at character %d", s.at+1)
}

// value reads a number, a word with wildcards, a quoted text or a %regex%.
func (s *scanner) value(op string) (test, error) {
	equality := op == "=" || op == "!="
	switch s.peek() {
	case '"':
		t, err := s.quoted()
		if err == nil && !equality {
			err = syntax("%s compares numbers only", op)
		}
		return text{t, op == "!="}, err
	case '%':
		re, err := s.regex()
		if err == nil && !equality {
			err = syntax("%s compares numbers only", op)
		}
		return expression{re, op == "!="}, err
	}
	start := s.at
	for !s.done() && (wordByte(s.peek()) || strings.IndexByte("*+/:", s.peek()) >= 0) {
		s.at++
	}
	word := s.text[start:s.at]
	if f, err := strconv.ParseFloat(word, 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
		return number{op, f}, nil
	}
	if word == "" || !equality {
		return nil, syntax("a value is missing at character %d", start+1)
	}
	return text{word, op == "!="}, nil
}
