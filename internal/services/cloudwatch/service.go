package cloudwatch

import (
	"fmt"
	"math"
	"strings"
	"time"

	cloudwatchapi "github.com/neargate/neargate/internal/api/cloudwatch"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/metric"
)

// Service is the CloudWatch front.
type Service struct {
	engine *metric.Engine
}

// New returns the front over the engine.
func New(engine *metric.Engine) *Service { return &Service{engine: engine} }

// Operations are the operations this front serves.
func (s *Service) Operations() []aws.Binding {
	return []aws.Binding{
		cloudwatchapi.GetMetricData.Bind(s.GetMetricData),
		cloudwatchapi.GetMetricStatistics.Bind(s.GetMetricStatistics),
		cloudwatchapi.ListMetrics.Bind(s.ListMetrics),
		cloudwatchapi.PutMetricData.Bind(s.PutMetricData),
	}
}

// identity is the metric that a namespace, name and dimensions mean to the caller. at names the parameter in errors.
func identity(call *aws.Call, namespace, name *string, dimensions []cloudwatchapi.Dimension, at string) (metric.Metric, error) {
	m := metric.Metric{Account: call.Account, Region: call.Region, Namespace: aws.Val(namespace), Name: aws.Val(name)}
	for i, d := range dimensions {
		path := fmt.Sprintf("%sDimensions.member.%d.", at, i+1)
		if _, twice := m.Dimension(*d.Name); twice {
			return m, invalid("No metric may specify the same dimension name twice.")
		}
		if strings.HasPrefix(*d.Name, ":") {
			return m, invalid("The value %s for parameter %sName is invalid.", *d.Name, path)
		}
		for _, part := range []struct{ name, value string }{{"Name", *d.Name}, {"Value", *d.Value}} {
			if err := checkText(part.value, path+part.name); err != nil {
				return m, err
			}
		}
		m.Dimensions = append(m.Dimensions, metric.Dimension{Name: *d.Name, Value: *d.Value})
	}
	if err := checkText(m.Name, at+"MetricName"); err != nil {
		return m, err
	}
	return m, checkText(m.Namespace, "Namespace")
}

// checkText takes ASCII without control characters, and not of spaces alone.
func checkText(text, parameter string) error {
	bad := func(r rune) bool { return r < ' ' || r > '~' }
	if strings.ContainsFunc(text, bad) || strings.TrimSpace(text) == "" {
		return invalid("The value %s for parameter %s is invalid.", text, parameter)
	}
	return nil
}

// limit is the largest magnitude of a value.
var limit = math.Pow(2, 360)

func checkNumber(v float64, parameter string) error {
	if math.IsNaN(v) || math.Abs(v) > limit {
		return invalid("The value %v for parameter %s is invalid.", v, parameter)
	}
	return nil
}

// period is a length that CloudWatch has: below a minute a few, above whole minutes.
func period(seconds int32, parameter string) (time.Duration, error) {
	switch {
	case seconds == 1, seconds == 5, seconds == 10, seconds == 20, seconds == 30:
	case seconds%60 != 0:
		return 0, invalid("The parameter %s must be 1, 5, 10, 20, 30, 60 or any multiple of 60.", parameter)
	}
	return time.Duration(seconds) * time.Second, nil
}

func checkRange(from, to time.Time) error {
	if !from.Before(to) {
		return invalid("The parameter StartTime must be less than the parameter EndTime.")
	}
	return nil
}

func invalid(format string, args ...any) error {
	return cloudwatchapi.ErrInvalidParameterValueException.New(format, args...)
}

func combination(format string, args ...any) error {
	return cloudwatchapi.ErrInvalidParameterCombinationException.New(format, args...)
}
