package search

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/metric"
)

// ErrSyntax is the class of errors in a search expression.
var ErrSyntax = errors.New("search expression")

// Bounds of searches.
const (
	longest  = 1024 // characters
	maxDepth = 32
)

// Query is a parsed search. It is not for use by several goroutines at once.
type Query struct {
	schema []string // namespace and dimension names, empty for any
	match  condition
}

// condition says whether a metric is found; nil is any.
type condition func(m *metric.Metric) bool

// Match says whether the search finds a metric.
func (q *Query) Match(m *metric.Metric) bool {
	return q.inSchema(m) && (q.match == nil || q.match(m))
}

// inSchema holds a metric against the schema: with dimensions named, they are all that the metric has.
func (q *Query) inSchema(m *metric.Metric) bool {
	if len(q.schema) == 0 {
		return true
	}
	if m.Namespace != q.schema[0] {
		return false
	}
	if len(q.schema) == 1 {
		return true
	}
	for _, name := range q.schema[1:] {
		if _, ok := m.Dimension(name); !ok {
			return false
		}
	}
	return len(m.Dimensions) == len(q.schema)-1
}

// Namespace is the only one the search looks in, empty where it looks everywhere.
func (q *Query) Namespace() string {
	if len(q.schema) == 0 {
		return ""
	}
	return q.schema[0]
}

// Parse reads a search: an optional schema, optional terms, not neither.
func Parse(text string) (*Query, error) {
	if len(text) > longest {
		return nil, fmt.Errorf("%w: longer than %d characters", ErrSyntax, longest)
	}
	p := &parser{rest: text, names: names{}}
	q := &Query{}
	var err error
	if p.symbol('{') {
		if q.schema, err = p.schema(); err != nil {
			return nil, err
		}
		p.symbol(',')
	}
	p.space()
	if p.rest == "" {
		if len(q.schema) == 0 {
			return nil, fmt.Errorf("%w: it is empty", ErrSyntax)
		}
		return q, nil
	}
	if q.match, err = p.either(); err != nil {
		return nil, err
	}
	if p.space(); p.rest != "" {
		return nil, fmt.Errorf("%w: unexpected %q", ErrSyntax, p.rest)
	}
	return q, nil
}

type parser struct {
	rest  string
	depth int
	names names // for all conditions
}

func (p *parser) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

func (p *parser) symbol(c byte) bool {
	p.space()
	if p.rest != "" && p.rest[0] == c {
		p.rest = p.rest[1:]
		return true
	}
	return false
}

// word takes an operator that stands by itself.
func (p *parser) word(operator string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, operator)
	if !ok || rest != "" && !strings.ContainsRune(" \t\r\n(\"", rune(rest[0])) {
		return false
	}
	p.rest = rest
	return true
}

func (p *parser) schema() ([]string, error) {
	var out []string
	for {
		name, _, err := p.text(",}")
		if err != nil {
			return nil, err
		}
		out = append(out, name)
		switch {
		case p.symbol('}'):
			return out, nil
		case !p.symbol(','):
			return nil, fmt.Errorf("%w: the schema does not end", ErrSyntax)
		}
	}
}

// text reads a quoted text, or a bare one up to a space or one of the ends.
func (p *parser) text(ends string) (text string, quoted bool, err error) {
	if p.symbol('"') {
		var b strings.Builder
		for i := 0; i < len(p.rest); i++ {
			c := p.rest[i]
			switch {
			case c == '"':
				p.rest = p.rest[i+1:]
				return b.String(), true, nil
			case c == '\\' && i+1 < len(p.rest) && strings.IndexByte(`"\()`, p.rest[i+1]) >= 0:
				i++
				c = p.rest[i]
			}
			b.WriteByte(c)
		}
		return "", true, fmt.Errorf("%w: a quoted text does not end", ErrSyntax)
	}
	end := strings.IndexAny(p.rest, ends+" \t\r\n\"")
	if end < 0 {
		end = len(p.rest)
	}
	if end == 0 {
		return "", false, fmt.Errorf("%w: a name is missing before %q", ErrSyntax, p.rest)
	}
	text, p.rest = p.rest[:end], p.rest[end:]
	return text, false, nil
}

func (p *parser) either() (condition, error) {
	left, err := p.both()
	for err == nil && p.word("OR") {
		var right condition
		a := left
		if right, err = p.both(); err == nil {
			left = func(m *metric.Metric) bool { return a(m) || right(m) }
		}
	}
	return left, err
}

func (p *parser) both() (condition, error) {
	left, err := p.one()
	for err == nil {
		explicit := p.word("AND")
		p.space()
		if !explicit && (p.rest == "" || p.rest[0] == ')' || p.next("OR")) {
			break
		}
		var right condition
		a := left
		if right, err = p.one(); err == nil {
			left = func(m *metric.Metric) bool { return a(m) && right(m) }
		}
	}
	return left, err
}

// next says whether an operator comes next.
func (p *parser) next(operator string) bool {
	before := p.rest
	defer func() { p.rest = before }()
	return p.word(operator)
}

func (p *parser) one() (condition, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("%w: nested too deeply", ErrSyntax)
	}
	defer func() { p.depth-- }()
	if p.word("NOT") {
		of, err := p.one()
		return func(m *metric.Metric) bool { return !of(m) }, err
	}
	if p.symbol('(') {
		inner, err := p.either()
		if err == nil && !p.symbol(')') {
			err = fmt.Errorf("%w: a parenthesis is not closed", ErrSyntax)
		}
		return inner, err
	}
	return p.term()
}

// term is a text, or property=text.
func (p *parser) term() (condition, error) {
	first, exact, err := p.text("()=,")
	if err != nil {
		return nil, err
	}
	if p.rest == "" || p.rest[0] != '=' {
		return p.anywhere(first, exact), nil
	}
	p.rest = p.rest[1:]
	value, exact, err := p.text("(),")
	if err != nil {
		return nil, err
	}
	same := p.equal(value, exact)
	switch first {
	case "MetricName":
		return func(m *metric.Metric) bool { return same(m.Name) }, nil
	case "Namespace":
		return func(m *metric.Metric) bool { return same(m.Namespace) }, nil
	}
	return func(m *metric.Metric) bool {
		have, ok := m.Dimension(first)
		return ok && same(have)
	}, nil
}

func (p *parser) equal(text string, exact bool) func(name string) bool {
	if exact {
		return func(name string) bool { return name == text }
	}
	f, names := newFinder(text), p.names
	return func(name string) bool { return f.in(names.cut(name)) }
}

// anywhere looks in every name a metric has.
func (p *parser) anywhere(text string, exact bool) condition {
	same := p.equal(text, exact)
	return func(m *metric.Metric) bool {
		return same(m.Name) || same(m.Namespace) || slices.ContainsFunc(m.Dimensions, func(d metric.Dimension) bool {
			return same(d.Name) || same(d.Value)
		})
	}
}
