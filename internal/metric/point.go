package metric

import "math"

// Point is what was observed of a metric in an interval.
type Point struct {
	Count, Sum, Min, Max float64

	values distribution
	// opaque points have no percentiles: they come of statistics whose values are not known, or of negative values
	// ("CloudWatch statistics definitions").
	opaque bool
}

// Value is a point of one value that was observed count times.
func Value(value, count float64) Point {
	p := Point{Count: count, Sum: value * count, Min: value, Max: value}
	if value < 0 {
		p.opaque = true
	} else {
		p.values.add(value, count)
	}
	return p
}

// Values is a point of several values. Without counts each was observed once.
func Values(values, counts []float64) Point {
	var p Point
	for i, v := range values {
		n := 1.0
		if counts != nil {
			n = counts[i]
		}
		p.Add(Value(v, n))
	}
	return p
}

// Statistics is a point of which only the statistics are known. Its values are known after all when they are all the same.
func Statistics(count, sum, min, max float64) Point {
	if min == max && sum == min*count {
		return Value(min, count)
	}
	return Point{Count: count, Sum: sum, Min: min, Max: max, opaque: true}
}

// Sampled is a point of values that are known roughly, and of which the sum is known better. Their mean is between minimum
// and maximum in any case.
func Sampled(values, counts []float64, sum float64) Point {
	p := Values(values, counts)
	if p.Count > 0 {
		p.Sum = sum
		p.Min, p.Max = math.Min(p.Min, sum/p.Count), math.Max(p.Max, sum/p.Count)
	}
	return p
}

// Add merges what o observed into p.
func (p *Point) Add(o Point) {
	switch {
	case o.Count == 0:
		return
	case p.Count == 0:
		p.Min, p.Max = o.Min, o.Max
	}
	p.Count += o.Count
	p.Sum += o.Sum
	p.Min, p.Max = math.Min(p.Min, o.Min), math.Max(p.Max, o.Max)
	p.opaque = p.opaque || o.opaque
	if p.opaque {
		p.values = distribution{}
		return
	}
	p.values.merge(o.values)
}

// spread calls fn for the known values in ascending order until it returns false.
func (p *Point) spread(fn func(value, count float64) bool) {
	for i := range p.values.cells {
		v := math.Min(math.Max(p.values.value(i), p.Min), p.Max)
		if !fn(v, p.values.cells[i].count) {
			return
		}
	}
}
