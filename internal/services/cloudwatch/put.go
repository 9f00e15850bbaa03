package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	cloudwatchapi "github.com/neargate/neargate/internal/api/cloudwatch"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/metric"
)

// Bounds of PutMetricData.
const (
	mostData   = 1000
	mostValues = 150
	tooOld     = 14 * 24 * time.Hour
	tooNew     = 2 * time.Hour
)

// PutMetricData stores data points. They can be read at once, and are on disk when the call returns.
func (s *Service) PutMetricData(ctx context.Context, in *cloudwatchapi.PutMetricDataInput) (*cloudwatchapi.PutMetricDataOutput, error) {
	switch {
	case len(in.EntityMetricData) > 0:
		return nil, awserr.NotImplemented("cloudwatch PutMetricData EntityMetricData")
	case strings.HasPrefix(*in.Namespace, "AWS/"):
		return nil, invalid("The value %s for parameter Namespace is invalid.", *in.Namespace)
	case len(in.MetricData) == 0:
		return nil, cloudwatchapi.ErrMissingRequiredParameterException.New("The parameter MetricData is required.")
	case len(in.MetricData) > mostData:
		return nil, invalid("The collection MetricData must not have a size greater than %d.", mostData)
	}
	call := aws.From(ctx)
	data := make([]metric.Datum, len(in.MetricData))
	for i := range in.MetricData {
		var err error
		if data[i], err = datum(call, in.Namespace, &in.MetricData[i], fmt.Sprintf("MetricData.member.%d.", i+1)); err != nil {
			return nil, err
		}
	}
	err := s.engine.Put(ctx, data)
	if errors.Is(err, metric.ErrTooManyMetrics) {
		return nil, awserr.New("LimitExceeded", http.StatusBadRequest, "The metric is not created: %v.", err)
	}
	return &cloudwatchapi.PutMetricDataOutput{}, err
}

func datum(call *aws.Call, namespace *string, in *cloudwatchapi.MetricDatum, at string) (metric.Datum, error) {
	d := metric.Datum{Unit: aws.Val(in.Unit), At: call.Now}
	var err error
	if d.Metric, err = identity(call, namespace, in.MetricName, in.Dimensions, at); err != nil {
		return d, err
	}
	if in.Timestamp != nil {
		d.At = *in.Timestamp
		switch age := call.Now.Sub(d.At); {
		case age > tooOld:
			return d, invalid("The parameter %sTimestamp must specify a time no more than two weeks in the past.", at)
		case age < -tooNew:
			return d, invalid("The parameter %sTimestamp must specify a time no more than two hours in the future.", at)
		}
	}
	switch aws.Val(in.StorageResolution) {
	case 0, 60:
	case 1:
		d.High = true
	default:
		return d, invalid("The parameter %sStorageResolution must be a value in the set [ 1, 60 ].", at)
	}
	d.Point, err = point(in, at)
	return d, err
}

func point(in *cloudwatchapi.MetricDatum, at string) (metric.Point, error) {
	var given []string
	for _, p := range []struct {
		name string
		is   bool
	}{{"Value", in.Value != nil}, {"Values", len(in.Values) > 0}, {"StatisticValues", in.StatisticValues != nil}} {
		if p.is {
			given = append(given, at+p.name)
		}
	}
	switch {
	case len(given) == 0:
		return metric.Point{}, combination("At least one of the parameters %sValue, %sValues and %sStatisticValues must be specified.", at, at, at)
	case len(given) > 1:
		return metric.Point{}, combination("The parameters %s and %s are mutually exclusive and you have specified both.", given[0], given[1])
	case in.Value != nil:
		return metric.Value(*in.Value, 1), checkNumber(*in.Value, at+"Value")
	case in.StatisticValues != nil:
		return statisticSet(in.StatisticValues, at+"StatisticValues.")
	case len(in.Values) > mostValues:
		return metric.Point{}, invalid("The collection %sValues must not have a size greater than %d.", at, mostValues)
	case len(in.Counts) > 0 && len(in.Counts) != len(in.Values):
		return metric.Point{}, invalid("The parameters %sValues and %sCounts must be of the same size.", at, at)
	}
	for i, v := range in.Values {
		if err := checkNumber(v, fmt.Sprintf("%sValues.member.%d", at, i+1)); err != nil {
			return metric.Point{}, err
		}
	}
	for i, n := range in.Counts {
		name := fmt.Sprintf("%sCounts.member.%d", at, i+1)
		if err := checkNumber(n, name); err != nil {
			return metric.Point{}, err
		}
		if n < 0 {
			return metric.Point{}, invalid("The value %v for parameter %s is invalid.", n, name)
		}
	}
	return metric.Values(in.Values, in.Counts), nil
}

func statisticSet(in *cloudwatchapi.StatisticSet, at string) (metric.Point, error) {
	for _, p := range []struct {
		name  string
		value float64
	}{{"SampleCount", *in.SampleCount}, {"Sum", *in.Sum}, {"Minimum", *in.Minimum}, {"Maximum", *in.Maximum}} {
		if err := checkNumber(p.value, at+p.name); err != nil {
			return metric.Point{}, err
		}
	}
	switch {
	case *in.SampleCount < 0:
		return metric.Point{}, invalid("The value %v for parameter %sSampleCount is invalid.", *in.SampleCount, at)
	case *in.Maximum < *in.Minimum:
		return metric.Point{}, invalid("The parameter %sMaximum must be greater than or equal to %sMinimum.", at, at)
	}
	return metric.Statistics(*in.SampleCount, *in.Sum, *in.Minimum, *in.Maximum), nil
}
