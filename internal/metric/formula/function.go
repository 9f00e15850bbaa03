package formula

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// function is one of metric math: what it takes and what it makes of it.
type function struct {
	least, most int // arguments
	apply       func(s *scope, args []Value) (Value, error)
}

// missing are CloudWatch's functions that need what Neargate does not have.
var missing = []string{"ANOMALY_DETECTION_BAND", "DB_PERF_INSIGHTS", "INSIGHT_RULE_METRIC", "LAMBDA", "SERVICE_QUOTA"}

func functionOf(name string) (function, error) {
	f, ok := functions[name]
	switch {
	case ok:
		return f, nil
	case slices.Contains(missing, name):
		return f, fmt.Errorf("%w %s", ErrMissing, name)
	}
	return f, fmt.Errorf("%w: there is no function %s", ErrSyntax, name)
}

func (c call) eval(s *scope) (Value, error) {
	f, err := functionOf(c.function)
	if err != nil {
		return nil, err
	}
	if len(c.args) < f.least || len(c.args) > f.most {
		return nil, fmt.Errorf("%w: %s does not take %d arguments", ErrType, c.function, len(c.args))
	}
	args := make([]Value, len(c.args))
	for i, a := range c.args {
		if args[i], err = a.eval(s); err != nil {
			return nil, err
		}
	}
	v, err := f.apply(s, args)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.function, err)
	}
	return v, s.spend(v)
}

// functions is metric math's list of them ("Functions supported for metric math").
var functions = map[string]function{
	"ABS":   perValue(math.Abs),
	"CEIL":  perValue(math.Ceil),
	"FLOOR": perValue(math.Floor),
	"LOG":   perValue(math.Log),
	"LOG10": perValue(math.Log10),

	"AVG":             aggregate(average, func(v []float64, of int) float64 { return sum(v) / float64(of) }),
	"DATAPOINT_COUNT": aggregate(count, present(count)),
	"MAX":             aggregate(most, present(most)),
	"MIN":             aggregate(least, present(least)),
	"STDDEV":          aggregate(deviation, present(deviation)),
	"SUM":             aggregate(sum, present(sum)),

	"DIFF":        perSeries(func(_ *scope, s *Series) *Series { return s.steps(func(dv, _ float64) float64 { return dv }) }),
	"DIFF_TIME":   perSeries(func(_ *scope, s *Series) *Series { return s.steps(func(_, dt float64) float64 { return dt }) }),
	"RATE":        perSeries(func(_ *scope, s *Series) *Series { return s.steps(func(dv, dt float64) float64 { return dv / dt }) }),
	"RUNNING_SUM": perSeries(func(_ *scope, s *Series) *Series { return s.runningSum() }),

	"MINUTE": calendar(func(t time.Time) int64 { return int64(t.Minute()) }),
	"HOUR":   calendar(func(t time.Time) int64 { return int64(t.Hour()) }),
	"DAY":    calendar(func(t time.Time) int64 { return int64((t.Weekday()+6)%7) + 1 }), // Monday is 1
	"DATE":   calendar(func(t time.Time) int64 { return int64(t.Day()) }),
	"MONTH":  calendar(func(t time.Time) int64 { return int64(t.Month()) }),
	"YEAR":   calendar(func(t time.Time) int64 { return int64(t.Year()) }),
	"EPOCH":  calendar(func(t time.Time) int64 { return t.Unix() }),

	"FILL":         {2, 2, fill},
	"FIRST":        {1, 1, func(_ *scope, args []Value) (Value, error) { return nth(args[0], 0) }},
	"LAST":         {1, 1, func(_ *scope, args []Value) (Value, error) { return nth(args[0], -1) }},
	"IF":           {2, 3, choose},
	"METRICS":      {0, 1, metrics},
	"METRIC_COUNT": {1, 1, metricCount},
	"PERIOD":       {1, 1, period},
	"REMOVE_EMPTY": {1, 1, removeEmpty},
	"SEARCH":       {2, 3, search},
	"SLICE":        {2, 3, slice},
	"SORT":         {3, 4, order},
	"TIME_SERIES":  {1, 1, timeSeries},
}

func wrong(v Value) error { return fmt.Errorf("%w: unsupported argument %s", ErrType, kind(v)) }

func perValue(fn func(float64) float64) function {
	return perSeries(func(_ *scope, s *Series) *Series { return s.each(fn) })
}

func perSeries(fn func(*scope, *Series) *Series) function {
	return function{1, 1, func(s *scope, args []Value) (Value, error) {
		switch v := args[0].(type) {
		case *Series:
			return fn(s, v), nil
		case []*Series:
			return s.all(v, func(one *Series) *Series { return fn(s, one) })
		}
		return nil, wrong(args[0])
	}}
}

