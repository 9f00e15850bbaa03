package metric

import (
	"slices"
	"strings"
)

// Dimension is one name/value pair of a metric's identity.
type Dimension struct{ Name, Value string }

// Metric is a metric's identity within an account and Region. Two metrics with the same dimensions in different order are
// one: Key has them sorted.
type Metric struct {
	Account, Region string
	Namespace, Name string
	Dimensions      []Dimension
}

// separators of the parts of keys; AWS allows neither in a name.
const (
	partSeparator = "\x00"
	pairSeparator = "\x01"
)

// sorted is the metric with its dimensions in order.
func (m Metric) sorted() Metric {
	byName := func(a, b Dimension) int { return strings.Compare(a.Name, b.Name) }
	if !slices.IsSortedFunc(m.Dimensions, byName) {
		m.Dimensions = slices.Clone(m.Dimensions)
		slices.SortStableFunc(m.Dimensions, byName)
	}
	return m
}

// Key tells metrics of an account and Region apart, and orders them by namespace, name and dimensions.
func (m Metric) Key() string {
	return m.Namespace + partSeparator + m.Name + partSeparator + dimensionText(m.sorted().Dimensions)
}

// Dimension is the value of a dimension.
func (m Metric) Dimension(name string) (string, bool) {
	for _, d := range m.Dimensions {
		if d.Name == name {
			return d.Value, true
		}
	}
	return "", false
}

func dimensionText(dimensions []Dimension) string {
	var b strings.Builder
	for i, d := range dimensions {
		if i > 0 {
			b.WriteString(partSeparator)
		}
		b.WriteString(d.Name + pairSeparator + d.Value)
	}
	return b.String()
}

func parseDimensions(text string) []Dimension {
	if text == "" {
		return nil
	}
	var out []Dimension
	for part := range strings.SplitSeq(text, partSeparator) {
		name, value, _ := strings.Cut(part, pairSeparator)
		out = append(out, Dimension{name, value})
	}
	return out
}
