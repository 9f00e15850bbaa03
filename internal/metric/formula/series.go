package formula

import (
	"maps"
	"math"
	"slices"
	"time"
)

// Series is a time series: the values at some of the times of a grid.
type Series struct {
	ID     string // of the metric in the request, empty for what was computed
	Label  string
	Period time.Duration
	Points map[int64]float64 // by Unix second
}

// Times are the times that have values, ascending.
func (s *Series) Times() []int64 { return slices.Sorted(maps.Keys(s.Points)) }

// with is a computed series of the same place with other points. What is not a number is no point.
func (s *Series) with(points map[int64]float64) *Series {
	maps.DeleteFunc(points, func(_ int64, v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
	return &Series{Label: s.Label, Period: s.Period, Points: points}
}

// each is the series with every value replaced.
func (s *Series) each(fn func(v float64) float64) *Series {
	points := make(map[int64]float64, len(s.Points))
	for at, v := range s.Points {
		points[at] = fn(v)
	}
	return s.with(points)
}

// values in order of time.
func (s *Series) values() []float64 {
	out := make([]float64, 0, len(s.Points))
	for _, at := range s.Times() {
		out = append(out, s.Points[at])
	}
	return out
}

// union is every time at which one of the series has a value.
func union(all []*Series) map[int64]bool {
	out := map[int64]bool{}
	for _, s := range all {
		for at := range s.Points {
			out[at] = true
		}
	}
	return out
}

// Value is what an expression or a part of it amounts to: a float64 (scalar), a *Series, a []*Series or a string.
type Value any

func kind(v Value) string {
	switch v.(type) {
	case float64:
		return "Scalar"
	case *Series:
		return "TimeSeries"
	case []*Series:
		return "Array[TimeSeries]"
	case word:
		return "Keyword"
	}
	return "String"
}
