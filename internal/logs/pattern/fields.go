package pattern

import "strings"

// fields is [name, name = value, …] over a line split at spaces; "…" and […]
// in the line are one field. An ellipsis stands for any number of fields.
type fields struct {
	columns  []column
	ellipsis int // where it stands, -1 without one
}

// column is one field: a name alone takes anything.
type column struct{ test condition }

// field is a field of a line: compared as a number where the pattern has one.
type field string

func (f *fields) matches(message string) bool {
	line := split(message)
	n := len(f.columns)
	if f.ellipsis < 0 && len(line) != n || len(line) < n {
		return false
	}
	for i, c := range f.columns {
		at := i
		if f.ellipsis >= 0 && i >= f.ellipsis {
			at = len(line) - n + i
		}
		if c.test != nil && !c.test.holds(line[at]) {
			return false
		}
	}
	return true
}

// split cuts a line at spaces, keeping quoted and bracketed parts whole without their marks.
func split(line string) []field {
	var out []field
	for {
		line = strings.TrimLeft(line, " \t")
		if line == "" {
			return out
		}
		closing := byte(' ')
		skip := 0
		switch line[0] {
		case '"':
			closing, skip = '"', 1
		case '[':
			closing, skip = ']', 1
		}
		end := strings.IndexByte(line[skip:], closing)
		if end < 0 {
			return append(out, field(line[skip:]))
		}
		out = append(out, field(line[skip:skip+end]))
		line = line[min(skip+end+1, len(line)):]
	}
}

func parseFields(text string) (matcher, error) {
	f := &fields{ellipsis: -1}
	s := &scanner{text: text, at: 1}
	for {
		s.space()
		if s.take("...") {
			if f.ellipsis >= 0 {
				return nil, syntax("only one ellipsis may stand in a pattern")
			}
			f.ellipsis = len(f.columns)
		} else {
			c, err := s.column()
			if err != nil {
				return nil, err
			}
			f.columns = append(f.columns, c)
		}
		s.space()
		switch {
		case s.take(","):
			continue
		case s.take("]"):
			if s.space(); !s.done() {
				return nil, syntax("characters after the closing ]")
			}
			return f, nil
		}
		return nil, syntax("a , or ] is missing at character %d", s.at+1)
	}
}

// column reads a name, alone or with conditions on it: w1 = a || w1 = b.
func (s *scanner) column() (column, error) {
	start := s.at
	name, err := s.name()
	if err != nil {
		return column{}, err
	}
	s.space()
	if s.peek() == ',' || s.peek() == ']' {
		return column{}, nil
	}
	s.at = start
	test, err := s.either(func() (condition, error) {
		again, err := s.name()
		if err != nil {
			return nil, err
		}
		if again != name {
			return nil, syntax("a condition on %s stands in the place of %s", again, name)
		}
		t, err := s.test()
		return fieldTest{t}, err
	}, 0)
	return column{test}, err
}

func (s *scanner) name() (string, error) {
	start := s.at
	for !s.done() && wordByte(s.peek()) {
		s.at++
	}
	if s.at == start {
		return "", syntax("a field name is missing at character %d", start+1)
	}
	return s.text[start:s.at], nil
}

// fieldTest applies a test to a field: numbers by value, else as text.
type fieldTest struct{ test }

func (t fieldTest) holds(v any) bool {
	switch t.test.(type) {
	case number:
		return t.test.holds(v)
	case text, expression:
		return t.test.holds(string(v.(field)))
	}
	return false
}
