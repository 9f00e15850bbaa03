package cloudwatch

import (
	"context"

	cloudwatchapi "github.com/neargate/neargate/internal/api/cloudwatch"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/metric"
)

// mostDatapoints is what one GetMetricStatistics may ask for.
const mostDatapoints = 1440

// GetMetricStatistics reads one metric, a point for each period and unit that has data.
func (s *Service) GetMetricStatistics(ctx context.Context, in *cloudwatchapi.GetMetricStatisticsInput) (*cloudwatchapi.GetMetricStatisticsOutput, error) {
	call := aws.From(ctx)
	m, err := identity(call, in.Namespace, in.MetricName, in.Dimensions, "")
	if err != nil {
		return nil, err
	}
	switch {
	case len(in.Statistics) == 0 && len(in.ExtendedStatistics) == 0:
		return nil, combination("Must specify either Statistics or ExtendedStatistics.")
	case len(in.Statistics) > 0 && len(in.ExtendedStatistics) > 0:
		return nil, combination("The parameters Statistics and ExtendedStatistics are mutually exclusive and you have specified both.")
	}
	if err := checkRange(*in.StartTime, *in.EndTime); err != nil {
		return nil, err
	}
	every, err := period(*in.Period, "Period")
	if err != nil {
		return nil, err
	}
	w := metric.Align(*in.StartTime, *in.EndTime, every, call.Now)
	if n := w.Periods(); n > mostDatapoints {
		return nil, combination("You have requested up to %d datapoints, which exceeds the limit of %d. "+
			"You may reduce the datapoints requested by increasing Period, or decreasing the time range.", n, mostDatapoints)
	}
	var extended []metric.Statistic
	for _, name := range in.ExtendedStatistics {
		statistic, err := metric.ParseStatistic(name)
		if err != nil || !statistic.Extended() {
			return nil, invalid("The value %s for parameter ExtendedStatistics is not supported.", name)
		}
		extended = append(extended, statistic)
	}
	all, err := s.engine.Read(ctx, m, aws.Val(in.Unit), w)
	if err != nil {
		return nil, err
	}
	out := &cloudwatchapi.GetMetricStatisticsOutput{Label: in.MetricName, Datapoints: []cloudwatchapi.Datapoint{}}
	for _, series := range all {
		for i := range series.Intervals {
			d := cloudwatchapi.Datapoint{Timestamp: &series.Intervals[i].At, Unit: new(series.Unit)}
			if describe(&d, &series.Intervals[i].Point, in.Statistics, extended) {
				out.Datapoints = append(out.Datapoints, d)
			}
		}
	}
	return out, nil
}

// describe fills in the statistics asked for; false if the point has none of them.
func describe(d *cloudwatchapi.Datapoint, p *metric.Point, simple []string, extended []metric.Statistic) bool {
	for _, name := range simple {
		statistic, err := metric.ParseStatistic(name)
		if err != nil {
			continue // the model's enum has been checked
		}
		v, _ := statistic.Of(p)
		switch name {
		case cloudwatchapi.StatisticSampleCount:
			d.SampleCount = &v
		case cloudwatchapi.StatisticAverage:
			d.Average = &v
		case cloudwatchapi.StatisticSum:
			d.Sum = &v
		case cloudwatchapi.StatisticMinimum:
			d.Minimum = &v
		case cloudwatchapi.StatisticMaximum:
			d.Maximum = &v
		}
	}
	for _, statistic := range extended {
		if v, ok := statistic.Of(p); ok {
			if d.ExtendedStatistics == nil {
				d.ExtendedStatistics = map[string]float64{}
			}
			d.ExtendedStatistics[statistic.Name] = v
		}
	}
	return len(simple) > 0 || d.ExtendedStatistics != nil
}