// aggregate makes a number of one series, and one series of an array: at each time, of the values there are and of how many
// series there are.
func aggregate(alone func([]float64) float64, across func(values []float64, of int) float64) function {
	return function{1, 1, func(s *scope, args []Value) (Value, error) {
		switch v := args[0].(type) {
		case *Series:
			return alone(v.values()), nil
		case []*Series:
			out := &Series{Points: map[int64]float64{}}
			if len(v) > 0 {
				out.Period = v[0].Period
			}
			for at := range union(v) {
				if err := s.ctx.Err(); err != nil {
					return nil, err
				}
				var here []float64
				for _, one := range v {
					if x, ok := one.Points[at]; ok {
						here = append(here, x)
					}
				}
				out.Points[at] = across(here, len(v))
			}
			return out.with(out.Points), nil
		}
		return nil, wrong(args[0])
	}}
}

func present(fn func([]float64) float64) func([]float64, int) float64 {
	return func(v []float64, _ int) float64 { return fn(v) }
}

func sum(v []float64) (total float64) {
	for _, x := range v {
		total += x
	}
	return total
}

func count(v []float64) float64 { return float64(len(v)) }

func average(v []float64) float64 { return sum(v) / count(v) }

func most(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	return slices.Max(v)
}

func least(v []float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	return slices.Min(v)
}

func deviation(v []float64) float64 {
	mean, squares := average(v), 0.0
	for _, x := range v {
		squares += (x - mean) * (x - mean)
	}
	return math.Sqrt(squares / count(v))
}

// steps computes each point from its differences to the one before, in value and in seconds.
func (s *Series) steps(fn func(dv, dt float64) float64) *Series {
	points := map[int64]float64{}
	times := s.Times()
	for i := 1; i < len(times); i++ {
		points[times[i]] = fn(s.Points[times[i]]-s.Points[times[i-1]], float64(times[i]-times[i-1]))
	}
	return s.with(points)
}

func (s *Series) runningSum() *Series {
	points, total := map[int64]float64{}, 0.0
	for _, at := range s.Times() {
		total += s.Points[at]
		points[at] = total
	}
	return s.with(points)
}

func calendar(of func(time.Time) int64) function {
	return function{1, 1, func(s *scope, args []Value) (Value, error) {
		series, ok := args[0].(*Series)
		if !ok {
			return nil, wrong(args[0])
		}
		points := map[int64]float64{}
		for _, at := range s.grid(series.Period) {
			points[at] = float64(of(time.Unix(at, 0).UTC()))
		}
		return series.with(points), nil
	}}
}

// fill gives a series values where it has none: a number, another series', the last one before, or between neighbours.
func fill(s *scope, args []Value) (Value, error) {
	var filler func(one *Series, times []int64, at int64) (float64, bool)
	switch by := args[1].(type) {
	case float64:
		filler = func(*Series, []int64, int64) (float64, bool) { return by, true }
	case *Series:
		filler = func(_ *Series, _ []int64, at int64) (float64, bool) { v, ok := by.Points[at]; return v, ok }
	case word:
		switch by {
		case "REPEAT":
			filler = (*Series).before
		case "LINEAR":
			filler = (*Series).between
		}
	}
	if filler == nil {
		return nil, wrong(args[1])
	}
	return perSeries(func(s *scope, one *Series) *Series {
		points, times := map[int64]float64{}, one.Times()
		for _, at := range s.grid(one.Period) {
			if v, ok := one.Points[at]; ok {
				points[at] = v
			} else if v, ok := filler(one, times, at); ok {
				points[at] = v
			}
		}
		return one.with(points)
	}).apply(s, args[:1])
}

// before is the value of the last point before a time; times are those of the series.
func (s *Series) before(times []int64, at int64) (float64, bool) {
	i, _ := slices.BinarySearch(times, at)
	if i == 0 {
		return 0, false
	}
	return s.Points[times[i-1]], true
}

// between is the value on the line between the points around a time.
func (s *Series) between(times []int64, at int64) (float64, bool) {
	i, _ := slices.BinarySearch(times, at)
	if i == 0 || i == len(times) {
		return 0, false
	}
	a, b := times[i-1], times[i]
	share := float64(at-a) / float64(b-a)
	return s.Points[a] + (s.Points[b]-s.Points[a])*share, true
}

func nth(v Value, i int) (Value, error) {
	all, ok := v.([]*Series)
	if !ok {
		return nil, wrong(v)
	}
	if len(all) == 0 {
		return &Series{}, nil
	}
	if i < 0 {
		i = len(all) - 1
	}
	return all[i], nil
}

