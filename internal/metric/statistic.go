package metric

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Statistic is one number taken of a point, as "CloudWatch statistics definitions" names it: Sum, p99.9, tm90,
// TM(10%:90%), PR(:300), IQM and so on.
type Statistic struct {
	Name string
	of   func(p *Point) (float64, bool)
}

// Of is the statistic of a point; false where the point has none, as percentiles of statistic sets.
func (s Statistic) Of(p *Point) (float64, bool) {
	if p.Count == 0 {
		return 0, false
	}
	return s.of(p)
}

// Extended says whether the statistic needs the distribution.
func (s Statistic) Extended() bool {
	_, simple := simpleStatistics[s.Name]
	return !simple
}

var simpleStatistics = map[string]func(p *Point) (float64, bool){
	"SampleCount": func(p *Point) (float64, bool) { return p.Count, true },
	"Sum":         func(p *Point) (float64, bool) { return p.Sum, true },
	"Average":     func(p *Point) (float64, bool) { return p.Sum / p.Count, true },
	"Minimum":     func(p *Point) (float64, bool) { return p.Min, true },
	"Maximum":     func(p *Point) (float64, bool) { return p.Max, true },
}

var (
	oneBound  = regexp.MustCompile(`^(p|tm|tc|ts|wm)(100|[0-9]{1,2}(?:\.[0-9]{1,10})?)$`)
	twoBounds = regexp.MustCompile(`^(TM|TC|TS|WM|PR)\(([^:]*):([^:]*)\)$`)
)

// ParseStatistic reads a statistic's name.
func ParseStatistic(name string) (Statistic, error) {
	bad := fmt.Errorf("statistic %q is not one that CloudWatch has", name)
	if of, ok := simpleStatistics[name]; ok {
		return Statistic{name, of}, nil
	}
	if name == "IQM" {
		return Statistic{name, trimmed(bounds{percent: true, low: 25, high: 75}, mean)}, nil
	}
	if m := oneBound.FindStringSubmatch(name); m != nil {
		x, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			return Statistic{}, bad
		}
		if m[1] == "p" {
			return Statistic{name, func(p *Point) (float64, bool) { return p.percentile(x) }}, nil
		}
		return Statistic{name, ranged(strings.ToUpper(m[1]), bounds{percent: true, low: 0, high: x})}, nil
	}
	m := twoBounds.FindStringSubmatch(name)
	if m == nil {
		return Statistic{}, bad
	}
	b, ok := parseBounds(m[2], m[3])
	if !ok || b.percent && m[1] == "PR" {
		return Statistic{}, bad
	}
	return Statistic{name, ranged(m[1], b)}, nil
}

// bounds are what a trimmed statistic lies between: percentages of the number of values, or values, of which the lower one
// is exclusive and the higher one inclusive.
type bounds struct {
	percent   bool
	low, high float64
}

var boundForm = regexp.MustCompile(`^[0-9]+(?:\.[0-9]{1,10})?(%?)$`)

func parseBounds(low, high string) (bounds, bool) {
	b := bounds{low: math.Inf(-1), high: math.Inf(1)}
	percents, given := 0, 0
	for _, side := range []struct {
		text string
		to   *float64
	}{{low, &b.low}, {high, &b.high}} {
		text := strings.TrimSpace(side.text)
		if text == "" {
			continue
		}
		m := boundForm.FindStringSubmatch(text)
		if m == nil {
			return b, false
		}
		x, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
		if err != nil {
			return b, false
		}
		given++
		if m[1] == "%" {
			percents++
		}
		*side.to = x
	}
	if b.percent = percents > 0; b.percent {
		b.low, b.high = math.Max(b.low, 0), math.Min(b.high, 100)
	}
	return b, given > 0 && (percents == 0 || percents == given) && b.low < b.high
}

func ranged(kind string, b bounds) func(p *Point) (float64, bool) {
	switch kind {
	case "TM":
		return trimmed(b, mean)
	case "TC":
		return trimmed(b, func(count, _ float64) (float64, bool) { return count, true })
	case "TS":
		return trimmed(b, func(_, sum float64) (float64, bool) { return sum, true })
	case "PR":
		return func(p *Point) (float64, bool) {
			count, ok := trimmed(b, func(count, _ float64) (float64, bool) { return count, true })(p)
			return count / p.Count * 100, ok
		}
	}
	return func(p *Point) (float64, bool) { return p.winsorized(b) }
}

func mean(count, sum float64) (float64, bool) {
	if count == 0 {
		return 0, false
	}
	return sum / count, true
}

// trimmed is a statistic of the number and sum of the values between bounds.
func trimmed(b bounds, of func(count, sum float64) (float64, bool)) func(p *Point) (float64, bool) {
	return func(p *Point) (float64, bool) {
		if p.opaque {
			return 0, false
		}
		var count, sum, below float64
		from, to := p.ranks(b)
		p.spread(func(v, n float64) bool {
			if b.percent {
				part := math.Min(below+n, to) - math.Max(below, from)
				below += n
				n = math.Max(part, 0)
			} else if v <= b.low || v > b.high {
				n = 0
			}
			count += n
			sum += v * n
			return true
		})
		return of(count, sum)
	}
}

// ranks are the numbers of values below a pair of percentages. A percentage that falls within a value includes it.
func (p *Point) ranks(b bounds) (from, to float64) {
	const slack = 1e-9 // of floating point: 90 % of 10 is 9
	return math.Floor(b.low/100*p.Count + slack), math.Ceil(b.high/100*p.Count - slack)
}

// percentile is the smallest value that at least x percent of all are not above.
func (p *Point) percentile(x float64) (value float64, ok bool) {
	if p.opaque {
		return 0, false
	}
	switch x {
	case 0:
		return p.Min, true
	case 100:
		return p.Max, true
	}
	_, rank := p.ranks(bounds{high: x})
	below := 0.0
	p.spread(func(v, n float64) bool {
		below += n
		value = v
		return below < rank
	})
	return value, true
}

// winsorized is the mean with the values beyond the bounds moved to them.
func (p *Point) winsorized(b bounds) (float64, bool) {
	if p.opaque {
		return 0, false
	}
	low, high := b.low, b.high
	if b.percent {
		low, _ = p.percentile(b.low)
		high, _ = p.percentile(b.high)
	}
	sum := 0.0
	p.spread(func(v, n float64) bool {
		sum += math.Min(math.Max(v, low), high) * n
		return true
	})
	return sum / p.Count, true
}
