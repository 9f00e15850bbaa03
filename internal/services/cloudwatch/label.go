package cloudwatch

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/metric"
	"github.com/neargate/neargate/internal/metric/formula"
)

// Bounds of dynamic labels ("Using dynamic labels").
const (
	mostLabelValues = 5
	labelDigits     = 6
)

var (
	variable     = regexp.MustCompile(`\$\{([^}]*)\}`)
	propertyForm = regexp.MustCompile(`^PROP\('([^']+)'\)$`)
)

// labelValues are the variables that stand for a number.
var labelValues = map[string]func(v []float64) float64{
	"AVG":              func(v []float64) float64 { return total(v) / float64(len(v)) },
	"SUM":              total,
	"MIN":              func(v []float64) float64 { return slices.Min(v) },
	"MAX":              func(v []float64) float64 { return slices.Max(v) },
	"FIRST":            func(v []float64) float64 { return v[0] },
	"LAST":             func(v []float64) float64 { return v[len(v)-1] },
	"FIRST_LAST_RANGE": func(v []float64) float64 { return math.Abs(v[len(v)-1] - v[0]) },
	"MIN_MAX_RANGE":    func(v []float64) float64 { return slices.Max(v) - slices.Min(v) },
}

func total(v []float64) (sum float64) {
	for _, x := range v {
		sum += x
	}
	return sum
}

// checkLabel refuses variables that are not there, and more of them than there may be.
func checkLabel(label, at string) error {
	values, labels := 0, 0
	for _, m := range variable.FindAllStringSubmatch(label, -1) {
		switch name := m[1]; {
		case name == "LABEL":
			labels++
		case name == "DATAPOINT_COUNT" || labelValues[name] != nil:
			values++
		case propertyForm.MatchString(name):
		default:
			return awserr.NotImplemented("cloudwatch GetMetricData dynamic label ${" + name + "}")
		}
	}
	if values > mostLabelValues || labels > 1 {
		return invalid("The value %s for parameter %sLabel is invalid. It may have five values, and ${LABEL} once.", label, at)
	}
	return nil
}

// origin is where a series was read from: what ${PROP('…')} tells.
type origin struct {
	metric    metric.Metric
	statistic string
}

// fill puts values in the place of a label's variables. usual is the label there would be without one.
func fill(label, usual string, s *formula.Series, from origin) string {
	values := make([]float64, 0, len(s.Points))
	for _, at := range s.Times() {
		values = append(values, s.Points[at])
	}
	return variable.ReplaceAllStringFunc(label, func(text string) string {
		name := variable.FindStringSubmatch(text)[1]
		switch m := propertyForm.FindStringSubmatch(name); {
		case m != nil:
			return from.property(m[1], s)
		case name == "LABEL":
			return usual
		case name == "DATAPOINT_COUNT":
			return strconv.Itoa(len(values))
		case len(values) == 0:
			return "--"
		}
		return strconv.FormatFloat(labelValues[name](values), 'g', labelDigits, 64)
	})
}

func (o origin) property(name string, s *formula.Series) string {
	if dimension, ok := strings.CutPrefix(name, "Dim."); ok {
		value, _ := o.metric.Dimension(dimension)
		return value
	}
	switch name {
	case "AccountId":
		return o.metric.Account
	case "MetricName":
		return o.metric.Name
	case "Namespace":
		return o.metric.Namespace
	case "Period":
		return fmt.Sprint(s.Period.Seconds())
	case "Region":
		return o.metric.Region
	case "Stat":
		return o.statistic
	}
	return ""
}