// choose is IF: at each time of the condition the second argument, or else the third.
func choose(_ *scope, args []Value) (Value, error) {
	for _, a := range args {
		switch a.(type) {
		case float64, *Series:
		default:
			return nil, wrong(a)
		}
	}
	no := Value(&Series{})
	if len(args) == 3 {
		no = args[2]
	}
	condition, ok := args[0].(*Series)
	if !ok {
		v := no
		if args[0].(float64) != 0 {
			v = args[1]
		}
		if _, scalar := v.(float64); scalar {
			return nil, fmt.Errorf("%w: one of the arguments must be a time series", ErrType)
		}
		return v, nil
	}
	points := map[int64]float64{}
	for at, c := range condition.Points {
		if c != 0 {
			points[at], _ = valueAt(args[1], at) // 0 where there is none
		} else if v, ok := valueAt(no, at); ok {
			points[at] = v
		}
	}
	return condition.with(points), nil
}

func valueAt(v Value, at int64) (float64, bool) {
	if x, ok := v.(float64); ok {
		return x, true
	}
	x, ok := v.(*Series).Points[at]
	return x, ok
}

func metrics(s *scope, args []Value) (Value, error) {
	part := ""
	if len(args) > 0 {
		var ok bool
		if part, ok = args[0].(string); !ok {
			return nil, wrong(args[0])
		}
	}
	out := []*Series{}
	for _, m := range s.Metrics {
		if strings.Contains(m.ID, part) {
			out = append(out, m)
		}
	}
	return out, nil
}

func metricCount(_ *scope, args []Value) (Value, error) {
	all, ok := args[0].([]*Series)
	if !ok {
		return nil, wrong(args[0])
	}
	return float64(len(all)), nil
}

func period(_ *scope, args []Value) (Value, error) {
	one, ok := args[0].(*Series)
	if !ok || one.ID == "" {
		return nil, fmt.Errorf("%w: it takes a metric", ErrType)
	}
	return one.Period.Seconds(), nil
}

func removeEmpty(_ *scope, args []Value) (Value, error) {
	all, ok := args[0].([]*Series)
	if !ok {
		return nil, wrong(args[0])
	}
	return slices.DeleteFunc(slices.Clone(all), func(s *Series) bool { return len(s.Points) == 0 }), nil
}

func search(s *scope, args []Value) (Value, error) {
	query, ok := args[0].(string)
	statistic, ok2 := args[1].(string)
	every := s.Period
	if len(args) == 3 {
		seconds, ok := args[2].(float64)
		if !ok || seconds < 1 || seconds > 86400*365 || seconds != math.Trunc(seconds) {
			return nil, fmt.Errorf("%w: bad period", ErrType)
		}
		every = time.Duration(seconds) * time.Second
	}
	if !ok || !ok2 || s.Search == nil {
		return nil, fmt.Errorf("%w: it takes a search and a statistic as strings", ErrType)
	}
	return s.Search(query, statistic, every)
}

func slice(_ *scope, args []Value) (Value, error) {
	all, ok := args[0].([]*Series)
	if !ok {
		return nil, wrong(args[0])
	}
	bounds := []int{0, len(all)}
	for i, a := range args[1:] {
		n, ok := a.(float64)
		if !ok || !(n >= 0) {
			return nil, wrong(a)
		}
		bounds[i] = int(min(n, float64(len(all))))
	}
	return all[min(bounds[0], bounds[1]):bounds[1]], nil
}

var orders = map[word]func([]float64) float64{"AVG": average, "MIN": least, "MAX": most, "SUM": sum}

func order(s *scope, args []Value) (Value, error) {
	all, ok := args[0].([]*Series)
	by, ok2 := args[1].(word)
	direction, ok3 := args[2].(word)
	of := orders[by]
	if !ok || !ok2 || !ok3 || of == nil || direction != "ASC" && direction != "DESC" {
		return nil, fmt.Errorf("%w: it takes an array, AVG, MIN, MAX or SUM, and ASC or DESC", ErrType)
	}
	amounts := make(map[*Series]float64, len(all))
	for _, one := range all {
		if err := s.ctx.Err(); err != nil {
			return nil, err
		}
		amounts[one] = of(one.values())
	}
	out := slices.Clone(all)
	slices.SortStableFunc(out, func(a, b *Series) int {
		x, y := amounts[a], amounts[b]
		if direction == "DESC" {
			x, y = y, x
		}
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	if len(args) == 4 {
		n, ok := args[3].(float64)
		if !ok || !(n >= 0) {
			return nil, wrong(args[3])
		}
		out = out[:int(min(n, float64(len(out))))]
	}
	return out, nil
}

func timeSeries(s *scope, args []Value) (Value, error) {
	x, ok := args[0].(float64)
	if !ok {
		return nil, wrong(args[0])
	}
	out := &Series{Period: s.Period, Points: map[int64]float64{}}
	for _, at := range s.grid(s.Period) {
		out.Points[at] = x
	}
	return out.with(out.Points), nil
}
