package cloudwatch

import (
	"context"
	"time"

	cloudwatchapi "github.com/neargate/neargate/internal/api/cloudwatch"
	"github.com/neargate/neargate/internal/aws"
	"github.com/neargate/neargate/internal/aws/awserr"
	"github.com/neargate/neargate/internal/aws/page"
	"github.com/neargate/neargate/internal/metric"
)

// What ListMetrics shows.
const (
	listPage   = 500
	listSince  = 14 * 24 * time.Hour // metrics without newer data are left out
	listRecent = 3 * time.Hour       // with RecentlyActive
)

// ListMetrics lists metrics that have data of the last two weeks.
func (s *Service) ListMetrics(ctx context.Context, in *cloudwatchapi.ListMetricsInput) (*cloudwatchapi.ListMetricsOutput, error) {
	if aws.Val(in.IncludeLinkedAccounts) || in.OwningAccount != nil {
		return nil, awserr.NotImplemented("cloudwatch ListMetrics IncludeLinkedAccounts and OwningAccount")
	}
	call := aws.From(ctx)
	f := metric.Filter{
		Account: call.Account, Region: call.Region, Namespace: aws.Val(in.Namespace), Name: aws.Val(in.MetricName),
		Since: call.Now.Add(-listSince),
	}
	if in.RecentlyActive != nil {
		f.Since = call.Now.Add(-listRecent)
	}
	for _, d := range in.Dimensions {
		f.Dimensions = append(f.Dimensions, metric.Dimension{Name: *d.Name, Value: aws.Val(d.Value)})
	}
	found, err := s.engine.List(ctx, f)
	if err != nil {
		return nil, err
	}
	shown, next, err := page.Of(found, metric.Metric.Key, in.NextToken, listPage, listPage, listPage)
	if err != nil {
		return nil, err
	}
	out := &cloudwatchapi.ListMetricsOutput{Metrics: []cloudwatchapi.Metric{}, NextToken: next}
	for _, m := range shown {
		out.Metrics = append(out.Metrics, cloudwatchapi.Metric{
			Namespace: new(m.Namespace), MetricName: new(m.Name), Dimensions: dimensions(m.Dimensions),
		})
	}
	return out, nil
}

func dimensions(all []metric.Dimension) []cloudwatchapi.Dimension {
	out := []cloudwatchapi.Dimension{}
	for _, d := range all {
		out = append(out, cloudwatchapi.Dimension{Name: new(d.Name), Value: new(d.Value)})
	}
	return out
}
