package pattern

import (
	"encoding/json"
	"strconv"
	"strings"
)

// maxDepth bounds the nesting of parentheses.
const maxDepth = 32

// jsonPattern is { expression } over the message as a JSON object.
type jsonPattern struct{ expr condition }

// condition decides over a decoded JSON value or a line's fields.
type condition interface{ holds(value any) bool }

func (p jsonPattern) matches(message string) bool {
	text := strings.TrimSpace(message)
	if text == "" || text[0] != '{' && text[0] != '[' {
		return false
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	return d.Decode(&v) == nil && p.expr.holds(v)
}

func parseJSON(text string) (matcher, error) {
	s := &scanner{text: text, at: 1}
	expr, err := s.either(s.comparison, 0)
	if err != nil {
		return nil, err
	}
	s.space()
	if !s.take("}") {
		return nil, syntax("a } is missing at character %d", s.at+1)
	}
	if s.space(); !s.done() {
		return nil, syntax("characters after the closing }")
	}
	return jsonPattern{expr}, nil
}

type (
	anyOf []condition
	allOf []condition
)

func (c anyOf) holds(v any) bool {
	for _, x := range c {
		if x.holds(v) {
			return true
		}
	}
	return false
}

func (c allOf) holds(v any) bool {
	for _, x := range c {
		if !x.holds(v) {
			return false
		}
	}
	return true
}

// either reads a || b, both reads a && b, which binds tighter. leaf reads what stands between.
func (s *scanner) either(leaf func() (condition, error), depth int) (condition, error) {
	var out anyOf
	for {
		c, err := s.both(leaf, depth)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
		if s.space(); !s.take("||") {
			return out, nil
		}
	}
}

func (s *scanner) both(leaf func() (condition, error), depth int) (condition, error) {
	var out allOf
	for {
		c, err := s.operand(leaf, depth)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
		if s.space(); !s.take("&&") {
			return out, nil
		}
	}
}

func (s *scanner) operand(leaf func() (condition, error), depth int) (condition, error) {
	if s.space(); !s.take("(") {
		return leaf()
	}
	if depth >= maxDepth {
		return nil, syntax("parentheses are nested deeper than %d", maxDepth)
	}
	c, err := s.either(leaf, depth+1)
	if err != nil {
		return nil, err
	}
	if s.space(); !s.take(")") {
		return nil, syntax("a ) is missing at character %d", s.at+1)
	}
	return c, nil
}

// step is one part of a selector: a member, an index, or every element.
type step struct {
	name  string
	index int // -1: a member, -2: every element
}

const (
	member = -1
	every  = -2
)

// selected is a test over what a selector finds; it holds if it does for one of the values.
type selected struct {
	path []step
	test test
}

func (c selected) holds(v any) bool {
	found := false
	held := false
	walk(v, c.path, func(x any) {
		found = true
		held = held || c.test.holds(x)
	})
	if _, absent := c.test.(notExists); absent {
		return !found
	}
	return held
}

func walk(v any, path []step, yield func(any)) {
	if len(path) == 0 {
		yield(v)
		return
	}
	p := path[0]
	switch t := v.(type) {
	case map[string]any:
		if x, ok := t[p.name]; ok && p.index == member {
			walk(x, path[1:], yield)
		}
	case []any:
		switch {
		case p.index == every:
			for _, x := range t {
				walk(x, path[1:], yield)
			}
		case p.index >= 0 && p.index < len(t):
			walk(t[p.index], path[1:], yield)
		}
	}
}

// comparison reads $.selector operator value.
func (s *scanner) comparison() (condition, error) {
	path, err := s.selector()
	if err != nil {
		return nil, err
	}
	t, err := s.test()
	return selected{path, t}, err
}

func (s *scanner) selector() ([]step, error) {
	if !s.take("$") {
		return nil, syntax("a selector must start with $ at character %d", s.at+1)
	}
	var path []step
	for {
		switch {
		case s.take("["):
			p, err := s.bracket()
			if err != nil {
				return nil, err
			}
			path = append(path, p)
		case s.take("."):
			if s.peek() == '[' {
				continue
			}
			start := s.at
			for !s.done() && (wordByte(s.peek()) && s.peek() != '.' || s.peek() == '/' || s.peek() == ':' || s.peek() == '@') {
				s.at++
			}
			if s.at == start {
				return nil, syntax("a property name is missing at character %d", start+1)
			}
			path = append(path, step{name: s.text[start:s.at], index: member})
		default:
			if len(path) == 0 {
				return nil, syntax("a selector names nothing at character %d", s.at+1)
			}
			return path, nil
		}
	}
}

// bracket reads 0], *] or 'name'] or "name"].
func (s *scanner) bracket() (step, error) {
	end := strings.IndexByte(s.text[s.at:], ']')
	if end < 0 {
		return step{}, syntax("a ] is missing at character %d", s.at+1)
	}
	inside := strings.TrimSpace(s.text[s.at : s.at+end])
	s.at += end + 1
	if inside == "*" {
		return step{index: every}, nil
	}
	if n := len(inside); n >= 2 && (inside[0] == '\'' || inside[0] == '"') && inside[n-1] == inside[0] {
		return step{name: inside[1 : n-1], index: member}, nil
	}
	i, err := strconv.Atoi(inside)
	if err != nil || i < 0 {
		return step{}, syntax("%q is no array index", inside)
	}
	return step{index: i}, nil
}
