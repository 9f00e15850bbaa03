package formula

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrType is the class of errors for operands and arguments that do not fit.
var ErrType = errors.New("operands")

// ErrTooMuch is the class of errors for expressions that make more of their data than one request may.
var ErrTooMuch = errors.New("too many datapoints")

// mostSeries is the longest array.
const mostSeries = 500

// ErrMissing is the class of errors for functions that CloudWatch has and this package lacks.
var ErrMissing = errors.New("missing function")

// Scope is what an expression can refer to.
type Scope struct {
	// Named finds the metric or the result of another expression with an id.
	Named func(id string) (Value, error)
	// Metrics are the request's metrics in their order, expressions left out.
	Metrics []*Series
	// Search finds metrics: SEARCH's arguments.
	Search func(query, statistic string, period time.Duration) ([]*Series, error)
	// From, To and Period are the grid of functions that make up points.
	From, To time.Time
	Period   time.Duration
	// Budget is how many points may still be computed, shared by the expressions of a request.
	Budget *int
}

type scope struct {
	Scope
	ctx context.Context
}

// spend counts the points of a value that was computed. It is where every step of a computation looks at the context; those that walk
// through arrays of series look at each of them, too.
func (s *scope) spend(v Value) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	n := 0
	switch v := v.(type) {
	case *Series:
		n = len(v.Points)
	case []*Series:
		if len(v) > mostSeries {
			return fmt.Errorf("%w: more than %d time series", ErrTooMuch, mostSeries)
		}
		for _, one := range v {
			n += len(one.Points)
		}
	}
	if *s.Budget -= n; *s.Budget < 0 {
		return ErrTooMuch
	}
	return nil
}

// word is a bare upper-case name: an argument such as REPEAT or DESC.
type word string

// Eval computes an expression. The result is a *Series or a []*Series: a scalar is none CloudWatch would give.
func (e *Expression) Eval(ctx context.Context, in Scope) (Value, error) {
	v, err := e.root.eval(&scope{in, ctx})
	if err != nil {
		return nil, err
	}
	switch v.(type) {
	case *Series, []*Series:
		return v, nil
	}
	return nil, fmt.Errorf("%w: the result must be a time series or an array of them, not %s", ErrType, kind(v))
}

func (n number) eval(*scope) (Value, error) { return float64(n), nil }

func (t text) eval(*scope) (Value, error) { return string(t), nil }

func (n name) eval(s *scope) (Value, error) {
	if c := n[0]; 'A' <= c && c <= 'Z' {
		return word(n), nil
	}
	return s.Named(string(n))
}

func (l list) eval(s *scope) (Value, error) {
	out := []*Series{}
	for _, item := range l {
		v, err := item.eval(s)
		if err != nil {
			return nil, err
		}
		switch v := v.(type) {
		case *Series:
			out = append(out, v)
		case []*Series:
			out = append(out, v...)
		default:
			return nil, fmt.Errorf("%w: an array holds time series, not %s", ErrType, kind(v))
		}
		if len(out) > mostSeries {
			break
		}
	}
	return out, s.spend(out)
}

func (n negation) eval(s *scope) (Value, error) {
	v, err := n.of.eval(s)
	if err != nil {
		return nil, err
	}
	if v, err = s.mapped("-", v, func(x float64) float64 { return -x }); err != nil {
		return nil, err
	}
	return v, s.spend(v)
}

// mapped replaces a number, or every value of series.
func (s *scope) mapped(what string, v Value, fn func(float64) float64) (Value, error) {
	switch v := v.(type) {
	case float64:
		return fn(v), nil
	case *Series:
		return v.each(fn), nil
	case []*Series:
		return s.all(v, func(one *Series) *Series { return one.each(fn) })
	}
	return nil, fmt.Errorf("%w: unsupported operand type for %s: %s", ErrType, what, kind(v))
}

// all makes another series of each.
func (s *scope) all(v []*Series, fn func(*Series) *Series) (Value, error) {
	out := make([]*Series, len(v))
	for i, one := range v {
		if err := s.ctx.Err(); err != nil {
			return nil, err
		}
		out[i] = fn(one)
	}
	return out, nil
}

var operators = map[string]func(a, b float64) float64{
	"+": func(a, b float64) float64 { return a + b },
	"-": func(a, b float64) float64 { return a - b },
	"*": func(a, b float64) float64 { return a * b },
	"/": func(a, b float64) float64 {
		if b == 0 {
			return math.NaN() // the point is dropped
		}
		return a / b
	},
	"^":   math.Pow,
	"==":  func(a, b float64) float64 { return truth(a == b) },
	"!=":  func(a, b float64) float64 { return truth(a != b) },
	"<":   func(a, b float64) float64 { return truth(a < b) },
	"<=":  func(a, b float64) float64 { return truth(a <= b) },
	">":   func(a, b float64) float64 { return truth(a > b) },
	">=":  func(a, b float64) float64 { return truth(a >= b) },
	"AND": func(a, b float64) float64 { return truth(a != 0 && b != 0) },
	"OR":  func(a, b float64) float64 { return truth(a != 0 || b != 0) },
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (n binary) eval(s *scope) (Value, error) {
	left, err := n.left.eval(s)
	if err != nil {
		return nil, err
	}
	right, err := n.right.eval(s)
	if err != nil {
		return nil, err
	}
	v, err := n.combine(s, left, right)
	if err != nil {
		return nil, err
	}
	return v, s.spend(v)
}

func (n binary) combine(s *scope, left, right Value) (Value, error) {
	fn := operators[n.op]
	switch l := left.(type) {
	case float64:
		if r, ok := right.(float64); ok {
			return fn(l, r), nil
		}
		return s.mapped(n.op, right, func(r float64) float64 { return fn(l, r) })
	case *Series:
		switch r := right.(type) {
		case float64:
			return s.mapped(n.op, left, func(x float64) float64 { return fn(x, r) })
		case *Series:
			return pairwise(l, r, fn), nil
		case []*Series:
			return s.all(r, func(one *Series) *Series {
				out := pairwise(l, one, fn)
				out.Label = one.Label
				return out
			})
		}
	case []*Series:
		switch r := right.(type) {
		case float64:
			return s.mapped(n.op, left, func(x float64) float64 { return fn(x, r) })
		case *Series:
			return s.all(l, func(one *Series) *Series { return pairwise(one, r, fn) })
		}
	}
	return nil, fmt.Errorf("%w: unsupported operand type(s) for %s: [%s, %s]", ErrType, n.op, kind(left), kind(right))
}

// pairwise combines two series where one of them has a value; the other's is 0 there.
func pairwise(a, b *Series, fn func(a, b float64) float64) *Series {
	points := map[int64]float64{}
	for at := range union([]*Series{a, b}) {
		points[at] = fn(a.Points[at], b.Points[at])
	}
	return a.with(points)
}

// grid are the times a series without gaps has.
func (s *scope) grid(period time.Duration) []int64 {
	if period <= 0 {
		period = s.Period
	}
	step := max(1, int64(period/time.Second))
	var out []int64
	for at := s.From.Unix(); at < s.To.Unix() && len(out) <= *s.Budget; at += step {
		out = append(out, at)
	}
	return out
}
